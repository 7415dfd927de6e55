use super::*;
use crate::domain::event::JobEnding;
use crate::domain::evidence::OpenAttempt;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

fn tags(names: &[&str], second: i64) -> ThingFacts {
    let tags = names.iter().map(|name| (*name).to_owned()).collect();
    let carried = CarriedTags { tags, similar: Vec::new(), modified: Some(at(second)) };
    ThingFacts::Tags(TagFacts { record: Look::Seen(carried), defined: Look::Seen(true) })
}

fn relation(member: bool, related: Look<SeenRecord>) -> ThingFacts {
    let list = Look::Seen(Membership { member, ..Membership::default() });
    ThingFacts::Relation(RelationFacts { list, related })
}

fn definition(tag: Look<SeenTag>) -> ThingFacts {
    ThingFacts::Definition(DefinitionFacts { tag, records: None })
}

fn record() -> Look<SeenRecord> {
    Look::Seen(SeenRecord { modified: None })
}

/// One call without an answer, sent at second 100, whose quarantine is over.
fn lost() -> History {
    History {
        open: vec![OpenAttempt {
            from: at(100),
            until: at(230),
            user: None,
            seen_before: false,
            closed: false,
            code: String::new(),
            lost: false,
        }],
        quarantine_over: true,
        tries: 1,
        ..History::default()
    }
}

fn refused() -> History {
    History {
        refusal: Some("INVALID_DATA".to_owned()),
        quarantine_over: true,
        tries: 1,
        ..History::default()
    }
}

#[track_caller]
fn check(history: &History, before: &ThingFacts, now: &ThingFacts, expected: &str) {
    let decision = match decide(history, before.before(), now) {
        Decision::Settle { verdict, code, .. } => format!("{verdict} {code}"),
        other @ (Decision::Ask(_) | Decision::Wait | Decision::Later) => format!("{other:?}"),
    };
    assert_eq!(decision.trim(), expected, "{before:?} {now:?}");
}

#[test]
fn what_was_there_before_the_call_and_is_gone_after_an_open_one_is_done() {
    check(&lost(), &tags(&["a", "b"], 50), &tags(&[], 120), "done");
    let waiting = History { quarantine_over: false, ..lost() };
    check(&waiting, &tags(&["a"], 50), &tags(&[], 120), "done");
    let member = relation(true, Look::NotAsked);
    check(&lost(), &member, &relation(false, record()), "done");
    let tag = Look::Seen(SeenTag { name: "a".to_owned(), color: None });
    check(&lost(), &definition(tag), &definition(Look::NotThere), "done");
}

#[test]
fn without_a_snapshot_nothing_tells_whose_call_it_was() {
    let unread = ThingFacts::Tags(TagFacts { record: Look::Closed, defined: Look::NotAsked });
    check(&lost(), &unread, &tags(&[], 120), "undecided UNDECIDED");
}

#[test]
fn what_was_not_there_before_and_is_not_there_now_is_asked_again_for_zoho_s_word() {
    let missing = definition(Look::NotThere);
    let waiting = History { quarantine_over: false, ..lost() };
    check(&waiting, &missing, &missing, "Wait");
    check(&lost(), &missing, &missing, "pending");
    let gone = ThingFacts::Tags(TagFacts { record: Look::NotThere, defined: Look::NotAsked });
    check(&lost(), &gone, &gone, "pending");
    let outside = relation(false, Look::NotThere);
    check(&lost(), &outside, &outside, "pending");
    // Then Zoho says it.
    let closed = OpenAttempt { closed: true, ..lost().open[0].clone() };
    let answered = History { open: vec![closed], ..refused() };
    check(&answered, &missing, &missing, "failed INVALID_DATA");
}

#[test]
fn what_went_together_with_something_larger_is_not_put_down_to_us() {
    let member = relation(true, Look::NotAsked);
    check(&lost(), &member, &relation(false, Look::NotThere), "undecided UNDECIDED");
    let mut now = tags(&[], 120);
    let ThingFacts::Tags(facts) = &mut now else { unreachable!() };
    facts.defined = Look::NotAsked;
    check(&lost(), &tags(&["a"], 50), &now, "Ask(ModuleTags)");
    let mut now = tags(&[], 120);
    let ThingFacts::Tags(facts) = &mut now else { unreachable!() };
    facts.defined = Look::Seen(false);
    check(&lost(), &tags(&["a"], 50), &now, "undecided UNDECIDED");
}

#[test]
fn a_tag_that_differs_by_capitals_and_stays_was_never_the_one() {
    let other = |second: i64| {
        let similar = vec!["PRIME".to_owned()];
        let carried = CarriedTags { tags: Vec::new(), similar, modified: Some(at(second)) };
        ThingFacts::Tags(TagFacts { record: Look::Seen(carried), defined: Look::NotAsked })
    };
    let mut answered = lost();
    answered.open[0].code = "SUCCESS".to_owned();
    check(&answered, &other(50), &other(50), "absent");
    check(&lost(), &other(50), &other(50), "pending");
    // Beside ours it is a tag of its own.
    let mut both = other(50);
    let ThingFacts::Tags(TagFacts { record: Look::Seen(carried), .. }) = &mut both else {
        unreachable!()
    };
    carried.tags.push("Prime".to_owned());
    let mut now = other(120);
    let ThingFacts::Tags(facts) = &mut now else { unreachable!() };
    facts.defined = Look::Seen(true);
    check(&lost(), &both, &now, "done");
}

#[test]
fn what_is_still_there_waits_for_the_quarantine_and_is_sent_again() {
    let waiting = History { quarantine_over: false, ..lost() };
    check(&waiting, &tags(&["a"], 50), &tags(&["a"], 50), "Wait");
    check(&lost(), &tags(&["a"], 50), &tags(&["a"], 50), "pending");
    // One of two tags: our call did half of it, or somebody did.
    check(&lost(), &tags(&["a", "b"], 50), &tags(&["a"], 150), "pending");
}

/// Whoever took it away may put it back in time for our call.
#[test]
fn while_our_call_is_under_way_only_what_it_has_done_settles() {
    let waiting = History { quarantine_over: false, ..lost() };
    let member = relation(true, Look::NotAsked);
    let unread = ThingFacts::Tags(TagFacts { record: Look::Closed, defined: Look::NotAsked });
    let mut no_tag = tags(&[], 120);
    let ThingFacts::Tags(facts) = &mut no_tag else { unreachable!() };
    facts.defined = Look::Seen(false);
    let similar = vec!["A".to_owned()];
    let other = CarriedTags { tags: Vec::new(), similar, modified: Some(at(50)) };
    let other = ThingFacts::Tags(TagFacts { record: Look::Seen(other), defined: Look::NotAsked });
    for (before, now, over) in [
        (&tags(&["a"], 50), &tags(&["a"], 50), "pending"),
        (&tags(&["a"], 50), &tags(&["a"], 150), "undecided UNDECIDED"),
        (&tags(&["a"], 50), &unread, "undecided UNDECIDED"),
        (&tags(&["a"], 50), &no_tag, "undecided UNDECIDED"),
        (&unread, &tags(&[], 50), "undecided UNDECIDED"),
        (&member, &relation(false, Look::NotThere), "undecided UNDECIDED"),
        (&definition(Look::NotThere), &definition(Look::NotThere), "pending"),
    ] {
        check(&waiting, before, now, "Wait");
        check(&lost(), before, now, over);
    }
    // One call was answered with success for another spelling, an earlier one may still come.
    let success = OpenAttempt { code: "SUCCESS".to_owned(), ..lost().open[0].clone() };
    let answered = History { open: vec![success], ..lost() };
    check(&History { quarantine_over: false, ..answered.clone() }, &other, &other, "Wait");
    check(&answered, &other, &other, "absent");
    // What is done is done.
    check(&waiting, &tags(&["a"], 50), &tags(&[], 120), "done");
    check(&waiting, &member, &relation(false, record()), "done");
}

#[test]
fn what_was_seen_to_be_gone_is_told_from_what_was_not() {
    let tag = Look::Seen(SeenTag { name: "a".to_owned(), color: None });
    for (facts, gone) in [
        (tags(&[], 50), true),
        (tags(&["a"], 50), false),
        (relation(false, Look::NotThere), true),
        (relation(true, Look::NotAsked), false),
        (definition(Look::NotThere), true),
        (definition(tag), false),
        (definition(Look::Closed), false),
        (definition(Look::Silent), false),
        // What holds it cannot be read: that says nothing.
        (ThingFacts::Tags(TagFacts { record: Look::NotThere, defined: Look::NotAsked }), false),
    ] {
        assert_eq!(facts.show_it_gone(), gone, "{facts:?}");
    }
}

#[test]
fn what_was_changed_after_our_call_may_have_been_put_back() {
    check(&lost(), &tags(&["a"], 50), &tags(&["a"], 150), "undecided UNDECIDED");
    // Changed right before the snapshot, and not since.
    check(&lost(), &tags(&["a"], 101), &tags(&["a"], 101), "pending");
}

#[test]
fn a_refusal_is_told_apart_by_what_is_known() {
    check(&refused(), &tags(&["a"], 50), &tags(&["a"], 50), "failed INVALID_DATA");
    // It was there right before the call: perhaps that was delivered twice.
    check(&refused(), &tags(&["a"], 50), &tags(&[], 50), "undecided UNDECIDED");
    check(&refused(), &relation(true, record()), &relation(false, record()), "undecided UNDECIDED");
    let tag = Look::Seen(SeenTag { name: "a".to_owned(), color: None });
    check(&refused(), &definition(tag), &definition(Look::NotThere), "undecided UNDECIDED");
    check(&refused(), &tags(&[], 50), &tags(&[], 50), "absent INVALID_DATA");
    let unread = ThingFacts::Tags(TagFacts { record: Look::Closed, defined: Look::NotAsked });
    check(&refused(), &unread, &tags(&[], 50), "absent INVALID_DATA");
    let gone = ThingFacts::Tags(TagFacts { record: Look::NotThere, defined: Look::NotAsked });
    check(&refused(), &gone, &gone, "failed INVALID_DATA");
    let outside = relation(false, Look::NotThere);
    check(&refused(), &outside, &outside, "failed INVALID_DATA");
    check(&refused(), &outside, &relation(false, record()), "absent INVALID_DATA");
    let no_tag = definition(Look::NotThere);
    check(&refused(), &no_tag, &no_tag, "failed INVALID_DATA");
}

#[test]
fn a_job_that_is_over_did_what_is_gone_and_failed_at_the_rest() {
    let over = History { job: Some(JobOver::Explains), ..lost() };
    let tag = definition(Look::Seen(SeenTag { name: "a".to_owned(), color: None }));
    check(&over, &tag, &definition(Look::NotThere), "done");
    check(&over, &tag, &tag, "failed FAILED");
    let short = History { job: Some(JobOver::DoesNot), ..lost() };
    check(&short, &tag, &definition(Look::NotThere), "undecided UNDECIDED");
}

#[test]
fn a_job_s_counts_explain_no_more_than_it_deleted() {
    for (ending, deleted, gone, explains) in [
        (JobEnding::Completed, Some(2), 2, true),
        (JobEnding::Completed, Some(1), 2, false),
        (JobEnding::Completed, None, 2, true),
        (JobEnding::Forgotten, None, 2, true),
        (JobEnding::Failed, Some(1), 1, true),
        (JobEnding::Failed, Some(0), 1, false),
        (JobEnding::Failed, None, 1, false),
        (JobEnding::Failed, None, 0, true),
    ] {
        let over = JobOver::of(ending, deleted, gone);
        assert_eq!(over == JobOver::Explains, explains, "{ending:?} {deleted:?} {gone}");
    }
}

#[test]
fn a_source_that_is_closed_or_silent_decides_nothing() {
    let closed = ThingFacts::Tags(TagFacts { record: Look::Closed, defined: Look::NotAsked });
    let silent = ThingFacts::Tags(TagFacts { record: Look::Silent, defined: Look::NotAsked });
    let gone = ThingFacts::Tags(TagFacts { record: Look::NotThere, defined: Look::NotAsked });
    check(&lost(), &tags(&["a"], 50), &closed, "undecided UNDECIDED");
    check(&lost(), &tags(&["a"], 50), &silent, "Later");
    check(&lost(), &tags(&["a"], 50), &gone, "undecided UNDECIDED");
    check(&refused(), &tags(&["a"], 50), &closed, "failed INVALID_DATA");
}

#[test]
fn only_what_zoho_would_not_refuse_was_never_there() {
    for by_job in [true, false] {
        assert!(tags(&[], 50).never_there(by_job));
        assert!(relation(false, record()).never_there(by_job));
        assert!(!relation(false, Look::NotThere).never_there(by_job));
        assert!(!relation(false, Look::Closed).never_there(by_job));
    }
    // A call without a module would delete another module's tag.
    assert!(definition(Look::NotThere).never_there(false));
    assert!(!definition(Look::NotThere).never_there(true));
    assert!(definition(Look::NotThere).goes_alone());
}

/// What is kept of the reads stands in item leaves: its form is for good.
#[test]
fn the_facts_are_written_so() {
    assert_eq!(
        tags(&["a"], 50).json().unwrap(),
        r#"{"record":{"seen":{"tags":["a"],"modified":"1970-01-01T00:00:50.000Z"}},"defined":{"seen":true}}"#
    );
    assert_eq!(
        relation(true, Look::NotAsked).json().unwrap(),
        r#"{"list":{"seen":{"member":true}},"related":"not_asked"}"#
    );
    assert_eq!(definition(Look::NotThere).json().unwrap(), r#"{"tag":"not_there"}"#);
}

/// Whatever the snapshot showed: our earlier calls do not explain what another entry did since.
#[test]
fn what_another_entry_took_away_is_not_put_down_to_an_earlier_call() {
    let there = definition(Look::Seen(SeenTag { name: "a".to_owned(), color: None }));
    let gone = definition(Look::NotThere);
    check(&lost(), &there, &gone, "done");
    let meanwhile = History { removed_meanwhile: true, ..lost() };
    check(&meanwhile, &there, &gone, "absent");
    check(&History { quarantine_over: false, ..meanwhile }, &there, &gone, "Wait");
}

/// Nothing names who took a tag or a relation away: where nobody knows of a call, none is put down to us.
#[test]
fn what_is_gone_since_a_part_of_the_log_was_lost_is_undecided_and_what_is_there_may_be_sent() {
    let call = OpenAttempt { lost: true, ..lost().open[0].clone() };
    let adopted = History { open: vec![call], tries: 0, ..lost() };
    let (there, gone) = (tags(&["Prime"], 50), tags(&[], 50));
    for before in [&there, &gone] {
        check(&adopted, before, &gone, "undecided UNDECIDED");
    }
    check(&adopted, &there, &there, "pending");
    let waiting = History { quarantine_over: false, ..adopted };
    check(&waiting, &there, &there, "Wait");
    check(&waiting, &there, &gone, "Wait");
}
