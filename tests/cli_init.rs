//! `journal init`, through the binary.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not themselves marked as tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use assert_cmd::Command;

/// What a command said, and how it ended.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs `journal` with nothing of the surroundings, in a directory of its own.
fn journal(place: &Path, arguments: &[&str]) -> Said {
    let output = Command::cargo_bin("journal")
        .unwrap()
        .env_clear()
        .env("HOME", place)
        .current_dir(place)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn place() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Replaces what differs from run to run.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    for word in text.split_inclusive([' ', '\n', '"', '/', '+', ',']) {
        let (core, end) =
            word.split_at(word.trim_end_matches([' ', '\n', '"', '/', '+', ',']).len());
        let hex = core.bytes().all(|byte| byte.is_ascii_hexdigit());
        steady.push_str(match core.len() {
            32 if hex => "ID",
            8 if hex => "KEYID",
            _ => core,
        });
        steady.push_str(end);
    }
    match steady.find("KEYID+").map(|at| at + 6) {
        Some(at) => {
            let key: usize = steady[at..].find([' ', '\n', '"']).unwrap_or(0);
            format!("{}KEY{}", &steady[..at], &steady[at + key..])
        }
        None => steady,
    }
}

#[test]
fn init_tells_where_everything_lies_and_what_comes_next() {
    let place = place();
    let said = journal(place.path(), &["init", "--db", "acme.db"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    insta::assert_snapshot!(steady(&said.stdout), @r"
    journal      acme.db
    anchor       acme.db.anchor  (shows when an older copy is put back: back it up elsewhere)
    key          keys/ID  (signs checkpoints: keep it private)
    verifier key zoho-journal/ID+KEYID+KEY  (give it to your auditors)
    ");
    insta::assert_snapshot!(
        said.stderr,
        @"next: journal delete MODULE --from FILE --reason TEXT --db acme.db"
    );
}

#[test]
fn init_tells_programs_the_same() {
    let place = place();
    let said = journal(place.path(), &["init", "--json", "--db", "acme.db"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    insta::assert_snapshot!(steady(&said.stdout), @r#"{"db":"acme.db","journal":"ID","key":"keys/ID","anchor":"acme.db.anchor","verifier_key":"zoho-journal/ID+KEYID+KEY","next":"journal delete MODULE --from FILE --reason TEXT --db acme.db"}"#);
    let made: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    for file in ["db", "key", "anchor"] {
        let path = place.path().join(made[file].as_str().unwrap());
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600, "{file}");
    }
    let key = fs::read_to_string(place.path().join(made["key"].as_str().unwrap())).unwrap();
    // The last of five fields; it may hold a + itself.
    let secret = key.trim_end().splitn(5, '+').nth(4).unwrap();
    assert!(secret.len() > 40);
    assert!(!said.stdout.contains(secret) && !said.stderr.contains(secret));
}

#[test]
fn without_a_path_the_journal_lies_in_the_data_directory() {
    let place = place();
    let said = journal(place.path(), &["init", "--profile", "acme"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(place.path().join(".local/share/zoho-journal/acme.db").is_file());
    assert!(said.stderr.contains("--reason TEXT --profile acme\n"), "{}", said.stderr);
}

#[test]
fn an_existing_journal_is_never_overwritten() {
    let place = place();
    assert_eq!(journal(place.path(), &["init", "--db", "acme.db"]).code, 0);
    let before = fs::read(place.path().join("acme.db")).unwrap();
    let said = journal(place.path(), &["init", "--db", "acme.db"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""));
    insta::assert_snapshot!(said.stderr, @r"
    error: acme.db exists already
    hint: a journal is never overwritten: choose another --db
    ");
    assert_eq!(fs::read(place.path().join("acme.db")).unwrap(), before);
}

#[test]
fn what_is_no_journal_is_named() {
    let place = place();
    let at = |name: &str| place.path().join(name);
    fs::write(at("text.db"), "name,id\n").unwrap();
    fs::write(at("empty.db"), "").unwrap();
    fs::create_dir(at("directory.db")).unwrap();
    symlink(at("text.db"), at("link.db")).unwrap();
    fs::write(at("gone.db.anchor"), "").unwrap();
    let mut told = String::new();
    for name in ["text.db", "empty.db", "directory.db", "link.db", "gone.db"] {
        let said = journal(place.path(), &["init", "--db", name]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{name}");
        told.push_str(&said.stderr);
    }
    insta::assert_snapshot!(told, @r"
    error: text.db is not a journal: it is not an SQLite file
    hint: check --db, JOURNAL_DB and the profile
    error: empty.db is only half made: an init was interrupted before anything was recorded there
    hint: rm empty.db and run journal init again
    error: directory.db is not a regular file: give another path
    error: link.db is a symbolic link: give the path of the file itself
    error: gone.db.anchor lies there already, from a journal that is gone: move it away, or choose another --db
    ");
    assert_eq!(fs::read_to_string(at("text.db")).unwrap(), "name,id\n");
}

#[test]
fn a_directory_that_others_can_write_is_refused_with_what_mends_it() {
    let place = place();
    fs::create_dir(place.path().join("open")).unwrap();
    fs::set_permissions(place.path().join("open"), fs::Permissions::from_mode(0o777)).unwrap();
    let said = journal(place.path(), &["init", "--json", "--db", "open/acme.db"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.stdout, @r#"{"error":{"code":1,"message":"others can replace files in the directory open (mode 0777): run `chmod go-w open`, or choose another directory","hint":null}}"#);
    assert_eq!(fs::read_dir(place.path().join("open")).unwrap().count(), 0);
}

#[test]
fn a_group_that_does_not_exist_makes_no_journal() {
    let place = place();
    let said = journal(place.path(), &["init", "--db", "acme.db", "--group", "nobody-has-this"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("no group named nobody-has-this on this host"), "{}", said.stderr);
    assert!(!place.path().join("acme.db").exists());
}
