//! Certificates of entries about which people decided, which were looked at again, or which undo others, through the
//! binary and through programs that share no code with it.

use std::path::PathBuf;

use zoho_journal::simulator::Config;

use crate::cli_certificate::{contrib, key_file, named, python, verify, write_all};
use crate::env::{Env, lines};

/// Requests that were approved (E1, E2), rejected (E3), withdrawn (E4), held and let go (E5), held from the beginning
/// (E7), and that are too old (E8). E1 was brought back by E9; what was taken away was looked at again.
pub fn decided() -> Env {
    let env = Env::new(8);
    let leads = env.leads();
    let delete = |ids: &[u64], flags: &[&str]| {
        let args = ["delete", "Leads", "--from", "-", "--reason", "clean-up"];
        env.journal_reading(args.iter().chain(flags).copied().collect::<Vec<_>>(), lines(ids))
            .exits(0);
    };
    let hold = |lead: u64| {
        let lead = lead.to_string();
        let args = ["hold", "add", "Leads", &lead, "--reason", "case 7", "--ticket", "LEG-7"];
        env.journal(args.iter().chain(&["--as", "Carla"]).copied().collect::<Vec<_>>()).exits(0);
    };
    delete(&leads[..2], &["--require-approval", "always"]);
    env.journal(["approve", "R1", "--as", "Bert"]).exits(0);
    delete(&leads[2..3], &["--require-approval", "always"]);
    env.journal(["reject", "R2", "--reason", "customers", "--as", "Bert"]).exits(0);
    delete(&leads[3..4], &[]);
    env.journal(["cancel", "E4", "--reason", "objection", "--as", "Dora"]).exits(0);
    delete(&leads[4..6], &[]);
    hold(leads[4]);
    hold(leads[6]);
    delete(&leads[6..7], &[]);
    delete(&leads[7..], &["--valid-for", "1ms"]);
    env.journal(["sync", "--yes"]);
    assert_eq!(env.states(), "awaiting_approval 1, cancelled 2, done 3, held 2");
    let release = ["hold", "release", "Leads", &leads[4].to_string(), "--reason", "over"];
    env.journal(release).exits(0);
    env.journal(["undo", "E1", "--reason", "a mistake"]).exits(0);
    env.journal(["sync", "--yes"]);
    assert_eq!(env.states(), "awaiting_approval 1, cancelled 2, done 5, held 1");
    assert!(env.zoho.purge(leads[5]));
    env.journal(["recheck"]).exits(0);
    env
}

/// Its entries.
pub const DECIDED: [&str; 9] = ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9"];

/// The page about an entry, as somebody reads it.
fn page(files: &[PathBuf], name: &str) -> String {
    std::fs::read_to_string(named(files, name)[0]).unwrap().replace('\\', "")
}

/// What the pages about [`decided`] say.
const TOLD: [(&str, &[&str]); 9] = [
    (
        "E1",
        &[
            "Asked for: delete record",
            "it had to wait for a second person's approval (policy always)",
            "R1 was approved by somebody of another name than who asked; the same OS account recorded both",
            "approved by: Bert",
            "Entry E9 was recorded to bring back what this one took away; it is done.",
            "What the journal says beside it, and nothing here proves",
        ],
    ),
    (
        "E2",
        &[
            "Looked at again: it lay in the recycle bin, or was listed as something that can be restored",
        ],
    ),
    (
        "E3",
        &[
            "R2 was rejected",
            "rejected by: Bert",
            "reason: customers",
            "Withdrawn before it was sent",
        ],
    ),
    ("E4", &["It was withdrawn before it was sent.", "withdrawn by: Dora", "reason: objection"]),
    (
        "E5",
        &[
            "Hold H1 of 1 id was placed. It covers the entry",
            "put on hold by: Carla",
            "reason: case 7",
            "ticket: LEG-7",
            "What held it was released (H1): it could be sent from then on.",
            "Done: that is how it stood",
        ],
    ),
    (
        "E6",
        &[
            "Looked at again: it was neither in the recycle bin nor listed as something that can be restored",
        ],
    ),
    (
        "E7",
        &[
            "Not settled: held",
            "one covered it when it was recorded: it was held from then on",
            "Hold H2, placed at 20",
            "held by: Carla; reason: case 7; ticket: LEG-7",
        ],
    ),
    ("E8", &["R6 had become older than it may be sent", "Not settled: awaiting_approval"]),
    ("E9", &["back from the recycle bin. It undoes entry E1, which has a certificate of its own"]),
];

#[test]
fn what_people_decided_is_part_of_a_certificate_and_of_a_receipt_without_names() {
    let env = decided();
    let key = key_file(&env);
    let args: Vec<&str> = DECIDED.iter().copied().chain(["-o", "out"]).collect();
    let files = write_all(&env, &args);
    let args: Vec<&str> = args.iter().copied().chain(["--receipt"]).collect();
    let receipts = write_all(&env, &args);
    let whoami = crate::env::whoami(&env);
    for (entry, texts) in TOLD {
        let whole = page(&files, &format!("{entry}.certificate.md"));
        for text in texts {
            assert!(whole.contains(text), "{entry}: {text}: {whole}");
        }
        let receipt = page(&receipts, &format!("{entry}.receipt.md"))
            + &std::fs::read_to_string(named(&receipts, &format!("{entry}.receipt.json"))[0])
                .unwrap();
        for name in ["Bert", "Carla", "Dora", "case 7", "objection", "customers", "LEG-7"] {
            assert!(!receipt.contains(name), "{entry}: {name}: {receipt}");
        }
        assert!(!receipt.contains(&format!("\"{whoami}\"")), "{receipt}");
        assert!(!whole.contains("erased"), "{whole}");
    }
    let mut all = named(&files, ".certificate.json");
    all.extend(named(&receipts, ".receipt.json"));
    let report = verify(&env, &all, Some(&key)).exits(0).json();
    let rows = env.journal(["export", "--format", "jsonl"]).exits(0).json_lines();
    for (at, one) in report["certificates"].as_array().unwrap().iter().enumerate() {
        let row = &rows[at % rows.len()];
        assert_eq!((&one["entry"], &one["state"]), (&row["entry_id"], &row["state"]), "{one}");
    }
    let script = contrib("verify_certificate.py");
    let args: Vec<&str> = [&script, "--key", &key].into_iter().chain(all.iter().copied()).collect();
    let Some(seen) = python(&args) else { return };
    let told = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert_eq!((seen.status.code(), told.matches("verified: ").count()), (Some(0), 18), "{told}");
    for text in [
        "E7 is held",
        "E3 is cancelled",
        "E8 is awaiting_approval",
        "seen as erased",
        "seen as in_bin",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
}

#[test]
fn a_decision_or_a_later_look_that_was_edited_is_refused() {
    let env = decided();
    let files = write_all(&env, &["E1", "E5", "E6", "-o", "out"]);
    let script = contrib("verify_certificate.py");
    for (entry, from, to) in
        [("E1", "Bert", "Curt"), ("E5", "case 7", "case 8"), ("E6", "\\\"erased", "\\\"in_bin")]
    {
        let name = format!("{entry}.certificate.json");
        let text = std::fs::read_to_string(named(&files, &name)[0]).unwrap();
        assert!(text.contains(from), "{text}");
        let edited = env.file("edited.json", text.replace(from, to));
        verify(&env, &[&edited], None).exits(12);
        let Some(seen) = python(&[&script, &edited]) else { return };
        assert_eq!(seen.status.code(), Some(12), "{entry}");
    }
}

#[test]
fn a_bundle_holds_the_certificates_of_what_people_decided() {
    let env = decided();
    let key = key_file(&env);
    let bundle = env.dir.path().join("audit.zip").display().to_string();
    let mut args = vec!["export", "--bundle", &bundle, "--json"];
    args.extend(DECIDED.iter().flat_map(|entry| ["--certificate", entry]));
    env.journal(args).exits(0);
    let elsewhere = Env::without_journal(crate::env::config(0));
    let report = elsewhere.journal(["verify", "--bundle", &bundle, "--key", &key, "--json"]);
    let report = report.exits(0).json();
    assert_eq!(
        (&report["anchored"], report["certificates"].as_array().unwrap().len()),
        (&true.into(), 9)
    );
    let script = contrib("verify_certificate.py");
    let Some(seen) = python(&[&script, "--key", &key, &bundle]) else { return };
    let told = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.status.success() && told.contains("E9 is done"), "{told}");
}

#[test]
fn an_undo_of_every_operation_has_certificates_that_name_what_it_undoes() {
    let records = [("Leads", 8), ("Campaigns", 1)];
    let records = records.map(|(module, count)| (module.to_owned(), count)).into();
    let env = Env::with(Config { records, ..Config::default() });
    let (leads, campaign) = (env.leads(), env.zoho.snapshot().modules["Campaigns"].live[0]);
    env.zoho.tag("Leads", &["Prime"], &leads[4..5]);
    let tag = env.zoho.tag("Leads", &["Old"], &[])[0];
    env.zoho.link("Campaigns", campaign, "Leads", &leads[6..7]);
    for words in [
        format!("delete Leads {}", leads[0]),
        format!("untag Leads --tag Prime {}", leads[4]),
        format!("unlink Campaigns {campaign} Leads {}", leads[6]),
        format!("delete-tags Leads {tag}"),
    ] {
        let args: Vec<&str> = words.split(' ').chain(["--reason", "clean-up"]).collect();
        env.journal(args).exits(0);
    }
    env.journal(["sync", "--yes", "--wait", "20s"]).exits(0);
    env.journal(["undo", "R1", "R2", "R3", "R4", "--reason", "a mistake"]).exits(0);
    env.journal(["sync", "--yes", "--wait", "20s"]).exits(0);
    assert_eq!(env.states(), "done 8");
    let files = write_all(&env, &["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "-o", "out"]);
    let all: Vec<String> =
        (5..=8).map(|entry| page(&files, &format!("E{entry}.certificate.md"))).collect();
    for (undone, text) in [
        ("E1", "bring record"),
        ("E2", "put the tags [\"Prime\"] back on record"),
        ("E3", "back into the list Leads of record"),
        ("E4", "which was deleted, anew under a new id"),
    ] {
        let its = all.iter().filter(|page| page.contains(&format!("It undoes entry {undone},")));
        let its: Vec<&String> = its.collect();
        assert!(its.len() == 1 && its[0].contains(text), "{undone}: {all:#?}");
        let page = page(&files, &format!("{undone}.certificate.md"));
        assert!(page.contains("was recorded to bring back what this one took away; it is done."));
    }
    let key = key_file(&env);
    let certificates = named(&files, ".certificate.json");
    verify(&env, &certificates, Some(&key)).exits(0);
    let script = contrib("verify_certificate.py");
    let args = [script.as_str(), "--key", &key].into_iter().chain(certificates);
    let Some(seen) = python(&args.collect::<Vec<_>>()) else { return };
    let told = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert_eq!((seen.status.code(), told.matches(" is done").count()), (Some(0), 8), "{told}");
}
