//! Records: recycle bin, list of deletions, the record itself, in this order.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::evidence::{
    Decision, History, Look, OpenAttempt, Source, UNDECIDED, settle, unless_under_way, untouched,
};
use crate::domain::id::RecordId;
use crate::domain::state::Verdict;
use crate::domain::time::Timestamp;
use crate::planted::Mistake;

/// How far a clock may be set while a run goes on, before a deletion right before our call is put down to
/// somebody else without doubt.
pub const CLOCK_STEP: Duration = Duration::from_mins(1);

/// A deletion as the recycle bin or the deleted list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenDeleted {
    /// Zoho's id of the user who deleted it; not given for purged records.
    pub by: Option<RecordId>,
    /// When, by Zoho's clock.
    pub at: Option<Timestamp>,
    /// Whether it is beyond the recycle bin.
    pub permanent: bool,
}

/// A record that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRecord {
    /// `Modified_Time`.
    pub modified: Option<Timestamp>,
}

/// Everything that was read about one record, in one go. This, as JSON, is what is kept of the reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The recycle bin, asked by id.
    pub bin: Look<SeenDeleted>,
    /// The list of deletions since before the first open attempt.
    pub deleted: Look<SeenDeleted>,
    /// The record itself.
    pub record: Look<SeenRecord>,
}

impl Facts {
    /// Whether the record was seen deleted. Whoever brings it back later, or erases it, does not undo that.
    pub fn show_it_deleted(&self) -> bool {
        matches!(self.bin, Look::Seen(_)) || matches!(self.deleted, Look::Seen(_))
    }
}

/// The evidence rule for a deletion.
pub fn decide(history: &History, facts: &Facts) -> Decision {
    unless_under_way(history, by_what_is_seen(history, facts))
}

fn by_what_is_seen(history: &History, facts: &Facts) -> Decision {
    for (source, look) in [(Source::Bin, &facts.bin), (Source::Deleted, &facts.deleted)] {
        match look {
            Look::NotAsked => return Decision::Ask(source),
            Look::Seen(deletion) => return decide_deleted(history, deletion),
            Look::NotThere | Look::Closed | Look::Silent => {}
        }
    }
    match &facts.record {
        Look::NotAsked => Decision::Ask(Source::Record),
        Look::Seen(record) => decide_readable(history, record),
        Look::Silent => Decision::Later,
        Look::NotThere | Look::Closed => decide_unseen(history, facts),
    }
}

/// It is deleted. By whom, and when?
fn decide_deleted(history: &History, deletion: &SeenDeleted) -> Decision {
    // What is in the bin was deleted once. Had somebody restored it for our call, its time would be a later one.
    if let (Some(earlier), Some(at)) = (history.deleted_earlier, deletion.at)
        && at <= earlier
    {
        return settle(
            Verdict::Absent,
            "",
            "an earlier entry of this journal had deleted the record before our call",
        );
    }
    let somebody = history.first_live().and_then(|attempt| attempt.user);
    let by = if Mistake::TakesAnybodyForUs.is_made() { somebody } else { deletion.by };
    let Some(first) = history.open.first() else {
        return decide_refused(history, deletion);
    };
    let in_window = |attempt: &&OpenAttempt| {
        deletion.at.is_some_and(|at| attempt.from <= at && at <= attempt.until)
    };
    if let Some(at) = deletion.at.filter(|at| *at < first.from) {
        // Right before our call by our own user: a clock that was set meanwhile would look the same.
        let maybe_us = history.open.iter().any(|attempt| {
            !attempt.closed
                && (attempt.user.is_none() || deletion.by.is_none_or(|by| attempt.user == Some(by)))
        });
        if maybe_us && at.plus(CLOCK_STEP) >= first.from {
            return settle(
                Verdict::Undecided,
                UNDECIDED,
                "the record was deleted right before our call, perhaps by our user's own hand: clocks \
                 cannot tell",
            );
        }
        return settle(Verdict::Absent, "", "the record was deleted before our call");
    }
    let in_time: Vec<&OpenAttempt> = history.open.iter().filter(in_window).collect();
    let window = in_time.first().copied();
    // With whose token a lost part of the log made its calls is a guess: it may have been the somebody else.
    let known = in_time.iter().all(|attempt| attempt.user.is_some() && !attempt.lost);
    match (by, window) {
        (Some(by), Some(_)) if in_time.iter().any(|attempt| attempt.user == Some(by)) => {
            settle(Verdict::Done, "", "the record was deleted by our user while our call was open")
        }
        (None, Some(_)) if in_time.iter().any(|attempt| attempt.seen_before) => settle(
            Verdict::Done,
            "",
            "the record was there right before our call and deleted while our call was open",
        ),
        // Earlier calls changed nothing as far as evidence went, and do not explain it.
        _ if perhaps_by_the_refused_call(history, deletion) => delivered_twice(),
        (Some(_), Some(_)) if known => {
            settle(Verdict::Absent, "", "the record was deleted by somebody else")
        }
        (Some(by), None) if history.open.iter().all(|one| one.user.is_some_and(|us| us != by)) => {
            settle(Verdict::Absent, "", "the record was deleted by somebody else")
        }
        _ if history.first_live().is_none() => settle(
            Verdict::Absent,
            history.refusal.as_deref().unwrap_or_default(),
            "Zoho refused our call, and none of our earlier calls explains the deletion",
        ),
        _ => settle(
            Verdict::Undecided,
            UNDECIDED,
            "the record is deleted, but nothing tells whether by our call",
        ),
    }
}

/// Zoho refused the call, and the record is deleted.
fn decide_refused(history: &History, deletion: &SeenDeleted) -> Decision {
    if perhaps_by_the_refused_call(history, deletion) {
        return delivered_twice();
    }
    settle(
        Verdict::Absent,
        history.refusal.as_deref().unwrap_or_default(),
        "Zoho refused our call and the record was deleted before it",
    )
}

fn perhaps_by_the_refused_call(history: &History, deletion: &SeenDeleted) -> bool {
    history.refused.as_ref().is_some_and(|call| call.explains(deletion.by, deletion.at))
}

fn delivered_twice() -> Decision {
    settle(
        Verdict::Undecided,
        UNDECIDED,
        "Zoho refused our call, and the record was deleted in its time: perhaps by it, if it was delivered \
         twice",
    )
}

/// It can still be read.
fn decide_readable(history: &History, record: &SeenRecord) -> Decision {
    let Some(first) = history.first_live() else {
        return settle(
            Verdict::Failed,
            history.refusal.as_deref().unwrap_or_default(),
            "Zoho refused our call and the record is still there",
        );
    };
    if !history.quarantine_over {
        return Decision::Wait;
    }
    // Changed after our call left: that may be somebody's restore of what our call deleted.
    if record.modified.is_some_and(|modified| modified >= first.from) {
        return settle(
            Verdict::Undecided,
            UNDECIDED,
            "the record is there, but was changed after our call: perhaps restored by somebody",
        );
    }
    untouched(history, "the record is still there: our call changed nothing")
}

/// No source that answered knows it.
fn decide_unseen(history: &History, facts: &Facts) -> Decision {
    if matches!(facts.bin, Look::Silent) || matches!(facts.deleted, Look::Silent) {
        return Decision::Later;
    }
    // Where an earlier call of ours may have acted late, only a source that answered can rule it out.
    let looked = facts.deleted == Look::NotThere && facts.record == Look::NotThere;
    if history.first_live().is_none() && (history.open.is_empty() || looked) {
        return settle(
            Verdict::Failed,
            history.refusal.as_deref().unwrap_or_default(),
            "Zoho refused our call and no source knows the record",
        );
    }
    if !history.quarantine_over {
        return Decision::Wait;
    }
    // The list of deletions covers everything since before our call. Without it, or without being
    // allowed to look for the record, nothing is known.
    if !looked {
        return settle(
            Verdict::Undecided,
            UNDECIDED,
            "the record cannot be read, and the list of deletions is closed to us",
        );
    }
    untouched(history, "nothing was deleted: Zoho does not list the record as deleted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::MAX_TRIES;

    const US: i64 = 410_405_000_000_000_001;
    const OTHER: i64 = 410_405_000_000_000_002;

    fn user(id: i64) -> Option<RecordId> {
        RecordId::from_stored(id)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    /// One call without an answer that can take effect from second 100 to second 230.
    fn lost() -> History {
        History {
            open: vec![OpenAttempt {
                from: at(100),
                until: at(230),
                user: user(US),
                seen_before: false,
                closed: false,
                code: String::new(),
                lost: false,
            }],
            quarantine_over: true,
            quarantine_ends: None,
            tries: 1,
            refusal: None,
            refused: None,
            job: None,
            removed_meanwhile: false,
            deleted_earlier: None,
        }
    }

    /// One call that was refused; it was under way from second 100 to second 104.
    fn refused() -> History {
        let call = OpenAttempt { until: at(104), ..lost().open[0].clone() };
        History {
            refusal: Some("INVALID_DATA".to_owned()),
            refused: Some(call),
            open: Vec::new(),
            ..lost()
        }
    }

    fn deleted(by: Option<i64>, second: i64) -> Look<SeenDeleted> {
        Look::Seen(SeenDeleted {
            by: by.and_then(user),
            at: Some(at(second)),
            permanent: by.is_none(),
        })
    }

    fn readable(second: i64) -> Look<SeenRecord> {
        Look::Seen(SeenRecord { modified: Some(at(second)) })
    }

    fn check(history: &History, facts: &Facts, expected: &str) {
        let decision = match decide(history, facts) {
            Decision::Settle { verdict, code, .. } => format!("{verdict} {code}"),
            other @ (Decision::Ask(_) | Decision::Wait | Decision::Later) => format!("{other:?}"),
        };
        assert_eq!(decision.trim(), expected, "{history:?} {facts:?}");
    }

    fn facts(
        bin: Look<SeenDeleted>,
        deleted: Look<SeenDeleted>,
        record: Look<SeenRecord>,
    ) -> Facts {
        Facts { bin, deleted, record }
    }

    #[test]
    fn a_lost_answer_is_settled_by_who_deleted_it_and_when() {
        let in_bin = |by, second| facts(deleted(by, second), Look::NotAsked, Look::NotAsked);
        check(&lost(), &in_bin(Some(US), 101), "done");
        check(&lost(), &in_bin(Some(US), 230), "done");
        check(&lost(), &in_bin(Some(US), 99), "undecided UNDECIDED");
        check(&lost(), &in_bin(Some(US), 30), "absent");
        check(&lost(), &in_bin(Some(OTHER), 99), "absent");
        check(&lost(), &in_bin(Some(OTHER), 101), "absent");
        check(&lost(), &in_bin(Some(OTHER), 50), "absent");
        check(&lost(), &in_bin(Some(OTHER), 500), "absent");
        // Our user, but after our call could take effect: by hand, or by an unknown run.
        check(&lost(), &in_bin(Some(US), 500), "undecided UNDECIDED");
        // Settled before the quarantine is over, since it is gone because of us.
        let early = History { quarantine_over: false, ..lost() };
        check(&early, &in_bin(Some(US), 101), "done");
    }

    /// The first request has deleted it, right before the second one's call got lost.
    #[test]
    fn what_an_earlier_entry_deleted_was_not_deleted_again() {
        let again = History { deleted_earlier: Some(at(102)), ..lost() };
        let in_bin = |second| facts(deleted(Some(US), second), Look::NotAsked, Look::NotAsked);
        check(&again, &in_bin(101), "absent");
        check(&again, &in_bin(99), "absent");
        // Somebody restored it meanwhile, and our call deleted it anew.
        check(&again, &in_bin(103), "done");
    }

    /// Nobody knows of a call; the log is lost from second 100 on, and the journal was adopted in second 110.
    fn adopted() -> History {
        let call = OpenAttempt { lost: true, ..lost().open[0].clone() };
        History { open: vec![call], tries: 0, ..lost() }
    }

    #[test]
    fn a_lost_part_of_the_log_did_what_our_user_did_in_its_time_and_is_blamed_for_nothing_else() {
        let in_bin = |by, second| facts(deleted(by, second), Look::NotAsked, Look::NotAsked);
        check(&adopted(), &in_bin(Some(US), 101), "done");
        // Whose token the lost part used is not known: the other one may have been it.
        check(&adopted(), &in_bin(Some(OTHER), 101), "undecided UNDECIDED");
        // While the log still told of everything it had not been sent.
        check(&adopted(), &in_bin(Some(OTHER), 50), "absent");
        check(&adopted(), &in_bin(Some(US), 30), "absent");
        check(&adopted(), &in_bin(Some(US), 99), "undecided UNDECIDED");
        // After the adoption nothing was sent.
        check(&adopted(), &in_bin(Some(US), 500), "undecided UNDECIDED");
        check(&adopted(), &in_bin(Some(OTHER), 500), "absent");
        let purged = facts(Look::NotThere, deleted(None, 101), Look::NotAsked);
        check(&adopted(), &purged, "undecided UNDECIDED");
        let there = facts(Look::NotThere, Look::NotThere, readable(50));
        check(&adopted(), &there, "pending");
        check(&History { quarantine_over: false, ..adopted() }, &there, "Wait");
        let changed = facts(Look::NotThere, Look::NotThere, readable(150));
        check(&adopted(), &changed, "undecided UNDECIDED");
        let nowhere = facts(Look::NotThere, Look::NotThere, Look::NotThere);
        check(&adopted(), &nowhere, "pending");
        let blind = facts(Look::NotThere, Look::Closed, Look::NotThere);
        check(&adopted(), &blind, "undecided UNDECIDED");
        let earlier = History { deleted_earlier: Some(at(102)), ..adopted() };
        check(&earlier, &in_bin(Some(US), 101), "absent");
    }

    #[test]
    fn without_an_actor_time_counts_only_if_a_read_before_showed_it() {
        let purged = facts(Look::NotThere, deleted(None, 101), Look::NotAsked);
        check(&lost(), &purged, "undecided UNDECIDED");
        let mut seen = lost();
        seen.open[0].seen_before = true;
        check(&seen, &purged, "done");
        check(&seen, &facts(Look::NotThere, deleted(None, 30), Look::NotAsked), "absent");
        check(
            &seen,
            &facts(Look::NotThere, deleted(None, 300), Look::NotAsked),
            "undecided UNDECIDED",
        );
    }

    #[test]
    fn without_our_own_user_nothing_is_put_down_to_us() {
        let mut blind = lost();
        blind.open[0].user = None;
        let in_bin = facts(deleted(Some(US), 101), Look::NotAsked, Look::NotAsked);
        check(&blind, &in_bin, "undecided UNDECIDED");
        let before = facts(deleted(Some(US), 30), Look::NotAsked, Look::NotAsked);
        check(&blind, &before, "absent");
        let right_before = facts(deleted(Some(US), 50), Look::NotAsked, Look::NotAsked);
        check(&blind, &right_before, "undecided UNDECIDED");
    }

    #[test]
    fn still_there_counts_after_the_quarantine_only() {
        let there = facts(Look::NotThere, Look::NotThere, readable(50));
        check(&lost(), &there, "pending");
        check(&History { quarantine_over: false, ..lost() }, &there, "Wait");
        let changed = facts(Look::NotThere, Look::NotThere, readable(150));
        check(&lost(), &changed, "undecided UNDECIDED");
    }

    #[test]
    fn a_refusal_is_settled_whatever_the_actor() {
        let before = |by| facts(deleted(by, 10), Look::NotAsked, Look::NotAsked);
        check(&refused(), &before(Some(US)), "absent INVALID_DATA");
        check(&refused(), &before(Some(OTHER)), "absent INVALID_DATA");
        let there = facts(Look::NotThere, Look::NotThere, readable(50));
        check(&refused(), &there, "failed INVALID_DATA");
        let nowhere = facts(Look::NotThere, Look::NotThere, Look::NotThere);
        check(&refused(), &nowhere, "failed INVALID_DATA");
        let closed = facts(Look::Closed, Look::Closed, Look::NotThere);
        check(&refused(), &closed, "failed INVALID_DATA");
    }

    /// A network can deliver a call twice, and the refusal is then the second one's.
    #[test]
    fn a_deletion_in_the_time_of_a_refused_call_may_be_its_own() {
        let in_bin = |by, second| facts(deleted(by, second), Look::NotAsked, Look::NotAsked);
        let purged = |second| facts(Look::NotThere, deleted(None, second), Look::NotAsked);
        for second in [100, 102, 104] {
            check(&refused(), &in_bin(Some(US), second), "undecided UNDECIDED");
            check(&refused(), &in_bin(Some(OTHER), second), "absent INVALID_DATA");
            check(&refused(), &purged(second), "undecided UNDECIDED");
        }
        for second in [10, 99, 105, 500] {
            check(&refused(), &in_bin(Some(US), second), "absent INVALID_DATA");
            check(&refused(), &purged(second), "absent INVALID_DATA");
        }
        // Who we are is not known, or when it was deleted.
        let mut blind = refused();
        blind.refused.as_mut().unwrap().user = None;
        check(&blind, &in_bin(Some(OTHER), 102), "undecided UNDECIDED");
        let undated = SeenDeleted { by: user(US), at: None, permanent: false };
        let undated = facts(Look::Seen(undated), Look::NotAsked, Look::NotAsked);
        check(&refused(), &undated, "undecided UNDECIDED");
        // It was our own earlier entry that deleted it.
        let again = History { deleted_earlier: Some(at(101)), ..refused() };
        check(&again, &in_bin(Some(US), 101), "absent");
        check(&again, &in_bin(Some(US), 102), "undecided UNDECIDED");
    }

    /// An earlier call was found to have changed nothing; the next one was refused from second 500 to 504.
    #[test]
    fn a_refused_call_is_looked_at_beside_earlier_ones() {
        let mut history = lost();
        history.open[0].closed = true;
        history.refusal = Some("INVALID_DATA".to_owned());
        let call = OpenAttempt { from: at(500), until: at(504), ..lost().open[0].clone() };
        history.refused = Some(call);
        let in_bin = |by, second| facts(deleted(by, second), Look::NotAsked, Look::NotAsked);
        check(&history, &in_bin(Some(US), 150), "done");
        check(&history, &in_bin(Some(US), 502), "undecided UNDECIDED");
        check(&history, &in_bin(Some(OTHER), 502), "absent");
        check(&history, &in_bin(Some(US), 400), "absent INVALID_DATA");
        check(&history, &in_bin(Some(US), 600), "absent INVALID_DATA");
        // Another run's token.
        history.refused.as_mut().unwrap().user = user(OTHER);
        check(&history, &in_bin(Some(OTHER), 502), "undecided UNDECIDED");
        check(&history, &in_bin(Some(OTHER), 150), "absent");
    }

    /// Whoever deleted it may bring it back in time for our call.
    #[test]
    fn while_our_call_is_under_way_only_what_it_has_done_settles() {
        let waiting = History { quarantine_over: false, ..lost() };
        let in_bin = |by, second| facts(deleted(by, second), Look::NotAsked, Look::NotAsked);
        let purged = facts(Look::NotThere, deleted(None, 300), Look::NotAsked);
        for (facts, over) in [
            (in_bin(Some(OTHER), 101), "absent"),
            (in_bin(Some(OTHER), 50), "absent"),
            (in_bin(Some(US), 30), "absent"),
            (in_bin(Some(US), 99), "undecided UNDECIDED"),
            (in_bin(Some(US), 500), "undecided UNDECIDED"),
            (purged, "undecided UNDECIDED"),
            (facts(Look::NotThere, Look::NotThere, readable(50)), "pending"),
            (facts(Look::NotThere, Look::NotThere, readable(150)), "undecided UNDECIDED"),
            (facts(Look::NotThere, Look::NotThere, Look::NotThere), "pending"),
            (facts(Look::Closed, Look::Closed, Look::Closed), "undecided UNDECIDED"),
        ] {
            check(&waiting, &facts, "Wait");
            check(&lost(), &facts, over);
        }
        let unknown = History { tries: MAX_TRIES, ..waiting.clone() };
        let unknown = |code: &str| {
            let open = OpenAttempt { code: code.to_owned(), ..unknown.open[0].clone() };
            History { open: vec![open], ..unknown.clone() }
        };
        let there = facts(Look::NotThere, Look::NotThere, readable(50));
        for code in ["INTERNAL_ERROR", "SOMETHING_NEW"] {
            check(&unknown(code), &there, "Wait");
            let over = History { quarantine_over: true, ..unknown(code) };
            check(&over, &there, &format!("failed {code}"));
        }
        let earlier = History { deleted_earlier: Some(at(102)), ..waiting.clone() };
        check(&earlier, &in_bin(Some(US), 101), "Wait");
        // What is done is done, and sources are asked all the same.
        check(&waiting, &in_bin(Some(US), 101), "done");
        check(&waiting, &Facts::default(), "Ask(Bin)");
        check(&waiting, &facts(Look::NotThere, Look::Silent, Look::NotThere), "Later");
    }

    #[test]
    fn what_was_seen_of_a_deletion_is_told_from_what_was_not() {
        let gone = deleted(Some(OTHER), 101);
        assert!(facts(gone.clone(), Look::NotAsked, Look::NotAsked).show_it_deleted());
        assert!(facts(Look::NotThere, gone, Look::NotAsked).show_it_deleted());
        for look in [Look::NotThere, Look::Closed, Look::Silent, Look::NotAsked] {
            assert!(!facts(look.clone(), look, readable(50)).show_it_deleted());
        }
    }

    /// A call that evidence had found without effect, and that Zoho carried out all the same: the next
    /// call is refused, since our own earlier one has done it.
    #[test]
    fn a_refusal_after_a_call_that_took_effect_late_is_our_own_success() {
        let mut history = lost();
        history.open[0].closed = true;
        history.refusal = Some("INVALID_DATA".to_owned());
        let in_bin = |by, second| facts(deleted(by, second), Look::NotAsked, Look::NotAsked);
        check(&history, &in_bin(Some(US), 220), "done");
        check(&history, &in_bin(Some(OTHER), 220), "absent");
        check(&history, &in_bin(Some(US), 900), "absent INVALID_DATA");
        let there = facts(Look::NotThere, Look::NotThere, readable(500));
        check(&history, &there, "failed INVALID_DATA");
        let nowhere = facts(Look::NotThere, Look::NotThere, Look::NotThere);
        check(&history, &nowhere, "failed INVALID_DATA");
    }

    /// Two runs with different tokens: any of them may have done it.
    #[test]
    fn every_call_whose_time_it_was_is_looked_at() {
        let mut history = lost();
        history.open.push(OpenAttempt { user: user(OTHER), ..history.open[0].clone() });
        let in_bin = facts(deleted(Some(OTHER), 150), Look::NotAsked, Look::NotAsked);
        check(&history, &in_bin, "done");
    }

    #[test]
    fn a_lost_call_for_an_id_that_no_source_knows_may_be_sent_again_when_the_list_was_read() {
        let nowhere = facts(Look::NotThere, Look::NotThere, Look::NotThere);
        check(&lost(), &nowhere, "pending");
        check(&History { quarantine_over: false, ..lost() }, &nowhere, "Wait");
        let blind = facts(Look::NotThere, Look::Closed, Look::NotThere);
        check(&lost(), &blind, "undecided UNDECIDED");
    }

    #[test]
    fn zohos_own_errors_are_tried_three_times_a_run() {
        let there = facts(Look::NotThere, Look::NotThere, readable(50));
        let mut history = lost();
        history.open[0].code = "INTERNAL_ERROR".to_owned();
        check(&history, &there, "pending INTERNAL_ERROR");
        history.tries = 3;
        check(&history, &there, "failed INTERNAL_ERROR");
        // Left out of every answer: no verdict, and no further call in this run.
        history.open[0].code = String::new();
        check(&history, &there, "Wait");
        history.tries = 1;
        history.open[0].code = "SOMETHING_NEW".to_owned();
        check(&history, &there, "failed SOMETHING_NEW");
    }

    #[test]
    fn sources_are_asked_in_order_and_a_silent_one_decides_nothing() {
        let nothing = Facts::default();
        check(&lost(), &nothing, "Ask(Bin)");
        check(&lost(), &facts(Look::NotThere, Look::NotAsked, Look::NotAsked), "Ask(Deleted)");
        check(&lost(), &facts(Look::Closed, Look::NotThere, Look::NotAsked), "Ask(Record)");
        check(&lost(), &facts(Look::Silent, Look::NotThere, Look::NotThere), "Later");
        check(&lost(), &facts(Look::NotThere, Look::NotThere, Look::Silent), "Later");
        check(&refused(), &facts(Look::NotThere, Look::Silent, Look::NotThere), "Later");
    }
}
