//! `backup --move`: the journal goes to another place for good, through the binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::evidence::keeper::lock_path;
use zoho_journal::platform::{Holder, OsLock, Sharing};
use zoho_journal::simulator::Fault;

use crate::env::{Env, Ran, exists, lines, signal};

fn ending(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A journal with two pending entries, and where it is to go.
fn journal() -> (Env, PathBuf) {
    let env = Env::new(6);
    let leads = env.leads();
    env.record(&leads[..2]);
    let place = env.dir.path().join("stick");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).unwrap();
    (env, place.join("moved.db"))
}

fn move_to(env: &Env, to: &Path) -> Ran {
    env.journal(["backup", &to.display().to_string(), "--move", "--json"])
}

/// Nothing is written here any more, and everything says where the journal is.
fn is_closed(env: &Env, to: &Path) {
    let events = env.events();
    for args in [
        &["delete", "Leads", "4150868000000123456", "--reason", "x"][..],
        &["sync", "--yes"],
        &["replay", "--yes"],
        &["pause", "--reason", "x"],
        &["hold", "add", "Leads", "4150868000000123456", "--reason", "x"],
        &["key", "rotate", "--reason", "x"],
        &["backup", "copy.db"],
    ] {
        let ran = env.journal(args.iter().copied()).exits(7);
        assert!(ran.stderr.contains(&to.display().to_string()), "{ran}");
    }
    assert_eq!(env.events(), events);
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(status["closed"], "moved");
    env.journal(["list"]).exits(0);
    env.journal(["verify"]).exits(0);
}

fn goes_on(env: &mut Env, to: &Path) {
    let before = env.db();
    env.set("JOURNAL_DB", to.display().to_string());
    env.journal(["verify"]).exits(0);
    assert!(env.journal(["status", "--json"]).exits(0).json()["closed"].is_null());
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    env.agrees();
    env.journal(["verify"]).exits(0);
    env.set("JOURNAL_DB", before.display().to_string());
}

#[test]
fn a_moved_journal_goes_on_there_and_is_closed_here() {
    let (mut env, to) = journal();
    let kept = env.file("kept", fs::read(ending(&env.db(), ".anchor")).unwrap());
    let told = move_to(&env, &to).exits(0).json();
    assert_eq!((&told["moved"], &told["finished"]), (&true.into(), &false.into()));
    for key in ["file", "anchor", "key"] {
        let file = told[key].as_str().unwrap();
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600, "{file}");
    }
    let names = |place: &Path| -> Vec<String> {
        let names = fs::read_dir(place).unwrap();
        let mut names: Vec<String> =
            names.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(to.parent().unwrap()), ["keys", "moved.db", "moved.db.anchor"]);
    assert_eq!(names(&to.parent().unwrap().join("keys")).len(), 1);
    assert_eq!(names(&env.dir.path().join("keys")), [""; 0]);
    is_closed(&env, &to);
    goes_on(&mut env, &to);
    // The same name and key: whoever kept a checkpoint sees that it goes on.
    env.set("JOURNAL_DB", to.display().to_string());
    env.journal(["verify", "--checkpoint", &kept]).exits(0);
    assert!(env.journal(["log"]).exits(0).stdout.contains("goes on where it was moved to"));
    env.journal(["adopt", "--reason", "x", "--yes"]).exits(7);
}

#[test]
fn a_copy_of_the_closed_file_is_as_closed_and_is_adopted_only_by_name() {
    let (mut env, to) = journal();
    move_to(&env, &to).exits(0);
    let copy = env.dir.path().join("again.db");
    fs::copy(env.db(), &copy).unwrap();
    fs::copy(ending(&env.db(), ".anchor"), ending(&copy, ".anchor")).unwrap();
    let original = env.db();
    env.set("JOURNAL_DB", copy.display().to_string());
    is_closed(&env, &to);
    // Whoever changes the mark by hand changes nothing: the log says it.
    let conn = rusqlite::Connection::open(&copy).unwrap();
    conn.pragma_update(None, "application_id", 0x5A4A_6E6C).unwrap();
    drop(conn);
    is_closed(&env, &to);
    let told = env.journal(["adopt", "--reason", "the stick is lost", "--yes", "--json"]).exits(0);
    assert_eq!((&told.json()["cause"], &told.json()["unknown"]), (&"moved".into(), &2.into()));
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    env.agrees();
    env.journal(["verify"]).exits(0);
    env.set("JOURNAL_DB", original.display().to_string());
    is_closed(&env, &to);
}

#[test]
fn an_adoption_with_nothing_open_counts_no_entries() {
    let env = Env::new(1);
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    move_to(&env, &env.dir.path().join("moved.db")).exits(0);
    let told = env.journal(["adopt", "--reason", "the stick is lost", "--yes"]).exits(0);
    assert!(told.said().contains("Nothing was sent."), "{told}");
    assert!(!told.said().contains("0 entries") && !told.said().contains("to be read"), "{told}");
}

/// The kernel ends whoever writes more to one file than it may: in the midst of the copy.
#[test]
fn a_move_that_dies_amid_its_copy_is_made_again_also_to_another_place() {
    for elsewhere in [false, true] {
        let (mut env, to) = journal();
        let script = format!("ulimit -f 150; exec \"$@\" backup {} --move", to.display());
        let ran = env.shell(&script, []);
        assert_eq!(ran.code, None, "{ran}");
        assert!(!exists(&to) && exists(ending(&to, ".part")));
        is_closed(&env, &to);
        let to = if elsewhere { to.with_file_name("other.db") } else { to };
        let told = move_to(&env, &to).exits(0).json();
        assert_eq!(told["finished"], true);
        goes_on(&mut env, &to);
    }
}

/// The copy was whole and had not got its name; then it has one and was carried away.
#[test]
fn a_copy_that_is_whole_is_never_made_again() {
    let (mut env, to) = journal();
    move_to(&env, &to).exits(0);
    fs::rename(&to, ending(&to, ".part")).unwrap();
    is_closed(&env, &to);
    // Nor is another one made elsewhere: this one may be in use.
    let ran = move_to(&env, &to.with_file_name("other.db")).exits(7);
    assert!(ran.error().contains("the journal was moved to"), "{ran}");
    assert_eq!(move_to(&env, &to).exits(0).json()["finished"], true);
    assert_eq!(move_to(&env, &to).exits(0).json()["finished"], true);
    goes_on(&mut env, &to);
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(ending(&to, end)).ok();
    }
    let ran = move_to(&env, &to).exits(7);
    assert!(ran.stdout.contains("journal adopt --reason TEXT"), "{ran}");
    assert!(!exists(&to));
}

#[test]
fn nothing_is_closed_where_a_move_cannot_be_made() {
    let (env, to) = journal();
    let events = env.events();
    let note = Holder::this_process("sync", SystemClock.now());
    let lock = OsLock::try_acquire(&lock_path(&env.db()), Sharing::OwnerOnly, &note).unwrap();
    move_to(&env, &to).exits(11);
    drop(lock);
    for end in ["", ".part", "-wal", ".anchor"] {
        fs::write(ending(&to, end), "precious").unwrap();
        let ran = move_to(&env, &to).exits(1);
        assert!(ran.error().contains("is there already"), "{ran}");
        assert_eq!(fs::read_to_string(ending(&to, end)).unwrap(), "precious");
        fs::remove_file(ending(&to, end)).unwrap();
    }
    move_to(&env, &env.db()).exits(1);
    move_to(&env, Path::new("/nowhere/at/all.db")).exits(1);
    let open = env.dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    move_to(&env, &open.join("moved.db")).exits(1);
    assert_eq!(env.events(), events);
    // A run has died over a batch: what became of it is found out first.
    env.zoho.plan_faults(vec![Fault::NeverAnswers]);
    let child = env.start(["sync", "--yes"]);
    env.next_write();
    signal(&child, "KILL");
    Ran::of_child(child);
    let ran = move_to(&env, &to).exits(7);
    assert!(ran.error().contains("a batch under way"), "{ran}");
    env.journal(["replay", "--yes"]).exits(0);
    move_to(&env, &to).exits(0);
    is_closed(&env, &to);
}

#[test]
fn a_journal_moves_within_its_directory_and_on_and_on() {
    let (mut env, _) = journal();
    let first = env.db();
    let second = env.dir.path().join("second.db");
    move_to(&env, &second).exits(0);
    is_closed(&env, &second);
    env.set("JOURNAL_DB", second.display().to_string());
    env.journal_reading(
        ["delete", "Leads", "--from", "-", "--reason", "x"],
        lines(&env.leads()[2..3]),
    )
    .exits(0);
    let third = env.dir.path().join("third.db");
    move_to(&env, &third).exits(0);
    is_closed(&env, &third);
    env.set("JOURNAL_DB", third.display().to_string());
    env.journal(["sync", "--yes"]).exits(0);
    env.agrees();
    env.journal(["verify"]).exits(0);
    env.set("JOURNAL_DB", first.display().to_string());
    is_closed(&env, &second);
}
