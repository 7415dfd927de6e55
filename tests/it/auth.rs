//! Signing in, through the real binary: login, status, logout, and one token for many runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use zoho_journal::simulator::{BadTokenCode, Config, Fault};

use crate::env::{Env, Ran, config, exists};

/// Nobody is signed in; the client is known.
pub fn signed_out(config: Config) -> Env {
    let mut env = Env::with(config);
    let (id, secret) = (env.zoho.client_id(), env.zoho.client_secret());
    env.unset("ZOHO_ACCESS_TOKEN").set("ZOHO_CLIENT_ID", id).set("ZOHO_CLIENT_SECRET", secret);
    env
}

/// A refresh token in the environment.
pub fn signed_in(config: Config) -> Env {
    let mut env = signed_out(config);
    let refresh = env.zoho.refresh_token();
    env.set("ZOHO_REFRESH_TOKEN", refresh);
    env
}

pub fn stored(env: &Env) -> PathBuf {
    env.dir.path().join("config/zoho-journal/credentials/default.toml")
}

pub fn tokens(env: &Env) -> PathBuf {
    env.dir.path().join("cache/zoho-journal/tokens")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub fn login(env: &Env) -> Ran {
    env.journal(["auth", "login", "--code", &env.zoho.grant_code()])
}

/// The file that Zoho's console gives for download.
fn self_client(env: &Env, secret: &str) -> String {
    let content = json!({
        "client_id": env.zoho.client_id(),
        "client_secret": secret,
        "code": env.zoho.grant_code(),
        "expiry_time": 1_755_857_000_000_u64,
        "grant_type": "authorization_code",
        "scope": ["ZohoCRM.modules.ALL"],
    });
    let path = env.file("self_client.json", content.to_string());
    chmod(Path::new(&path), 0o600);
    path
}

#[track_caller]
fn says(ran: &Ran, words: &str) {
    assert!(ran.said().contains(words), "{words:?} is not said: {ran}");
}

#[test]
fn a_grant_code_signs_in_for_good_with_one_token_call() {
    let env = signed_out(config(3));
    let ran = login(&env).exits(0);
    says(&ran, "data centre us, environment production");
    says(&ran, &format!("of org {}", env.zoho.org_id()));
    assert_eq!((mode(&stored(&env)), mode(stored(&env).parent().unwrap())), (0o600, 0o700));
    assert_eq!(mode(&tokens(&env)), 0o700);
    for file in fs::read_dir(tokens(&env)).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 3");
    // The code's own access token served all of it.
    assert_eq!(env.zoho.token_calls(), 1);
    env.agrees();
}

#[test]
fn the_consoles_file_signs_in_when_only_its_owner_can_read_it() {
    let mut env = signed_out(config(0));
    env.unset("ZOHO_CLIENT_ID").unset("ZOHO_CLIENT_SECRET");
    let file = self_client(&env, &env.zoho.client_secret());
    chmod(Path::new(&file), 0o644);
    let ran = env.journal(["auth", "login", "--file", &file]).exits(1);
    says(&ran, "chmod 600");
    assert_eq!(env.zoho.token_calls(), 0);
    chmod(Path::new(&file), 0o600);
    let ran = env.journal(["auth", "login", "--file", &file, "--json"]).exits(0);
    let document = ran.json();
    assert_eq!(document["signed_in"], true);
    assert_eq!(document["org"], env.zoho.org_id().to_string());
    says(&ran, "still holds the client's secret");
    let status = env.journal(["auth", "status", "--json"]).exits(0).json();
    let place = format!("stored sign-in {}", stored(&env).display());
    for item in ["client_id", "client_secret", "refresh_token"] {
        assert_eq!(status["sources"][item], place, "{status}");
    }
}

#[test]
fn a_code_can_come_from_standard_input() {
    let env = signed_out(config(0));
    let code = format!("{}\n", env.zoho.grant_code());
    env.journal_reading(["auth", "login", "--code", "-"], code).exits(0);
    assert!(exists(stored(&env)));
}

#[test]
fn what_zoho_refuses_stores_nothing_and_says_why() {
    let mut env = signed_out(config(0));
    let file = self_client(&env, "0badc0de");
    let ran = env.journal(["auth", "login", "--file", &file]).exits(5);
    says(&ran, "invalid_client_secret");
    env.set("ZOHO_CLIENT_ID", "1000.OTHER");
    says(&login(&env).exits(5), "invalid_client");
    let id = env.zoho.client_id();
    env.set("ZOHO_CLIENT_ID", id);
    let ran = env.journal(["auth", "login", "--code", "1000.used.up"]).exits(5);
    says(&ran, "it was used, its minutes are over");
    assert!(!exists(stored(&env)));
    env.journal(["auth", "status"]).exits(5);
}

#[test]
fn a_sign_in_is_replaced_on_demand_only_and_kept_where_that_fails() {
    let env = signed_out(config(0));
    login(&env).exits(0);
    let before = fs::read(stored(&env)).unwrap();
    let ran = login(&env).exits(7);
    says(&ran, "auth login --replace");
    // The code is used up.
    env.journal(["auth", "login", "--replace", "--code", &env.zoho.grant_code()]).exits(5);
    assert_eq!(fs::read(stored(&env)).unwrap(), before);
    env.journal(["auth", "status"]).exits(0);
}

#[test]
fn without_a_terminal_it_says_what_it_needs() {
    let mut env = signed_out(config(0));
    says(&env.journal(["auth", "login"]).exits(2), "--code");
    env.unset("ZOHO_CLIENT_SECRET");
    says(&login(&env).exits(2), "ZOHO_CLIENT_SECRET");
    says(&env.journal(["auth", "status"]).exits(5), "auth login");
    says(&env.journal(["auth", "logout"]).exits(5), "no stored sign-in");
    assert_eq!(env.zoho.token_calls(), 0);
}

#[test]
fn status_tells_who_and_where_from_and_never_a_secret() {
    let env = signed_in(config(0));
    let ran = env.journal(["auth", "status"]).exits(0);
    says(&ran, &format!("of org {}", env.zoho.org_id()));
    says(&ran, "refresh token  from environment ZOHO_REFRESH_TOKEN");
    says(&ran, "then it is renewed");
    let document = env.journal(["auth", "status", "--json"]).exits(0).json();
    assert_eq!(document["signed_in"], true);
    assert_eq!(document["org"], env.zoho.org_id().to_string());
    assert_eq!(document["sources"]["client_id"], "environment ZOHO_CLIENT_ID");
    assert!(document["token_expires_at"].is_string());
    assert_eq!(env.zoho.token_calls(), 1);
}

#[test]
fn what_the_token_may_not_do_is_told_for_each_operation() {
    let scopes = ["ZohoCRM.org.READ", "ZohoCRM.users.READ", "ZohoCRM.modules.ALL"];
    let scopes = Some(scopes.map(str::to_owned).to_vec());
    let env = signed_in(Config { scopes, ..config(0) });
    let status = env.journal(["auth", "status", "--json"]).exits(0).json();
    assert_eq!(status["scopes"].as_array().unwrap().len(), 3);
    let missing = &status["missing"];
    assert_eq!(missing[0]["operation"], "delete");
    let lacks = json!(["ZohoCRM.settings.modules.READ", "ZohoCRM.settings.recycle_bin.READ"]);
    assert_eq!(missing[0]["scopes"], lacks);
    says(&env.journal(["auth", "status"]).exits(0), "delete-tags lacks ZohoCRM.settings");

    let scopes = Some(vec!["ZohoCRM.modules.ALL".to_owned()]);
    let env = signed_in(Config { scopes, ..config(0) });
    let ran = env.journal(["auth", "status"]).exits(5);
    says(&ran, "the scope is ZohoCRM.org.READ");
}

#[test]
fn the_set_that_is_printed_for_a_module_lacks_nothing_there() {
    let env = Env::without_journal(config(0));
    let args = ["auth", "scopes", "--for", "delete", "--module", "Leads"];
    let printed = env.journal(args).exits(0).stdout;
    let scopes = Some(printed.trim().split(',').map(str::to_owned).collect());
    let env = signed_out(Config { scopes, ..config(0) });
    let ran = login(&env).exits(0);
    for ran in [ran, env.journal(["auth", "status"]).exits(0)] {
        assert!(!ran.said().contains("delete lacks"), "{ran}");
        says(&ran, "delete is granted for leads only");
        says(&ran, "untag lacks ZohoCRM.modules.ALL, ZohoCRM.settings.tags.READ");
        assert_eq!(ran.said().matches("untag lacks").count(), 1, "{ran}");
    }
    let status = env.journal(["auth", "status", "--json"]).exits(0).json();
    assert_eq!(status["only_for"][0], json!({"operation": "delete", "modules": ["leads"]}));
    assert!(status["missing"].as_array().unwrap().iter().all(|one| one["operation"] != "delete"));
}

#[test]
fn where_zoho_cannot_be_asked_nobody_is_called_signed_in() {
    let nobody = "http://127.0.0.1:9";
    let mut ready = Env::with(config(0));
    ready.set("JOURNAL_API_URL", nobody);
    let mut renewed = signed_in(config(0));
    renewed.set("JOURNAL_API_URL", nobody);
    let places = ["access token   from environment", "refresh token  from environment"];
    for (env, place) in [ready, renewed].iter().zip(places) {
        let ran = env.journal(["auth", "status"]).exits(1);
        says(&ran, "Zoho could not be asked who is signed in: ");
        says(&ran, place);
        assert!(!ran.said().contains("Signed in"), "{ran}");
        let status = env.journal(["auth", "status", "--json"]).exits(1).json();
        assert!(status["signed_in"].is_null() && status["sources"].is_object(), "{status}");
        assert!(!status["warnings"].as_array().unwrap().is_empty(), "{status}");
    }
}

#[test]
fn a_token_that_is_given_for_no_time_is_not_said_to_last() {
    for none in [json!(0), json!(-1)] {
        let env = signed_in(config(0));
        env.zoho.set_token_answer("expires_in", none);
        let ran = env.journal(["auth", "status"]).exits(0);
        says(&ran, "nobody knows how long it lasts");
        assert!(!ran.said().contains("lasts until"), "{ran}");
        let status = env.journal(["auth", "status", "--json"]).exits(0).json();
        assert!(status["token_expires_at"].is_null(), "{status}");
        // Not one token for each call: ten in ten minutes lock everybody out.
        assert!(env.zoho.token_calls() <= 2, "{}", env.zoho.token_calls());
    }
}

#[test]
fn every_form_of_a_refused_token_renews_it_and_a_missing_scope_does_not() {
    for code in [
        BadTokenCode::InvalidToken,
        BadTokenCode::InvalidOauthToken,
        BadTokenCode::AuthenticationFailure,
    ] {
        let env = signed_in(Config { bad_token_code: code, ..config(1) });
        env.journal(["auth", "status"]).exits(0);
        env.zoho.expire_tokens();
        env.record(&env.leads());
        env.journal(["sync", "--yes"]).exits(0);
        assert_eq!((env.states().as_str(), env.zoho.token_calls()), ("done 1", 2), "{code:?}");
        env.zoho.expire_tokens();
        env.journal(["auth", "status"]).exits(0);
        assert_eq!(env.zoho.token_calls(), 3, "{code:?}");
    }
    let env = signed_in(config(1));
    env.record(&env.leads());
    env.zoho.plan_faults(vec![Fault::Scope]);
    env.journal(["sync", "--yes"]).exits(5);
    assert_eq!(env.zoho.token_calls(), 1);
}

#[test]
fn accounts_servers_that_misbehave_lose_nothing() {
    let env = signed_in(config(1));
    env.record(&env.leads());
    for domain in [json!("https://evil.example"), json!(7)] {
        // On the user's own base URL the answer's host is not asked for, and never called.
        env.zoho.set_token_answer("api_domain", domain);
    }
    env.zoho.set_token_answer("access_token", json!("1000.can ary"));
    let ran = env.journal(["auth", "status"]).exits(1);
    says(&ran, "its token is none that can be sent");
    assert!(!ran.said().contains("can ary"), "{ran}");
    env.zoho.clear_accounts();
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 1");
}

#[test]
fn a_replaced_sign_in_is_revoked_and_the_new_one_stays() {
    let env = signed_out(config(0));
    login(&env).exits(0);
    let before = fs::read_to_string(stored(&env)).unwrap();
    let code = env.zoho.new_grant_code(None);
    env.journal(["auth", "login", "--replace", "--code", &code]).exits(0);
    assert_ne!(fs::read_to_string(stored(&env)).unwrap(), before);
    env.journal(["auth", "status"]).exits(0);
    // The old one is no use any more.
    fs::write(stored(&env), before).unwrap();
    chmod(&stored(&env), 0o600);
    says(&env.journal(["auth", "status"]).exits(5), "invalid_code");
}

#[test]
fn logout_revokes_at_zoho_before_it_removes_anything() {
    let mut env = signed_out(config(0));
    login(&env).exits(0);
    // Nobody answers there.
    env.set("JOURNAL_ACCOUNTS_URL", "http://127.0.0.1:9");
    let ran = env.journal(["auth", "logout"]).exits(1);
    says(&ran, "everything is kept");
    assert!(exists(stored(&env)));
    env.unset("JOURNAL_ACCOUNTS_URL");
    let document = env.journal(["auth", "logout", "--json"]).exits(0).json();
    assert_eq!(document["revoked"], true);
    assert!(!exists(stored(&env)));
    env.journal(["auth", "status"]).exits(5);
    // It is no use to anybody any more.
    let refresh = env.zoho.refresh_token();
    env.set("ZOHO_REFRESH_TOKEN", refresh);
    says(&env.journal(["auth", "status"]).exits(5), "invalid_code");
}

#[test]
fn logout_of_a_sign_in_that_was_revoked_elsewhere_removes_it() {
    let env = signed_out(config(0));
    login(&env).exits(0);
    let copy = fs::read(stored(&env)).unwrap();
    env.journal(["auth", "logout"]).exits(0);
    fs::write(stored(&env), copy).unwrap();
    chmod(&stored(&env), 0o600);
    env.journal(["auth", "logout"]).exits(0);
    assert!(!exists(stored(&env)));
}

#[test]
fn a_cached_token_that_cannot_be_removed_does_not_keep_the_sign_in() {
    let env = signed_out(config(0));
    login(&env).exits(0);
    for file in fs::read_dir(tokens(&env)).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|one| one == "json") {
            fs::remove_file(&file).unwrap();
            fs::create_dir(&file).unwrap();
        }
    }
    let ran = env.journal(["auth", "logout"]).exits(0);
    assert!(ran.stderr.contains("remove "), "{ran}");
    assert!(!exists(stored(&env)));
}

#[test]
fn a_local_logout_asks_nobody_and_says_what_is_left() {
    let mut env = signed_out(config(0));
    login(&env).exits(0);
    env.set("JOURNAL_ACCOUNTS_URL", "http://127.0.0.1:9");
    let ran = env.journal(["auth", "logout", "--local"]).exits(0);
    says(&ran, "still good");
    assert!(!exists(stored(&env)));
}

#[test]
fn fourteen_runs_in_a_row_fetch_one_token() {
    let env = signed_in(config(14));
    for id in env.leads() {
        env.record(&[id]);
        env.journal(["sync", "--yes"]).exits(0);
    }
    assert_eq!((env.states().as_str(), env.zoho.token_calls()), ("done 14", 1));
}

#[test]
fn processes_at_once_fetch_one_token() {
    let env = signed_in(config(0));
    let children: Vec<_> = (0..4).map(|_| env.start(["auth", "status"])).collect();
    for child in children {
        Ran::of_child(child).exits(0);
    }
    assert_eq!(env.zoho.token_calls(), 1);
}

#[test]
fn ten_batches_that_are_refused_at_once_cost_one_token() {
    let env = signed_in(Config { latency_ms: 300, ..config(1000) });
    env.journal(["auth", "status"]).exits(0);
    let before = env.zoho.token_calls();
    env.record(&env.leads());
    env.zoho.plan_faults(vec![Fault::ExpiredToken; 10]);
    env.journal(["sync", "--yes", "--concurrency", "10"]).exits(0);
    assert_eq!(env.states(), "done 1000");
    assert_eq!(env.zoho.token_calls() - before, 1);
    assert_eq!(env.sent(), 20);
    env.agrees();
}

#[test]
fn a_token_that_ended_earlier_than_it_said_is_renewed_once() {
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&ahead);
    let real = Config::default().now;
    let now = Arc::new(move || real() + clock.load(Ordering::SeqCst));
    let env = signed_in(Config { now, ..config(2) });
    env.journal(["auth", "status"]).exits(0);
    ahead.store(2 * 3_600_000, Ordering::SeqCst);
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!((env.states().as_str(), env.zoho.token_calls()), ("done 2", 2));
}

#[test]
fn who_is_throttled_does_not_ask_again() {
    let mut env = signed_in(config(1));
    env.record(&env.leads());
    for number in 0..10 {
        // Each with a cache of its own, as on ten machines.
        env.set(
            "XDG_CACHE_HOME",
            env.dir.path().join(format!("cache{number}")).display().to_string(),
        );
        env.journal(["auth", "status"]).exits(0);
    }
    env.set("XDG_CACHE_HOME", env.dir.path().join("cache").display().to_string());
    says(&env.journal(["auth", "status"]).exits(6), "Zoho gives no access token before");
    assert_eq!(env.zoho.token_calls(), 11);
    env.journal(["auth", "status"]).exits(6);
    env.journal(["sync", "--yes", "--wait", "0s"]).exits(6);
    assert_eq!(env.zoho.token_calls(), 11);
    assert_eq!(env.states(), "pending 1");
}

#[test]
fn a_ready_token_wins_alone_and_is_never_renewed() {
    let mut env = signed_in(config(1));
    env.record(&env.leads());
    env.set("ZOHO_ACCESS_TOKEN", "1000.wrong");
    let ran = env.journal(["sync", "--yes"]).exits(5);
    says(&ran, "set ZOHO_ACCESS_TOKEN");
    let token = env.zoho.access_token();
    env.set("ZOHO_ACCESS_TOKEN", token);
    env.journal(["sync", "--yes"]).exits(0);
    let status = env.journal(["auth", "status", "--json"]).exits(0).json();
    assert_eq!(status["sources"]["access_token"], "environment ZOHO_ACCESS_TOKEN");
    assert_eq!(env.zoho.token_calls(), 0);
}

#[test]
fn a_refused_refresh_token_leaves_entries_pending_and_says_what_to_type() {
    let mut env = signed_in(config(1));
    env.set("ZOHO_REFRESH_TOKEN", "1000.revoked");
    env.record(&env.leads());
    let summary = env.journal(["sync", "--yes", "--json"]).exits(5).summary();
    assert!(summary["next"].as_str().unwrap().starts_with("journal auth login"), "{summary}");
    says(&env.journal(["sync", "--yes"]).exits(5), "invalid_code");
    assert_eq!(env.states(), "pending 1");
    assert_eq!(env.sent(), 0);
}

#[test]
fn an_idle_run_asks_nobody() {
    let env = signed_in(config(0));
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["plan"]).exits(0);
    assert_eq!(env.zoho.token_calls(), 0);
}

#[test]
fn a_stored_sign_in_that_others_can_read_is_refused() {
    let env = signed_out(config(1));
    login(&env).exits(0);
    env.record(&env.leads());
    chmod(&stored(&env), 0o644);
    let refused = env.journal(["auth", "status"]).exits(5);
    says(&refused, "chmod 600");
    assert!(!refused.said().contains("--replace"), "the sign-in is a good one: {refused}");
    says(&env.journal(["sync", "--yes"]).exits(5), "chmod 600");
    assert_eq!(env.states(), "pending 1");
    chmod(&stored(&env), 0o600);
    env.journal(["sync", "--yes"]).exits(0);
}

#[test]
fn a_stored_sign_in_is_not_sent_to_a_rehearsal() {
    let env = signed_out(config(0));
    login(&env).exits(0);
    let text = fs::read_to_string(stored(&env)).unwrap();
    let real = text.replace(&env.zoho.accounts_url(), "https://accounts.zoho.com");
    assert_ne!(text, real);
    fs::write(stored(&env), real).unwrap();
    let calls = env.zoho.token_calls();
    says(&env.journal(["auth", "status"]).exits(5), "is for https://accounts.zoho.com");
    assert_eq!(env.zoho.token_calls(), calls);
}

#[test]
fn commands_and_the_service_manager_can_hold_the_secrets() {
    let mut env = signed_out(config(0));
    env.unset("ZOHO_CLIENT_SECRET").set("PATH", "/usr/bin:/bin");
    let secret = env.file("secret", format!("{}\n", env.zoho.client_secret()));
    let settings = format!(
        "client_secret_command = \"cat '{secret}'\"\nrefresh_token_command = \"sh -c 'echo asked >&2; cat refresh'\"\n"
    );
    env.file("refresh", env.zoho.refresh_token());
    let settings = env.file("settings.toml", settings);
    env.set("JOURNAL_CONFIG", settings);
    // They are for Zoho, and not for whoever listens on this machine.
    let ran = env.journal(["auth", "status"]).exits(5);
    says(&ran, "refresh_token_command");
    says(&ran, "environment JOURNAL_API_URL leads to");
    assert!(!ran.stderr.contains("asked"), "{ran}");
    assert_eq!(env.zoho.token_calls(), 0);
    let with_api_url = format!(
        "api_url = \"{}\"\n{}",
        env.zoho.api_url(),
        fs::read_to_string(env.dir.path().join("settings.toml")).unwrap()
    );
    env.file("settings.toml", with_api_url);
    env.unset("JOURNAL_API_URL");
    let ran = env.journal(["auth", "status", "--json"]).exits(0);
    // What the command says to people passes through.
    // It runs once: somebody may have to unlock something for it.
    assert_eq!(ran.stderr.matches("asked").count(), 1, "{ran}");
    let sources = ran.json()["sources"].clone();
    assert!(sources["client_secret"].as_str().unwrap().starts_with("client_secret_command ("));
    assert!(sources["refresh_token"].as_str().unwrap().contains("settings.toml"));
    let shown = env.journal(["config", "show", "--json"]).exits(0).json();
    assert_eq!(shown["client_secret_command"]["value"], format!("cat '{secret}'"));

    let directory = env.dir.path().join("handed");
    fs::create_dir(&directory).unwrap();
    for (name, value) in [
        ("zoho_client_secret", env.zoho.client_secret()),
        ("zoho_refresh_token", env.zoho.refresh_token()),
    ] {
        fs::write(directory.join(name), value).unwrap();
        chmod(&directory.join(name), 0o400);
    }
    env.set("CREDENTIALS_DIRECTORY", directory.display().to_string());
    let sources = env.journal(["auth", "status", "--json"]).exits(0).json()["sources"].clone();
    assert_eq!(sources["refresh_token"], "service manager's credential zoho_refresh_token");
    assert_eq!(env.zoho.token_calls(), 1);
}

#[test]
fn a_token_cache_that_cannot_be_used_costs_a_warning_and_a_token() {
    let mut env = signed_in(config(0));
    let blocked = env.file("blocked", "");
    env.set("XDG_CACHE_HOME", blocked);
    says(&env.journal(["auth", "status"]).exits(0), "not kept between runs");
    env.journal(["auth", "status"]).exits(0);
    assert_eq!(env.zoho.token_calls(), 2);
}

#[test]
fn scopes_are_ready_to_paste() {
    let env = Env::without_journal(config(0));
    let args = ["auth", "scopes", "--for", "delete", "--module", "Leads"];
    let ran = env.journal(args).exits(0);
    assert_eq!(
        ran.stdout,
        "ZohoCRM.org.READ,ZohoCRM.users.READ,ZohoCRM.settings.modules.READ,ZohoCRM.modules.leads.READ,ZohoCRM.settings.recycle_bin.READ,ZohoCRM.modules.leads.DELETE\n"
    );
    let list = env.journal(["auth", "scopes", "--json", "--product", "bigin"]).exits(0).json();
    for one in list.as_array().unwrap() {
        assert!(one["scope"].as_str().unwrap().starts_with("ZohoBigin."), "{list}");
        assert!(!one["why"].as_str().unwrap().is_empty() && one["essential"].is_boolean());
    }
    env.journal(["auth", "scopes", "--for", "explode"]).exits(2);
}
