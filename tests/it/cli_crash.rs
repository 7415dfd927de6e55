//! Two at once, Ctrl-C, kill and a full disk: nothing is lost, nothing is done twice, and the rest goes on.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::simulator::{Config, Fault};

use crate::env::{Env, PATIENCE, Ran, config, filtered, lines, signal};

/// A run whose first call Zoho holds back until somebody ends it.
fn held(env: &Env) -> Child {
    env.zoho.plan_faults(vec![Fault::NeverAnswers]);
    let child = env.start(["sync", "--yes", "--concurrency", "1", "--timeout", "10m"]);
    env.next_write();
    child
}

/// Reads stderr until a line holds this text.
pub(crate) fn wait_for(child: &mut Child, text: &str) {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended without {text}");
    }
    // The rest is read for it, so that it never waits for us.
    std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
}

/// Ctrl-C twice, the second one when the first has been heard.
fn leave_at_once(mut child: Child) -> Ran {
    signal(&child, "INT");
    wait_for(&mut child, "Stopping");
    signal(&child, "INT");
    Ran::of_child(child)
}

#[test]
fn while_one_run_is_on_another_is_refused_and_everything_else_works() {
    let env = Env::new(300);
    let leads = env.leads();
    env.record(&leads[..200]);
    let run = held(&env);
    for args in [&["sync", "--yes"][..], &["replay", "--yes"], &["sync"]] {
        let calls = env.zoho.requests().len();
        let ran = env.journal(args.iter().copied().chain(["--json"])).exits(11);
        assert!(ran.error().starts_with("another run is on: sync"), "{ran}");
        assert_eq!(env.zoho.requests().len(), calls);
    }
    let ran = env.journal(["sync", "--yes"]).exits(11);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r"
        error: another run is on: sync with process id [PID] on [HOST], since [TIME]
        hint: wait for it to end; journal status shows how it goes
        ");
    });
    // Recording, planning and reading go on, also with a plain client.
    assert_eq!(env.record(&leads[200..]), "R2");
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["unknown"], &plan["entries"]), (&200.into(), &100.into()));
    // One batch is with Zoho, the next one is recorded ahead.
    assert_eq!(env.states(), "in_flight 200, pending 100");
    // What is under way is covered.
    let again = ["delete", "Leads", &leads[0].to_string(), "--reason", "x", "--json"];
    assert_eq!(env.journal(again).exits(0).json()["duplicates"], 1);
    leave_at_once(run).exits(130);
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 300");
    env.agrees();
}

#[test]
fn two_runs_started_together_never_send_the_same_entry() {
    let env = Env::with(Config { latency_ms: 20, ..config(600) });
    env.record(&env.leads());
    let runs: Vec<Child> = (0..4).map(|_| env.start(["sync", "--yes"])).collect();
    let mut codes: Vec<_> = runs.into_iter().map(|run| Ran::of_child(run).code.unwrap()).collect();
    codes.sort_unstable();
    assert!(codes.iter().all(|code| [0, 11].contains(code)) && codes[0] == 0, "{codes:?}");
    assert_eq!(env.states(), "done 600");
    assert_eq!(env.sent(), 6);
    env.agrees();
}

#[test]
fn the_first_ctrl_c_lets_calls_under_way_come_home() {
    for name in ["INT", "TERM"] {
        let env = Env::with(Config { delay_ms: 700, ..config(500) });
        env.record(&env.leads());
        env.zoho.set_rate(Fault::Delay, 1.0);
        let run = env.start(["sync", "--yes", "--json", "--concurrency", "1"]);
        env.next_write();
        signal(&run, name);
        let ran = Ran::of_child(run).exits(130);
        let summary = ran.summary();
        assert_eq!(summary["meaning"], "interrupted: it can go on later");
        assert_eq!(summary["next"], "journal replay --concurrency 1 --yes");
        assert!(ran.json_lines().iter().any(|line| line["type"] == "interrupted"), "{ran}");
        assert_eq!(env.states(), "done 100, pending 400");
        assert_eq!(env.sent(), 1);
        env.agrees();
        env.zoho.clear_faults();
        env.journal(["replay", "--yes"]).exits(0);
        assert_eq!(env.states(), "done 500");
        env.agrees();
    }
}

#[test]
fn the_second_ctrl_c_leaves_calls_under_way_to_the_next_run() {
    let env = Env::new(150);
    env.record(&env.leads());
    let began = SystemClock.elapsed();
    leave_at_once(held(&env)).exits(130);
    assert!(SystemClock.elapsed() < began + PATIENCE);
    assert_eq!(env.states(), "pending 50, unknown 100");
    env.agrees();
    let summary = env.journal(["sync", "--yes", "--json"]).exits(0).summary();
    assert_eq!(summary["entries"]["done"], 150);
    env.agrees();
}

#[test]
fn ctrl_c_ends_a_wait_at_once() {
    let mut env = Env::new(5);
    env.set("JOURNAL_QUARANTINE", "1h");
    env.record(&env.leads());
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    let mut run = env.start(["sync", "--yes", "--wait", "2h"]);
    wait_for(&mut run, "waiting");
    signal(&run, "INT");
    Ran::of_child(run).exits(130);
    assert_eq!(env.states(), "unknown 5");
}

/// Killed while the call is with Zoho, before or after it took effect, at each of several calls.
#[test]
fn after_a_kill_a_replay_finds_out_what_happened() {
    for (killed_at, fault) in [
        (1, None),
        (2, Some(Fault::Delay)),
        (3, Some(Fault::LoseAnswer)),
        (4, Some(Fault::LoseRequest)),
        (6, Some(Fault::Delay)),
    ] {
        let env = Env::with(Config { latency_ms: 4, delay_ms: 400, ..config(1000) });
        let leads = env.leads();
        env.zoho.lock(leads[17]);
        env.record(&leads);
        if let Some(fault) = fault {
            env.zoho.set_rate(fault, 1.0);
        }
        let args = ["sync", "--yes", "--concurrency", "3", "--wait", "0s"];
        let mut run = env.start(args);
        for _ in 0..killed_at.min(if fault.is_some() { 3 } else { 9 }) {
            env.next_write();
        }
        run.kill().unwrap();
        assert_eq!(run.wait().unwrap().code(), None);
        env.zoho.clear_faults();
        let before = env.states();
        // The dead run blocks nobody, and readers see what it left.
        env.journal(["plan", "--json"]).exits(0).json();
        let ran = env.journal(["replay", "--yes"]).exits(3);
        assert!(!before.contains("in_flight") || ran.stderr.contains("earlier run ended"), "{ran}");
        assert_eq!(env.states(), "done 999, failed 1", "killed at {killed_at}: {before}");
        env.agrees();
        env.journal(["sync", "--yes"]).exits(0);
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_gets_there() {
    let env = Env::with(Config { latency_ms: 4, ..config(2000) });
    env.record(&env.leads());
    env.zoho.set_rate(Fault::LoseAnswer, 0.1);
    for _ in 0..6 {
        let mut run = env.start(["replay", "--yes", "--concurrency", "2"]);
        let write = env.writes.recv_timeout(Duration::from_secs(10));
        run.kill().unwrap();
        run.wait().unwrap();
        env.agrees();
        if write.is_err() {
            break;
        }
    }
    env.zoho.clear_faults();
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2000");
    env.agrees();
}

#[test]
fn a_recording_that_is_killed_is_there_as_a_whole_or_not_at_all() {
    const ROWS: u64 = 60_000;
    let env = Env::new(0);
    let ids: Vec<u64> = (0..ROWS).map(|number| 410_405_000_002_264_041 + number * 7).collect();
    let file = env.file("many.txt", lines(&ids));
    let wal = env.dir.path().join("journal.db-wal");
    let mut recorded = 0;
    for bytes in [1, 200_000, 1_000_000, 2_500_000] {
        let args = ["delete", "Leads", "--from", &file, "--reason", "x", "--again"];
        let mut child = env.start(args);
        let began = SystemClock.elapsed();
        let written = || std::fs::metadata(&wal).map_or(0, |file| file.len());
        while written() < bytes && child.try_wait().unwrap().is_none() {
            assert!(SystemClock.elapsed() < began + PATIENCE);
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let entries = u64::try_from(env.entries().len()).unwrap();
        assert!(entries == recorded || entries == recorded + ROWS, "{entries} entries");
        recorded = entries;
    }
    let ran = env.journal(["delete", "Leads", "410405000002264041", "--reason", "x", "--again"]);
    ran.exits(0);
    env.journal(["plan"]).exits(0);
}

/// A small file system of its own, which only root can have.
struct Tiny(std::path::PathBuf);

impl Tiny {
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir(&path).unwrap();
        let mut mount = Command::new("/bin/mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs"]).arg(&path);
        let output = mount.output().ok()?;
        output.status.success().then(|| Self(path))
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        Command::new("/bin/umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[test]
fn a_full_disk_is_told_before_anything_is_sent_and_goes_on_when_there_is_room() {
    let mut env = Env::without_journal(config(1000));
    let Some(tiny) = Tiny::mount(env.dir.path().join("tiny")) else {
        eprintln!("SKIPPED: no file system can be mounted here, so no disk is full");
        return;
    };
    env.set("JOURNAL_DB", tiny.0.join("journal.db").display().to_string());
    env.journal(["init"]).exits(0);
    let leads = env.leads();
    env.record(&leads[..300]);
    let ids: Vec<u64> = (0..200_000).map(|number| 410_405_000_002_264_041 + number * 7).collect();
    let args = ["delete", "Contacts", "--from", "-", "--reason", "x", "--json"];
    let ran = env.journal_reading(args, lines(&ids)).exits(1);
    assert!(ran.error().contains("the disk is full"), "{ran}");
    assert!(
        ran.stderr.contains("hint: the disk is full; what was reported before is safe"),
        "{ran}"
    );
    assert_eq!(env.states(), "pending 300");
    // Full to the last byte.
    let ballast = tiny.0.join("ballast");
    std::fs::write(&ballast, vec![1; 4 << 20]).unwrap_err();
    let ran = env.journal(["sync", "--yes", "--json"]).exits(1);
    assert!(ran.stderr.contains("hint: the disk is full;"), "{ran}");
    assert_eq!(env.sent(), 0);
    std::fs::remove_file(&ballast).unwrap();
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 300");
    env.agrees();
}

/// A limit on file sizes stands for a disk that fills up in the middle of a run, at each of many places.
#[test]
fn a_journal_that_can_grow_no_more_stops_the_run_and_loses_nothing() {
    let mut stopped = 0;
    // In the shell's blocks of 512 bytes, from too little for anything on.
    for blocks in [60, 200, 310, 330, 350, 400, 500] {
        let env = Env::new(900);
        env.record(&env.leads());
        // The signal is ignored, so that writing fails as it does on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\" sync --yes --json");
        let ran = env.shell(&script, []);
        assert!(matches!(ran.code, Some(0 | 1)), "{blocks}: {ran}");
        stopped += usize::from(ran.code == Some(1));
        env.agrees();
        // What was told had been committed: nothing that a failed commit takes back.
        let told = |line: &Value| line["done"].as_u64().filter(|_| line["type"] == "batch");
        let told: u64 = ran.json_lines().iter().filter_map(told).sum();
        let done = env.entries().iter().filter(|(.., state)| state == "done").count();
        assert!(told <= u64::try_from(done).unwrap(), "{told} were told, {done} are done: {ran}");
        env.journal(["replay", "--yes"]).exits(0);
        assert_eq!(env.states(), "done 900", "{blocks} blocks: {ran}");
        env.agrees();
    }
    assert!(stopped > 0, "no limit was met");
}
