use std::time::Duration;

use super::*;
use crate::domain::evidence::presence::{Before, Membership, ThingFacts, decide};
use crate::domain::evidence::{AttemptRecord, Decision, Now, UNDECIDED};
use crate::domain::id::RunId;
use crate::domain::scope::Operation;
use crate::domain::state::{Outcome, Verdict};

const SENT: i64 = 1_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(SENT + seconds * 1000)
}

fn attempt(outcome: Outcome, code: &str, complete: bool) -> AttemptRecord {
    AttemptRecord {
        operation: Operation::Restore,
        outcome,
        code: code.to_owned(),
        complete,
        begun_at: at(0),
        sent_at: Some(at(0)),
        sent_before: None,
        send_by: at(10),
        run: RunId::new(1),
        user: None,
        clock_offset_ms: 0,
        ended_at: Some(at(1)),
        seen_before: false,
        closed: false,
    }
}

/// What is known so many seconds after the call.
fn history(attempts: &[AttemptRecord], tries: u32, seconds: i64) -> History {
    let now = Now { ours: at(seconds), offset_ms: Some(0) };
    History::of(attempts, tries, Duration::from_mins(2), now)
}

fn binned(deleted: i64) -> ThingFacts {
    let deletion = SeenDeleted { by: None, at: Some(at(deleted)), permanent: false };
    let facts = BinFacts { record: Look::NotThere, bin: Look::Seen(deletion) };
    ThingFacts::Comeback(ComebackFacts::Record(facts))
}

fn back() -> ThingFacts {
    let record = Look::Seen(SeenRecord { modified: Some(at(5)) });
    ThingFacts::Comeback(ComebackFacts::Record(BinFacts { record, bin: Look::NotAsked }))
}

fn purged() -> ThingFacts {
    let facts = BinFacts { record: Look::NotThere, bin: Look::NotThere };
    ThingFacts::Comeback(ComebackFacts::Record(facts))
}

fn verdict(history: &History, before: &ThingFacts, now: &ThingFacts) -> Option<(Verdict, String)> {
    match decide(history, before.before(), now) {
        Decision::Settle { verdict, code, .. } => Some((verdict, code)),
        Decision::Ask(_) | Decision::Wait | Decision::Later => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be nothing")]
fn settled(verdict: Verdict, code: &str) -> Option<(Verdict, String)> {
    Some((verdict, code.to_owned()))
}

#[test]
fn a_lost_restore_is_done_once_the_record_is_back_and_waits_while_it_is_not() {
    let lost = [attempt(Outcome::Unknown, "", false)];
    let before = binned(-600);
    assert_eq!(verdict(&history(&lost, 1, 5), &before, &back()), settled(Verdict::Done, ""));
    assert_eq!(verdict(&history(&lost, 1, 5), &before, &before), None);
    let later = history(&lost, 1, 200);
    assert_eq!(verdict(&later, &before, &before), settled(Verdict::Pending, ""));
    // Deleted again after our call: bringing it back a second time would undo somebody's work.
    assert_eq!(verdict(&later, &before, &binned(30)), settled(Verdict::Undecided, UNDECIDED));
    assert_eq!(verdict(&later, &before, &purged()), settled(Verdict::Undecided, UNDECIDED));
}

/// CRM v8 Restore Recycle Bin Records page: above 1,000 records Zoho answers `SCHEDULED`, without a job's id.
#[test]
fn what_zoho_restores_on_its_own_time_is_waited_for() {
    let accepted = [attempt(Outcome::Unknown, "SCHEDULED", false)];
    let before = binned(-600);
    assert_eq!(verdict(&history(&accepted, 1, 5), &before, &before), None);
    let later = history(&accepted, 1, 200);
    assert_eq!(verdict(&later, &before, &before), settled(Verdict::Pending, "SCHEDULED"));
    assert_eq!(verdict(&later, &before, &back()), settled(Verdict::Done, ""));
}

/// The scope for the recycle bin can be missing from a token: 403 there.
#[test]
fn where_the_bin_may_not_be_read_the_record_itself_tells_that_it_was_missing_and_is_back() {
    let facts = BinFacts { record: Look::NotThere, bin: Look::Closed };
    let before = ThingFacts::Comeback(ComebackFacts::Record(facts));
    let accepted = [attempt(Outcome::Unknown, "SCHEDULED", false)];
    let later = history(&accepted, 1, 200);
    assert_eq!(verdict(&later, &before, &back()), settled(Verdict::Done, ""));
    // Still missing: whether it lies in the bin, was deleted again or purged since, nothing tells.
    assert_eq!(verdict(&later, &before, &before), settled(Verdict::Undecided, UNDECIDED));
    assert_eq!(verdict(&later, &before, &binned(-600)), settled(Verdict::Pending, "SCHEDULED"));
    assert_eq!(verdict(&later, &before, &binned(30)), settled(Verdict::Undecided, UNDECIDED));
}

#[test]
fn a_child_waits_for_its_parent_a_few_times_and_then_fails() {
    let refused = [attempt(Outcome::Unknown, WITHOUT_PARENT, true)];
    let before = binned(-600);
    let waits = settled(Verdict::Pending, WITHOUT_PARENT);
    assert_eq!(verdict(&history(&refused, 1, 5), &before, &before), waits);
    assert_eq!(verdict(&history(&refused, 2, 5), &before, &before), waits);
    let fails = settled(Verdict::Failed, WITHOUT_PARENT);
    assert_eq!(verdict(&history(&refused, MAX_TRIES, 5), &before, &before), fails);
}

#[test]
fn what_zoho_no_longer_has_fails_with_zohos_code() {
    let refused = [attempt(Outcome::Unknown, "INVALID_DATA", true)];
    let told = verdict(&history(&refused, 1, 5), &purged(), &purged());
    assert_eq!(told, settled(Verdict::Failed, "INVALID_DATA"));
    let told = verdict(&history(&refused, 1, 5), &binned(-600), &purged());
    assert_eq!(told, settled(Verdict::Failed, "INVALID_DATA"));
}

#[test]
fn what_somebody_brought_back_before_our_call_needs_none() {
    assert!(back().never_there(false));
    assert!(!binned(-600).never_there(false) && !purged().never_there(false));
    let member = |member| Membership { member, ..Membership::default() };
    let relation = |one: Membership, related| {
        let facts = RelationFacts { list: Look::Seen(one), related };
        ThingFacts::Comeback(ComebackFacts::Relation(facts))
    };
    let there = Look::Seen(SeenRecord { modified: None });
    assert!(relation(member(true), Look::NotAsked).never_there(false));
    assert!(!relation(member(false), there).never_there(false));
    assert_eq!(relation(member(false), Look::NotThere).before(), Before::NotThere);
}

#[test]
fn only_tags_that_a_record_lacks_are_missing_whatever_else_it_carries() {
    let wanted = TagSet::new(["Prime", "Hot"].map(|name| name.parse().unwrap())).unwrap();
    let carried = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        MissingTags::of(&wanted, &names, None).missing
    };
    assert_eq!(carried(&["Hot", "Cold"]), ["Prime"]);
    assert_eq!(carried(&["hot"]), ["Hot", "Prime"]);
    assert!(carried(&["Hot", "Prime"]).is_empty());
}

#[test]
fn facts_come_back_from_their_text() {
    let facts = [
        ComebackFacts::Record(BinFacts { record: Look::NotThere, bin: Look::Closed }),
        ComebackFacts::Tags(RetagFacts { record: Look::NotThere }),
        ComebackFacts::Definition(RedefinedFacts { tag: Look::NotThere, id: None, lacking: None }),
    ];
    let texts: Vec<String> = facts.iter().map(|one| one.json().unwrap()).collect();
    assert_eq!(
        texts,
        [
            r#"{"record":"not_there","bin":"closed"}"#,
            r#"{"record":"not_there"}"#,
            r#"{"tag":"not_there"}"#
        ]
    );
}
