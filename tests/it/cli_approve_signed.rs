//! Approvals that somebody signs with an SSH key, through the binary and OpenSSH's own `ssh-keygen`.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;

use crate::env::{Env, lines};

pub const NAMESPACE: &str = "zoho-journal-approval";

/// Whether OpenSSH is here. Without it these tests show nothing, and say so.
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
pub fn has_ssh_keygen() -> bool {
    let found = Command::new("ssh-keygen").arg("-?").output().is_ok();
    if !found {
        eprintln!("SKIPPED: ssh-keygen is not installed, so signed approvals are not tested");
    }
    found
}

/// Makes a key pair and gives its public line.
pub fn key(env: &Env, name: &str, kind: &str) -> String {
    let path = env.dir.path().join(name);
    let args = ["-q", "-t", kind, "-N", "", "-C", name, "-f"];
    let made = Command::new("ssh-keygen").args(args).arg(&path).status().unwrap();
    assert!(made.success());
    std::fs::read_to_string(path.with_extension("pub")).unwrap()
}

/// Signs a file of the environment; the signature lies beside it.
pub fn sign(env: &Env, key: &str, namespace: &str, file: &str) -> String {
    let at = |name: &str| env.dir.path().join(name);
    std::fs::remove_file(at(&format!("{file}.sig"))).ok();
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "sign", "-n", namespace, "-f"]).arg(at(key)).arg(at(file));
    assert!(command.stderr(Stdio::null()).status().unwrap().success());
    format!("{file}.sig")
}

/// The fingerprint, as OpenSSH prints it.
pub fn fingerprint(env: &Env, key: &str) -> String {
    let path = env.dir.path().join(key).with_extension("pub");
    let shown = Command::new("ssh-keygen").arg("-lf").arg(path).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    shown.split_whitespace().nth(1).unwrap().to_owned()
}

/// An org whose journal wants every request approved by a signature; Bert may sign, Mallory has a key.
fn signed_env(leads: usize) -> Env {
    let mut env = Env::new(leads);
    let bert = key(&env, "bert", "ed25519");
    key(&env, "mallory", "ed25519");
    let list = env.file("allowed_signers", format!("bert@example.com {bert}"));
    env.set("JOURNAL_ALLOWED_SIGNERS", list);
    let policy = ["policy", "set", "--require-approval", "always", "--approver", "signed"];
    let set = env.journal([&policy[..], &["--reason", "board", "--json"]].concat()).exits(0).json();
    assert_eq!((&set["in_force"], &set["approver"]), (&true.into(), &"signed".into()));
    env
}

fn record(env: &Env, ids: &[u64]) -> Value {
    let args = ["delete", "Leads", "--from", "-", "--reason", "clean-\"up\"\nnow", "--json"];
    env.journal_reading(args, lines(ids)).exits(0).json()
}

fn ask(env: &Env, subject: &str) -> String {
    let file = format!("{subject}.txt");
    env.journal(["approve", subject, "--ask", &file]).exits(0);
    std::fs::read_to_string(env.dir.path().join(file)).unwrap()
}

/// Approves by a signature and gives how it ended, and what it said went wrong.
fn refused(env: &Env, request: &str, who: &str, signature: &str) -> String {
    let before = env.events();
    let args = ["approve", request, "--as", who, "--signature", signature, "--json"];
    let said = env.journal(args).exits(7).error();
    assert_eq!(env.events(), before);
    said
}

#[test]
fn what_policy_wants_signed_is_sent_once_an_allowed_key_signed_it() {
    if !has_ssh_keygen() {
        return;
    }
    let env = signed_env(3);
    record(&env, &env.leads());
    let ran = env.journal(["approve", "R1", "--as", "bert@example.com"]).exits(7);
    assert!(ran.stderr.contains("R1 needs a signed approval"), "{ran}");
    assert!(ran.stderr.contains("journal approve R1 --ask R1.txt"), "{ran}");
    assert!(ran.stderr.contains("journal approve R1 --as WHO --signature R1.txt.sig"), "{ran}");

    let text = ask(&env, "R1");
    let shown = env.journal(["show", "R1", "--json"]).exits(0).json();
    let leaf = shown["leaf_hash"].as_str().unwrap();
    for line in [
        "zoho-journal/approval@1",
        "org: not known yet",
        "request: R1",
        "operation: delete",
        "module: Leads",
        "entries: 3",
        "approved before: never",
        &format!("content: {leaf}"),
        r#"reason: "clean-\"up\"\nnow""#,
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    assert_eq!(env.journal(["approve", "R1", "--ask", "-"]).exits(0).stdout, text);
    // Whatever else lies there is left alone.
    let other = env.file("other.txt", "mine");
    env.journal(["approve", "R1", "--ask", &other]).exits(1);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");

    let signature = sign(&env, "bert", NAMESPACE, "R1.txt");
    let args = ["approve", "R1", "--as", "bert@example.com", "--signature", &signature];
    let ran = env.journal(args).exits(0);
    let key = fingerprint(&env, "bert");
    assert!(ran.stdout.contains(&format!("signed with {key}")), "{ran}");
    env.journal(args).exits(7);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 3");
    let rows = env.journal(["export", "--format", "jsonl"]).exits(0).json_lines();
    let by = format!("bert@example.com (signed with {key})");
    assert!(rows.iter().all(|row| row["approved_by"] == by.as_str()), "{rows:?}");
    assert_eq!(env.journal(["show", "R1", "--json"]).exits(0).json()["signed_with"], key.as_str());
    for looked in [&["show", "R1"][..], &["log"]] {
        let ran = env.journal(looked.to_vec()).exits(0);
        assert!(ran.stdout.contains(&format!("signed with {key}")), "{ran}");
    }
    // Neither the signature, which names a key, nor a person stands in the event.
    let event = env.journal(["log", "--kind", "request_approved", "--json"]).exits(0).json();
    let data = event["event"]["data"].to_string();
    assert!(!data.contains("bert") && !data.contains("SSH SIGNATURE"), "{data}");
    let verified = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!(verified["signed_approvals"], 1);
    env.agrees();
}

#[test]
fn a_signature_that_is_not_of_this_by_one_who_may_is_refused() {
    if !has_ssh_keygen() {
        return;
    }
    let mut env = signed_env(4);
    let leads = env.leads();
    let bert = "bert@example.com";
    // The same content twice: another number, another text.
    record(&env, &leads[..2]);
    let again = ["delete", "Leads", "--from", "-", "--reason", "clean-up", "--again", "--json"];
    env.journal_reading(again, lines(&leads[..2])).exits(0);
    ask(&env, "R1");
    ask(&env, "R2");
    let signature = sign(&env, "mallory", NAMESPACE, "R1.txt");
    let said = refused(&env, "R1", bert, &signature);
    assert!(said.contains(&fingerprint(&env, "mallory")), "{said}");
    refused(&env, "R1", bert, &sign(&env, "bert", "file", "R1.txt"));
    let signature = sign(&env, "bert", NAMESPACE, "R1.txt");
    refused(&env, "R2", bert, &signature);
    refused(&env, "R1", "mallory@example.com", &signature);
    // What was signed is made anew, whatever the file says.
    let text = std::fs::read_to_string(env.dir.path().join("R1.txt")).unwrap();
    env.file("R1.txt", text.replace("entries: 2", "entries: 1"));
    refused(&env, "R1", bert, &sign(&env, "bert", NAMESPACE, "R1.txt"));
    env.file("R1.txt", text);
    let signature = sign(&env, "bert", NAMESPACE, "R1.txt");
    let none = env.file("none.sig", "hello");
    env.journal(["approve", "R1", "--as", bert, "--signature", &none]).exits(1);
    env.journal(["approve", "R1", "R2", "--as", bert, "--signature", &signature]).exits(7);

    // Who asked may not approve, with a signature neither.
    let list = env.dir.path().join("allowed_signers");
    let kept = std::fs::read_to_string(&list).unwrap();
    let user = crate::env::whoami(&env);
    env.file("allowed_signers", kept.replace(bert, &user));
    let said = refused(&env, "R1", &user, &signature);
    assert!(said.contains("needs a second person"), "{said}");
    // A list without him, one that others can write, and none at all.
    refused(&env, "R1", bert, &signature);
    env.file("allowed_signers", &kept);
    let mode = |mode| std::fs::set_permissions(&list, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o666);
    let args = ["approve", "R1", "--as", bert, "--signature", &signature];
    let ran = env.journal(args).exits(1);
    assert!(ran.stderr.contains("cannot be trusted"), "{ran}");
    mode(0o644);
    env.set("PATH", env.dir.path().display().to_string());
    let ran = env.journal(args).exits(1);
    assert!(ran.stderr.contains("ssh-keygen is not installed"), "{ran}");
    assert!(ran.stderr.contains("openssh-client"), "{ran}");
    env.unset("PATH").unset("JOURNAL_ALLOWED_SIGNERS");
    env.journal(args).exits(2);
    assert_eq!(env.states(), "awaiting_approval 4");
    env.set("JOURNAL_ALLOWED_SIGNERS", list.display().to_string());
    env.journal(args).exits(0);
    assert_eq!(env.states(), "awaiting_approval 2, pending 2");
    env.journal(["verify"]).exits(0);
}

#[test]
fn an_approval_without_a_signature_does_not_count_when_it_is_claimed() {
    if !has_ssh_keygen() {
        return;
    }
    let mut env = Env::new(2);
    record(&env, &env.leads());
    let bert = key(&env, "bert", "ed25519");
    let list = env.file("allowed_signers", format!("bert {bert}"));
    env.set("JOURNAL_ALLOWED_SIGNERS", list).set("JOURNAL_REQUIRE_APPROVAL", "always");
    env.journal(["approve", "R1", "--as", "bert"]).exits(0);
    env.set("JOURNAL_APPROVER", "signed");
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!(plan["awaiting_approval"], 2);
    let ran = env.journal(["sync", "--yes"]).exits(8);
    assert!(ran.stderr.contains("R1 needs an approval under the present policy"), "{ran}");
    assert_eq!((env.states().as_str(), env.sent()), ("awaiting_approval 2", 0));
    let needed = env.journal(["log", "--kind", "approval_needed", "--json"]).exits(0).json();
    assert_eq!(needed["event"]["data"]["policy"], "always, signed");
    // The text names the approval before, so a signature counts once.
    let text = ask(&env, "R1");
    assert!(!text.contains("approved before: never"), "{text}");
    let signature = sign(&env, "bert", NAMESPACE, "R1.txt");
    let args = ["approve", "R1", "--as", "bert", "--signature", &signature];
    env.journal(args).exits(0);
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!(plan["awaiting_approval"], 0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn a_signature_counts_once_also_after_its_request_was_too_old() {
    if !has_ssh_keygen() {
        return;
    }
    let env = signed_env(1);
    let args = ["delete", "Leads", "--from", "-", "--reason", "x", "--valid-for", "1ms"];
    env.journal_reading(args, lines(&env.leads())).exits(0);
    ask(&env, "R1");
    let signature = sign(&env, "bert", NAMESPACE, "R1.txt");
    let args = ["approve", "R1", "--as", "bert@example.com", "--signature", &signature];
    env.journal(args).exits(0);
    env.journal(["sync", "--yes"]).exits(8);
    refused(&env, "R1", "bert@example.com", &signature);
    ask(&env, "R1");
    sign(&env, "bert", NAMESPACE, "R1.txt");
    env.journal(args).exits(0);
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 2);
}

#[test]
fn what_was_signed_before_the_journal_met_its_org_is_asked_for_anew() {
    if !has_ssh_keygen() {
        return;
    }
    let env = signed_env(2);
    let leads = env.leads();
    let bert = "bert@example.com";
    record(&env, &leads[..1]);
    record(&env, &leads[1..]);
    ask(&env, "R1");
    ask(&env, "R2");
    let first = sign(&env, "bert", NAMESPACE, "R1.txt");
    let second = sign(&env, "bert", NAMESPACE, "R2.txt");
    env.journal(["approve", "R1", "--as", bert, "--signature", &first]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    refused(&env, "R2", bert, &second);
    let text = ask(&env, "R2");
    assert!(text.contains(&format!("org: {}\n", env.zoho.org_id())), "{text}");
    let second = sign(&env, "bert", NAMESPACE, "R2.txt");
    env.journal(["approve", "R2", "--as", bert, "--signature", &second]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2");
    // What was signed before is checked with what was known then.
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 2);
}

#[test]
fn loosening_a_policy_that_wants_signatures_needs_one() {
    if !has_ssh_keygen() {
        return;
    }
    let mut env = signed_env(1);
    // Settings cannot loosen it.
    env.set("JOURNAL_APPROVER", "named");
    let shown = env.journal(["policy", "show", "--json"]).exits(0).json();
    assert_eq!(
        (&shown["approver"], &shown["settings_approver"]),
        (&"signed".into(), &"named".into())
    );
    let looser = ["policy", "set", "--approver", "named", "--reason", "too slow", "--json"];
    let set = env.journal(looser).exits(0).json();
    assert_eq!((&set["in_force"], &set["require_approval"]), (&false.into(), &"always".into()));
    let said =
        env.journal(["approve", "P2", "--as", "bert@example.com", "--json"]).exits(7).error();
    assert!(said.contains("P2 needs a signed approval"), "{said}");
    let text = ask(&env, "P2");
    assert!(text.contains("policy: P2\nrequire approval: always\napprover: named\n"), "{text}");
    refused(&env, "P2", "bert@example.com", &sign(&env, "mallory", NAMESPACE, "P2.txt"));
    let signature = sign(&env, "bert", NAMESPACE, "P2.txt");
    env.journal(["approve", "P2", "--as", "bert@example.com", "--signature", &signature]).exits(0);
    let ran = env.journal(["policy", "show"]).exits(0);
    assert!(ran.stdout.contains("In force: require approval always, approver named"), "{ran}");
    record(&env, &env.leads());
    env.journal(["approve", "R1", "--as", "Bert"]).exits(0);
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 1);
}

/// Changes the journal as somebody does who has a SQLite client.
pub fn tamper(env: &Env, sql: &str) {
    let conn = Connection::open(env.db()).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), 1, "{sql}");
}

#[test]
fn a_signature_that_was_changed_since_is_found_and_counts_no_more() {
    if !has_ssh_keygen() {
        return;
    }
    for kind in ["ed25519", "ecdsa"] {
        let mut env = Env::new(1);
        let public = key(&env, "bert", kind);
        let list = env.file("allowed_signers", format!("bert {public}"));
        env.set("JOURNAL_ALLOWED_SIGNERS", list).set("JOURNAL_REQUIRE_APPROVAL", "always");
        env.set("JOURNAL_APPROVER", "signed");
        record(&env, &env.leads());
        ask(&env, "R1");
        let signature = sign(&env, "bert", NAMESPACE, "R1.txt");
        env.journal(["approve", "R1", "--as", "bert", "--signature", &signature]).exits(0);
        let verified = env.journal(["verify", "--json"]).exits(0).json();
        assert_eq!(verified["signed_approvals"], 1, "{kind}");

        if kind == "ecdsa" {
            // Of such a key only OpenSSH can tell; without it that is said.
            env.set("PATH", env.dir.path().display().to_string());
            let verified = env.journal(["verify", "--json"]).exits(0).json();
            assert_eq!(verified["signed_approvals"], 0);
            let left = verified["unchecked_signatures"][0].as_str().unwrap();
            assert!(left.contains("ssh-keygen is not installed"), "{left}");
            let ran = env.journal(["verify"]).exits(0);
            assert!(ran.stderr.contains("was not checked"), "{ran}");
            env.unset("PATH");
        }
        // One of the same key over another text, in the place of the first.
        env.file("other.txt", "another text\n");
        sign(&env, "bert", NAMESPACE, "other.txt");
        let other = std::fs::read_to_string(env.dir.path().join("other.txt.sig")).unwrap();
        let sql = format!("UPDATE sealed SET value = '{other}' WHERE field = 'signature'");
        tamper(&env, &sql);
        let verified = env.journal(["verify", "--json"]).exits(12).json();
        let found = verified["findings"].to_string();
        assert!(found.contains("the text is not the one that the event sealed"), "{found}");
        assert!(
            found.contains("the signature of this approval is not of what it approves"),
            "{found}"
        );
        env.journal(["sync", "--yes"]).exits(8);
        assert_eq!((env.states().as_str(), env.sent()), ("awaiting_approval 1", 0));
    }
}
