//! What evidence says of what the journal itself did before, and what of it an archive holds.

use crate::cli_certificate::write_all;
use crate::env::Env;

/// The page of an entry's certificate.
fn page(env: &Env, entry: &str) -> String {
    let files = write_all(env, &[entry, "-o", "evidence"]);
    let page = files.iter().find(|file| file.extension().is_some_and(|end| end == "md")).unwrap();
    std::fs::read_to_string(page).unwrap()
}

#[test]
fn what_an_earlier_entry_did_is_not_told_as_somebody_else_s_doing() {
    let env = Env::new(3);
    let leads = env.leads();
    env.zoho.tag("Leads", &["Prime"], &leads[1..]);
    let (first, second) = (leads[0].to_string(), leads[1].to_string());
    for asked in [
        vec!["delete", "Leads", &first],
        vec!["delete", "Leads", &first, "--again"],
        vec!["untag", "Leads", "--tag", "Prime", &second],
        vec!["untag", "Leads", "--tag", "Prime", &second, "--again"],
    ] {
        env.journal([&asked[..], &["--reason", "x"]].concat()).exits(0);
    }
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "absent 2, done 2");
    for (entry, earlier) in [("E2", "E1"), ("E4", "E3")] {
        let page = page(&env, entry);
        assert!(page.contains("Already gone, and not by this entry's call, as seen by"), "{page}");
        let told = format!("Entry {earlier} of this journal took it away before.");
        assert!(page.contains(&told), "{page}");
    }
    assert!(!page(&env, "E1").contains("of this journal"));
    let file = env.dir.path().join("evidence/E2.certificate.json").display().to_string();
    let told = env.journal(["verify", "--certificate", &file]).exits(0);
    assert!(!told.said().contains("this journal's calls"), "{told}");

    // Not where it was brought back since, and somebody else took it away.
    env.journal(["undo", "E1", "--reason", "back"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert!(env.zoho.delete_as_other_user(leads[0]));
    env.journal(["delete", "Leads", &first, "--reason", "x"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "absent 3, done 3");
    assert!(!page(&env, "E6").contains("of this journal"));
    for line in env.journal(["export", "--format", "jsonl"]).exits(0).json_lines() {
        assert!(!line["in_words"].as_str().unwrap().contains("this journal's call"), "{line}");
    }
}

#[test]
fn an_archive_holds_every_view_and_a_manifest_is_named() {
    let env = Env::new(2);
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    let zip = env.dir.path().join("audit.zip");
    env.journal(["export", "--bundle", zip.to_str().unwrap()]).exits(0);
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&zip).unwrap()).unwrap();
    for view in ["entries", "attempts", "batches", "requests", "rejected", "events", "undo"] {
        let mut content = String::new();
        let mut file = archive.by_name(&format!("{view}.csv")).unwrap();
        std::io::Read::read_to_string(&mut file, &mut content).unwrap();
        let exported = env.journal(["export", "--view", view, "--format", "csv"]).exits(0).stdout;
        assert_eq!(content.lines().next(), exported.lines().next(), "{view}");
    }
    env.journal(["verify", "--bundle", zip.to_str().unwrap()]).exits(0);
    let args = ["export", "-o", "audit.csv", "--manifest"];
    let told = env.journal(args).exits(0);
    assert!(told.stderr.contains("its manifest to audit.csv.manifest.json"), "{told}");
    let told = env.journal([&args[..], &["--json"]].concat()).exits(0).json();
    assert_eq!(told["manifest"], "audit.csv.manifest.json");
    let told = env.journal(["export", "-o", "audit.csv", "--json"]).exits(0).json();
    assert!(told.get("manifest").is_none(), "{told}");
}

#[test]
fn refusals_say_what_to_do_next() {
    let mut env = Env::new(2);
    let lead = env.leads()[0].to_string();
    let other = env.leads()[1].to_string();
    env.journal(["delete", "Leads", &lead, "--reason", "x"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["hold", "add", "Leads", &lead, "--reason", "case"]).exits(0);
    let ran = env.journal(["forget", "E1", "--reason", "x", "--yes", "--even-restorable"]).exits(7);
    assert!(ran.stderr.contains("journal hold list"), "{ran}");
    let db = env.file("taken", std::fs::read(env.db()).unwrap());
    let ran = env.journal(["backup", &db]);
    assert!(!ran.stderr.contains("-o") && ran.code != Some(0), "{ran}");
    env.set("JOURNAL_REQUIRE_APPROVAL", "always");
    env.journal(["delete", "Leads", &other, "--reason", "x"]).exits(0);
    let ran = env.journal(["approve", "R2"]).exits(7);
    assert!(ran.stderr.contains("journal approve R2 --as NAME"), "{ran}");
}
