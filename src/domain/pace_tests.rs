use super::*;

/// On the clock that only moves forward: when things go wrong, and a call that leaves afterwards.
const AT: Duration = Duration::from_secs(10);
const LATER: Left = Left { at: Duration::from_secs(11), write: true };

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn pace(most: usize) -> Pace {
    Pace::new(most, 42, NOW, None)
}

/// The next moment at which a call may be made.
fn next(pace: &Pace) -> Timestamp {
    pace.not_before().unwrap_or(NOW)
}

fn throttled(pace: &mut Pace) -> Option<Breaker> {
    let now = next(pace);
    pace.set_back(now, AT, None, Trouble::ThrottledWrite)
}

#[test]
fn waiting_times_are_jittered_within_a_doubling_bound() {
    let mut pace = pace(5);
    for setback in 1..40_u32 {
        let now = next(&pace);
        pace.set_back(now, AT, None, Trouble::NoAnswer);
        let bound = Duration::from_secs(1 << (setback - 1).min(6)).min(Duration::from_mins(1));
        let wait = next(&pace).since(now);
        assert!(wait > Duration::ZERO && wait <= bound, "{setback}: {wait:?}");
    }
}

#[test]
fn zohos_own_word_counts_but_not_at_once_again_and_again() {
    let mut pace = pace(5);
    let asked = Duration::from_secs(90);
    let kept = pace.set_back(NOW, AT, Some(asked), Trouble::ThrottledWrite).unwrap();
    assert_eq!((kept.not_before, kept.setbacks), (NOW.plus(asked), 1));
    let now = next(&pace);
    let days =
        pace.set_back(now, AT, Some(Duration::from_hours(72)), Trouble::ThrottledWrite).unwrap();
    assert_eq!(days.not_before, now.plus(ASKED_AT_MOST));
    for _ in 0..20 {
        let now = next(&pace);
        pace.set_back(now, AT, Some(Duration::ZERO), Trouble::ThrottledWrite);
        assert!(next(&pace) > now);
    }
}

#[test]
fn calls_that_fail_side_by_side_are_one_setback() {
    let mut pace = pace(8);
    for _ in 0..8 {
        pace.set_back(NOW, AT, None, Trouble::ThrottledWrite);
    }
    assert_eq!((pace.setbacks(), pace.at_once()), (1, 4));
}

#[test]
fn calls_at_once_halve_and_grow_by_one_and_never_beyond_the_edition() {
    let mut pace = pace(10);
    pace.at_most(8);
    assert_eq!(pace.at_once(), 8);
    throttled(&mut pace);
    assert_eq!(pace.at_once(), 4);
    for expected in [4, 4, 4, 5] {
        pace.went_well(LATER);
        assert_eq!(pace.at_once(), expected);
    }
    for _ in 0..1_000 {
        pace.went_well(LATER);
    }
    assert_eq!(pace.at_once(), 8);
    for _ in 0..10 {
        throttled(&mut pace);
    }
    assert_eq!(pace.at_once(), 1);
}

#[test]
fn the_breaker_opens_after_five_in_a_row_for_longer_each_time_and_closes_with_an_answer() {
    let mut pace = pace(10);
    for _ in 1..BREAKS_AFTER {
        let before = next(&pace);
        let kept = throttled(&mut pace).unwrap();
        assert!(kept.not_before.since(before) < OPENS_FOR, "a restart goes on counting");
    }
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        let before = next(&pace);
        let kept = throttled(&mut pace).unwrap();
        let open = kept.not_before.since(before);
        assert!(open >= last.max(OPENS_FOR) && open <= OPENS_AT_MOST);
        assert_eq!(pace.at_once(), 1, "a single call finds out");
        last = open;
    }
    assert_eq!(last, OPENS_AT_MOST);
    assert!(pace.went_well(LATER), "what was kept no longer holds");
    assert!(!pace.went_well(LATER));
    assert_eq!(pace.setbacks(), 0);
}

#[test]
fn no_answer_opens_no_breaker() {
    let mut pace = pace(10);
    for _ in 0..20 {
        let now = next(&pace);
        assert_eq!(pace.set_back(now, AT, None, Trouble::NoAnswer), None);
    }
}

#[test]
fn a_later_run_waits_and_goes_on_counting() {
    let kept = Breaker { not_before: NOW.plus(Duration::from_mins(2)), setbacks: 7 };
    let mut pace = Pace::new(10, 1, NOW, Some(kept));
    assert_eq!(pace.not_before(), Some(kept.not_before));
    assert_eq!(pace.at_once(), 1);
    let longer = throttled(&mut pace).unwrap();
    assert_eq!(longer.setbacks, 8);
    assert_eq!(longer.not_before.since(kept.not_before), OPENS_FOR * 8);
    let mad = Breaker { not_before: NOW.plus(Duration::from_hours(9_999)), setbacks: 5 };
    let pace = Pace::new(10, 1, NOW, Some(mad));
    assert_eq!(
        (pace.not_before(), pace.at_once()),
        (None, 1),
        "a clock that was wrong locks nobody out"
    );
}

#[test]
fn repeats_are_a_tenth_of_the_calls_of_two_minutes_or_twenty() {
    let mut pace = pace(10);
    let mut elapsed = Duration::from_secs(1_000);
    for _ in 0..ALWAYS {
        pace.leaves(elapsed, true);
        throttled(&mut pace);
        assert_eq!(pace.must_wait(elapsed), None);
    }
    pace.leaves(elapsed, true);
    assert_eq!(pace.must_wait(elapsed), None, "nothing is owed: a first call is no repeat");
    throttled(&mut pace);
    assert_eq!(pace.must_wait(elapsed), Some(WINDOW), "the twenty-first repeat is one too many");
    elapsed += WINDOW;
    assert_eq!(pace.must_wait(elapsed), None, "two minutes later there is room");

    // Of a thousand calls a hundred may be repeats.
    let mut busy = self::pace(10);
    for _ in 0..1_000 {
        busy.leaves(elapsed, true);
    }
    let mut repeats = 0;
    loop {
        throttled(&mut busy);
        if busy.must_wait(elapsed).is_some() {
            break;
        }
        busy.leaves(elapsed, true);
        repeats += 1;
    }
    assert!((100..=112).contains(&repeats), "{repeats}");
}

#[test]
fn unanswered_writes_halve_the_calls_at_once_and_pause_nothing() {
    let mut pace = pace(8);
    for _ in 0..4 {
        pace.slow_down(NOW, AT, None);
    }
    assert_eq!((pace.at_once(), pace.not_before()), (4, None));
    pace.slow_down(NOW.plus(SIDE_BY_SIDE), AT, None);
    assert_eq!(pace.at_once(), 2);
}

#[test]
fn an_answer_to_what_left_before_a_setback_closes_nothing() {
    let mut pace = pace(5);
    let before = pace.leaves(AT, true);
    let kept = pace.set_back(NOW, AT, Some(Duration::from_hours(1)), Trouble::ThrottledWrite);
    assert!(kept.is_some());
    assert!(!pace.went_well(before), "it was under way already");
    assert_eq!((pace.setbacks(), pace.not_before()), (1, Some(NOW.plus(Duration::from_hours(1)))));
    assert!(pace.went_well(LATER));
    assert_eq!(pace.setbacks(), 0);
}

#[test]
fn several_unanswered_writes_in_a_row_make_the_next_one_wait() {
    let mut pace = pace(8);
    let mut now = NOW;
    for _ in 1..PAUSES_AFTER {
        pace.slow_down(now, AT, None);
        assert_eq!(pace.not_before(), None);
        now = now.plus(SIDE_BY_SIDE);
    }
    pace.slow_down(now, AT, None);
    assert!(pace.not_before().is_some_and(|until| until > now));
    let mut asked = self::pace(8);
    asked.slow_down(NOW, AT, Some(Duration::from_mins(1)));
    assert_eq!(asked.not_before(), Some(NOW.plus(Duration::from_mins(1))));
}

#[test]
fn a_read_that_goes_well_does_not_close_what_writes_opened() {
    let mut pace = pace(5);
    throttled(&mut pace);
    let read = Left { write: false, ..LATER };
    assert!(!pace.went_well(read));
    assert_eq!(pace.setbacks(), 1);
    // Nor after a restart, which does not know what opened it.
    let kept = Breaker { not_before: NOW, setbacks: 3 };
    let mut pace = Pace::new(5, 1, NOW, Some(kept));
    assert!(!pace.went_well(read));
    assert!(pace.went_well(LATER));
    let mut reads = self::pace(5);
    reads.set_back(NOW, AT, None, Trouble::ThrottledRead);
    assert!(reads.went_well(read));
}
