//! `config set`: what it writes, what it refuses, and that it mends what stops every other command.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::json;

use crate::env::{Env, config, filtered};

fn settings(env: &Env) -> PathBuf {
    env.dir.path().join("config/zoho-journal/config.toml")
}

fn text(env: &Env) -> String {
    std::fs::read_to_string(settings(env)).unwrap()
}

#[test]
fn the_first_setting_makes_the_file_for_its_owner_only() {
    let env = Env::without_journal(config(0));
    let ran = env.journal(["config", "set", "data_center", "eu"]).exits(0);
    filtered(&env, || {
        insta::assert_snapshot!(ran.said(), @"data_center is eu now in profile default of [DIR]/config/zoho-journal/config.toml");
    });
    assert_eq!(text(&env), "[profile.default]\ndata_center = \"eu\"\n");
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(settings(&env)), 0o600);
    assert_eq!(mode(settings(&env).parent().unwrap().to_owned()), 0o700);
    let shown = env.journal(["config", "show", "--json"]).exits(0).json();
    assert_eq!(shown["data_center"]["value"], "eu");
    // The other profiles are as free as before.
    env.journal(["config", "show", "--profile", "acme"]).exits(0);
}

#[test]
fn a_change_keeps_comments_and_says_what_was_there_and_what_wins() {
    let mut env = Env::without_journal(config(0));
    let before = "# ours\n[profile.acme]\nconcurrency = 8 # since May\n";
    let file = env.file("settings.toml", before);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = env.dir.path().join("link.toml");
    symlink(&file, &link).unwrap();
    env.set("JOURNAL_CONFIG", link.display().to_string()).set("JOURNAL_CONCURRENCY", "3");
    let args = ["config", "set", "concurrency", "10", "--profile", "acme", "--json"];
    let link = link.display().to_string();
    assert_eq!(
        env.journal(args).exits(0).json(),
        json!({"key": "concurrency", "value": "10", "was": "8", "profile": "acme", "file": link,
            "overridden_by": "environment JOURNAL_CONCURRENCY"})
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before.replace('8', "10"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let ran = env.journal(["config", "set", "concurrency", "12", "--profile", "acne"]).exits(0);
    assert!(ran.stderr.contains("no profile named acne until now"), "{ran}");
    assert!(ran.stderr.contains("unset JOURNAL_CONCURRENCY"), "{ran}");
    let args = ["config", "set", "data_center", "eu", "--data-center", "in", "--profile", "acme"];
    let ran = env.journal(args).exits(0);
    assert!(ran.stderr.contains("flag --data-center wins"), "{ran}");
}

#[test]
fn a_path_counts_from_where_one_is() {
    let mut env = Env::without_journal(config(0));
    env.unset("JOURNAL_DB");
    env.journal(["config", "set", "db", "acme.db"]).exits(0);
    let shown = env.journal(["config", "show", "--json"]).exits(0).json();
    assert_eq!(shown["db"]["value"], env.dir.path().join("acme.db").display().to_string());
}

#[test]
fn what_reading_would_refuse_is_not_written() {
    let env = Env::without_journal(config(0));
    for (key, value, told) in [
        ("data_centre", "eu", "did you mean data_center"),
        ("data_center", "mars", "choose one of us"),
        ("client_secret", "s3cr3t", "set ZOHO_CLIENT_SECRET"),
        ("api_url", "http://zoho.example", "use https"),
        ("concurrency", "s3cr3t", "whole number"),
        ("max_entries", "-1", "whole number"),
    ] {
        let ran = env.journal(["config", "set", key, value, "--json"]).exits(2);
        assert!(ran.error().contains(told), "{ran}");
        assert!(key == "concurrency" || !ran.said().contains("s3cr3t"), "{ran}");
        assert!(!settings(&env).exists());
    }
    env.journal(["config", "set", "data_center"]).exits(2);
}

#[test]
fn a_wrong_value_that_stops_every_command_can_be_mended() {
    let mut env = Env::without_journal(config(0));
    let file = env.file("settings.toml", "[profile.default]\ndata_center = \"mars\"\n");
    env.set("JOURNAL_CONFIG", &file);
    env.journal(["status"]).exits(2);
    env.journal(["config", "set", "data_center", "eu"]).exits(0);
    env.journal(["status"]).exits(10);
    let others = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&file, others).unwrap();
    let ran = env.journal(["config", "set", "data_center", "in", "--json"]).exits(2);
    assert!(ran.error().contains("chmod 600"), "{ran}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("\"eu\""));
}
