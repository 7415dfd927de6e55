use super::*;

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
    pace.set_back(now, None, Trouble::Throttled)
}

#[test]
fn waiting_times_are_jittered_within_a_doubling_bound() {
    let mut pace = pace(5);
    for setback in 1..40_u32 {
        let now = next(&pace);
        pace.set_back(now, None, Trouble::NoAnswer);
        let bound = Duration::from_secs(1 << (setback - 1).min(6)).min(Duration::from_mins(1));
        let wait = next(&pace).since(now);
        assert!(wait > Duration::ZERO && wait <= bound, "{setback}: {wait:?}");
    }
}

#[test]
fn zohos_own_word_counts_but_not_at_once_again_and_again() {
    let mut pace = pace(5);
    let asked = Duration::from_secs(90);
    let kept = pace.set_back(NOW, Some(asked), Trouble::Throttled).unwrap();
    assert_eq!((kept.not_before, kept.setbacks), (NOW.plus(asked), 1));
    let now = next(&pace);
    let days = pace.set_back(now, Some(Duration::from_hours(72)), Trouble::Throttled).unwrap();
    assert_eq!(days.not_before, now.plus(ASKED_AT_MOST));
    for _ in 0..20 {
        let now = next(&pace);
        pace.set_back(now, Some(Duration::ZERO), Trouble::Throttled);
        assert!(next(&pace) > now);
    }
}

#[test]
fn calls_that_fail_side_by_side_are_one_setback() {
    let mut pace = pace(8);
    for _ in 0..8 {
        pace.set_back(NOW, None, Trouble::Throttled);
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
        pace.went_well();
        assert_eq!(pace.at_once(), expected);
    }
    for _ in 0..1_000 {
        pace.went_well();
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
        assert_eq!(throttled(&mut pace), None);
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
    assert!(pace.went_well(), "what was kept no longer holds");
    assert!(!pace.went_well());
    assert_eq!(pace.setbacks(), 0);
}

#[test]
fn no_answer_opens_no_breaker() {
    let mut pace = pace(10);
    for _ in 0..20 {
        let now = next(&pace);
        assert_eq!(pace.set_back(now, None, Trouble::NoAnswer), None);
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
        pace.leaves(elapsed);
        throttled(&mut pace);
        assert_eq!(pace.must_wait(elapsed), None);
    }
    pace.leaves(elapsed);
    assert_eq!(pace.must_wait(elapsed), None, "nothing is owed: a first call is no repeat");
    throttled(&mut pace);
    assert_eq!(pace.must_wait(elapsed), Some(WINDOW), "the twenty-first repeat is one too many");
    elapsed += WINDOW;
    assert_eq!(pace.must_wait(elapsed), None, "two minutes later there is room");

    // Of a thousand calls a hundred may be repeats.
    let mut busy = self::pace(10);
    for _ in 0..1_000 {
        busy.leaves(elapsed);
    }
    let mut repeats = 0;
    loop {
        throttled(&mut busy);
        if busy.must_wait(elapsed).is_some() {
            break;
        }
        busy.leaves(elapsed);
        repeats += 1;
    }
    assert!((100..=112).contains(&repeats), "{repeats}");
}

#[test]
fn unanswered_writes_halve_the_calls_at_once_and_pause_nothing() {
    let mut pace = pace(8);
    for _ in 0..4 {
        pace.slow_down(NOW);
    }
    assert_eq!((pace.at_once(), pace.not_before()), (4, None));
    pace.slow_down(NOW.plus(SIDE_BY_SIDE));
    assert_eq!(pace.at_once(), 2);
}
