//! `checkpoint`, `key`, `certificate` and `verify` of what was given away, through the binary, and through
//! programs that share no code with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use zoho_journal::simulator::Fault;

use crate::cli_certificate_decided::{DECIDED, decided};
use crate::env::{Env, Ran, lines};

/// An id that Zoho never knew, which comes first (E1), leads deleted after a lost answer, and a tag removed.
fn world() -> Env {
    let env = Env::new(5);
    let leads = env.leads();
    env.zoho.tag("Leads", &["Prime"], &leads[3..]);
    let delete = ["delete", "Leads", "--from", "-", "--reason", "<b>GDPR</b>", "--ticket", "OPS-7"];
    let ids = lines(&[leads[0], leads[1], leads[2], 99_999_999_999_999]);
    env.journal_reading(delete.into_iter().chain(["--requested-by", "Anna"]), ids).exits(0);
    let untag = ["untag", "Leads", "--tag", "Prime", "--from", "-", "--reason", "old"];
    env.journal_reading(untag, lines(&leads[3..])).exits(0);
    env.zoho.plan_faults(vec![Fault::LoseAnswer]);
    env.journal(["sync", "--yes"]).exits(3);
    assert_eq!(env.states(), "done 5, failed 1");
    env
}

/// The public key, in a file.
pub fn key_file(env: &Env) -> String {
    let path = env.dir.path().join("acme.vkey").display().to_string();
    env.journal(["key", "export", "-o", &path]).exits(0);
    path
}

pub fn write_all(env: &Env, args: &[&str]) -> Vec<PathBuf> {
    let args = ["certificate", "--json"].into_iter().chain(args.iter().copied());
    let written = env.journal(args.collect::<Vec<_>>()).exits(0).json();
    let files = written["certificates"].as_array().unwrap().iter();
    files
        .flat_map(|one| one["files"].as_array().unwrap())
        .map(|file| env.dir.path().join(file.as_str().unwrap()))
        .collect()
}

pub fn named<'f>(files: &'f [PathBuf], end: &str) -> Vec<&'f str> {
    files.iter().filter_map(|file| file.to_str()).filter(|file| file.ends_with(end)).collect()
}

pub fn verify(env: &Env, files: &[&str], key: Option<&str>) -> Ran {
    let mut args = vec!["verify", "--json", "--certificate"];
    args.extend(files);
    args.extend(key.iter().flat_map(|key| ["--key", key]));
    env.journal(args)
}

#[test]
fn a_kept_checkpoint_shows_that_the_journal_was_only_added_to() {
    let env = Env::new(3);
    let at = |name: &str| env.dir.path().join(name).display().to_string();
    let (old, key) = (at("old"), key_file(&env));
    let first = env.journal(["checkpoint", "-o", &old, "--json"]).exits(0).json();
    assert_eq!((&first["events"], first["file"].as_str()), (&1.into(), Some(old.as_str())));
    assert_eq!(first["checkpoint"], std::fs::read_to_string(&old).unwrap());
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    let printed = env.journal(["checkpoint"]).exits(0).stdout;
    let now = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!(printed.lines().nth(1), Some(now["events"].to_string().as_str()));
    for with_key in [false, true] {
        let mut args = vec!["verify", "--checkpoint", &old, "--json"];
        args.extend(with_key.then_some(["--key", &key]).into_iter().flatten());
        let report = env.journal(args).exits(0).json();
        assert_eq!((&report["ok"], &report["anchored"]), (&true.into(), &true.into()));
        assert_eq!(report["checkpoints"][0]["events"], 1);
    }
    // Without the anchor it is the kept one that shows it.
    std::fs::remove_file(at("journal.db.anchor")).unwrap();
    let report = env.journal(["verify", "--checkpoint", &old, "--json"]).exits(0).json();
    assert_eq!(report["anchored"], true);
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["anchored"], false);
}

#[test]
fn a_checkpoint_that_the_journal_does_not_extend_is_told_and_exits_12() {
    let (env, other) = (Env::new(2), Env::new(2));
    let kept = |env: &Env| env.journal(["checkpoint"]).exits(0).stdout;
    let stranger = env.file("stranger", kept(&other));
    let later = env.file("later", kept(&env).replace("\n1\n", "\n2\n"));
    let garbage = env.file("garbage", "no note");
    for (file, what) in [
        (&stranger, "not signed by any key that this journal's log names"),
        (&later, "is not valid: the text was changed"),
        (&garbage, "not a signed note"),
    ] {
        let report = env.journal(["verify", "--checkpoint", file, "--json"]).exits(12).json();
        // The anchor beside it is another matter.
        assert_eq!((&report["ok"], &report["anchored"]), (&false.into(), &true.into()));
        let found = report["findings"][0]["what"].as_str().unwrap();
        assert!(found.contains(what), "{found}");
        let told = env.journal(["verify", "--checkpoint", file]).exits(12);
        assert!(told.said().contains("Nothing is wrong with the journal itself"), "{told}");
    }
    // An older copy of the journal is put back, with its own anchor.
    let at = |name: &str| env.dir.path().join(name);
    let copies = ["journal.db", "journal.db.anchor"].map(|name| {
        std::fs::copy(at(name), at(&format!("{name}.old"))).unwrap();
        name
    });
    env.record(&env.leads());
    let newer = env.file("newer", kept(&env));
    for name in copies {
        std::fs::copy(at(&format!("{name}.old")), at(name)).unwrap();
    }
    env.journal(["verify"]).exits(0);
    let told = env.journal(["verify", "--checkpoint", &newer]).exits(12);
    assert!(told.stdout.contains("it is of 2 events and the journal holds 1"), "{told}");
    env.journal(["verify", "--key", &newer]).exits(12);
    env.journal(["verify", "--checkpoint", "nowhere"]).exits(1);
}

#[test]
fn a_rotated_key_is_followed_and_no_private_key_is_ever_shown() {
    let env = world();
    let at = |name: &str| env.dir.path().join(name).display().to_string();
    let (old_key, kept) = (key_file(&env), at("kept"));
    env.journal(["checkpoint", "-o", &kept]).exits(0);
    let shown = env.journal(["key", "show", "--json"]).exits(0).json();
    let private = std::fs::read_to_string(shown["private_key_file"].as_str().unwrap()).unwrap();
    let secret = private.trim_end().splitn(5, '+').nth(4).unwrap().to_owned();
    env.journal(["key", "rotate"]).exits(2);
    env.journal(["key", "rotate", "--reason", " "]).exits(2);
    let rotated =
        env.journal(["key", "rotate", "--reason", "new laptop", "--json"]).exits(0).json();
    assert_eq!(rotated["replaced"], shown["key"]);
    assert_ne!(rotated["key"], shown["key"]);
    assert_eq!(rotated["keys"].as_array().unwrap().len(), 2);
    let log = env.journal(["log", "--kind", "key_replaced"]).exits(0);
    assert!(log.stdout.contains("signed over by the old one: new laptop"), "{log}");
    env.journal(["verify", "--checkpoint", &kept, "--key", &old_key]).exits(0);
    let files = write_all(&env, &["E1", "-o", "out"]);
    let new_key = rotated["key"].as_str().unwrap();
    for key in [old_key.as_str(), new_key] {
        let report = verify(&env, &named(&files, ".json"), Some(key)).exits(0).json();
        assert_eq!(report["certificates"][0]["signed_by"], new_key);
    }
    env.record(&env.leads()[..1]);
    env.journal(["verify"]).exits(0);
    let private = std::fs::read_to_string(shown["private_key_file"].as_str().unwrap()).unwrap();
    let second = private.trim_end().splitn(5, '+').nth(4).unwrap().to_owned();
    assert_ne!(secret, second);
    assert_eq!((secret.len(), second.len()), (44, 44), "base64 of type and seed");
    let mut texts = vec![env.journal(["key", "show"]).exits(0).said(), rotated.to_string()];
    texts.push(String::from_utf8_lossy(&std::fs::read(env.db()).unwrap()).into_owned());
    texts.extend(files.iter().map(|file| std::fs::read_to_string(file).unwrap()));
    assert!(texts.iter().all(|text| !text.contains(&secret) && !text.contains(&second)));
}

#[test]
fn a_certificate_says_what_was_asked_answered_and_read_and_needs_no_journal() {
    let env = world();
    let key = key_file(&env);
    let files = write_all(&env, &["E2", "E1", "E5", "-o", "out"]);
    let certificates = named(&files, ".certificate.json");
    assert_eq!(certificates.len(), 3);
    // Another machine: no journal, no settings.
    let elsewhere = Env::without_journal(crate::env::config(0));
    let report = verify(&elsewhere, &certificates, Some(&key)).exits(0).json();
    assert_eq!((&report["ok"], &report["anchored"]), (&true.into(), &true.into()));
    let told: Vec<(&str, &str)> = report["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["entry"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("E1", "failed"), ("E2", "done"), ("E5", "done")]);
    let head = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&report["events"], &report["root"]), (&head["events"], &head["root"]));
    let page = std::fs::read_to_string(named(&files, "E2.certificate.md")[0]).unwrap();
    for text in [
        "Asked for: delete record",
        "asked by: Anna",
        "reason: &lt;b&gt;GDPR&lt;/b&gt;",
        "ticket: OPS-7",
        "none: this was a rehearsal against a simulator",
        "got no answer",
        "Read at Zoho afterwards: what was seen shows that the call took effect",
        "It does not say that the data no longer exists",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let html = std::fs::read_to_string(named(&files, "E2.certificate.html")[0]).unwrap();
    assert!(html.contains("&lt;b&gt;GDPR&lt;/b&gt;") && !html.contains("<script"), "{html}");
    let told = verify(&elsewhere, &certificates, None).exits(0).json();
    assert_eq!((&told["ok"], &told["anchored"]), (&true.into(), &false.into()));
    let told = elsewhere.journal(["verify", "--certificate", certificates[0]]).exits(0);
    assert!(told.stderr.contains("the key itself was not authenticated"), "{told}");
    assert!(told.stdout.contains("whose key that is was not checked"), "{told}");
}

#[test]
fn a_receipt_leaves_out_who_and_why() {
    let env = world();
    let files = write_all(&env, &["E2", "-o", "out", "--receipt"]);
    let me = crate::env::whoami(&env);
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        for name in ["Anna", "GDPR", "OPS-7", &format!("\"{me}\"")] {
            assert!(!text.contains(name), "{name} in {}", file.display());
        }
    }
    let report = verify(&env, &named(&files, ".receipt.json"), None).exits(0).json();
    assert_eq!(report["certificates"][0]["state"], "done");
}

#[test]
fn records_and_requests_are_taken_too_and_what_is_not_there_is_said() {
    let env = world();
    let whole = write_all(&env, &["R1", "-o", "all"]);
    assert_eq!(named(&whole, ".certificate.json").len(), 4);
    let record: u64 = env.entries()[4].1;
    let files = write_all(&env, &[&record.to_string(), "-o", "one"]);
    assert_eq!(named(&files, ".certificate.json").len(), 1);
    let printed = env.journal(["certificate", "E2"]).exits(0).stdout;
    let file = env.file("E2.certificate.json", &printed);
    verify(&env, &[&file], None).exits(0);
    assert_eq!(
        env.journal(["certificate", "E1", "E2", "--json"]).exits(2).error(),
        "2 entries have a certificate each"
    );
    env.journal(["certificate", "E77", "-o", "x"]).exits(1);
    env.journal(["certificate", "88888888888888", "-o", "x"]).exits(1);
    env.journal(["certificate", "B1", "-o", "x"]).exits(2);
}

#[test]
fn what_was_edited_is_refused_with_exit_12() {
    let env = world();
    let key = key_file(&env);
    let printed = env.journal(["certificate", "E1"]).exits(0).stdout;
    let twice = printed.replacen("\"entry\"", "\"entry\": \"E1\",\n  \"entry\"", 1);
    for (name, text) in [
        ("who", printed.replacen("Anna", "Bert", 1)),
        ("entry", printed.replacen("\"E1\"", "\"E2\"", 1)),
        ("trailing", format!("{printed}\n")),
        ("cut", printed[..printed.len() / 2].to_owned()),
        ("twice", twice),
        ("none", "{}".to_owned()),
        ("empty", String::new()),
    ] {
        let file = env.file(name, text);
        let report = verify(&env, &[&file], Some(&key)).exits(12).json();
        assert_eq!(
            (&report["ok"], report["findings"].as_array().unwrap().len()),
            (&false.into(), 1)
        );
        assert_eq!(report["certificates"][0]["state"], Value::Null);
    }
    let stranger = Env::new(1);
    let file = env.file("E1.certificate.json", printed);
    let told = verify(&env, &[&file], Some(&key_file(&stranger))).exits(12);
    assert!(told.stdout.contains("neither is that the key that was given"), "{told}");
}

#[expect(clippy::print_stderr, reason = "a test that shows nothing must not pass in silence")]
fn skipped(what: &str) {
    eprintln!("SKIPPED: {what} is missing: nothing was shown");
}

/// Whether there is Python with the package that the independent verifier needs; says loudly when there is not.
pub fn has_python() -> bool {
    let has = Command::new("python3").args(["-c", "import cryptography"]).output();
    let has = has.is_ok_and(|has| has.status.success());
    if !has {
        skipped("python3 with the package cryptography");
    }
    has
}

pub fn python(args: &[&str]) -> Option<Output> {
    let mut python = Command::new("python3");
    python.args(args).env("PYTHONDONTWRITEBYTECODE", "1");
    has_python().then(|| python.output().unwrap())
}

pub fn contrib(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(name).display().to_string()
}

/// Every entry of a world in which each operation was done, and whose key was rotated.
fn everything(env: &Env) -> Vec<PathBuf> {
    env.journal(["key", "rotate", "--reason", "x"]).exits(0);
    let mut files = write_all(env, &["R1", "R2", "-o", "all"]);
    files.extend(write_all(env, &["R1", "R2", "-o", "receipts", "--receipt"]));
    files
}

#[test]
fn a_python_program_of_its_own_comes_to_the_same_result() {
    let env = world();
    let old_key = key_file(&env);
    let files = everything(&env);
    let script = contrib("verify_certificate.py");
    let mut args = vec![script.as_str(), "--key", &old_key];
    args.extend(named(&files, "e.json"));
    args.extend(named(&files, "t.json"));
    let Some(seen) = python(&args) else { return };
    let told = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert_eq!((seen.status.code(), told.matches("verified: ").count()), (Some(0), 12), "{told}");
    assert!(told.contains("E1 is failed") && told.contains("by handover"), "{told}");

    let key = key_file(&env);
    let proofs = named(&files, ".tlog-proof");
    let mut args = vec![script.as_str(), "--key", &key];
    args.extend(&proofs);
    assert_eq!(python(&args).unwrap().status.code(), Some(0));
    verify(&env, &proofs, Some(&key)).exits(0);
    let edited = std::fs::read_to_string(named(&files, "E1.certificate.json")[0]).unwrap();
    let edited = env.file("edited.json", edited.replacen("Anna", "Bert", 1));
    let seen = python(&[&script, "--key", &key, &edited]).unwrap();
    assert_eq!(seen.status.code(), Some(12), "{}", String::from_utf8_lossy(&seen.stdout));
}

#[test]
fn no_flip_of_any_byte_gets_past_the_python_program() {
    let env = world();
    let files = write_all(&env, &["E5", "-o", "out", "--receipt"]);
    let key = key_file(&env);
    let script = contrib("flip_bytes.py");
    let mut args = vec![script.as_str(), "--key", &key];
    args.extend(named(&files, ".receipt.json"));
    args.push(named(&files, ".tlog-proof")[0]);
    let Some(seen) = python(&args) else { return };
    let told = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.status.success() && told.trim_end().ends_with(" 0 accepted"), "{told}");
}

/// The verifier on Go's own packages for checksum logs, as Debian ships them; says loudly when they are not there.
pub fn go_program() -> Option<PathBuf> {
    static BUILT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let packages = "/usr/share/gocode";
        let module = format!("{packages}/src/golang.org/x/mod/sumdb/tlog");
        let has = Command::new("go").arg("version").output().is_ok();
        if !has || !Path::new(&module).exists() {
            return None;
        }
        let at = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Another run of the tests may be using the one of before.
        let (program, new) = (at.join("verify_certificate"), format!("new.{}", std::process::id()));
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(at.join(&new)).arg(".").current_dir(contrib("go"));
        build.env("GO111MODULE", "off").env("GOPATH", packages).env("GOFLAGS", "");
        let ran = build.env("GOCACHE", at.join("gocache")).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        std::fs::rename(at.join(new), &program).unwrap();
        Some(program)
    });
    if BUILT.is_none() {
        skipped("go, or Debian's golang-golang-x-mod-dev");
    }
    BUILT.clone()
}

#[test]
fn the_packages_that_check_go_s_module_checksums_come_to_the_same_result() {
    let Some(program) = go_program() else { return };
    let env = world();
    let old_key = std::fs::read_to_string(key_file(&env)).unwrap();
    let files = everything(&env);
    let key = std::fs::read_to_string(key_file(&env)).unwrap();
    let with = |key: &str, files: &[&str]| {
        let seen = Command::new(&program).arg(key.trim_end()).args(files).output().unwrap();
        (seen.status.code(), String::from_utf8_lossy(&seen.stdout).into_owned())
    };
    let go = |files: &[&str]| with(&key, files);
    // The old key handed over to the new one; a stranger's did not.
    let stranger = std::fs::read_to_string(key_file(&Env::new(1))).unwrap();
    let certificates = named(&files, ".certificate.json");
    assert_eq!(with(&old_key, &certificates).0, Some(0));
    assert_eq!(with(&stranger, &certificates).0, Some(12));
    for end in [".certificate.json", ".receipt.json", ".tlog-proof"] {
        let files = named(&files, end);
        let (code, told) = go(&files);
        assert_eq!((code, told.matches("verified: ").count()), (Some(0), files.len()), "{told}");
    }
    let other = decided();
    let other_key = std::fs::read_to_string(key_file(&other)).unwrap();
    let args: Vec<&str> = DECIDED.iter().copied().chain(["-o", "out"]).collect();
    let decided = write_all(&other, &args);
    let decided = named(&decided, ".certificate.json");
    let seen = Command::new(&program).arg(other_key.trim_end()).args(&decided).output().unwrap();
    let told = String::from_utf8_lossy(&seen.stdout);
    assert_eq!((seen.status.code(), told.matches("verified: ").count()), (Some(0), 9), "{told}");
    let text = std::fs::read_to_string(named(&files, "E1.certificate.json")[0]).unwrap();
    for (from, to) in [("Anna", "Bert"), ("INVALID_DATA", "INVALID_DATE"), ("\"E1\"", "\"E2\"")] {
        let edited = env.file("edited.json", text.replacen(from, to, 1));
        assert_eq!(go(&[&edited]).0, Some(12), "{from}");
    }
}

#[test]
fn a_sample_is_the_same_for_everybody_who_knows_the_seed() {
    let env = world();
    let draw = |args: &[&str]| {
        let args = ["sample", "3", "--seed", "Meyer 2026", "--json"]
            .into_iter()
            .chain(args.iter().copied());
        env.journal(args.collect::<Vec<_>>()).exits(0).json_lines()
    };
    let lines = draw(&[]);
    let summary = lines.last().unwrap();
    assert_eq!((lines.len(), &summary["drawn"], &summary["population"]), (4, &3.into(), &6.into()));
    // As docs/auditor.md says, with a program of nobody.
    let script = "import hashlib,sys; e=range(1,7); r=lambda n:hashlib.sha256(b'Meyer 2026\\0%d'%n).digest(); \
                  print(' '.join('E%d'%n for n in sorted(e,key=r)[:3]))";
    if let Some(seen) = python(&["-c", script]) {
        let drawn: Vec<&str> = summary["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap())
            .collect();
        assert_eq!(String::from_utf8_lossy(&seen.stdout).trim(), drawn.join(" "));
    }
    let rows: Vec<&Value> = lines[..3].iter().map(|row| &row["entry_id"]).collect();
    assert_eq!(Value::from(rows.into_iter().cloned().collect::<Vec<_>>()), summary["entries"]);
    let head = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&summary["events"], &summary["root"]), (&head["events"], &head["root"]));
    let done = draw(&["--state", "failed"]);
    assert_eq!(done.last().unwrap()["entries"], serde_json::json!(["E1"]));
    let told = env.journal(["sample", "2", "--seed", "a"]).exits(0);
    assert!(told.stderr.contains("2 entries drawn of 6, by the seed \"a\""), "{told}");
    env.journal(["sample", "0", "--seed", "a"]).exits(2);
    env.journal(["sample", "2", "--seed", ""]).exits(2);
}

#[test]
fn a_manifest_says_which_bytes_were_exported_and_of_which_log() {
    let env = world();
    let file = env.dir.path().join("audit.csv");
    let args = ["export", "-o", file.to_str().unwrap(), "--manifest", "--state", "done"];
    env.journal(args).exits(0);
    let manifest = std::fs::read(format!("{}.manifest.json", file.display())).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(manifest["sha256"], zoho_journal::domain::merkle::Hash::of(&bytes).to_string());
    assert_eq!((&manifest["bytes"], &manifest["rows"]), (&bytes.len().into(), &5.into()));
    assert_eq!(manifest["filters"], serde_json::json!({"state": ["done"]}));
    assert_eq!((&manifest["file"], &manifest["view"]), (&"audit.csv".into(), &"entries".into()));
    let kept = env.file("kept", manifest["checkpoint"].as_str().unwrap());
    env.journal(["verify", "--checkpoint", &kept]).exits(0);
    env.journal(["export", "--manifest"]).exits(2);
}

#[test]
fn a_bundle_holds_everything_and_is_checked_without_a_journal() {
    let env = world();
    let (key, at) = (key_file(&env), env.dir.path().join("audit.zip"));
    let bundle = at.to_str().unwrap();
    let args =
        ["export", "--bundle", bundle, "--certificate", "E1", "--certificate", "E5", "--json"];
    let written = env.journal(args).exits(0).json();
    assert_eq!((&written["certificates"], &written["file"]), (&2.into(), &bundle.into()));
    let elsewhere = Env::without_journal(crate::env::config(0));
    let report =
        elsewhere.journal(["verify", "--bundle", bundle, "--key", &key, "--json"]).exits(0).json();
    assert_eq!((&report["ok"], &report["anchored"]), (&true.into(), &true.into()));
    let head = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!((&report["events"], &report["root"]), (&head["events"], &head["root"]));
    assert_eq!(report["certificates"].as_array().unwrap().len(), 2);
    let told = elsewhere.journal(["verify", "--bundle", bundle]).exits(0);
    assert!(told.stderr.contains("the key itself was not authenticated"), "{told}");
    let script = contrib("verify_certificate.py");
    if let Some(seen) = python(&[&script, "--key", &key, bundle]) {
        let told = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert!(seen.status.success() && told.contains("E5 is done"), "{told}");
    }
    let stranger = Env::new(1);
    let refused = elsewhere.journal(["verify", "--bundle", bundle, "--key", &key_file(&stranger)]);
    assert!(refused.exits(12).stdout.contains("neither is that the key that was given"));
    let bytes = std::fs::read(&at).unwrap();
    for (name, edited) in [
        ("cut.zip", bytes[..bytes.len() - 40].to_vec()),
        ("more.zip", [b"x".as_slice(), &bytes].concat()),
        ("none.zip", b"{}".to_vec()),
    ] {
        let file = env.file(name, edited);
        let report = elsewhere.journal(["verify", "--bundle", &file, "--json"]).exits(12).json();
        assert_eq!(report["ok"], false, "{name}");
    }
    env.journal(["export", "--bundle", bundle, "--state", "done"]).exits(2);
    env.journal(["export", "--certificate", "E1"]).exits(2);
}

/// A bundle that somebody packed anew after changing a file and its line in the list, which is not signed.
#[test]
fn a_bundle_with_other_events_or_certificates_is_refused_however_its_list_was_mended() {
    let env = world();
    let at = env.dir.path().join("audit.zip");
    env.journal(["export", "--bundle", at.to_str().unwrap(), "--certificate", "E2"]).exits(0);
    let script = r#"
import hashlib, json, sys, zipfile
source, target, name, old, new = sys.argv[1:]
files = {one: zipfile.ZipFile(source).read(one) for one in zipfile.ZipFile(source).namelist()}
assert old.encode() in files[name]
files[name] = files[name].replace(old.encode(), new.encode(), 1)
listed = json.loads(files["manifest.json"])
listed["files"][name] = {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
files["manifest.json"] = (json.dumps(listed, indent=2, ensure_ascii=False) + "\n").encode()
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
    for one, content in files.items():
        archive.writestr(one, content)
"#;
    let verifier = contrib("verify_certificate.py");
    let packed = env.dir.path().join("packed.zip").display().to_string();
    for (name, old, new, holds) in [
        ("log.jsonl", "\"workflows\":true", "\"workflows\":null", false),
        ("log.jsonl", "\n", "\n{}\n", false),
        ("certificates/E2.certificate.json", "Anna", "Bert", false),
        ("checkpoint", "zoho", "Zoho", false),
        // What the page says: the cells of an export are not proved.
        ("entries.csv", "Anna", "Bert", true),
    ] {
        let args = ["-c", script, at.to_str().unwrap(), &packed, name, old, new];
        let Some(made) = python(&args) else { return };
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let code = if holds { 0 } else { 12 };
        env.journal(["verify", "--bundle", &packed]).exits(code);
        assert_eq!(python(&[&verifier, &packed]).unwrap().status.code(), Some(code), "{name}");
    }
}

#[test]
fn a_checkpoint_waits_for_no_reader_and_never_says_more_than_is_durable() {
    let env = Env::new(3);
    // Somebody looks at the journal as it is now, for long.
    let conn = env.sqlite();
    conn.execute_batch("BEGIN").unwrap();
    let seen: i64 = conn.query_row("SELECT size FROM head", [], |row| row.get(0)).unwrap();
    env.record(&env.leads());
    let given = env.journal(["checkpoint", "--json"]).exits(0).json();
    assert_eq!((seen, &given["events"]), (1, &2.into()));
    drop(conn);
    let kept = env.file("kept", given["checkpoint"].as_str().unwrap());
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["verify", "--checkpoint", &kept]).exits(0);
}
