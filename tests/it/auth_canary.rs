//! No secret where none belongs: every command, with and without success, then everything it wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use zoho_journal::simulator::{Config, Fault};

use crate::auth::{signed_out, stored};
use crate::env::{Env, Ran, config};

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn cached(env: &Env) -> Vec<PathBuf> {
    let tokens = env.dir.path().join("cache/zoho-journal/tokens");
    let files = files(&tokens).into_iter();
    files.filter(|path| path.extension().is_some_and(|one| one == "json")).collect()
}

/// What must be found nowhere. An access token that was issued stands in the cache.
struct Canaries(Vec<String>);

impl Canaries {
    fn of(env: &Env) -> Self {
        Self(vec![
            env.zoho.client_secret(),
            env.zoho.refresh_token(),
            env.zoho.grant_code(),
            env.zoho.access_token(),
            "1000.canary.of.a.wrong.token".to_owned(),
        ])
    }

    fn collect_issued(&mut self, env: &Env) {
        for file in cached(env) {
            let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            let token = document["access_token"].as_str().unwrap().to_owned();
            if !self.0.contains(&token) {
                self.0.push(token);
            }
        }
    }

    #[track_caller]
    fn are_not_in(&self, what: &str, bytes: &[u8]) {
        for canary in &self.0 {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "a secret stands in {what}");
        }
    }

    /// In no file but the two that are made for it.
    fn are_in_no_file(&self, env: &Env, wanted: &[PathBuf]) {
        let mut seen = Vec::new();
        for path in files(env.dir.path()) {
            if path != stored(env) && !cached(env).contains(&path) && !wanted.contains(&path) {
                self.are_not_in(&path.display().to_string(), &fs::read(&path).unwrap());
                seen.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
        for kind in ["journal.db", "journal.db.anchor", "audit.csv", "audit.jsonl"] {
            assert!(seen.iter().any(|name| name == kind), "{kind} is not there: {seen:?}");
        }
    }
}

fn run(env: &Env, canaries: &mut Canaries, line: &str) -> Ran {
    let mut ran = None;
    for flags in ["", "-vv", "--json", "-vv --json"] {
        let words: Vec<&str> = line.split(' ').chain(flags.split(' ')).collect();
        let words = words.into_iter().filter(|word| !word.is_empty());
        let one = env.journal(words);
        canaries.collect_issued(env);
        canaries.are_not_in(&format!("what {line} says"), one.said().as_bytes());
        ran = Some(one);
    }
    ran.unwrap()
}

const COMMANDS: &[&str] = &[
    "auth status",
    "auth scopes",
    "auth login",
    "auth login --replace --code 1000.not.the.code",
    "auth login --replace --file wrong.json",
    "config show",
    "config set timeout 20s",
    "config set client_secret nonsense",
    "doctor",
    "delete Leads 4104050000022640405 --reason x",
    "delete Leads nonsense --reason x",
    "untag Leads 4104050000022640405 --tag Prime --reason x",
    "unlink Campaigns 4104050000022640405 Leads 4104050000022640406 --reason x",
    "delete-tags Leads --name Nobody --reason x",
    "delete-tags Leads --name Prime --reason x",
    "plan",
    "sync",
    "sync --yes",
    "sync --yes --max-entries 0",
    "replay --yes",
    "status",
    "jobs",
    "list",
    "show R1",
    "show B1",
    "log",
    "export -o audit.csv",
    "export --format jsonl -o audit.jsonl",
    "export --view events",
    "export --view batches",
    "verify",
    "completions bash",
    "init",
    "no-such-command",
    "status --db elsewhere.db",
];

#[test]
fn no_secret_is_said_or_kept_where_none_belongs() {
    let mut env =
        signed_out(Config { tags: vec![("Leads".to_owned(), "Prime".to_owned())], ..config(30) });
    let mut canaries = Canaries::of(&env);
    let code = env.zoho.grant_code();
    let ran = env.journal_reading(["auth", "login", "--code", "-", "-vv"], code).exits(0);
    canaries.collect_issued(&env);
    assert_eq!(canaries.0.len(), 6);
    // The search finds what is there.
    let kept = fs::read_to_string(stored(&env)).unwrap();
    assert!(kept.contains(&canaries.0[0]) && kept.contains(&canaries.0[1]));
    canaries.are_not_in("what auth login says", ran.said().as_bytes());
    let wrong = env.file("wrong.json", format!("{{\"client_id\":\"{}", env.zoho.client_secret()));
    env.record(&env.leads());
    for fault in [Fault::ExpiredToken, Fault::LoseAnswer, Fault::Html, Fault::InternalError] {
        env.zoho.plan_faults(vec![fault]);
    }
    for line in COMMANDS {
        run(&env, &mut canaries, line);
    }
    // Secrets that Zoho refuses, from every place.
    for (name, value) in [
        ("ZOHO_ACCESS_TOKEN", "1000.canary.of.a.wrong.token"),
        ("ZOHO_REFRESH_TOKEN", "1000.canary.of.a.wrong.token"),
        ("ZOHO_CLIENT_SECRET", "1000.canary.of.a.wrong.token"),
        ("ZOHO_CLIENT_SECRET", "1000.canary.of.a.wrong.token 1000.canary.of.a.wrong.token"),
        ("JOURNAL_REFRESH_TOKEN_COMMAND", "sh -c 'echo 1000.canary.of.a.wrong.token; exit 1'"),
    ] {
        env.set(name, value);
        for line in ["auth status", "sync --yes", "delete-tags Leads --name Prime --reason x"] {
            run(&env, &mut canaries, line);
        }
        env.unset(name);
    }
    canaries.are_in_no_file(&env, &[PathBuf::from(wrong)]);
    let secret = env.zoho.client_secret();
    env.set("ZOHO_CLIENT_SECRET", secret);
    run(&env, &mut canaries, "auth logout --local");
}

/// What `ps` shows.
#[cfg(target_os = "linux")]
#[test]
fn no_secret_stands_in_the_arguments_of_a_running_process() {
    let env = signed_out(Config { latency_ms: 200, ..config(300) });
    let mut canaries = Canaries::of(&env);
    let code = env.zoho.grant_code();
    env.journal_reading(["auth", "login", "--code", "-"], code).exits(0);
    env.record(&env.leads());
    canaries.collect_issued(&env);
    let mut command = env.command(["sync", "--yes"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    env.next_write();
    let line = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    assert!(!line.is_empty());
    canaries.are_not_in("/proc/…/cmdline", &line);
    Ran::of_child(child).exits(0);
}
