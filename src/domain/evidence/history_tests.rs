//! What follows from an entry's attempts, and when the quarantine of each is over.

use super::*;

const US: i64 = 410_405_000_000_000_001;
const OTHER: i64 = 410_405_000_000_000_002;
const QUARANTINE: Duration = Duration::from_mins(2);
/// Longer than clocks are told apart by.
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

fn user(id: i64) -> Option<RecordId> {
    RecordId::from_stored(id)
}

/// A second of our clock, as it stood when the call was sent.
fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1000)
}

/// Sent at second 1,000 and lost; Zoho's clock was so many seconds ahead of ours.
fn lost(ahead: i64) -> AttemptRecord {
    AttemptRecord {
        operation: Operation::Delete,
        outcome: Outcome::Unknown,
        code: String::new(),
        complete: false,
        begun_at: at(999),
        sent_at: Some(at(1_000)),
        sent_before: None,
        send_by: at(1_009),
        run: RunId::new(1),
        user: user(US),
        clock_offset_ms: ahead * 1000,
        ended_at: None,
        seen_before: false,
        closed: false,
    }
}

/// Zoho's own word, which says nothing about the record.
fn refused() -> AttemptRecord {
    AttemptRecord {
        code: "INVALID_DATA".to_owned(),
        complete: true,
        ended_at: Some(at(1_003)),
        ..lost(0)
    }
}

/// The present, where our clock shows this second and Zoho's is so many seconds ahead of it.
fn now(second: i64, ahead: i64) -> Now {
    Now { ours: at(second), offset_ms: Some(ahead * 1000) }
}

fn ends(attempt: &AttemptRecord, now: Now) -> Option<Timestamp> {
    let history = History::of(std::slice::from_ref(attempt), 1, QUARANTINE, now);
    assert_eq!(history.quarantine_over, history.quarantine_ends.is_none());
    history.quarantine_ends
}

/// The quarantine is two minutes: by the clocks of its time it ends at second 1,120.
#[test]
fn a_quarantine_is_over_when_our_clock_and_zohos_say_so() {
    // How far Zoho was ahead, and is; from when on it is over, by our clock.
    for (was, is, over) in [
        // Nobody set our clock.
        (0, 0, 1_120),
        (5 * HOUR, 5 * HOUR, 1_120),
        (-YEAR, -YEAR, 1_120),
        // Measured otherwise, or our clock drifted: whichever says so later counts.
        (0, 20, 1_120),
        (0, -20, 1_140),
        (0, 60, 1_120),
        (0, -60, 1_180),
        // Our clock was set forward: a moment of then is a later one now.
        (0, -61, 1_120 + 61 + 60),
        (0, -DAY, 1_120 + DAY + 60),
        (7, 7 - YEAR, 1_120 + YEAR + 60),
        // It was set back.
        (0, 61, 1_120 - 61 + 60),
        (0, DAY, 1_120 - DAY + 60),
        (-7, YEAR - 7, 1_120 - YEAR + 60),
    ] {
        let attempt = lost(was);
        assert_eq!(ends(&attempt, now(over - 1, is)), Some(at(over)), "{was} {is}");
        assert_eq!(ends(&attempt, now(over, is)), None, "{was} {is}");
        // Long before and long after.
        assert_eq!(ends(&attempt, now(over - 100, is)), Some(at(over)), "{was} {is}");
        assert_eq!(ends(&attempt, now(over + YEAR, is)), None, "{was} {is}");
    }
}

/// Whatever our clock was set to: before its time by a clock that nobody sets, a quarantine is never over, and a
/// minute after it always is.
#[test]
fn no_setting_of_our_clock_ends_a_quarantine_early_or_makes_it_last() {
    for set in [-YEAR, -DAY, -HOUR, -120, -61, -60, -59, -1, 0, 1, 59, 60, 61, 120, HOUR, DAY, YEAR]
    {
        for ahead in [-HOUR, 0, 3, HOUR] {
            // So long after the call left, in truth.
            let present = |passed: i64| now(1_000 + passed + set, ahead - set);
            // To the two seconds within which both clocks count as agreeing.
            assert!(ends(&lost(ahead), present(117)).is_some(), "{set} {ahead}");
            assert!(ends(&lost(ahead), present(0)).is_some(), "{set} {ahead}");
            assert_eq!(ends(&lost(ahead), present(180)), None, "{set} {ahead}");
        }
    }
}

#[test]
fn where_zohos_clock_was_not_read_ours_counts() {
    let present = |second| Now { ours: at(second), offset_ms: None };
    assert_eq!(ends(&lost(5 * HOUR), present(1_119)), Some(at(1_120)));
    assert_eq!(ends(&lost(5 * HOUR), present(1_120)), None);
}

#[test]
fn a_quarantine_begins_when_the_call_can_have_left_at_the_latest() {
    let unsent = AttemptRecord { sent_at: None, ..lost(0) };
    assert_eq!(ends(&unsent, now(1_000, 0)), Some(at(1_129)));
    let dead = AttemptRecord { sent_before: Some(at(1_019)), ..unsent };
    assert_eq!(ends(&dead, now(1_000, 0)), Some(at(1_139)));
    let cut = AttemptRecord { sent_before: Some(at(1_030)), ..lost(0) };
    assert_eq!(ends(&cut, now(1_000, 0)), Some(at(1_150)));
}

#[test]
fn the_last_of_several_quarantines_counts_and_what_is_closed_or_answered_has_none() {
    let later = AttemptRecord { sent_at: Some(at(1_500)), send_by: at(1_509), ..lost(0) };
    let both = |first: AttemptRecord, second: AttemptRecord| {
        History::of(&[first, second], 1, QUARANTINE, now(1_000, 0)).quarantine_ends
    };
    assert_eq!(both(lost(0), later.clone()), Some(at(1_620)));
    let closed = AttemptRecord { closed: true, ..later.clone() };
    assert_eq!(both(lost(0), closed), Some(at(1_120)));
    let complete = AttemptRecord { complete: true, code: "INTERNAL_ERROR".to_owned(), ..later };
    assert_eq!(both(lost(0), complete.clone()), Some(at(1_120)));
    assert_eq!(ends(&complete, now(1_000, 0)), None);
    assert_eq!(ends(&refused(), now(1_000, 0)), None);
}

/// The times of a call are Zoho's, by the offset of the run that sent it and no other.
#[test]
fn a_call_s_time_is_zohos_as_its_own_run_measured_it() {
    let history = History::of(&[lost(HOUR)], 1, QUARANTINE, now(2_000, -DAY));
    let [call] = history.open.as_slice() else { panic!("{history:?}") };
    assert_eq!((call.from, call.until), (at(998 + HOUR), at(1_009 + 120 + 2 + HOUR)));
}

#[test]
fn a_refused_call_is_kept_as_if_it_had_been_carried_out_until_its_answer() {
    let ahead = AttemptRecord { clock_offset_ms: HOUR * 1000, ..refused() };
    let history = History::of(&[ahead], 1, QUARANTINE, now(2_000, 0));
    assert_eq!(history.refusal.as_deref(), Some("INVALID_DATA"));
    assert!(history.open.is_empty() && history.quarantine_over);
    let call = history.refused.unwrap();
    assert_eq!((call.from, call.until), (at(998 + HOUR), at(1_005 + HOUR)));
    for (by, second, explains) in [
        (user(US), Some(998), true),
        (user(US), Some(1_005), true),
        (user(US), Some(997), false),
        (user(US), Some(1_006), false),
        (user(OTHER), Some(1_000), false),
        (user(OTHER), None, false),
        (None, Some(1_000), true),
        (None, Some(2_000), false),
        (user(US), None, true),
    ] {
        let at = second.map(|second| at(second + HOUR));
        assert_eq!(call.explains(by, at), explains, "{by:?} {second:?}");
        // Whose token it was is not known: anybody may be us.
        let anybody = OpenAttempt { user: None, ..call.clone() };
        let in_time = second.is_none_or(|second| (998..=1_005).contains(&second));
        assert_eq!(anybody.explains(by, at), in_time, "{by:?} {second:?}");
    }
}

#[test]
fn there_is_no_refused_call_while_another_may_have_acted() {
    let history = History::of(&[lost(0)], 1, QUARANTINE, now(2_000, 0));
    assert_eq!((history.refusal, history.refused), (None, None));
    // Evidence closed the lost one; then the next call was refused.
    let closed = AttemptRecord { closed: true, ..lost(0) };
    let history = History::of(&[closed, refused()], 1, QUARANTINE, now(2_000, 0));
    assert_eq!(history.open.len(), 1);
    assert!(history.refused.is_some() && history.first_live().is_none());
}

#[test]
fn an_earlier_deletion_counts_up_to_the_tolerance_of_clocks() {
    let history = History::of(&[lost(HOUR)], 1, QUARANTINE, now(2_000, 0));
    assert_eq!(history.clone().after(None).deleted_earlier, None);
    // It is by Zoho's clock already: no offset is added.
    assert_eq!(history.after(Some(at(900))).deleted_earlier, Some(at(902)));
}

#[test]
fn while_a_call_may_take_effect_only_done_settles() {
    let verdicts =
        [Verdict::Done, Verdict::Absent, Verdict::Failed, Verdict::Pending, Verdict::Undecided];
    for quarantine_over in [true, false] {
        let history = History { quarantine_over, ..History::default() };
        for verdict in verdicts {
            let settled = settle(verdict, "CODE", "because");
            let stands = quarantine_over || verdict == Verdict::Done;
            let expected = if stands { settled.clone() } else { Decision::Wait };
            assert_eq!(unless_under_way(&history, settled), expected);
        }
        for other in [Decision::Ask(Source::Bin), Decision::Wait, Decision::Later] {
            assert_eq!(unless_under_way(&history, other.clone()), other);
        }
    }
}

/// The log tells until an hour before the journal was adopted, at second 1,000.
fn adopted(closed: bool) -> History {
    let before = AttemptRecord { closed, ..refused() };
    let lost_part = LostPart {
        since: Timestamp::from_millis(-2_600_000),
        adopted_at: Timestamp::from_millis(1_000_000),
        user: None,
        clock_offset_ms: 0,
    };
    let at = now(1_060, 0);
    History::of(&[before], 0, QUARANTINE, at).with_lost(Some(lost_part), QUARANTINE, at)
}

#[test]
fn what_a_lost_part_of_the_log_sent_may_take_effect_until_a_quarantine_after_the_adoption() {
    let history = adopted(false);
    assert!(history.may_be_lost() && !history.quarantine_over);
    let end = Timestamp::from_millis(1_000_000).plus(QUARANTINE);
    assert_eq!(history.quarantine_ends, Some(end));
    let lost = history.first_live().unwrap();
    assert!(lost.from < Timestamp::from_millis(-2_600_000) && lost.until > end);
    // What Zoho refused before says nothing of what came then.
    assert_eq!((history.refusal, history.refused), (None, None));
    let whole = History::of(&[refused()], 0, QUARANTINE, now(1_060, 0));
    assert!(!whole.may_be_lost() && whole.refusal.is_some());
}
