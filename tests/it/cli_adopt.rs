//! `adopt`: going on with a journal of which a part is lost, through the binary.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::evidence::keeper::lock_path;
use zoho_journal::platform::{Holder, OsLock, Sharing};
use zoho_journal::simulator::{Config, Fault};

use crate::cli_certificate::{contrib, key_file, named, python, write_all};
use crate::env::{Env, Ran, lines, signal};

const ADOPT: [&str; 5] = ["adopt", "--reason", "the disk is gone", "--yes", "--json"];

fn ending(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Keeps the journal's file as it is, without its anchor, as a backup of the disk does.
pub fn keep(env: &Env, name: &str) -> PathBuf {
    let kept = env.dir.path().join(name);
    for end in ["", "-wal"] {
        if ending(&env.db(), end).exists() {
            fs::copy(ending(&env.db(), end), ending(&kept, end)).unwrap();
        }
    }
    kept
}

/// Puts such a file back in the journal's place, beside the newer anchor.
pub fn put_back(env: &Env, kept: &Path) {
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(ending(&env.db(), end)).ok();
        if ending(kept, end).exists() {
            fs::copy(ending(kept, end), ending(&env.db(), end)).unwrap();
        }
    }
}

fn anchor(env: &Env) -> PathBuf {
    ending(&env.db(), ".anchor")
}

pub fn adopt(env: &Env) -> Value {
    env.journal(ADOPT).exits(0).json()
}

pub fn verifies(env: &Env) {
    let report = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&report["ok"], &report["anchored"]), (&true.into(), &true.into()), "{report}");
}

fn delete(env: &Env, ids: &[u64], flags: &[&str]) -> Ran {
    let args = ["delete", "Leads", "--from", "-", "--reason", "clean-up"];
    env.journal_reading(args.iter().chain(flags).copied().collect::<Vec<_>>(), lines(ids))
}

/// E1 to E6 are pending, E7 waits for approval, E8 is held. What is lost: Zoho refused E1 and deleted the others, E7
/// and E8 once they were let go.
fn lost() -> (Env, Vec<u64>) {
    let env = Env::new(12);
    let leads = env.leads();
    delete(&env, &leads[..6], &[]).exits(0);
    delete(&env, &leads[6..7], &["--require-approval", "always"]).exits(0);
    delete(&env, &leads[7..8], &[]).exits(0);
    let held = leads[7].to_string();
    env.journal(["hold", "add", "Leads", &held, "--reason", "case 7"]).exits(0);
    let kept = keep(&env, "kept.db");
    env.journal(["approve", "R2", "--as", "Bert"]).exits(0);
    env.journal(["hold", "release", "Leads", &held, "--reason", "over"]).exits(0);
    delete(&env, &leads[8..9], &[]).exits(0);
    assert!(env.zoho.lock(leads[0]));
    env.journal(["sync", "--yes"]).exits(3);
    assert_eq!(env.states(), "done 8, failed 1");
    assert!(env.zoho.unlock(leads[0]));
    put_back(&env, &kept);
    (env, leads)
}

#[test]
fn a_restored_backup_is_written_to_by_nothing_but_adopt() {
    let (env, leads) = lost();
    let before = fs::read(env.db()).unwrap();
    let events = env.events();
    let sent = env.sent();
    let lead = leads[9].to_string();
    for args in [
        &["delete", "Leads", &lead, "--reason", "x"][..],
        &["sync", "--yes"],
        &["replay", "--yes"],
        &["approve", "R2", "--as", "Bert"],
        &["reject", "R2", "--reason", "x"],
        &["cancel", "R1", "--reason", "x"],
        &["hold", "add", "Leads", &lead, "--reason", "x"],
        &["pause", "--reason", "x"],
        &["policy", "set", "--require-approval", "always", "--reason", "x"],
        &["backup", "copy.db"],
        &["backup", "moved.db", "--move"],
        &["key", "rotate", "--reason", "x"],
        &["recheck"],
    ] {
        let ran = env.journal(args.iter().copied()).exits(12);
        assert!(ran.stderr.contains("its anchor"), "{ran}");
        assert!(ran.stderr.contains("journal adopt --reason TEXT"), "{ran}");
    }
    assert_eq!((env.events(), env.sent()), (events, sent));
    assert!(fs::read(env.db()).unwrap() == before);
    // What only looks says what to do.
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(status["closed"], "behind");
    assert!(status["next"].as_str().unwrap().starts_with("journal adopt --reason TEXT"));
    let doctor = env.journal(["doctor"]);
    assert!(doctor.stdout.contains("journal adopt --reason TEXT"), "{doctor}");
}

#[test]
fn adopting_asks_and_refuses_what_is_no_adoption() {
    let (env, _) = lost();
    let events = env.events();
    let ran = env.journal(["adopt", "--reason", "x"]).exits(8);
    for told in ["older copy", "published beside it: ", " are missing", "6 entries", "2 entries"] {
        assert!(ran.stderr.contains(told), "{told}: {ran}");
    }
    env.journal(["adopt", "--reason", " ", "--yes"]).exits(2);
    env.journal(["adopt", "--yes"]).exits(2);
    let note = Holder::this_process("sync", SystemClock.now());
    let lock = OsLock::try_acquire(&lock_path(&env.db()), Sharing::OwnerOnly, &note).unwrap();
    assert!(lock.is_some());
    env.journal(ADOPT).exits(11);
    drop(lock);
    assert_eq!(env.events(), events);
    adopt(&env);
    let ran = env.journal(ADOPT).exits(7);
    assert!(ran.error().contains("there is nothing to adopt"), "{ran}");
    let fresh = Env::new(1);
    fresh.journal(ADOPT).exits(7);
    Env::without_journal(crate::env::config(1)).journal(ADOPT).exits(10);
}

#[test]
fn what_the_lost_part_did_is_found_out_and_nothing_is_done_twice() {
    let (env, leads) = lost();
    let told = adopt(&env);
    assert_eq!(
        (&told["cause"], &told["unknown"], &told["kept_back"], &told["finished"]),
        (&"behind".into(), &6.into(), &2.into(), &false.into())
    );
    assert!(told["missing"].as_u64().unwrap() > 5, "{told}");
    assert_eq!(env.states(), "awaiting_approval 1, held 1, unknown 6");
    verifies(&env);
    let shown = env.journal(["show", "E1"]).exits(0).stdout;
    assert!(shown.contains("the journal was adopted at "), "{shown}");
    assert!(shown.contains("may have done it"), "{shown}");
    // What Zoho refused then is sent now; what it did is not sent again.
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "awaiting_approval 1, done 6, held 1");
    verifies(&env);
    let approved = env.journal(["approve", "R2", "--as", "Bert", "--json"]).exits(0).json();
    let row = &approved["approved"][0];
    assert_eq!((&row["entries"], &row["unknown"]), (&0.into(), &1.into()), "{approved}");
    let held = leads[7].to_string();
    let release = ["hold", "release", "Leads", &held, "--reason", "over", "--json"];
    let released = env.journal(release).exits(0).json();
    assert_eq!((&released["pending"], &released["unknown"]), (&0.into(), &1.into()));
    assert_eq!(env.states(), "done 6, unknown 2");
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 8");
    env.agrees();
    verifies(&env);
    let row = &env.journal(["export", "--format", "jsonl"]).exits(0).json_lines()[1];
    assert_eq!((&row["settled_by"], &row["undo"]), (&"evidence".into(), &"possible".into()));
    let words = row["in_words"].as_str().unwrap();
    assert!(words.contains("the journal's own record of the call was lost"), "{words}");
    // A request that was lost altogether is recorded anew, and its record is gone: nobody claims to have done it.
    assert!(env.zoho.age(leads[8], 3_600_000));
    delete(&env, &leads[8..9], &[]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "absent 1, done 8");
    verifies(&env);
}

/// What is untouched is sent; what somebody else may have done is not put down to anybody.
#[test]
fn what_cannot_be_told_stays_undecided_until_a_person_settles_it() {
    let env = Env::new(6);
    let leads = env.leads();
    delete(&env, &leads[..5], &[]).exits(0);
    let kept = keep(&env, "kept.db");
    // Something must be lost; none of this was sent.
    env.journal(["pause", "--reason", "x"]).exits(0);
    put_back(&env, &kept);
    assert!(env.zoho.delete_as_other_user(leads[0]));
    env.zoho.touch(leads[1]);
    adopt(&env);
    env.journal(["replay", "--yes"]).exits(4);
    assert_eq!(env.states(), "done 3, unknown 2");
    env.agrees();
    let rows = env.journal(["list", "--code", "UNDECIDED", "--json"]).exits(0).json_lines();
    assert!(rows.iter().any(|row| row["entry_id"] == "E1"), "{rows:?}");
    env.journal(["settle", "E1", "--state", "absent", "--reason", "seen in the log"]).exits(0);
    env.journal(["settle", "E2", "--state", "failed", "--reason", "somebody edited it"]).exits(0);
    env.agrees();
    verifies(&env);
}

#[test]
fn a_call_that_was_under_way_and_one_that_zoho_had_refused_are_read_too() {
    let env = Env::new(6);
    let leads = env.leads();
    delete(&env, &leads[..2], &[]).exits(0);
    env.zoho.plan_faults(vec![Fault::Refuse]);
    env.journal(["sync", "--yes"]).exits(3);
    delete(&env, &leads[2..5], &[]).exits(0);
    env.zoho.plan_faults(vec![Fault::NeverAnswers]);
    let child = env.start(["sync", "--yes", "R2"]);
    env.next_write();
    env.next_write();
    signal(&child, "KILL");
    Ran::of_child(child);
    assert_eq!(env.states(), "done 1, failed 1, in_flight 3");
    let kept = keep(&env, "kept.db");
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 5");
    put_back(&env, &kept);
    let told = adopt(&env);
    assert_eq!((&told["unknown"], &told["kept_back"]), (&3.into(), &1.into()));
    assert_eq!(env.states(), "done 1, failed 1, unknown 3");
    verifies(&env);
    // A plain sync leaves alone what was refused, as ever.
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 4, failed 1");
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 5");
    env.agrees();
    verifies(&env);
}

/// A list names nobody who took a relation out of it.
#[test]
fn a_relation_that_is_gone_is_put_down_to_nobody_and_one_that_is_there_is_removed() {
    let env = Env::with(Config {
        records: vec![("Campaigns".to_owned(), 1), ("Leads".to_owned(), 3)],
        ..Config::default()
    });
    let (campaign, leads) = (env.zoho.snapshot().modules["Campaigns"].live[0], env.leads());
    env.zoho.link("Campaigns", campaign, "Leads", &leads);
    let campaign = campaign.to_string();
    for part in [&leads[..1], &leads[1..]] {
        let args = ["unlink", "Campaigns", &campaign, "Leads", "--from", "-", "--reason", "x"];
        env.journal_reading(args, lines(part)).exits(0);
    }
    let kept = keep(&env, "kept.db");
    env.journal(["sync", "--yes", "R1"]).exits(0);
    put_back(&env, &kept);
    assert_eq!(adopt(&env)["unknown"], 3);
    env.journal(["replay", "--yes"]).exits(4);
    assert_eq!(env.states(), "done 2, unknown 1");
    let shown = env.journal(["show", "E1"]).exits(0).stdout;
    assert!(shown.contains("a part of the log was lost"), "{shown}");
    let settle = ["settle", "E1", "--state", "done", "--reason", "seen in the audit log"];
    env.journal(settle).exits(0);
    env.agrees();
    verifies(&env);
}

#[test]
fn an_undo_that_was_pending_is_read_before_it_is_sent() {
    let env = Env::new(3);
    let leads = env.leads();
    delete(&env, &leads[..2], &[]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    for id in &leads[..2] {
        assert!(env.zoho.age(*id, 3_600_000));
    }
    env.journal(["undo", "E1", "--reason", "a mistake"]).exits(0);
    env.journal(["undo", "E2", "--reason", "a mistake"]).exits(0);
    let kept = keep(&env, "kept.db");
    env.journal(["sync", "--yes", "R2"]).exits(0);
    put_back(&env, &kept);
    assert_eq!(adopt(&env)["unknown"], 2);
    env.journal(["replay", "--yes"]).exits(4);
    // The first one is back, and nothing tells who brought it back; the second one lay in the bin as ever.
    assert_eq!(env.states(), "done 3, unknown 1");
    assert_eq!(env.leads().len(), 3);
    let settle = ["settle", "E3", "--state", "done", "--reason", "seen in the audit log"];
    env.journal(settle).exits(0);
    verifies(&env);
}

/// The same record in two requests: what one of them did is not claimed twice.
#[test]
fn of_two_entries_for_one_record_only_one_is_done() {
    let env = Env::new(3);
    let leads = env.leads();
    delete(&env, &leads[..1], &[]).exits(0);
    delete(&env, &leads[..1], &["--again"]).exits(0);
    let kept = keep(&env, "kept.db");
    env.journal(["sync", "--yes", "R1"]).exits(0);
    put_back(&env, &kept);
    assert_eq!(adopt(&env)["unknown"], 2);
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "absent 1, done 1");
    env.agrees();
    verifies(&env);
}

#[test]
fn a_copy_becomes_a_journal_of_its_own_that_nobody_takes_for_the_original() {
    let mut env = Env::new(4);
    let leads = env.leads();
    delete(&env, &leads[..2], &[]).exits(0);
    let copy = env.dir.path().join("copy.db").display().to_string();
    env.journal(["backup", &copy]).exits(0);
    let original = env.db().display().to_string();
    env.journal(["sync", "--yes"]).exits(0);
    env.agrees();
    let notes = [env.dir.path().join("of-original"), env.dir.path().join("of-copy")];
    let notes = notes.map(|path| path.display().to_string());
    env.journal(["checkpoint", "-o", &notes[0]]).exits(0);
    env.set("JOURNAL_DB", &copy);
    assert_eq!(env.journal(["status", "--json"]).exits(0).json()["closed"], "copy");
    let ran = env.journal(["sync", "--yes"]).exits(1);
    assert!(ran.stderr.contains("journal adopt --reason TEXT"), "{ran}");
    let told = adopt(&env);
    assert_eq!(
        (&told["cause"], &told["missing"], &told["unknown"]),
        (&"copy".into(), &Value::Null, &2.into())
    );
    verifies(&env);
    // What the original sent since is read, and not sent again.
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    env.agrees();
    delete(&env, &leads[2..3], &[]).exits(0);
    env.journal(["checkpoint", "-o", &notes[1]]).exits(0);
    verifies(&env);
    let parted = env.journal(["verify", "--checkpoint", &notes[0]]).exits(12);
    assert!(parted.stdout.contains("the histories parted at event 2"), "{parted}");
    assert!(parted.stderr.contains("Nothing else is wrong"), "{parted}");
    env.set("JOURNAL_DB", &original);
    env.journal(ADOPT).exits(7);
    verifies(&env);
    env.journal(["verify", "--checkpoint", &notes[0]]).exits(0);
    let other = env.journal(["verify", "--checkpoint", &notes[1]]).exits(12);
    assert!(
        other.stdout.contains("not signed by any key that this journal's log names"),
        "{other}"
    );
}

#[test]
fn checkpoints_of_before_are_extended_up_to_where_the_histories_parted() {
    let (env, _) = lost();
    let ahead = env.file("ahead", fs::read(anchor(&env)).unwrap());
    let before = env.journal(["verify", "--json", "--checkpoint", &ahead]).exits(12).json();
    assert_eq!(before["checkpoints"][0]["ok"], false);
    let other = Env::new(1);
    let stranger = env.file("stranger", fs::read(anchor(&other)).unwrap());
    // A key that was rotated within the lost part is named nowhere any more.
    adopt(&env);
    let report = env.journal(["verify", "--json", "--checkpoint", &ahead]).exits(12).json();
    let what = report["findings"][0]["what"].as_str().unwrap();
    assert!(what.contains("it was adopted at") && what.contains("parted at event"), "{what}");
    let strange = env.journal(["verify", "--json", "--checkpoint", &stranger]).exits(12).json();
    assert!(!strange.to_string().contains("parted"), "{strange}");
}

#[test]
fn a_checkpoint_from_before_the_loss_is_extended_by_the_adopted_journal() {
    let env = Env::new(3);
    let leads = env.leads();
    delete(&env, &leads[..1], &[]).exits(0);
    let early = env.file("early", fs::read(anchor(&env)).unwrap());
    let kept = keep(&env, "kept.db");
    env.journal(["key", "rotate", "--reason", "x"]).exits(0);
    delete(&env, &leads[1..2], &[]).exits(0);
    let late = env.file("late", fs::read(anchor(&env)).unwrap());
    put_back(&env, &kept);
    adopt(&env);
    delete(&env, &leads[2..3], &[]).exits(0);
    env.journal(["verify", "--checkpoint", &early]).exits(0);
    // Signed by a key that only the lost part names.
    let parted = env.journal(["verify", "--checkpoint", &late]).exits(12);
    assert!(parted.stdout.contains("the histories parted at event 2"), "{parted}");
    verifies(&env);
}

#[test]
fn a_journal_without_its_anchor_is_adopted_and_a_spoiled_anchor_is_named() {
    let env = Env::new(2);
    let leads = env.leads();
    delete(&env, &leads[..1], &[]).exits(0);
    let good = fs::read(anchor(&env)).unwrap();
    fs::write(anchor(&env), "spoiled").unwrap();
    let ran = env.journal(ADOPT).exits(12);
    assert!(ran.stdout.contains("move this one away"), "{ran}");
    let stranger = Env::new(1);
    fs::copy(anchor(&stranger), anchor(&env)).unwrap();
    env.journal(ADOPT).exits(12);
    fs::remove_file(anchor(&env)).unwrap();
    env.journal(["sync", "--yes"]).exits(12);
    let told = adopt(&env);
    assert_eq!((&told["cause"], &told["published"]), (&"missing".into(), &Value::Null));
    verifies(&env);
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!((env.states().as_str(), env.sent()), ("done 1", 1));
    env.agrees();
    // The old anchor in the new one's place is not ours any more.
    fs::write(anchor(&env), good).unwrap();
    env.journal(["sync", "--yes"]).exits(12);
}

/// What a crash between the event and the anchor leaves: the anchor as it was, also none.
#[test]
fn an_adoption_that_died_before_its_anchor_is_finished_by_another_one() {
    for missing in [false, true] {
        let (env, leads) = lost();
        let before = fs::read(anchor(&env)).unwrap();
        if missing {
            fs::remove_file(anchor(&env)).unwrap();
        }
        let first = adopt(&env);
        let events = env.events();
        if missing {
            fs::remove_file(anchor(&env)).unwrap();
        } else {
            fs::write(anchor(&env), &before).unwrap();
        }
        delete(&env, &leads[9..10], &[]).exits(12);
        let again = adopt(&env);
        assert_eq!((&again["finished"], env.events()), (&true.into(), events));
        assert_eq!((&again["journal"], &again["key"]), (&first["journal"], &first["key"]));
        verifies(&env);
        delete(&env, &leads[9..10], &[]).exits(0);
        verifies(&env);
    }
}

/// Before the event only a key is left that nothing names.
#[test]
fn an_adoption_that_fails_leaves_the_journal_as_it_was() {
    let (env, _) = lost();
    let events = env.events();
    // The keys cannot be read by anybody else; a directory that cannot be written to makes no key.
    let keys = env.dir.path().join("keys");
    fs::rename(&keys, env.dir.path().join("elsewhere")).unwrap();
    fs::write(&keys, "in the way").unwrap();
    env.journal(ADOPT).exits(1);
    assert_eq!(
        (env.events(), env.states().as_str()),
        (events, "awaiting_approval 1, held 1, pending 6")
    );
    fs::remove_file(&keys).unwrap();
    // Without the old key it works all the same: a new one is made anyway.
    adopt(&env);
    verifies(&env);
}

#[test]
fn adopting_is_no_pardon_for_edits() {
    for edit in [
        "UPDATE request SET workflows = 0 WHERE id = 1",
        "UPDATE entry SET state = 7 WHERE id = 1",
        "UPDATE head SET size = size - 1",
        "UPDATE sealed SET value = 'else' WHERE field = 'reason'",
    ] {
        let (env, _) = lost();
        let conn = rusqlite::Connection::open(env.db()).unwrap();
        conn.execute_batch(edit).unwrap();
        drop(conn);
        let anchor = fs::read(anchor(&env)).unwrap();
        let ran = env.journal(ADOPT).exits(12);
        assert!(!ran.stdout.contains("adopted"), "{edit}: {ran}");
        assert_eq!(fs::read(crate::cli_adopt::anchor(&env)).unwrap(), anchor, "{edit}");
    }
}

#[test]
fn a_backup_is_adopted_again_and_again() {
    let (env, _) = lost();
    adopt(&env);
    env.journal(["replay", "--yes"]).exits(0);
    let kept = keep(&env, "second.db");
    env.journal(["approve", "R2", "--as", "Bert"]).exits(0);
    env.journal(["replay", "--yes"]).exits(0);
    let late = env.file("late", fs::read(anchor(&env)).unwrap());
    put_back(&env, &kept);
    let told = adopt(&env);
    assert_eq!((&told["unknown"], &told["kept_back"]), (&0.into(), &2.into()));
    env.journal(["approve", "R2", "--as", "Bert"]).exits(0);
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 7, held 1");
    verifies(&env);
    let parted = env.journal(["verify", "--checkpoint", &late]).exits(12);
    assert!(parted.stdout.contains("parted"), "{parted}");
}

#[test]
fn certificates_of_before_and_after_verify_here_and_in_python() {
    let env = Env::new(6);
    let leads = env.leads();
    delete(&env, &leads[..2], &[]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    delete(&env, &leads[2..4], &[]).exits(0);
    let old_key = key_file(&env);
    let old_key = env.file("old.vkey", fs::read(old_key).unwrap());
    let early = write_all(&env, &["E1", "-o", "early"]);
    let kept = keep(&env, "kept.db");
    env.journal(["sync", "--yes"]).exits(0);
    let lost = write_all(&env, &["E3", "-o", "lost"]);
    put_back(&env, &kept);
    adopt(&env);
    env.journal(["replay", "--yes"]).exits(0);
    delete(&env, &leads[4..5], &[]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    env.agrees();
    let key = key_file(&env);
    let late = write_all(&env, &["E1", "E2", "E3", "E4", "E5", "-o", "late"]);
    let script = contrib("verify_certificate.py");
    for (files, key, code, good) in [
        (&late, &key, 0, 5),
        // Who trusts the old name has to be given the new one.
        (&late, &old_key, 12, 0),
        (&early, &old_key, 0, 1),
        (&lost, &old_key, 0, 1),
    ] {
        let names = named(files, ".certificate.json");
        let mut args = vec!["verify", "--json", "--key", key];
        args.push("--certificate");
        args.extend(&names);
        env.journal(args).exits(code);
        let args: Vec<&str> =
            [script.as_str(), "--key", key].into_iter().chain(names.iter().copied()).collect();
        let Some(seen) = python(&args) else { continue };
        let told = String::from_utf8_lossy(&seen.stdout).into_owned();
        let verified = told.lines().filter(|line| line.starts_with("verified: ")).count();
        assert_eq!((seen.status.code(), verified), (Some(code), good), "{told}");
    }
    let page = named(&late, "E3.certificate.html");
    if let Some(page) = page.first() {
        let page = fs::read_to_string(page).unwrap();
        assert!(page.contains("The journal was adopted at"), "{page}");
    }
    let bundle = env.dir.path().join("all.zip").display().to_string();
    env.journal(["export", "--bundle", &bundle]).exits(0);
    env.journal(["verify", "--bundle", &bundle, "--key", &key]).exits(0);
    env.journal(["verify", "--bundle", &bundle, "--key", &old_key]).exits(12);
    if let Some(seen) = python(&[&script, "--key", &key, &bundle]) {
        assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stdout));
    }
}
