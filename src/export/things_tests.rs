//! Rows of untagging, unlinking and deleting tags.

use serde_json::Value;

use crate::domain::calls::Versions;
use crate::domain::evidence::comeback::ComebackFacts;
use crate::domain::evidence::deletion::SeenRecord;
use crate::domain::evidence::presence::{
    Before, CarriedTags, DefinitionFacts, RelationFacts, TagFacts, ThingFacts, decide,
};
use crate::domain::evidence::{Decision, History, JobOver, Look, OpenAttempt, UNDECIDED};
use crate::domain::scope::Operation;
use crate::domain::state::{Outcome, Verdict};
use crate::domain::time::Timestamp;
use crate::export::things::{Moment, ThingEvidence, thing_sentence, things_in_brief};
use crate::export::{AsOf, Style, View, export};
use crate::store::query::EntryFilter;
use crate::store::query::stories::{
    JOB, Wish, carries, delete_tags, member, no_member, no_tag, tag, things, untag,
};
use crate::store::testing::{Journal, record};

fn text(journal: &Journal, view: View, style: Style) -> String {
    let mut bytes = Vec::new();
    let all = EntryFilter::default();
    let as_of = AsOf { now: journal.now, versions: Versions::default() };
    export(&journal.reader(), view, &all, style, as_of, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn rows(journal: &Journal, view: View) -> Vec<Value> {
    let text = text(journal, view, Style::jsonl());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// These cells of every row, joined by a bar.
fn cells(journal: &Journal, view: View, columns: &[&str]) -> Vec<String> {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let row = |row: Value| columns.iter().map(|name| shown(&row[*name])).collect::<Vec<_>>();
    rows(journal, view).into_iter().map(|one| row(one).join("|")).collect()
}

#[test]
fn each_row_names_tags_parent_list_and_job() {
    let columns =
        ["entry_id", "operation", "module", "parent_id", "related_list", "tags", "job_id"];
    let both = r#"["=1+1","Prime"]"#;
    assert_eq!(
        cells(&things(), View::Entries, &columns),
        [
            format!("E1|untag|Leads|||{both}|"),
            format!("E2|untag|Leads|||{both}|"),
            format!("E3|untag|Leads|||{both}|"),
            format!("E4|untag|Leads|||{both}|"),
            r#"E5|untag|Leads|||["Prime"]|"#.to_owned(),
            "E6|unlink|Campaigns|410405000002264101|Leads||".to_owned(),
            "E7|unlink|Campaigns|410405000002264101|Leads||".to_owned(),
            "E8|unlink|Campaigns|410405000002264102|Leads||".to_owned(),
            format!("E9|delete-tags|Leads||||{JOB}"),
            format!("E10|delete-tags|Leads||||{JOB}"),
            "E11|delete-tags|Leads||||=cmd()".to_owned(),
        ]
    );
}

#[test]
fn what_settled_an_entry_and_what_was_read_stand_beside_its_state() {
    let columns = [
        "entry_id",
        "state",
        "code",
        "settled_by",
        "attempts",
        "http_status",
        "batch_id",
        "evidence",
    ];
    assert_eq!(
        cells(&things(), View::Entries, &columns),
        [
            "E1|done|SUCCESS|answer|1|200|B1|snapshot: tags there: Prime",
            "E2|absent||evidence|0|||snapshot: not there",
            "E3|done||evidence|1||B2|snapshot: tags there: =1+1, Prime; tags left: none, record modified 2026-11-22T10:02:31.000Z",
            "E4|unknown|UNDECIDED||1||B2|snapshot: tags there: Prime; tags left: Prime, record modified 2026-11-22T10:02:31.000Z",
            "E5|done|SUCCESS|answer|1|200|B3|",
            "E6|done|SUCCESS|answer|1|200|B4|snapshot: in the list, Member_Status Active",
            "E7|absent|INVALID_DATA|evidence|1|200|B4|snapshot: in the list; not in the list, the record is there",
            "E8|failed|INVALID_DATA|answer|1|400|B5|snapshot: in the list",
            "E9|done||job|1|202|B6|snapshot: tag there: Prime, colour #57B1FD; tag not there",
            "E10|failed|FAILED|job|1|202|B6|snapshot: tag there: Hot; tag there: Hot",
            "E11|queued|SCHEDULED||1|202|B7|snapshot: tag there: Cold",
        ]
    );
}

#[test]
fn messages_say_what_follows_from_the_reads() {
    let columns = ["entry_id", "message"];
    assert_eq!(
        cells(&things(), View::Entries, &columns),
        [
            "E1|tags updated successfully",
            "E2|the record carried none of the tags when it was read before anything was sent",
            "E3|the record carries none of the tags; it did before our call, and a call of ours may have been carried out in between",
            "E4|the record still carries tags that were to go, but the record was changed after our call: perhaps somebody put it back",
            "E5|tags updated successfully",
            "E6|relation removed",
            "E7|Zoho refused our call, and the record is not in the list: that was so before it",
            "E8|the relation name given seems to be invalid",
            "E9|the tag is not there, and Zoho's job for it is over",
            "E10|Zoho's job is over, and the tag is still there",
            "E11|tags scheduled successfully",
        ]
    );
}

#[test]
fn in_words_every_row_is_one_plain_sentence() {
    let at = "on 2026-11-22 at Anna's request (OPS-7)";
    assert_eq!(
        cells(&things(), View::Entries, &["in_words"]),
        [
            format!(r#"Tag "Prime" removed {at}; Zoho confirmed it; what was removed can be put back."#),
            "Nothing to do: the record carried none of the tags when it was read on 2026-11-22, before anything was sent; nothing was changed at Anna's request (OPS-7).".to_owned(),
            format!(r#"Tags "=1+1" and "Prime" removed {at}; no clear answer came, but what was read at Zoho shows the tags there before and gone after this call; what was removed can be put back."#),
            format!("Not known: sent {at}, and reading at Zoho could not decide what happened (the record still carries tags that were to go, but the record was changed after our call: perhaps somebody put it back); a person must settle it."),
            format!(r#"Tag "Prime" removed {at}; Zoho confirmed it; it cannot be undone, since what was there before was not read."#),
            format!("Taken out of the list Leads of the Campaigns record 410405000002264101 {at}; Zoho confirmed it; it can be put back into the list."),
            "Already gone: Zoho refused our call, and the record is not in the list: that was so before it; nothing was changed at Anna's request (OPS-7).".to_owned(),
            format!("Not done, tried {at}: Zoho refused it with INVALID_DATA, which means: no related list of this name at the module: see Setup, Developer Hub, APIs, or ask settings/related_lists."),
            format!(r#"Tag "Prime" of Leads deleted {at}; Zoho's job for it is over, and it is gone; only its definition can be made again, with a new id and on no record."#),
            format!("Not done, tried {at}: Zoho's job is over, and the tag is still there (FAILED: Zoho's job ended without deleting this tag: run journal replay to send it again)."),
            format!("Accepted by Zoho as job =cmd() {at}; Zoho has not finished it."),
        ]
    );
}

#[test]
fn what_can_be_brought_back_follows_from_what_was_read_before() {
    let undo = cells(&things(), View::Entries, &["undo", "undo_until"]);
    assert_eq!(
        undo,
        [
            "possible|",
            "nothing_to_undo|",
            "possible|",
            "|",
            "impossible|",
            "possible|",
            "nothing_to_undo|",
            "nothing_to_undo|",
            "partial|",
            "nothing_to_undo|",
            "|",
        ]
    );
}

/// A tag deleted without its definition having been read cannot be made again.
#[test]
fn a_tag_that_nobody_read_cannot_be_made_again() {
    let mut journal = Journal::new();
    let wish = delete_tags(&[201]);
    journal.wish(&Wish { snapshot: false, ..wish });
    journal.start("sync");
    let call = journal.carry(&[1], Some(record(900)));
    journal.accept(&call, JOB);
    journal.end_job(&call, crate::domain::event::JobEnding::Completed, [1, 1, 0]);
    let words = cells(&journal, View::Entries, &["undo", "in_words"]);
    assert_eq!(
        words,
        [
            "|Accepted by Zoho as job 4876876000005871001 on 2026-11-22 at Anna's request (OPS-7); the job is over since 2026-11-22, and the next run reads what became of it."
        ]
    );
    journal.find_things("Leads", &[(1, Verdict::Done, "", no_tag())]);
    let words = cells(&journal, View::Entries, &["undo", "in_words"]);
    assert_eq!(
        words,
        [
            "impossible|Tag of Leads deleted on 2026-11-22 at Anna's request (OPS-7); Zoho's job for it is over, and it is gone; it cannot be undone, since what was there before was not read."
        ]
    );
}

#[test]
fn names_that_others_chose_cannot_run_in_a_spreadsheet() {
    let text = text(&things(), View::Entries, Style::csv());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(&rows[0][9], "'=1+1;Prime");
    assert_eq!(&rows[10][16], "'=cmd()");
    // Bare digits would be rounded.
    assert_eq!(rows[8][16], format!("zcrm_{JOB}"));
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
}

#[test]
fn batches_and_requests_say_what_they_are_about() {
    let journal = things();
    let batches =
        cells(&journal, View::Batches, &["batch_id", "operation", "module", "job_id", "request"]);
    assert_eq!(
        batches[0],
        "B1|untag|Leads||POST /crm/v8/Leads/{id}/actions/remove_tags\n{\"tags\":[{tags}]}"
    );
    assert_eq!(
        batches[3],
        "B4|unlink|Campaigns||DELETE /crm/v8/Campaigns/{parent}/Leads?ids={ids}"
    );
    assert!(batches[5].starts_with(&format!("B6|delete-tags|Leads|{JOB}|POST /crm/v8/settings")));
    let requests = cells(
        &journal,
        View::Requests,
        &["request_id", "operation", "related_list", "tags", "snapshot"],
    );
    assert_eq!(
        requests,
        [
            r#"R1|untag||["=1+1","Prime"]|true"#,
            r#"R2|untag||["Prime"]|false"#,
            "R3|unlink|Leads||true",
            "R4|delete-tags|||true",
        ]
    );
}

/// Each source of evidence that shows nothing, and what is said then.
#[test]
fn sources_that_show_nothing_are_named() {
    let after = |facts: &ThingFacts| things_in_brief(facts, Moment::After);
    let tags = |record| ThingFacts::Tags(TagFacts { record, defined: Look::NotAsked });
    assert_eq!(after(&tags(Look::NotThere)), "record not there");
    assert_eq!(after(&tags(Look::Closed)), "record closed to us");
    assert_eq!(after(&tags(Look::Silent)), "record gave no answer");
    let list = |list| ThingFacts::Relation(RelationFacts { list, related: Look::NotAsked });
    assert_eq!(after(&list(Look::NotThere)), "the record with the list not there");
    assert_eq!(after(&no_member(Look::NotThere)), "not in the list, no such record");
    assert_eq!(after(&member(Some("Active"))), "in the list, Member_Status Active");
    assert_eq!(after(&tag("Prime", None)), "tag there: Prime");
    assert_eq!(after(&carries(&["Prime", "Hot"], None)), "tags left: Prime, Hot");
}

/// Every verdict has its sentence for every operation, with and without what was read.
#[test]
fn no_verdict_is_left_without_a_sentence() {
    for operation in [Operation::Untag, Operation::Unlink, Operation::DeleteTags] {
        for verdict in Verdict::ALL {
            for code in ["", "INVALID_DATA", "SOMETHING_NEW"] {
                for facts in [None, Some(carries(&[], None)), Some(member(None)), Some(no_tag())] {
                    for (job, refused) in [(false, false), (true, false), (false, true)] {
                        let evidence = ThingEvidence {
                            operation,
                            verdict: *verdict,
                            code,
                            snapshot: None,
                            seen_since: false,
                            facts: facts.as_ref(),
                            job,
                            refused,
                        };
                        let sentence = thing_sentence(evidence);
                        assert!(!sentence.is_empty() && !sentence.contains(".."), "{sentence}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_code_that_nobody_has_seen_is_said_to_be_one() {
    let mut journal = Journal::new();
    journal.wish(&untag(&["Prime"], &[1, 2]));
    journal.start("sync");
    journal.snapshot("Leads", &[(1, carries(&["Prime"], None)), (2, carries(&["Prime"], None))]);
    let call = journal.carry(&[1, 2], None);
    let new = (Outcome::Unknown, "SOMETHING_NEW", "no such thing");
    journal.answer(&call, &[new, new]);
    journal
        .find_things("Leads", &[(1, Verdict::Failed, "SOMETHING_NEW", carries(&["Prime"], None))]);
    let reader = journal.reader();
    let advice = |entry: i64| {
        let entry = reader.entry(crate::domain::id::EntryId::new(entry)).unwrap();
        crate::export::advice_of(&entry, None).unwrap()
    };
    assert!(advice(1).starts_with("this program does not know the code"));
    assert!(advice(1).contains("nothing was changed"));
    assert!(advice(2).ends_with("journal replay reads which"));
    let words = cells(&journal, View::Entries, &["in_words"]);
    assert!(words[0].ends_with("(SOMETHING_NEW, a code not known so far)."), "{}", words[0]);
}

/// The calls until then, as the evidence rule sees them.
#[derive(Clone, Copy)]
enum Calls {
    /// One call without an answer.
    Lost,
    /// One that Zoho answered with success for another spelling.
    Succeeded,
    /// One that Zoho refused.
    Refused,
    /// One without an answer, which evidence said did nothing, and another one that Zoho refused.
    LostThenRefused,
    /// The same, and the other one without an answer as well.
    LostTwice,
    /// A job that is over, and whose counts explain what is gone, or do not.
    Job(JobOver),
}

impl Calls {
    fn history(self) -> History {
        let at = Timestamp::from_millis(100_000);
        let attempt = |code: &str, closed| OpenAttempt {
            from: at,
            until: at,
            user: None,
            seen_before: false,
            closed,
            code: code.to_owned(),
            lost: false,
        };
        let (open, refusal, job) = match self {
            Self::Lost => (vec![attempt("", false)], None, None),
            Self::Succeeded => (vec![attempt("SUCCESS", false)], None, None),
            Self::Refused => (Vec::new(), Some("INVALID_DATA"), None),
            Self::LostThenRefused => (vec![attempt("", true)], Some("INVALID_DATA"), None),
            Self::LostTwice => (vec![attempt("", true), attempt("", false)], None, None),
            Self::Job(over) => (vec![attempt("SCHEDULED", false)], None, Some(over)),
        };
        let refusal = refusal.map(str::to_owned);
        History { open, refusal, job, quarantine_over: true, tries: 1, ..History::default() }
    }

    /// Verdict and sentence, where these facts settle it.
    fn sentence(self, before: Option<&ThingFacts>, now: &ThingFacts) -> String {
        let (history, known) = (self.history(), before.map_or(Before::NotRead, ThingFacts::before));
        let Decision::Settle { verdict, code, .. } = decide(&history, known, now) else {
            panic!("{now:?} settles nothing");
        };
        let sentence = thing_sentence(ThingEvidence {
            operation: match now {
                ThingFacts::Tags(_) => Operation::Untag,
                ThingFacts::Relation(_) => Operation::Unlink,
                ThingFacts::Definition(_) => Operation::DeleteTags,
                ThingFacts::Comeback(facts) => match facts {
                    ComebackFacts::Record(_) => Operation::Restore,
                    ComebackFacts::Tags(_) => Operation::Retag,
                    ComebackFacts::Relation(_) => Operation::Relink,
                    ComebackFacts::Definition(_) => Operation::RecreateTags,
                },
            },
            verdict,
            code: &code,
            snapshot: before,
            seen_since: matches!(self, Self::LostTwice),
            facts: Some(now),
            job: history.job.is_some(),
            refused: matches!(self, Self::Refused | Self::LostThenRefused),
        });
        format!("{verdict}: {sentence}")
    }
}

/// A record with tags of which another spelling is one.
fn similar(tags: &[&str]) -> ThingFacts {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let carried = CarriedTags { tags, similar: vec!["PRIME".to_owned()], modified: None };
    ThingFacts::Tags(TagFacts { record: Look::Seen(carried), defined: Look::NotAsked })
}

/// The tags are gone from the record, and from their module or not.
fn tags_gone(defined: bool, facts: ThingFacts) -> ThingFacts {
    let ThingFacts::Tags(facts) = facts else { unreachable!() };
    ThingFacts::Tags(TagFacts { defined: Look::Seen(defined), ..facts })
}

#[track_caller]
fn check(rows: &[(Calls, Option<&ThingFacts>, &ThingFacts, &str)]) {
    for (calls, before, now, expected) in rows {
        assert_eq!(calls.sentence(*before, now), *expected, "{before:?} {now:?}");
    }
}

/// What a sentence says is what the evidence rule went by.
#[test]
fn what_was_read_of_tags_is_said_as_it_was() {
    use Calls::{Lost, LostThenRefused, LostTwice, Refused, Succeeded};

    let unread = ThingFacts::Tags(TagFacts { record: Look::Closed, defined: Look::NotAsked });
    let no_record = ThingFacts::Tags(TagFacts { record: Look::NotThere, defined: Look::NotAsked });
    let (prime, none) = (&carries(&["Prime"], None), &carries(&[], None));
    let both = &similar(&["Prime"]);
    let at = Timestamp::from_millis(200_000);
    #[rustfmt::skip]
    check(&[
        (Lost, Some(prime), &tags_gone(true, none.clone()), "done: the record carries none of the tags; it did before our call, and a call of ours may have been carried out in between"),
        (Lost, Some(both), &tags_gone(true, similar(&[])), "done: the record carries none of the tags; it did before our call, and a call of ours may have been carried out in between"),
        (LostTwice, None, &tags_gone(true, none.clone()), "done: the record carries none of the tags; it did before our call, and a call of ours may have been carried out in between"),
        (Refused, None, none, "absent: Zoho refused our call, and the record carries none of the tags: that was so before it"),
        (Succeeded, Some(&similar(&[])), &similar(&[]), "absent: the record carries another spelling of the tag only, which Zoho left there"),
        (Refused, Some(prime), prime, "failed: Zoho refused our call, and the record still carries tags that were to go"),
        (Refused, Some(prime), &no_record, "failed: Zoho refused our call, and the record cannot be read"),
        (Refused, Some(prime), &unread, "failed: Zoho refused our call, and the tags of the record cannot be read"),
        (LostThenRefused, Some(&no_record), none, "failed: Zoho refused our call, the record carries none of the tags, and it could not be read before our call"),
        (LostThenRefused, Some(&no_record), &no_record, "failed: Zoho refused our call, and the record cannot be read"),
        (Lost, Some(prime), prime, "pending: the record still carries tags that were to go: our call changed nothing, or not all"),
        (Lost, Some(&no_record), none, "pending: the record carries none of the tags, and it could not be read before our call: nothing shows that our call changed anything"),
        (Lost, Some(&no_record), &no_record, "pending: the record cannot be read, and could not be before our call: nothing shows that our call changed anything"),
        (Lost, Some(prime), &carries(&["Prime"], Some(at)), "undecided: the record still carries tags that were to go, but the record was changed after our call: perhaps somebody put it back"),
        (Lost, Some(prime), &tags_gone(false, none.clone()), "undecided: the record carries none of the tags, and one of them is gone from the module: either may have gone first"),
        (Lost, Some(both), &tags_gone(false, similar(&[])), "undecided: the record carries none of the tags, and one of them is gone from the module: either may have gone first"),
        (Refused, Some(prime), none, "undecided: the record carries none of the tags; it did before our call, which Zoho refused: somebody else did it, or our call, if it was delivered twice"),
        (Lost, None, none, "undecided: the record carries none of the tags, and nothing tells whether it was so before our call"),
        (Lost, Some(prime), &no_record, "undecided: the record cannot be read, so nothing tells what our call did"),
        (Lost, Some(prime), &unread, "undecided: the tags of the record cannot be read: the source is closed to us"),
    ]);
}

#[test]
fn what_was_read_of_a_relation_is_said_as_it_was() {
    use Calls::{Lost, LostThenRefused, LostTwice, Refused};

    let list = |list| ThingFacts::Relation(RelationFacts { list, related: Look::NotAsked });
    let (closed, no_parent) = (&list(Look::Closed), &list(Look::NotThere));
    let there = Look::Seen(SeenRecord { modified: None });
    let (linked, taken_out) = (&member(None), &no_member(there));
    let (nobody, hidden) = (&no_member(Look::NotThere), &no_member(Look::Closed));
    #[rustfmt::skip]
    check(&[
        (Lost, Some(linked), taken_out, "done: the record is not in the list; it was before our call, and a call of ours may have been carried out in between"),
        (Refused, Some(hidden), taken_out, "absent: Zoho refused our call, and the record is not in the list: that was so before it"),
        (Refused, Some(linked), linked, "failed: Zoho refused our call, and the record is still in the list"),
        (Refused, Some(nobody), nobody, "failed: Zoho refused our call, the record is not in the list, and nothing that was read knows of it"),
        (Refused, None, hidden, "failed: Zoho refused our call, the record is not in the list, and nothing that was read knows of it"),
        (LostThenRefused, Some(no_parent), taken_out, "failed: Zoho refused our call, the record is not in the list, and the record whose list it is could not be read before our call"),
        (Refused, Some(linked), no_parent, "failed: Zoho refused our call, and the record whose list it is cannot be read"),
        (Refused, Some(linked), closed, "failed: Zoho refused our call, and the list cannot be read"),
        (Lost, Some(linked), linked, "pending: the record is still in the list: our call changed nothing, or not all"),
        (Lost, Some(nobody), nobody, "pending: the record is not in the list, and that was so before our call: our call changed nothing"),
        (Lost, Some(nobody), no_parent, "pending: the record whose list it is cannot be read, and the record was not in the list before our call: nothing shows that our call changed anything"),
        (Lost, Some(no_parent), no_parent, "pending: the record whose list it is cannot be read, and could not be before our call: nothing shows that our call changed anything"),
        (Refused, Some(linked), taken_out, "undecided: the record is not in the list; it was before our call, which Zoho refused: somebody else did it, or our call, if it was delivered twice"),
        (Lost, Some(linked), nobody, "undecided: the record is not in the list, and the record itself is gone: either may have gone first"),
        (LostTwice, None, nobody, "undecided: the record is not in the list, and the record itself is gone: either may have gone first"),
        (Lost, None, nobody, "undecided: the record is not in the list, and nothing tells whether it was so before our call"),
        (Lost, Some(linked), no_parent, "undecided: the record whose list it is cannot be read, so nothing tells what our call did"),
        (Lost, Some(linked), closed, "undecided: the list cannot be read: the source is closed to us"),
    ]);
}

#[test]
fn what_was_read_of_a_tag_and_its_job_is_said_as_it_was() {
    use Calls::{Job, Lost, LostThenRefused, Refused};

    let (prime, none) = (&tag("Prime", None), &no_tag());
    let closed = &ThingFacts::Definition(DefinitionFacts { tag: Look::Closed, records: None });
    #[rustfmt::skip]
    check(&[
        (Lost, Some(prime), none, "done: the tag is not there; it was before our call, and a call of ours may have been carried out in between"),
        (Job(JobOver::Explains), Some(prime), none, "done: the tag is not there, and Zoho's job for it is over"),
        (Refused, Some(prime), none, "undecided: the tag is not there; it was before our call, which Zoho refused: somebody else did it, or our call, if it was delivered twice"),
        (Refused, Some(none), none, "failed: Zoho refused our call, the tag is not there, and nothing that was read knows of it"),
        (LostThenRefused, Some(none), none, "failed: Zoho refused our call, the tag is not there, and nothing that was read knows of it"),
        (Refused, Some(prime), closed, "failed: Zoho refused our call, and the list of tags cannot be read"),
        (Job(JobOver::Explains), Some(prime), prime, "failed: Zoho's job is over, and the tag is still there"),
        (Lost, Some(none), none, "pending: the tag is not there, and that was so before our call: our call changed nothing"),
        (Lost, Some(prime), prime, "pending: the tag is still there: our call changed nothing, or not all"),
        (Job(JobOver::DoesNot), Some(prime), none, "undecided: the tag is not there, but more is gone than Zoho's job says that it deleted"),
        (Lost, None, none, "undecided: the tag is not there, and nothing tells whether it was so before our call"),
        (Lost, Some(prime), closed, "undecided: the list of tags cannot be read: the source is closed to us"),
    ]);
}

/// The newest snapshot, and what evidence about an earlier call showed, are the time before the call.
#[test]
fn a_message_goes_by_what_was_read_before_the_call() {
    let mut journal = Journal::new();
    journal.wish(&Wish { snapshot: false, ..untag(&["Prime"], &[1]) });
    let tags = journal.wish(&delete_tags(&[201]));
    journal.start("sync");
    journal.pin(tags, record(900));
    let (prime, gone) = (carries(&["Prime"], None), tags_gone(false, carries(&[], None)));
    for (verdict, code, facts) in
        [(Verdict::Pending, "", prime), (Verdict::Undecided, UNDECIDED, gone)]
    {
        let lost = journal.carry(&[1], None);
        journal.lose(&lost);
        journal.find_things("Leads", &[(1, verdict, code, facts)]);
    }
    journal.snapshot("Leads", &[(2, no_tag())]);
    let lost = journal.carry(&[2], Some(record(900)));
    journal.lose(&lost);
    journal.find_things("Leads", &[(2, Verdict::Failed, "INTERNAL_ERROR", no_tag())]);
    assert_eq!(
        cells(&journal, View::Entries, &["message"]),
        [
            "the record carries none of the tags, and one of them is gone from the module: either may have gone first",
            "the tag is not there, and that was so before our call: our call changed nothing",
        ]
    );
}
