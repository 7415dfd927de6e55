//! Policies that pin whose SSH keys may sign approvals, through the binary and OpenSSH's own `ssh-keygen`.

use serde_json::{Value, json};

use crate::cli_approve_signed::{NAMESPACE, fingerprint, has_ssh_keygen, key, sign, tamper};
use crate::env::{Env, lines};

const BERT: &str = "bert@example.com";
const CARLA: &str = "carla@example.com";

/// A journal whose policy wants signatures of Bert or Carla; Mallory has a key, too.
fn pinned_env(leads: usize) -> Env {
    let env = Env::new(leads);
    let mut lines = String::new();
    for (name, who) in [("bert", BERT), ("carla", CARLA), ("mallory", "mallory")] {
        lines.extend([who, " ", &key(&env, name, "ed25519")]);
    }
    let both: String = lines.split_inclusive('\n').take(2).collect();
    env.file("everybody", lines);
    env.file("approvers", format!("# approvers\n{both}"));
    let pin =
        ["--require-approval", "always", "--approver", "signed", "--allowed-signers", "approvers"];
    assert_eq!(set(&env, &pin)["in_force"], true);
    env
}

fn set(env: &Env, words: &[&str]) -> Value {
    let args = [&["policy", "set"], words, &["--reason", "board", "--json"]].concat();
    env.journal(args).exits(0).json()
}

fn record(env: &Env, ids: &[u64]) {
    let args = ["delete", "Leads", "--from", "-", "--reason", "clean-up"];
    env.journal_reading(args, lines(ids)).exits(0);
}

/// Asks, signs with a key, and gives the command that approves.
fn signed(env: &Env, subject: &str, key: &str, who: &'static str) -> Vec<String> {
    let file = format!("{subject}.txt");
    env.journal(["approve", subject, "--ask", &file]).exits(0);
    let signature = sign(env, key, NAMESPACE, &file);
    ["approve", subject, "--as", who, "--signature", &signature].map(str::to_owned).into()
}

fn run(env: &Env, args: &[String], code: i32) -> crate::env::Ran {
    env.journal(args.iter().map(String::as_str).collect::<Vec<_>>()).exits(code)
}

#[test]
fn only_signers_that_the_policy_pins_approve_whatever_list_is_named() {
    if !has_ssh_keygen() {
        return;
    }
    let mut env = pinned_env(2);
    record(&env, &env.leads());
    let shown = env.journal(["policy", "show", "--json"]).exits(0).json();
    let both = json!([{"name": BERT, "key": fingerprint(&env, "bert")},
                      {"name": CARLA, "key": fingerprint(&env, "carla")}]);
    assert_eq!(shown["journal"]["signers"], both);
    let ran = env.journal(["policy", "show"]).exits(0);
    assert!(
        ran.stdout.contains(&format!("may sign: {BERT} {}", fingerprint(&env, "bert"))),
        "{ran}"
    );
    // Another list does not let anybody in.
    env.set("JOURNAL_ALLOWED_SIGNERS", "everybody");
    let ran = run(&env, &signed(&env, "R1", "mallory", "mallory"), 7);
    assert!(ran.stderr.contains("the policy pins"), "{ran}");
    run(&env, &signed(&env, "R1", "mallory", BERT), 7);
    // It can only keep somebody out.
    let everybody = std::fs::read_to_string(env.dir.path().join("everybody")).unwrap();
    env.file("nobert", everybody.split_once('\n').unwrap().1);
    env.set("JOURNAL_ALLOWED_SIGNERS", "nobert");
    run(&env, &signed(&env, "R1", "bert", BERT), 7);
    env.unset("JOURNAL_ALLOWED_SIGNERS");
    run(&env, &signed(&env, "R1", "bert", BERT), 0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    let event = env.journal(["log", "--kind", "policy_set", "--json"]).exits(0).json();
    let data = event["event"]["data"].to_string();
    assert!(!data.contains("bert") && !data.contains("AAAA"), "{data}");
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 1);
    env.agrees();
}

#[test]
fn a_list_is_shortened_at_once_and_changed_by_a_second_person_only() {
    if !has_ssh_keygen() {
        return;
    }
    let env = pinned_env(1);
    for words in [&["--allowed-signers", "everybody"][..], &["--no-allowed-signers"]] {
        assert_eq!(set(&env, words)["in_force"], false, "{words:?}");
    }
    // Who comes in does not let himself in.
    run(&env, &signed(&env, "P2", "mallory", "mallory"), 7);
    let text = env.journal(["approve", "P2", "--ask", "-"]).exits(0).stdout;
    let mallory = format!("signer: \"mallory\" {}", fingerprint(&env, "mallory"));
    assert!(text.lines().any(|line| line == mallory), "{text}");
    run(&env, &signed(&env, "P2", "carla", CARLA), 0);
    record(&env, &env.leads());
    run(&env, &signed(&env, "R1", "mallory", "mallory"), 0);
    assert_eq!(set(&env, &["--allowed-signers", "approvers"])["in_force"], true);
    for (content, why) in [
        ("bert ssh-ed25519 ???", "not base64"),
        ("", "it names nobody"),
        ("bert cert-authority ssh-ed25519 AAAA", "no option but namespaces="),
    ] {
        let file = env.file("wrong", content);
        let ran =
            env.journal(["policy", "set", "--allowed-signers", &file, "--reason", "x"]).exits(1);
        assert!(ran.stderr.contains(why), "{ran}");
    }
    env.journal(["policy", "set", "--allowed-signers", "missing", "--reason", "x"]).exits(1);
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 2);
}

#[test]
fn an_approval_of_a_signer_who_was_removed_since_does_not_count_when_it_is_claimed() {
    if !has_ssh_keygen() {
        return;
    }
    let env = pinned_env(2);
    record(&env, &env.leads());
    run(&env, &signed(&env, "R1", "bert", BERT), 0);
    let list = std::fs::read_to_string(env.dir.path().join("approvers")).unwrap();
    let carla: String = list.split_inclusive('\n').filter(|line| line.contains(CARLA)).collect();
    env.file("approvers", carla);
    assert_eq!(set(&env, &["--allowed-signers", "approvers"])["in_force"], true);
    assert_eq!(env.journal(["plan", "--json"]).exits(0).json()["awaiting_approval"], 2);
    env.journal(["sync", "--yes"]).exits(8);
    assert_eq!((env.states().as_str(), env.sent()), ("awaiting_approval 2", 0));
    run(&env, &signed(&env, "R1", "bert", BERT), 7);
    run(&env, &signed(&env, "R1", "carla", CARLA), 0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    // His was good when he gave it.
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 2);
    env.agrees();
}

#[test]
fn a_pinned_list_that_was_edited_is_found_and_lets_nobody_sign() {
    if !has_ssh_keygen() {
        return;
    }
    let env = pinned_env(1);
    record(&env, &env.leads());
    run(&env, &signed(&env, "R1", "bert", BERT), 0);
    let everybody = std::fs::read_to_string(env.dir.path().join("everybody")).unwrap();
    let mallory = everybody.lines().last().unwrap().rsplit_once(' ').unwrap().0;
    let sql = format!("UPDATE sealed SET value = '{mallory}\n' WHERE field = 'signers'");
    tamper(&env, &sql);
    let verified = env.journal(["verify", "--json"]).exits(12).json();
    let found = verified["findings"].to_string();
    assert!(found.contains("the text is not the one that the event sealed"), "{found}");
    assert!(found.contains("was not in the list that the policy had pinned"), "{found}");
    env.journal(["sync", "--yes"]).exits(1);
    assert_eq!(env.sent(), 0);
}
