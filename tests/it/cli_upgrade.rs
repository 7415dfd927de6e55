//! A journal that an older program made: it can be looked at, and the first command that writes upgrades it.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use zoho_journal::platform::{Holder, OsLock, Sharing};
use zoho_journal::simulator::Config;

use crate::env::{Env, Ran, exists};

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema1/");
const JOURNAL: &str = "1268744f11348efa0f28999fa9e5d38e";
/// Events of the fixture.
const EVENTS: i64 = 30;
/// The newest schema there is: the highest number of a file in `migrations`.
const NEWEST: i64 = 7;
/// How its entries stand.
const STATES: &str = "done 7, failed 1, in_flight 1, pending 3, unknown 2";

/// The journal of schema 1 as `journal.db`, and a Zoho like the one it was made against.
pub fn older() -> Env {
    let records = vec![("Leads".to_owned(), 12), ("Contacts".to_owned(), 8)];
    let env = Env::without_journal(Config { records, ..Config::default() });
    let read = |name: &str| fs::read(format!("{FIXTURE}{name}")).unwrap();
    let mut journal = Vec::new();
    flate2::read::GzDecoder::new(&*read("journal.db.gz")).read_to_end(&mut journal).unwrap();
    let keys = env.dir.path().join("keys");
    fs::DirBuilder::new().mode(0o700).create(&keys).unwrap();
    for (path, bytes) in [
        (env.db(), journal),
        (beside(&env, ".anchor"), read("journal.db.anchor")),
        (keys.join(JOURNAL), read("journal.key")),
    ] {
        let mut file = fs::OpenOptions::new();
        let mut file = file.write(true).create_new(true).mode(0o600).open(path).unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
    }
    env
}

pub fn beside(env: &Env, suffix: &str) -> PathBuf {
    let mut name = env.db().into_os_string();
    name.push(suffix);
    name.into()
}

fn backup(env: &Env) -> PathBuf {
    beside(env, ".v1.backup")
}

fn schema(env: &Env) -> i64 {
    env.sqlite().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// The events of upgrades that the log holds.
fn upgrades(env: &Env) -> usize {
    env.journal(["log", "--kind", "schema_upgraded", "--json"]).exits(0).json_lines().len()
}

/// A command that records something, and nothing else.
const RECORD: [&str; 5] = ["delete", "Leads", "4150868000000123456", "--reason", "x"];

#[test]
fn an_older_journal_is_shown_exported_and_verified_as_it_is() {
    let env = older();
    let before = fs::read(env.db()).unwrap();
    let status = env.journal(["status"]).exits(0);
    assert!(status.stdout.contains("schema 1, of an older program"), "{status}");
    let report = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&report["ok"], &report["anchored"]), (&true.into(), &true.into()), "{report}");
    assert_eq!(report["events"], EVENTS);
    for words in [
        "status --json",
        "list",
        "list --json --state failed",
        "show R1",
        "show E1",
        "show E9",
        "show B1",
        "show R3 --json",
        "log",
        "export -o entries.csv",
        "export --view attempts -o attempts.csv",
        "export --view batches -o batches.csv",
        "export --view requests -o requests.csv",
        "export --view rejected -o rejected.csv",
        "export --view events -o events.csv",
        "jobs",
        "jobs --json",
        "plan",
        "sync --dry-run",
        "replay --dry-run",
        "delete Leads 4150868000000123456 --reason x --dry-run",
    ] {
        let ran = env.journal(words.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, Some(0), "{words}: {ran}");
    }
    assert_eq!(env.states(), STATES);
    let entries = fs::read_to_string(env.dir.path().join("entries.csv")).unwrap();
    assert_eq!(entries.lines().count(), 15);
    assert!(fs::read(env.db()).unwrap() == before);
    assert!(!exists(backup(&env)));
    assert_eq!(env.sent(), 0);
}

#[test]
fn a_run_upgrades_the_journal_says_so_and_goes_on() {
    let env = older();
    let args = ["sync", "R5", "--yes", "--wait", "0s"];
    let ran = env.journal(args);
    let told = format!(
        "The journal was upgraded from schema 1 to {NEWEST}; a verified copy of it as it was lies in "
    );
    assert_eq!(ran.stderr.matches(&told).count(), 1, "{ran}");
    assert!(ran.stderr.contains("/journal.db.v1.backup.\n"), "{ran}");
    let request = env.journal(["show", "R5", "--json"]).exits(0).json();
    assert_eq!(request["entries"]["done"], 3, "{ran}\n{request}");
    let report = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&report["ok"], &report["anchored"]), (&true.into(), &true.into()), "{report}");
    let log = env.journal(["log", "--kind", "schema_upgraded"]).exits(0);
    let upgraded = format!("schema 1 to {NEWEST} by ");
    assert!(log.stdout.contains(&upgraded) && log.stdout.lines().count() == 1, "{log}");
    assert_eq!(schema(&env), NEWEST);
    let mode = fs::metadata(backup(&env)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    // Once.
    let ran = env.journal(args);
    assert!(!ran.stderr.contains("upgraded"), "{ran}");
    assert_eq!(upgrades(&env), 1);
}

#[test]
fn the_copy_can_be_looked_at_and_verified_and_is_never_written_to() {
    let mut env = older();
    env.journal(RECORD).exits(0);
    let copy = backup(&env);
    let before = fs::read(&copy).unwrap();
    env.set("JOURNAL_DB", copy.display().to_string());
    let report = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&report["ok"], &report["events"]), (&true.into(), &EVENTS.into()), "{report}");
    assert_eq!(env.states(), STATES);
    for args in [&RECORD[..], &["sync", "R5", "--yes"]] {
        let ran = env.journal(args.iter().copied()).exits(1);
        assert!(ran.stderr.contains("is a copy of a journal"), "{ran}");
    }
    assert!(fs::read(&copy).unwrap() == before);
    assert_eq!(env.sent(), 0);
}

#[test]
fn recording_on_an_older_journal_waits_for_the_run_that_is_on() {
    let env = older();
    let before = fs::read(env.db()).unwrap();
    let since = "2026-11-22T10:00:00Z".parse().unwrap();
    let note = Holder::this_process("sync", since);
    let lock = OsLock::try_acquire(&beside(&env, ".lock"), Sharing::OwnerOnly, &note);
    let lock = lock.unwrap().unwrap();
    let ran = env.journal(RECORD).exits(11);
    assert!(ran.stderr.contains("must be upgraded first, and another run is on: sync"), "{ran}");
    env.journal(["sync", "--yes"]).exits(11);
    assert!(fs::read(env.db()).unwrap() == before && !exists(backup(&env)));
    drop(lock);
    env.journal(RECORD).exits(0);
    assert_eq!((schema(&env), upgrades(&env)), (NEWEST, 1));
}

#[test]
fn a_file_that_is_not_ours_in_the_place_of_the_copy_stops_the_upgrade() {
    let env = older();
    env.file("journal.db.v1.backup", "precious");
    let ran = env.journal(RECORD).exits(1);
    assert!(ran.stderr.contains("journal.db.v1.backup lies where its copy belongs"), "{ran}");
    assert!(ran.stderr.contains("hint: move "), "{ran}");
    assert_eq!(fs::read(backup(&env)).unwrap(), b"precious");
    assert_eq!(schema(&env), 1);
    fs::rename(backup(&env), env.dir.path().join("elsewhere")).unwrap();
    env.journal(RECORD).exits(0);
    assert_eq!(schema(&env), NEWEST);
}

#[test]
fn commands_that_come_at_once_upgrade_once() {
    let env = older();
    let runs: Vec<_> = (0..6).map(|_| env.start(RECORD)).collect();
    let mut recorded = 0;
    for run in runs {
        let ran = Ran::of_child(run);
        assert!(matches!(ran.code, Some(0 | 11)), "{ran}");
        recorded += usize::from(ran.code == Some(0));
    }
    assert!(recorded > 0);
    assert_eq!((schema(&env), upgrades(&env)), (NEWEST, 1));
    env.journal(["verify"]).exits(0);
}

/// Killed at each of many moments. The old schema or the new one, and never a part of a copy under the copy's
/// name.
#[test]
fn an_upgrade_that_is_killed_is_made_by_the_next_command() {
    let (mut before, mut after) = (0, 0);
    for moment in 0..24 {
        let env = older();
        let mut run = env.start(RECORD);
        let reached = || match moment % 4 {
            0 => exists(beside(&env, ".lock")),
            1 => exists(beside(&env, ".v1.backup.part")),
            2 => exists(backup(&env)),
            _ => fs::metadata(beside(&env, "-wal")).is_ok_and(|file| file.len() > 0),
        };
        while !reached() && run.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        for _ in 0..moment * 20 {
            std::thread::yield_now();
        }
        run.kill().unwrap();
        run.wait().unwrap();
        if schema(&env) == 1 {
            before += 1;
            assert_eq!(env.events(), EVENTS, "moment {moment}");
        } else {
            after += 1;
            assert!(env.events() > EVENTS, "moment {moment}");
        }
        env.journal(["verify"]).exits(0);
        env.journal(RECORD).exits(0);
        env.journal(["verify"]).exits(0);
        assert_eq!((schema(&env), upgrades(&env)), (NEWEST, 1), "moment {moment}");
        assert!(!exists(beside(&env, ".v1.backup.part")), "moment {moment}");
    }
    assert!(before > 0, "never before the upgrade; {after} after it");
}

/// A limit on file sizes stands for a disk that is full. The signal is ignored, so that writing fails.
#[test]
fn where_there_is_no_room_for_the_copy_the_journal_stays_as_it_is() {
    let env = older();
    let before = fs::read(env.db()).unwrap();
    let mut args =
        vec!["trap '' XFSZ; ulimit -f 100; exec \"$@\" delete Leads 4150868000000123456"];
    args.push("--reason x");
    let ran = env.shell(&args.join(" "), []).exits(1);
    assert!(ran.stderr.contains("copying the journal"), "{ran}");
    assert!(fs::read(env.db()).unwrap() == before);
    assert!(!exists(backup(&env)) && !exists(beside(&env, ".v1.backup.part")));
    env.journal(RECORD).exits(0);
    assert_eq!(schema(&env), NEWEST);
}

/// As an account that may not write to the file: root may always, so its tests become somebody else.
#[test]
fn an_older_journal_that_may_only_be_read_is_read_and_not_copied() {
    let env = older();
    let mode = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    mode(env.db(), 0o400).unwrap();
    let root = Command::new("/usr/bin/id").arg("-u").output().unwrap().stdout == b"0\n";
    let become_other = if root {
        let all = env.dir.path();
        let owned = Command::new("/bin/chown").args(["-R", "65534:65534"]).arg(all).status();
        assert!(owned.unwrap().success());
        "setpriv --reuid 65534 --regid 65534 --clear-groups"
    } else {
        ""
    };
    let run = |words: &str| env.shell(&format!("exec {become_other} \"$@\" {words}"), []);
    if root && run("--version").code != Some(0) {
        eprintln!("SKIPPED: no other account can be taken here, or it may not run the program");
        return;
    }
    let status = run("status").exits(0);
    assert!(status.stdout.contains("schema 1, of an older program"), "{status}");
    run("verify").exits(0);
    let ran = run("delete Leads 4150868000000123456 --reason x").exits(1);
    assert!(ran.stderr.contains("may only be read here"), "{ran}");
    assert!(!exists(backup(&env)) && !exists(beside(&env, ".v1.backup.part")));
    mode(env.db(), 0o600).unwrap();
    for companion in ["-wal", "-shm"] {
        // Made by a reader with the rights of the journal.
        mode(beside(&env, companion), 0o600).ok();
    }
    run("delete Leads 4150868000000123456 --reason x").exits(0);
    assert_eq!(schema(&env), NEWEST);
}

#[test]
fn a_journal_of_a_newer_program_is_refused_by_every_command() {
    let env = older();
    let set = rusqlite::Connection::open_with_flags(
        env.db(),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
    );
    set.unwrap().pragma_update(None, "user_version", 99).unwrap();
    for args in [&["status"][..], &["export", "-o", "x.csv"], &RECORD, &["sync", "--yes"]] {
        let ran = env.command(args.iter().copied()).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "{said}");
        let known = format!("has schema 99; this program knows schemas up to {NEWEST}");
        assert!(said.contains(&known), "{said}");
        assert!(said.contains("hint: use the newer program"), "{said}");
    }
}
