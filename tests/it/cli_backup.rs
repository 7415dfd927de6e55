//! `journal backup`: one verified file that can be looked at and is never written to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::env::{Env, exists};

const RECORD: [&str; 5] = ["delete", "Leads", "4150868000000123456", "--reason", "x"];

fn journal() -> Env {
    let env = Env::new(3);
    env.journal(RECORD).exits(0);
    env
}

#[test]
fn a_backup_shows_and_verifies_what_the_journal_held_and_is_never_written_to() {
    let mut env = journal();
    let file = env.dir.path().join("copy.db");
    let name = file.display().to_string();
    let told = env.journal(["backup", &name, "--json"]).exits(0).json();
    let events = env.journal(["verify", "--json"]).exits(0).json()["events"].clone();
    assert_eq!(told["events"], events);
    assert_eq!(told["bytes"], fs::metadata(&file).unwrap().len());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    for left in ["copy.db.part", "copy.db-wal", "copy.db-shm", "copy.db-journal"] {
        assert!(!exists(env.dir.path().join(left)), "{left}");
    }
    // What the journal does later is not in it, and its checkpoint shows that the journal extends it.
    env.journal(["delete", "Leads", "4150868000000123457", "--reason", "y"]).exits(0);
    let checkpoint = env.file("then.checkpoint", told["checkpoint"].as_str().unwrap());
    env.journal(["verify", "--checkpoint", &checkpoint]).exits(0);
    let bytes = fs::read(&file).unwrap();
    let key = env.journal(["key", "export"]).exits(0).stdout;
    env.set("JOURNAL_DB", &name);
    let report = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&report["ok"], &report["events"]), (&true.into(), &events), "{report}");
    let key = env.file("own.vkey", &key);
    env.journal(["verify", "--checkpoint", &checkpoint, "--key", &key]).exits(0);
    assert_eq!(env.states(), "pending 1");
    for args in [&RECORD[..], &["sync", "--yes"], &["backup", "again.db"]] {
        let ran = env.journal(args.iter().copied()).exits(1);
        assert!(ran.stderr.contains("is a copy of a journal: it is not written to"), "{ran}");
    }
    assert!(fs::read(&file).unwrap() == bytes);
    assert_eq!(env.sent(), 0);
}

#[test]
fn a_copy_put_in_the_journals_place_is_not_written_to() {
    let env = journal();
    let file = env.dir.path().join("copy.db");
    env.journal(["backup", &file.display().to_string()]).exits(0);
    for end in ["-wal", "-shm"] {
        let mut name = env.db().into_os_string();
        name.push(end);
        fs::remove_file(name).ok();
    }
    fs::rename(&file, env.db()).unwrap();
    let ran = env.journal(["sync", "--yes"]).exits(1);
    assert!(ran.stderr.contains("is a copy of a journal"), "{ran}");
    assert_eq!(env.sent(), 0);
}

#[test]
fn a_backup_is_written_over_nothing() {
    let env = journal();
    let path = |name: &str| env.dir.path().join(name);
    fs::write(path("there"), "precious").unwrap();
    symlink(path("nowhere"), path("link")).unwrap();
    fs::write(path("wal-wal"), "precious").unwrap();
    fs::write(path("other.part"), "precious").unwrap();
    for name in ["there", "link", "wal", "other"] {
        let ran = env.journal(["backup", &path(name).display().to_string()]).exits(1);
        assert!(ran.stderr.contains("is there already"), "{ran}");
    }
    assert!(!exists(path("nowhere")) && !exists(path("other")) && !exists(path("wal")));
    for name in ["there", "wal-wal", "other.part"] {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), "precious");
    }
    env.journal(["backup", &env.db().display().to_string()]).exits(2);
    let ran = env.journal(["backup", "/nowhere/at/all.db"]).exits(1);
    assert!(ran.stderr.contains("/nowhere/at/all.db"), "{ran}");
    env.journal(["verify"]).exits(0);
}

/// The kernel ends whoever writes more to one file than it may: in the midst of the copy.
#[test]
fn a_backup_that_dies_amid_its_copy_leaves_no_backup_and_the_journal_as_it_was() {
    let env = journal();
    let path = |name: &str| env.dir.path().join(name);
    let copy = path("copy.db").display().to_string();
    let before = fs::read(env.db()).unwrap();
    let ran = env.shell(&format!("ulimit -f 100; exec \"$@\" backup {copy}"), []);
    assert_eq!(ran.code, None, "{ran}");
    assert!(exists(path("copy.db.part")) && !exists(path("copy.db")));
    assert!(fs::read(env.db()).unwrap() == before);
    let ran = env.journal(["backup", &copy]).exits(1);
    assert!(
        ran.stderr.contains("copy.db.part") && ran.stderr.contains("is there already"),
        "{ran}"
    );
    // The same limit as an error instead of a death: nothing is left.
    let other = path("other.db").display().to_string();
    let limited = format!("trap '' XFSZ; ulimit -f 100; exec \"$@\" backup {other}");
    env.shell(&limited, []).exits(1);
    assert!(!exists(path("other.db.part")) && !exists(path("other.db")));
    env.journal(["backup", &other]).exits(0);
    env.journal(["verify"]).exits(0);
}
