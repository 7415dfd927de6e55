//! Setting up: init, settings, help, completions, and what a shell sees.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;

use crate::env::{Env, Ran, config, exists, filtered};

#[test]
fn init_makes_a_private_journal_and_never_another_over_it() {
    let env = Env::without_journal(config(0));
    let ran = env.journal(["init"]).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @r"
        journal      [DIR]/journal.db
        anchor       [DIR]/journal.db.anchor  (shows when an older copy is put back: back it up elsewhere)
        key          [DIR]/keys/[JOURNAL]  (signs checkpoints: keep it private)
        verifier key zoho-journal/[JOURNAL]+[KEY]  (give it to your auditors)
        next: journal delete MODULE --from FILE --reason TEXT
        ");
    });
    let mode = std::fs::metadata(env.db()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(env.db()).unwrap();
    assert!(env.journal(["init", "--json"]).exits(1).error().ends_with("exists already"));
    assert_eq!(std::fs::read(env.db()).unwrap(), before);
}

#[test]
fn init_makes_missing_directories_and_says_how_to_go_on_from_there() {
    let env = Env::without_journal(config(0));
    let db = env.dir.path().join("with space/of ann/x.db").display().to_string();
    let made = env.journal(["init", "--db", &db, "--json"]).exits(0).json();
    assert_eq!(made["db"], db.as_str());
    assert_eq!(
        made["next"],
        format!("journal delete MODULE --from FILE --reason TEXT --db '{db}'")
    );
    assert!(exists(&db) && !exists(env.db()));
}

#[test]
fn every_other_command_refuses_a_path_that_holds_no_journal() {
    let env = Env::without_journal(config(1));
    for args in [
        &["plan"][..],
        &["sync", "--yes"],
        &["sync", "--dry-run"],
        &["replay", "--yes"],
        &["delete", "Leads", "410405000002264040", "--reason", "x"],
        &["delete", "Leads", "410405000002264040", "--reason", "x", "--dry-run"],
    ] {
        let ran = env.journal(args.iter().copied()).exits(10);
        assert!(ran.stderr.contains("hint: journal init --db "), "{ran}");
        let with_json = args.iter().copied().chain(["--json"]);
        let message = env.journal(with_json).exits(10).error();
        assert_eq!(message, format!("no journal at {}", env.db().display()));
        assert!(!exists(env.db()));
    }
    assert!(env.zoho.requests().is_empty());
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let env = Env::without_journal(config(0));
    env.file("journal.db", "SQLite format 3\0 but not really");
    for command in ["plan", "init"] {
        env.journal([command]).exits(1);
    }
    env.file("journal.db", "");
    env.journal(["plan"]).exits(1);
    assert_eq!(std::fs::read(env.db()).unwrap(), b"");
}

#[test]
fn every_command_explains_itself_on_stdout() {
    let env = Env::without_journal(config(0));
    let help = env.journal(["--help"]).exits(0).stdout;
    let commands = [
        "init",
        "delete",
        "plan",
        "sync",
        "replay",
        "config",
        "doctor",
        "completions",
        "demo",
        "simulate",
    ];
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        let own = env.journal([command, "--help"]).exits(0);
        assert!(own.stdout.contains(&format!("Usage: journal {command}")), "{own}");
        assert!(own.stdout.contains("Options of every command:"), "{own}");
        assert_eq!(own.stderr, "");
    }
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for code in ["3 some", "4 not", "10 no journal", "11 another", "12 not", "130 "] {
        assert!(help.contains(code), "{help}");
    }
    assert_eq!(env.journal(["--version"]).exits(0).stdout, "journal 0.1.0\n");
}

#[test]
fn what_is_not_understood_is_exit_code_2_also_in_json() {
    let env = Env::new(1);
    let events = env.events();
    for args in [
        &["frobnicate"][..],
        &["sync", "--bogus"],
        &["sync", "--yes", "--max-calls", "many"],
        &["sync", "--yes", "--max-entries", "many"],
        &["sync", "--yes", "--wait", "3"],
        &["sync", "1", "--yes"],
        &["plan", "E1"],
        &["delete", "Leads", "410405000002264040"],
        &["delete", "Leads", "410405000002264040", "--reason", ""],
        &["delete", "Leads", "410405000002264040", "--reason", " \t "],
        &["delete", "Leads", "--reason", "x"],
        &["delete", "Leads/410405000002264040", "--reason", "x", "410405000002264040"],
        &["delete", "../Leads", "--reason", "x", "410405000002264040"],
        &["delete", "", "--reason", "x", "410405000002264040"],
        &["delete", "Leads", "410405000002264040", "--reason", "x", "--not-before", "soon"],
        &["delete", "Leads", "410405000002264040", "--reason", "x", "--valid-for", "3"],
        &["delete", "Leads", "410405000002264040", "--reason", "x", "--id-column", "id"],
        &["simulate", "--listen", "0.0.0.0:0"],
        &["simulate", "--fault", "bogus"],
        &["simulate", "--records", "Le ads=1"],
        &["simulate", "--tag", "Leads"],
        &["simulate", "--tag", "Lead=Prime"],
        &["simulate", "--link", "Campaigns/Leads=1"],
        &["simulate", "--tags-per-job", "0"],
        &["simulate", "--job-running", "3"],
        &["simulate", "--edition", "Free"],
        &["simulate", "--users", "0"],
        &["simulate", "--scope", "modules"],
        &["simulate", "--clock-skew", "-soon"],
        &["completions", "tcsh"],
        &["plan", "--environment", "sandbx"],
        &["plan", "--api-url", "http://www.zohoapis.com"],
        &["plan", "--api-url", "https://www.zohoapis.com/crm"],
    ] {
        let ran = env.journal(args.iter().copied()).exits(2);
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{ran}");
        let ran = env.journal(args.iter().copied().chain(["--json"])).exits(2);
        assert!(!ran.error().is_empty(), "{ran}");
    }
    let bare = env.journal([]).exits(2);
    assert!(bare.stderr.contains("Usage: journal"), "{bare}");
    assert_eq!(env.events(), events);
}

#[test]
fn completions_name_every_command() {
    let env = Env::without_journal(config(0));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = env.journal(["completions", shell]).exits(0);
        assert!(ran.stdout.contains("replay") && ran.stdout.contains("skip-invalid"), "{shell}");
    }
}

#[test]
fn settings_come_from_flag_environment_and_file_in_that_order() {
    let mut env = Env::without_journal(config(0));
    env.unset("JOURNAL_API_URL");
    let file = env.file(
        "settings.toml",
        "max_entries = 50\nenvironment = \"sandbox\"\n[profile.acme]\nmax_entries = 70\n\
         db = \"/data/acme.db\"\ndata_center = \"eu\"\n",
    );
    env.set("JOURNAL_CONFIG", &file);
    let shown = env.journal(["config", "show", "--json"]).exits(0).json();
    assert_eq!(shown["max_entries"]["value"], "50");
    assert_eq!(shown["environment"]["value"], "sandbox");
    assert_eq!(shown["data_center"]["origin"], "default");
    assert!(shown["max_entries"]["origin"].as_str().unwrap().contains("settings.toml"));
    let shown = env.journal(["config", "show", "--profile", "acme", "--json"]).json();
    assert_eq!(shown["max_entries"]["value"], "70");
    assert_eq!(shown["data_center"]["value"], "eu");
    assert_eq!(shown["profile"]["origin"], "flag --profile");
    env.set("JOURNAL_MAX_ENTRIES", "60").set("JOURNAL_PROFILE", "acme");
    let shown = env.journal(["config", "show", "--json", "--environment", "developer"]).json();
    assert_eq!(shown["max_entries"]["value"], "60");
    assert_eq!(shown["environment"]["value"], "developer");
    let said = env.journal(["config", "show"]).exits(0).stdout;
    assert!(said.contains("JOURNAL_MAX_ENTRIES") && said.contains("settings.toml"), "{said}");
    assert!(!said.contains(&env.zoho.access_token()), "{said}");
}

#[test]
fn a_profile_has_a_journal_of_its_own() {
    let mut env = Env::without_journal(config(0));
    let db = env.dir.path().join("acme.db");
    let text = format!("[profile.acme]\ndb = \"{}\"\n", db.display());
    let file = env.file("settings.toml", text);
    env.set("JOURNAL_CONFIG", file).unset("JOURNAL_DB");
    let made = env.journal(["init", "--profile", "acme", "--json"]).exits(0).json();
    assert_eq!(made["db"], db.display().to_string());
    assert!(made["next"].as_str().unwrap().ends_with("--profile acme"), "{made}");
    env.journal(["plan", "--profile", "acme"]).exits(0);
    env.journal(["plan"]).exits(10);
    let data = env.dir.path().join("data/zoho-journal/default.db");
    let made = env.journal(["init", "--json"]).exits(0).json();
    assert_eq!(made["db"], data.display().to_string());
    let message = env.journal(["plan", "--profile", "acne", "--json"]).exits(2).error();
    assert!(message.contains("acme"), "{message}");
}

#[test]
fn a_settings_file_is_read_strictly_and_never_holds_a_secret() {
    let mut env = Env::without_journal(config(0));
    env.set("JOURNAL_CONFIG", env.dir.path().join("settings.toml").display().to_string());
    env.journal(["config", "show"]).exits(2);
    for (text, told) in [
        ("max_entires = 5\n", "max_entries"),
        ("[profile.a]\nquarantene = \"2m\"\n", "quarantine"),
        ("refresh_token = \"1000.abc.s3cr3t\"\n", "secret"),
        ("[profile.a]\nclient_secret = \"s3cr3t\"\n", "ZOHO_CLIENT_SECRET"),
        ("max_entries = \"s3cr3t\"\n", "whole number"),
        ("environment = sandbox s3cr3t\n", "line 1"),
        ("environment = \"sandbx\"\n", "sandbox"),
    ] {
        env.file("settings.toml", text);
        let ran = env.journal(["config", "show", "--json"]).exits(2);
        assert!(ran.error().contains(told), "{text}: {ran}");
        assert!(!ran.said().contains("s3cr3t"), "{ran}");
    }
}

#[test]
fn simulate_says_first_where_it_is_and_ends_with_ctrl_c() {
    let env = Env::without_journal(config(0));
    let mut child = env.start(
        ["simulate", "--records", "Leads=5", "--seed", "3", "--tag", "Leads=Prime"]
            .into_iter()
            .chain(["--link", "Leads/Notes=2", "--job-scheduled", "0s"]),
    );
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let first: serde_json::Value = serde_json::from_str(&line).unwrap();
    for key in [
        "api_url",
        "accounts_url",
        "access_token",
        "state_url",
        "client_id",
        "client_secret",
        "refresh_token",
        "grant_code",
    ] {
        assert!(!first[key].as_str().unwrap().is_empty(), "{first}");
    }
    crate::env::signal(&child, "INT");
    Ran::of_child(child).exits(0);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let env = Env::without_journal(config(0));
    let ran = env.shell("\"$@\" completions zsh | head -n 1", []).exits(0);
    assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str()), (1, ""), "{ran}");
    // dash and others have no pipefail, so the program's own code goes through a file.
    let script = "{ \"$@\" completions zsh; echo $? > code; } | true; cat code";
    assert_eq!(env.shell(script, []).stdout, "0\n");
    let full = env.shell("\"$@\" completions zsh > /dev/full", []).exits(1);
    assert!(full.stderr.starts_with("error: "), "{full}");
}
