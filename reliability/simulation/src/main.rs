//! Runs schedules by the thousand.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a tool for tests, which times itself"
)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use journal_simulation::ledger::Counters;
use journal_simulation::schedule::{self, Outcome, Place};
use zoho_journal::planted::{self, Mistake};

/// The journal on a simulated disk, network and clock.
#[derive(Debug, Parser)]
struct Args {
    /// How many schedules.
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// This seed alone, and what it did.
    #[arg(long)]
    seed: Option<u64>,
    /// Plants a mistake by its name, or each of them in turn with `all`: each must be found.
    #[arg(long)]
    plant: Option<String>,
    /// Failed syncs as on Linux: the system takes for written what it has not written. Together with a power cut
    /// nothing can promise anything then; this shows how often that matters.
    #[arg(long)]
    forgetful: bool,
    /// How many schedules side by side.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    journal_disk::install();
    match &args.plant {
        Some(name) => plant(&args, name),
        None => prove(&args),
    }
}

/// All schedules must pass.
fn prove(args: &Args) -> ExitCode {
    let (first, seeds) = args.seed.map_or((args.from, args.seeds), |seed| (seed, 1));
    let begun = Instant::now();
    let found = many(args, None, first, seeds, false);
    for (seed, violations) in &found.failed {
        println!("seed {seed}:");
        for violation in violations {
            println!("    {violation}");
        }
    }
    for (what, times) in found.counters.all() {
        println!("{times:>12} {what}");
    }
    println!("{:>12} seeds run twice, each with the same root", found.twice);
    println!("{:>12.1} seconds", begun.elapsed().as_secs_f64());
    let failed = u64::try_from(found.failed.len()).unwrap_or(u64::MAX);
    println!("{} passed, {failed} failed", seeds - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each mistake must be found.
fn plant(args: &Args, name: &str) -> ExitCode {
    let mistakes: Vec<Mistake> = Mistake::ALL
        .into_iter()
        .filter(|one| name == "all" || format!("{one:?}") == name)
        .collect();
    if mistakes.is_empty() {
        let names: Vec<String> = Mistake::ALL.iter().map(|one| format!("{one:?}")).collect();
        eprintln!("no mistake is called {name}; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let mut missed = 0;
    for mistake in &mistakes {
        let begun = Instant::now();
        let found = many(args, Some(*mistake), args.from, args.seeds, true);
        let seconds = begun.elapsed().as_secs_f64();
        if let Some((seed, violations)) = found.failed.first() {
            let first: String =
                violations.first().map_or("", String::as_str).chars().take(150).collect();
            println!("{mistake:?}: found by seed {seed} after {seconds:.1} s: {first}");
        } else {
            missed += 1;
            println!("{mistake:?}: NOT FOUND in {} seeds", args.seeds);
        }
    }
    println!("{} passed, {missed} failed", mistakes.len() - missed);
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What many schedules came to.
#[derive(Default)]
struct Found {
    failed: Vec<(u64, Vec<String>)>,
    counters: Counters,
    twice: u64,
}

fn many(args: &Args, mistake: Option<Mistake>, first: u64, seeds: u64, stop: bool) -> Found {
    let next = AtomicU64::new(first);
    let found = Mutex::new(Found::default());
    std::thread::scope(|threads| {
        for _ in 0..args.jobs.max(1) {
            threads.spawn(|| {
                planted::plant(mistake);
                // Else the next commit syncs what nobody has.
                let forgetful = mistake == Some(Mistake::TrustsUnsyncedRows);
                let place =
                    Place::new(args.forgetful || forgetful).expect("a directory of our own");
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    let twice = mistake.is_none() && seed.is_multiple_of(100);
                    let outcome = one(&place, seed, twice, args.seed.is_some());
                    for line in &outcome.story {
                        println!("{line}");
                    }
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.counters.add(&outcome.counters);
                    found.twice += u64::from(twice);
                    if !outcome.violations.is_empty() {
                        found.failed.push((seed, outcome.violations));
                        if stop {
                            next.store(u64::MAX / 2, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.failed.sort();
    found
}

/// One schedule, or the same twice.
fn one(place: &Place, seed: u64, twice: bool, tell: bool) -> Outcome {
    let run = || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| schedule::run(place, seed, tell)))
            .unwrap_or_else(|_| Outcome {
                violations: vec!["it panicked".to_owned()],
                counters: Counters::default(),
                root: None,
                story: Vec::new(),
            })
    };
    let mut outcome = run();
    if twice && run().root != outcome.root {
        outcome.violations.push("the same seed gave another log".to_owned());
    }
    outcome
}
