//! Several requests that one SSH signature approves, through the binary and OpenSSH's own `ssh-keygen`.

use zoho_journal::domain::merkle::Hash;

use crate::cli_approve_signed::{NAMESPACE, fingerprint, has_ssh_keygen, key, sign, tamper};
use crate::cli_certificate::{contrib, key_file, named, python, verify, write_all};
use crate::env::{Env, lines};

const BERT: &str = "bert@example.com";

/// Three requests of one lead each that wait for a signature of Bert's.
fn three() -> Env {
    let mut env = Env::new(3);
    let bert = key(&env, "bert", "ed25519");
    let list = env.file("allowed_signers", format!("{BERT} {bert}"));
    env.set("JOURNAL_ALLOWED_SIGNERS", list);
    let policy = ["policy", "set", "--require-approval", "always", "--approver", "signed"];
    env.journal([&policy[..], &["--reason", "board"]].concat()).exits(0);
    for (lead, reason) in env.leads().iter().zip(["secret one", "secret two", "secret three"]) {
        let args = ["delete", "Leads", "--from", "-", "--reason", reason, "--requested-by", "Anna"];
        env.journal_reading(args, lines(&[*lead])).exits(0);
    }
    env
}

fn read(env: &Env, file: &str) -> String {
    std::fs::read_to_string(env.dir.path().join(file)).unwrap()
}

const BOTH: [&str; 6] = ["approve", "R2", "R1", "--as", BERT, "--signature"];

#[test]
fn one_signature_approves_several_requests_each_by_its_own_text() {
    if !has_ssh_keygen() {
        return;
    }
    let env = three();
    env.journal(["approve", "R1", "R2", "--ask", "both.txt"]).exits(0);
    let text = read(&env, "both.txt");
    assert!(text.starts_with("zoho-journal/approvals@1\njournal: zoho-journal/"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    for (request, reason) in [("R1", "secret one"), ("R2", "secret two")] {
        let part = read(&env, &format!("both.txt.{request}"));
        for line in
            [format!("request: {request}"), "entries: 1".into(), format!("reason: \"{reason}\"")]
        {
            assert!(part.lines().any(|one| one == line), "{line}: {part}");
        }
        let hash = Hash::of(part.as_bytes());
        assert!(text.contains(&format!("\n{request}: sha256 {hash}\n")), "{text}");
    }
    // The order of the requests says nothing, and asking again gives the same.
    let asked = env.journal(["approve", "R2", "R1", "--ask", "-", "--json"]).exits(0).json();
    assert_eq!(asked["text"], text.as_str());
    assert_eq!(asked["parts"][1]["text"], read(&env, "both.txt.R2").as_str());
    let signature = sign(&env, "bert", NAMESPACE, "both.txt");
    // It is of these two, and of nothing else.
    for others in [&["R1"][..], &["R1", "R3"], &["R1", "R2", "R3"]] {
        let args = [&["approve"], others, &["--as", BERT, "--signature", &signature]].concat();
        let ran = env.journal(args).exits(7);
        assert!(others.len() == 1 || ran.stderr.contains("R3"), "{ran}");
    }
    let both = [&BOTH[..], &[&signature]].concat();
    let approved = env.journal([&both[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(approved["approved"].as_array().unwrap().len(), 2);
    assert_eq!(approved["approved"][0]["signed_with"], fingerprint(&env, "bert").as_str());
    let ran = env.journal(both).exits(7);
    assert!(ran.stderr.contains("R1 is already approved"), "{ran}");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "awaiting_approval 1, done 2");
    assert_eq!(env.journal(["verify", "--json"]).exits(0).json()["signed_approvals"], 2);
    env.agrees();
}

#[test]
fn of_several_requests_all_are_approved_or_none() {
    if !has_ssh_keygen() {
        return;
    }
    let env = three();
    env.journal(["approve", "R1", "R2", "--ask", "both.txt"]).exits(0);
    let signature = sign(&env, "bert", NAMESPACE, "both.txt");
    let both = [&BOTH[..], &[&signature]].concat();
    // One of them is approved alone meanwhile, so that its text is another one.
    env.journal(["approve", "R2", "--ask", "two.txt"]).exits(0);
    let alone = sign(&env, "bert", NAMESPACE, "two.txt");
    env.journal(["approve", "R2", "--as", BERT, "--signature", &alone]).exits(0);
    let before = env.events();
    let ran = env.journal(both.clone()).exits(7);
    assert!(ran.stderr.contains("R2 is already approved"), "{ran}");
    assert!(!ran.stderr.contains("R1 is already"), "{ran}");
    // Nor by who asked for one of them.
    let anna = ["approve", "R1", "R3", "--as", "anna", "--signature", &signature];
    let ran = env.journal(anna).exits(7);
    assert!(ran.stderr.contains("R1 needs a second person"), "{ran}");
    assert!(
        env.journal(["approve", "R1", "R3", "--as", BERT])
            .exits(7)
            .stderr
            .contains("R3 needs a signed")
    );
    assert_eq!(env.events(), before);
    assert_eq!(env.states(), "awaiting_approval 2, pending 1");
    env.journal(["verify"]).exits(0);
}

#[test]
fn a_request_that_was_edited_after_it_was_signed_is_named() {
    if !has_ssh_keygen() {
        return;
    }
    let env = three();
    env.journal(["approve", "R1", "R2", "--ask", "both.txt"]).exits(0);
    let signature = sign(&env, "bert", NAMESPACE, "both.txt");
    let both = [&BOTH[..], &[&signature]].concat();
    tamper(&env, "UPDATE sealed SET value = 'harmless' WHERE value = 'secret two'");
    let ran = env.journal(both.clone()).exits(7);
    assert!(ran.stderr.contains("(R2 is not what both.txt lists)"), "{ran}");
    tamper(&env, "UPDATE sealed SET value = 'secret two' WHERE value = 'harmless'");
    env.journal(both).exits(0);
    // Changed after the approval, it is not sent, and the other one is.
    tamper(&env, "UPDATE sealed SET value = 'harmless' WHERE value = 'secret two'");
    let found = env.journal(["verify", "--json"]).exits(12).json()["findings"].to_string();
    assert!(found.contains("the signature of this approval is not of what it approves"), "{found}");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!((env.states().as_str(), env.sent()), ("awaiting_approval 2, done 1", 1));
}

#[test]
fn what_one_request_was_erased_of_leaves_the_other_s_approval_whole() {
    if !has_ssh_keygen() {
        return;
    }
    let env = three();
    env.journal(["approve", "R1", "R2", "--ask", "both.txt"]).exits(0);
    let signature = sign(&env, "bert", NAMESPACE, "both.txt");
    env.journal([&BOTH[..], &[&signature]].concat()).exits(0);
    env.journal(["sync", "R2", "--yes"]).exits(0);
    env.journal(["forget", "R2", "--reason", "x", "--even-restorable", "--yes"]).exits(0);
    let verified = env.journal(["verify", "--json"]).exits(0).json();
    assert_eq!(verified["signed_approvals"], 1);
    env.journal(["sync", "--yes"]).exits(0);
    let status = env.journal(["status", "--json"]).exits(0).json();
    let entries = &status["entries"];
    assert_eq!((&entries["done"], &entries["awaiting_approval"]), (&2.into(), &1.into()));
}

#[test]
fn a_certificate_of_one_of_them_shows_the_signature_and_nothing_of_the_others() {
    if !has_ssh_keygen() {
        return;
    }
    let env = three();
    env.journal(["approve", "R1", "R2", "--ask", "both.txt"]).exits(0);
    let signature = sign(&env, "bert", NAMESPACE, "both.txt");
    env.journal([&BOTH[..], &[&signature]].concat()).exits(0);
    env.journal(["approve", "R3", "--ask", "three.txt"]).exits(0);
    let alone = sign(&env, "bert", NAMESPACE, "three.txt");
    env.journal(["approve", "R3", "--as", BERT, "--signature", &alone]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    let key = key_file(&env);
    let files = write_all(&env, &["E1", "E3", "-o", "out"]);
    let certificates =
        [named(&files, "E1.certificate.json")[0], named(&files, "E3.certificate.json")[0]];
    verify(&env, &certificates, Some(&key)).exits(0);
    // People see by which key, and programs all of it.
    let args = [&["verify", "--key", &key, "--certificate"][..], &certificates].concat();
    let told = env.journal(args).exits(0).stdout;
    assert!(!told.contains("SSH SIGNATURE") && !told.contains("\\u{a}"), "{told}");
    assert_eq!(told.matches(&fingerprint(&env, "bert")).count(), 2, "{told}");
    assert!(told.contains("list that was signed: of 2 requests"), "{told}");
    let args = ["verify", "--certificate", certificates[0], "--key", &key, "--json"];
    let report = env.journal(args).exits(0).json();
    let events = report["certificates"][0]["events"].as_array().unwrap();
    let said = |name: &str| {
        let all = events.iter().filter_map(|event| event["says"].as_array()).flatten();
        let found = all.filter(|one| one["name"] == name).map(|one| one["text"].to_string());
        found.collect::<String>()
    };
    assert!(said("SSH signature").contains("BEGIN SSH SIGNATURE"), "{report}");
    assert!(said("list that was signed").contains("R2: sha256 "), "{report}");
    let text = std::fs::read_to_string(certificates[0]).unwrap();
    assert!(text.contains("secret one") && !text.contains("secret two"), "{text}");
    let page =
        std::fs::read_to_string(named(&files, "E1.certificate.md")[0]).unwrap().replace('\\', "");
    let mark = fingerprint(&env, "bert");
    let over = format!("of the key {mark}, over a list of requests that holds exactly this one");
    assert!(page.contains(&over), "{page}");
    // A program that shares no code with this one says the same.
    let program = contrib("verify_certificate.py");
    let args = [&[program.as_str(), "--key", &key][..], &certificates].concat();
    if let Some(ran) = python(&args) {
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(said.matches(&format!("signed with {mark}\n")).count(), 2, "{said}");
    }
    // Another signature of the same key in its place is told by the seal; another seal by the log.
    let changed = text.replacen("R1: sha256 ", "R1: sha256 0", 1);
    let forged = env.file("forged.json", changed);
    verify(&env, &[&forged], Some(&key)).exits(12);
}
