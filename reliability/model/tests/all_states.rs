//! Every state of the quick searches, and every planted mistake.

use journal_model::search::{Found, search, stuck};
use journal_model::setup::{Planted, Setup};

fn show(found: &Found) -> String {
    let lines = found.violations.iter().map(|one| {
        let steps: Vec<String> = one.path.iter().map(|action| format!("{action:?}")).collect();
        format!("{}\n    {}", one.rule, steps.join("\n    "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_state_keeps_every_rule_and_the_searches_come_across_what_they_are_for() {
    for setup in Setup::quick() {
        let found = search(&setup);
        assert!(found.violations.is_empty(), "{}: {}", setup.name, show(&found));
        assert!(found.missed.is_empty(), "{}: never seen: {:?}", setup.name, found.missed);
        assert!(found.states > 100_000, "{}: only {} states", setup.name, found.states);
    }
}

#[test]
fn from_every_state_a_way_leads_to_one_in_which_everything_is_settled() {
    for setup in [Setup::one_record(), Setup::shared_record()] {
        let (stuck, states) = stuck(&setup);
        assert_eq!(stuck, 0, "{}: {stuck} of {states} states", setup.name);
    }
}

#[test]
fn each_planted_mistake_is_found_by_the_rule_that_it_breaks() {
    let rules: Vec<(Planted, &str)> = Planted::ALL
        .into_iter()
        .map(|planted| {
            let found = search(&Setup::with(planted));
            let first = found.violations.first();
            assert!(first.is_some(), "{planted:?} was not found in {} states", found.states);
            (planted, first.map_or("", |first| first.rule))
        })
        .collect();
    let rule = |wanted: Planted| {
        rules.iter().find(|(planted, _)| *planted == wanted).map_or("", |(_, rule)| *rule)
    };
    assert!(rule(Planted::SendBeforeCommit).starts_with("intent first"));
    assert!(rule(Planted::AcknowledgeBeforeCommit).starts_with("what was acknowledged"));
    assert!(rule(Planted::MatchedByPosition).starts_with("done"));
    assert!(rule(Planted::LostAnswerIsFailure).starts_with("pending or failed"));
    assert!(rule(Planted::SettledWithoutAnswer).starts_with("what is settled"));
}

/// The one thing that the protocol asks of its lock: see `Setup::lock_at_once`.
#[test]
fn a_lock_that_outlives_its_holder_s_right_to_send_is_an_assumption() {
    let found = search(&Setup { lock_at_once: true, ..Setup::lost_lock() });
    assert!(!found.violations.is_empty(), "the assumption is needed no more: say so");
}
