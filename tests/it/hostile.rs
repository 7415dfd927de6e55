//! Answers that are meant to hurt: what they cost, and that the journal tells the truth afterwards.

use std::process::Stdio;
use std::time::{Duration, Instant};

use zoho_journal::simulator::{Config, Fault};

use crate::env::{Env, config};

/// The most memory that a run took, in kilobytes.
#[cfg(target_os = "linux")]
fn peak_of_a_run(env: &Env) -> u64 {
    let mut child = env.command(["sync", "--yes", "--wait", "0s", "--quiet"]);
    let mut child = child.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        std::thread::yield_now();
    }
    peak
}

/// 1 GB of zeros, a megabyte on the wire: only the first 8 MiB of it are taken.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_unfolds_to_a_gigabyte_costs_less_than_32_megabytes() {
    let plain = Env::new(5);
    plain.record(&plain.leads());
    let without = peak_of_a_run(&plain);
    assert_eq!(plain.states(), "done 5");

    let env = Env::new(5);
    env.record(&env.leads());
    env.zoho.set_rate(Fault::GzipBomb, 1.0);
    let with = peak_of_a_run(&env);
    assert!(without > 1_000 && with < without + 32 * 1024, "{without} kB, then {with} kB");
    env.zoho.clear_faults();
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 5");
    env.agrees();
}

#[test]
fn an_answer_that_drips_ends_with_the_timeout_and_is_unknown_until_it_is_read() {
    let env = Env::with(Config { drip_ms: 1_000, ..config(5) });
    env.record(&env.leads());
    env.zoho.set_rate(Fault::SlowDrip, 1.0);
    let began = Instant::now();
    env.journal(["sync", "--yes", "--timeout", "1s", "--max-calls", "4"]).exits(6);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(env.states(), "unknown 5");
    env.zoho.clear_faults();
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 5");
    assert_eq!(env.sent(), 1, "nothing was sent twice");
    env.agrees();
}
