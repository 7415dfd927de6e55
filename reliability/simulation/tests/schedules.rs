//! A few schedules, and that they can fail. By the thousand they run from the command line.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use journal_simulation::schedule::{self, Place};
use zoho_journal::planted::{self, Mistake};

fn place() -> Place {
    journal_disk::install();
    Place::new(false).unwrap()
}

#[test]
fn schedules_pass_and_each_seed_gives_one_log() {
    let place = place();
    for seed in 1..=15 {
        let once = schedule::run(&place, seed, false);
        assert_eq!(once.violations, [""; 0], "seed {seed}");
        assert!(once.root.is_some(), "seed {seed}");
        assert_eq!(once.root, schedule::run(&place, seed, false).root, "seed {seed}");
    }
}

/// Each of these failed once, or did not end.
#[test]
fn seeds_that_once_found_something_pass() {
    let place = place();
    for seed in [38, 164, 690, 782, 500_029, 701_203, 1_001_284] {
        assert_eq!(schedule::run(&place, seed, false).violations, [""; 0], "seed {seed}");
    }
}

#[test]
fn the_oracle_sees_what_is_not_durable_at_the_moment_of_sending() {
    let place = place();
    planted::plant(Some(Mistake::SendsBeforeSync));
    let found = (1..=10).any(|seed| !schedule::run(&place, seed, false).violations.is_empty());
    planted::plant(None);
    assert!(found);
}

#[test]
fn a_story_tells_the_log_the_calls_and_the_effects() {
    let place = place();
    // In some schedules nothing is ever sent.
    let told = (1..=10).any(|seed| {
        let story = schedule::run(&place, seed, true).story;
        let told = |kind| story.iter().any(|line| line.starts_with(kind));
        ["log 0 ", "zoho ", "effect "].into_iter().all(told)
    });
    assert!(told);
}
