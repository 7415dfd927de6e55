//! Searches all states of each setup, and for each planted mistake the shortest way to a violation.

#![expect(clippy::print_stdout, reason = "a program for people who check the protocol")]

use std::process::ExitCode;

use journal_model::search::{search, stuck};
use journal_model::setup::{Planted, Setup};

fn main() -> ExitCode {
    let (mut passed, mut failed) = (0_u32, 0_u32);
    let mut count = |held: bool| if held { passed += 1 } else { failed += 1 };
    let long = std::env::args().any(|argument| argument == "--long");
    let more = if long { Setup::long() } else { Vec::new() };
    for setup in Setup::quick().into_iter().chain(more) {
        let found = search(&setup);
        let (stuck, states) = stuck(&setup);
        let seconds = found.took.as_secs_f64();
        println!(
            "{}: {} states, depth {}, {seconds:.1} s: {} violations, {} situations missed, {stuck} of {states} stuck",
            setup.name,
            found.states,
            found.depth,
            found.violations.len(),
            found.missed.len(),
        );
        for violation in &found.violations {
            println!("  VIOLATED {}", violation.rule);
            for action in &violation.path {
                println!("    {action:?}");
            }
        }
        for missed in &found.missed {
            println!("  NEVER SEEN {missed}");
        }
        count(found.violations.is_empty() && found.missed.is_empty() && stuck == 0);
    }
    for planted in Planted::ALL {
        let found = search(&Setup::with(planted));
        match found.violations.first() {
            Some(first) => {
                println!(
                    "planted {planted:?}: found in {} steps: {}",
                    first.path.len(),
                    first.rule
                );
                for action in &first.path {
                    println!("    {action:?}");
                }
            }
            None => println!("planted {planted:?}: NOT FOUND in {} states", found.states),
        }
        count(!found.violations.is_empty());
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
