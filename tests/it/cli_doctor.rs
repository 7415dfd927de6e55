//! `doctor`: what it finds, which exit code follows, and that it changes nothing anywhere.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value;
use zoho_journal::simulator::{Config, Fault, SimulatorClock};

use crate::env::{Env, Ran, config, exists, filtered};

/// The status of each check by its name, and its message and remedy.
struct Report(Value);

impl Report {
    fn of(ran: &Ran) -> Self {
        let document = ran.json();
        assert_eq!(document["ok"], ran.code == Some(0), "{ran}");
        for check in document["checks"].as_array().unwrap() {
            let mut keys: Vec<&String> = check.as_object().unwrap().keys().collect();
            keys.sort();
            assert_eq!(keys, ["message", "name", "remedy", "status"]);
        }
        Self(document)
    }

    #[track_caller]
    fn find(&self, name: &str) -> &Value {
        let checks = self.0["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}"))
    }

    #[track_caller]
    fn status(&self, name: &str) -> &str {
        self.find(name)["status"].as_str().unwrap()
    }

    #[track_caller]
    fn says(&self, name: &str) -> String {
        let check = self.find(name);
        format!("{}; {}", check["message"], check["remedy"]).replace('"', "")
    }

    fn with(&self, status: &str) -> Vec<&str> {
        let checks = self.0["checks"].as_array().unwrap().iter();
        let some = checks.filter(|check| check["status"] == status);
        some.map(|check| check["name"].as_str().unwrap()).collect()
    }
}

/// Runs it with JSON, and sees that it changed nothing.
#[track_caller]
fn doctor(env: &Env, args: &[&str], code: i32) -> Report {
    let before = std::fs::read(env.db()).ok();
    let args = ["doctor", "--json"].iter().chain(args).copied();
    let ran = env.journal(args.collect::<Vec<_>>()).exits(code);
    assert_eq!(std::fs::read(env.db()).ok(), before);
    assert_eq!(env.sent(), 0);
    assert!(!ran.said().contains(&env.zoho.access_token()));
    Report::of(&ran)
}

fn user(env: &mut Env) -> String {
    let report = doctor(env, &[], 0);
    let remedy = report.says("user");
    let user = remedy.rsplit(' ').next().unwrap().to_owned();
    env.set("JOURNAL_SERVICE_USER", &user);
    user
}

#[test]
fn a_journal_in_order_is_told_line_by_line() {
    let mut env = Env::new(3);
    let user = user(&mut env);
    env.record(&env.leads());
    let ran = env.journal(["doctor"]).exits(0);
    filtered(&env, || {
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"after \d+ ms", "after [N] ms");
        settings.add_filter(&user, "[USER]");
        settings.bind(|| {
            insta::assert_snapshot!(ran.said(), @r"
            ok           settings: no settings file; profile default, from environment and flags
            ok           file_system: the journal's directory is on a local disk
            ok           rights: only its owner can change the journal
            ok           journal: [DIR]/journal.db, 2 events
            ok           schema: it is the one that this program writes
            ok           anchor: the journal extends its anchor of 2 events
            ok           run: none is on, and the lock is free
            ok           credits: nothing in the last 24 hours
            ok           target: data centre us, production, loopback
            ok           api_host: [ZOHO] answers, after [N] ms
            ok           accounts_host: [ZOHO] answers, after [N] ms
            ok           clock: it agrees with Zoho's to within half a minute
            warning      token: Zoho takes the ready one from ZOHO_ACCESS_TOKEN: it expires within an hour, and nothing here renews it; a run that lasts longer stops and goes on with another
            ok           org: [ORG]; the first sync binds the journal to it
            ok           edition: CRM Enterprise, 2 users: 20 calls at once, at least 52,000 API credits a day
            ok           user: [USER], the service user: Zoho's audit log names it (Ada Operator, user1@example.com, profile Administrator)
            ok           module Leads: it is there, and what is deleted goes to the recycle bin
            ok           scope ZohoCRM.settings.modules.READ: granted: it tells a module's id and whether it has a recycle bin
            ok           scope ZohoCRM.modules.leads.READ: granted: it reads what is there before a call, and what became of it after a lost answer
            ok           scope ZohoCRM.settings.tags.READ: granted: it reads a module's tags, and how a job that deletes tags goes
            ok           scope ZohoCRM.settings.recycle_bin.READ: granted: it gives the best evidence after a lost answer
            not checked  write_scopes: Zoho does not tell what the token was granted: the first call shows it
            0 problems, 1 warning. Exit code 0: nothing stands in the way.
            ");
        });
    });
    assert!(env.zoho.requests().iter().all(|call| call.method == "GET"));
}

#[test]
fn before_init_it_says_so_and_looks_at_the_rest() {
    let mut env = Env::without_journal(config(1));
    let report = doctor(&env, &[], 10);
    assert_eq!(report.with("problem"), ["journal"]);
    assert_eq!(report.find("journal")["remedy"], "journal init");
    assert_eq!(report.status("org"), "ok");
    // Without a token init still comes first.
    env.unset("ZOHO_ACCESS_TOKEN");
    assert_eq!(doctor(&env, &[], 10).with("problem"), ["journal", "token"]);
    assert!(!exists(env.db()));
}

#[test]
fn signing_in_scopes_and_permissions_are_exit_code_5() {
    let mut env = Env::new(1);
    env.zoho.set_rate(Fault::ReadForbidden, 1.0);
    let report = doctor(&env, &[], 5);
    assert_eq!(report.with("problem"), ["org", "scope ZohoCRM.modules.contacts.READ"]);
    assert_eq!(report.status("user"), "warning");
    assert!(report.says("org").contains("NO_PERMISSION"), "{}", report.says("org"));
    env.zoho.clear_faults();
    env.set("JOURNAL_SERVICE_USER", "4876876000000624999");
    assert_eq!(doctor(&env, &[], 5).with("problem"), ["user"]);
    assert_eq!(doctor(&env, &["--service-user", "ann@example.com"], 5).with("problem"), ["user"]);
    env.set("ZOHO_ACCESS_TOKEN", "1000.s3cr3t");
    let report = doctor(&env, &[], 5);
    assert_eq!(report.with("problem"), ["token"]);
    assert!(report.says("token").contains("INVALID_TOKEN"), "{}", report.says("token"));
    env.unset("ZOHO_ACCESS_TOKEN");
    let report = doctor(&env, &[], 5);
    assert_eq!((report.with("problem"), report.status("account")), (vec!["token"], "not_checked"));
    assert_eq!(report.find("token")["remedy"], "journal auth login");
    // For the journal that was meant, and not for another profile's.
    let report = doctor(&env, &["--environment", "production"], 5);
    let remedy = report.find("token")["remedy"].as_str().unwrap();
    assert_eq!(remedy, "journal auth login --environment production");
    env.set("ZOHO_ACCESS_TOKEN", "two words");
    doctor(&env, &[], 5);
}

#[test]
fn the_user_is_named_on_the_terminal_and_not_in_json() {
    let mut env = Env::new(1);
    let told = env.journal(["doctor"]).exits(0).stdout;
    assert!(told.contains("Ada Operator") && told.contains("@example.com"), "{told}");
    let report = doctor(&env, &[], 0);
    assert_eq!(report.status("user"), "warning");
    assert!(!report.0.to_string().contains("Ada") && !report.0.to_string().contains('@'));
    let user = user(&mut env);
    env.unset("JOURNAL_SERVICE_USER");
    env.journal(["config", "set", "service_user", &user]).exits(0);
    assert_eq!(doctor(&env, &[], 0).status("user"), "ok");
}

#[test]
fn the_modules_of_open_requests_and_the_named_ones_are_read() {
    let env = Env::new(2);
    env.journal(["delete", "Ledger__c", "410405000002264040", "--reason", "x"]).exits(0);
    let report = doctor(&env, &["--module", "Leads", "--module", "Documents"], 1);
    assert_eq!(report.with("problem"), ["module Documents", "module Ledger__c"]);
    assert!(report.says("module Ledger__c").contains("cannot be deleted"));
    assert_eq!(report.status("module Leads"), "ok");
    // The scope of each module is probed, a custom one's by its own word.
    assert_eq!(report.status("scope ZohoCRM.modules.leads.READ"), "ok");
    assert_eq!(report.status("scope ZohoCRM.modules.custom.READ"), "ok");
    let report = doctor(&env, &["--module", "Laeds"], 1);
    assert!(report.says("module Laeds").contains("INVALID_MODULE"));
    env.journal(["doctor", "--module", "../Leads"]).exits(2);
}

#[test]
fn bigin_is_asked_for_what_it_has() {
    let mut env = Env::new(1);
    env.set("JOURNAL_PRODUCT", "bigin");
    let report = doctor(&env, &["--module", "Contacts"], 0);
    assert_eq!(report.status("scope ZohoBigin.modules.contacts.READ"), "ok");
    assert_eq!(report.status("module Contacts"), "warning");
    assert!(!report.0.to_string().contains("recycle_bin.READ"));
    assert!(env.zoho.requests().iter().all(|call| !call.url.contains("/crm/")));
}

#[test]
fn a_target_other_than_the_journals_own_never_sees_the_token() {
    let mut env = Env::new(1);
    env.record(&env.leads());
    env.set("JOURNAL_DATA_CENTER", "eu");
    let before = env.zoho.requests().len();
    let report = doctor(&env, &[], 1);
    assert_eq!(report.with("problem"), ["target"]);
    assert_eq!(report.find("target")["remedy"], "export JOURNAL_DATA_CENTER=us");
    assert_eq!(report.status("token"), "not_checked");
    let calls = env.zoho.requests().split_off(before);
    assert!(calls.iter().all(|call| call.url == "/"), "{calls:?}");
}

#[test]
fn another_orgs_token_is_found_out() {
    let mut env = Env::new(1);
    env.record(&env.leads());
    env.journal(["sync", "--yes"]).exits(0);
    let other = Env::without_journal(Config { seed: 99, ..config(1) });
    env.set("JOURNAL_API_URL", other.zoho.api_url());
    env.set("ZOHO_ACCESS_TOKEN", other.zoho.access_token());
    let report = Report::of(&env.journal(["doctor", "--json"]).exits(1));
    assert_eq!(report.with("problem"), ["org"]);
    assert!(report.says("org").contains(&env.zoho.org_id().to_string()));
}

#[test]
fn a_clock_that_is_off_is_told_by_zohos() {
    for (seconds, code, status) in [(0, 0, "ok"), (-90, 0, "warning"), (600, 1, "problem")] {
        let now = Config::default().now;
        let shifted: SimulatorClock = Arc::new(move || now() + seconds * 1000);
        let env = Env::with(Config { now: shifted, ..config(1) });
        assert_eq!(doctor(&env, &[], code).status("clock"), status, "{seconds}");
    }
}

#[test]
fn a_zoho_that_cannot_be_reached_is_a_problem_of_the_network() {
    let mut env = Env::new(1);
    // A port on which nothing listens any more.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = taken.local_addr().unwrap();
    drop(taken);
    env.set("JOURNAL_API_URL", format!("http://{free}"));
    let report = doctor(&env, &[], 1);
    assert_eq!(report.with("problem"), ["api_host", "accounts_host", "token"]);
    assert_eq!(report.status("clock"), "not_checked");
}

#[test]
fn what_is_wrong_with_the_files_is_told() {
    let env = Env::new(1);
    let anchor = format!("{}.anchor", env.db().display());
    let kept = std::fs::read(&anchor).unwrap();
    std::fs::remove_file(&anchor).unwrap();
    let report = doctor(&env, &[], 1);
    assert_eq!(report.with("problem"), ["anchor"]);
    assert_eq!(
        report.find("anchor")["remedy"],
        "journal verify; where no newer copy is left, journal adopt --reason TEXT"
    );
    std::fs::write(&anchor, kept).unwrap();
    // A journal that cannot be read may belong anywhere: the token stays here.
    let before = env.zoho.requests().len();
    let keeps_the_token = |report: &Report| {
        assert_eq!(
            (report.status("target"), report.status("token")),
            ("not_checked", "not_checked")
        );
        let calls = env.zoho.requests().split_off(before);
        assert!(calls.iter().all(|call| call.url == "/"), "{calls:?}");
    };
    env.shell("chmod 666 journal.db", []).exits(0);
    let report = doctor(&env, &[], 1);
    assert_eq!(report.with("problem"), ["rights", "journal"]);
    keeps_the_token(&report);
    env.shell("chmod 600 journal.db", []).exits(0);
    let conn = Connection::open(env.db()).unwrap();
    conn.pragma_update(None, "user_version", 999).unwrap();
    drop(conn);
    let report = doctor(&env, &[], 1);
    assert!(report.says("journal").contains("schema 999"), "{}", report.says("journal"));
    keeps_the_token(&report);
    env.file("journal.db", "no journal at all");
    keeps_the_token(&doctor(&env, &[], 1));
}

#[test]
fn a_run_that_is_on_is_named() {
    let env = Env::new(1);
    env.record(&env.leads());
    env.zoho.set_rate(Fault::NeverAnswers, 1.0);
    let mut child = env.start(["sync", "--yes"]);
    env.next_write();
    let report = Report::of(&env.journal(["doctor", "--json"]).exits(0));
    assert!(report.says("run").contains("sync is on, process"), "{}", report.says("run"));
    child.kill().unwrap();
    child.wait().unwrap();
    let report = Report::of(&env.journal(["doctor", "--json"]).exits(0));
    assert_eq!(report.find("run")["remedy"], "journal replay");
}

#[test]
fn settings_that_are_wrong_are_a_line_and_not_the_end_of_it() {
    let mut env = Env::new(1);
    env.set("JOURNAL_DATA_CENTER", "mars");
    let report = doctor(&env, &[], 1);
    assert_eq!(report.with("problem"), ["settings"]);
    assert!(report.says("settings").contains("choose one of us"));
    env.set("JOURNAL_DATA_CENTER", "us").set("JOURNAL_CONCURRENCY", "64");
    let report = doctor(&env, &[], 0);
    assert_eq!(report.find("edition")["remedy"], "export JOURNAL_CONCURRENCY=20");
}
