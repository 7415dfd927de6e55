//! Holds, through the binary and while a run is on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::id::RecordId;
use zoho_journal::reconcile::options::RunOptions;
use zoho_journal::simulator::Config;
use zoho_journal::store::approval::By;
use zoho_journal::store::holding::NewHold;

use crate::env::{Env, Ran, config, lines};
use crate::middle::{Middle, Way};
use crate::world::World;

fn add(env: &Env, module: &str, ids: &[u64], flags: &[&str]) -> Value {
    let args = ["hold", "add", module, "--from", "-", "--reason", "case 7.", "--json"];
    let args: Vec<&str> = args.iter().chain(flags).copied().collect();
    env.journal_reading(args, lines(ids)).exits(0).json()
}

fn release(env: &Env, module: &str, ids: &[u64]) -> Value {
    let args = ["hold", "release", module, "--from", "-", "--reason", "over", "--json"];
    env.journal_reading(args, lines(ids)).exits(0).json()
}

#[test]
fn what_is_held_is_not_sent_before_it_is_released() {
    let env = Env::new(5);
    let leads = env.leads();
    let recorded = env.record(&leads[..3]);
    // Open entries are held when the hold comes, and later ones from their recording on. The module that is named
    // says where to look for it; an id is held in any.
    let flags = ["--ticket", "LEG-7", "--review-by", "2020-01-01", "--as", "Carla"];
    let placed = add(&env, "Contacts", &[leads[0], leads[3]], &flags);
    assert_eq!(
        (&placed["hold_id"], &placed["held"], &placed["entries"]),
        (&"H1".into(), &1.into(), &"E1".into())
    );
    assert_eq!((&placed["ids"], &placed["went_before"]), (&2.into(), &json!([])));
    let args = ["delete", "Leads", "--from", "-", "--reason", "x", "--json"];
    let second = env.journal_reading(args, lines(&leads[3..])).exits(0).json();
    assert_eq!((&second["recorded"], &second["held"]), (&2.into(), &1.into()));
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!((&plan["entries"], &plan["held"]), (&3.into(), &2.into()));
    // Entries under a hold are reported, not errors.
    let summary = env.journal(["sync", "--yes", "--json"]).exits(0).summary();
    assert_eq!((&summary["entries"]["held"], &summary["entries"]["done"]), (&2.into(), &3.into()));
    let rows = env.journal(["export", "--format", "jsonl"]).exits(0).json_lines();
    assert_eq!((&rows[0]["code"], &rows[0]["settled_by"]), (&"HELD".into(), &Value::Null));
    let message = rows[0]["message"].as_str().unwrap();
    assert!(message.starts_with("held by Carla since 20"), "{message}");
    assert!(message.ends_with("(H1): case 7 (LEG-7); to be reviewed by 2020-01-01"), "{message}");
    let again = env.journal_reading(args, lines(&leads[..1])).exits(0).json();
    assert_eq!((&again["duplicates"], &again["request_id"]), (&1.into(), &Value::Null));

    let list = env.journal(["hold", "list", "--json"]).exits(0).json();
    assert_eq!(list["holds"][0]["ids"], json!([leads[0].to_string(), leads[3].to_string()]));
    assert_eq!(list["holds"][0]["review_due"], true);
    assert_eq!(env.journal(["status", "--json"]).exits(0).json()["holds_to_review"], json!(["H1"]));
    let doctor = env.journal(["doctor"]);
    assert!(doctor.said().contains("to be reviewed by now: H1"), "{doctor}");
    let event = env.journal(["log", "--kind", "hold_placed", "--json"]).exits(0).json();
    for secret in [leads[0].to_string().as_str(), "Carla", "case 7", "LEG-7"] {
        assert!(!event["event"].to_string().contains(secret), "{event}");
    }

    let refused = ["hold", "release", "Leads", &leads[0].to_string(), "--reason", "x", "--json"];
    let refused = env.journal(refused).exits(1).error();
    assert!(refused.starts_with("no hold of Leads names "), "{refused}");
    let released = release(&env, "Contacts", &[leads[0]]);
    assert_eq!((&released["pending"], &released["entries"]), (&1.into(), &"E1".into()));
    env.journal(["sync", &recorded, "--yes"]).exits(0);
    assert_eq!(env.states(), "done 4, held 1");
    release(&env, "Contacts", &[leads[3]]);
    assert_eq!(env.journal(["hold", "list", "--json"]).exits(0).json()["holds"], json!([]));
    env.journal(["sync", "--yes"]).exits(0);
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn a_hold_says_what_went_before_it_and_waits_for_calls_under_way() {
    let env = Env::with(Config { latency_ms: 300, ..config(3) });
    let leads = env.leads();
    env.record(&leads[..2]);
    let run = env.start(["sync", "--yes", "--wait", "0s"]);
    env.next_write();
    // The call is under way, or has just come home: either way it is told.
    let placed = add(&env, "Leads", &leads, &[]);
    Ran::of_child(run).exits(0);
    assert_eq!((&placed["under_way"], &placed["held"]), (&0.into(), &0.into()), "{placed}");
    let went = placed["went_before"].as_array().unwrap();
    assert_eq!(went.len(), 2, "{placed}");
    assert_eq!((&went[0]["entry_id"], &went[0]["request_id"]), (&"E1".into(), &"R1".into()));
    assert_eq!((&went[0]["state"], &went[0]["undo"]), (&"done".into(), &"possible".into()));
    assert!(went[0]["undo_until"].is_string());
    assert_eq!(went[0]["command"], "journal undo E1 --reason TEXT");
    assert_eq!(placed["next"], "journal undo E1-E2 --reason TEXT");
    env.journal(["verify"]).exits(0);
}

#[test]
fn a_whole_module_is_held_by_its_name() {
    let mut env = Env::with(Config {
        records: vec![("Leads".to_owned(), 3), ("Contacts".to_owned(), 2)],
        ..Config::default()
    });
    let leads = env.leads();
    let contacts = env.zoho.snapshot().modules["Contacts"].live.clone();
    env.record(&leads[..2]);
    let args = ["delete", "Contacts", "--from", "-", "--reason", "x"];
    env.journal_reading(args, lines(&contacts)).exits(0);
    // A name that is no module's would hold nothing.
    env.journal(["hold", "add", "leads", "--all", "--reason", "x"]).exits(2);
    env.journal(["hold", "add", "Leads", "--reason", "x"]).exits(2);
    env.journal(["hold", "add", "Leads", "--all", "1234567890", "--reason", "x"]).exits(2);
    env.journal(["hold", "add", "Leads", "12", "1234567890", "--reason", "x"]).exits(1);
    let placed = env.journal(["hold", "add", "Leads", "--all", "--reason", "audit", "--json"]);
    let placed = placed.exits(0).json();
    assert_eq!((&placed["all"], &placed["held"]), (&true.into(), &2.into()));
    env.set("JOURNAL_REQUIRE_APPROVAL", "always");
    let third = env.record(&leads[2..]);
    env.unset("JOURNAL_REQUIRE_APPROVAL");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 2, held 3");
    // All of it is released: the whole, and the ids that are held beside it, but for what another module's hold names.
    add(&env, "Leads", &leads[1..], &[]);
    add(&env, "Contacts", &leads[..1], &[]);
    let ended = ["hold", "release", "Leads", "--all", "--reason", "over", "--json"];
    let ended = env.journal(ended).exits(0).json();
    assert_eq!(
        (&ended["pending"], &ended["awaiting_approval"], &ended["still_held"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!((&ended["holds"], &ended["released"]), (&json!(["H1", "H2"]), &2.into()));
    let list = env.journal(["hold", "list", "--json"]).exits(0).json();
    assert_eq!(
        (list["holds"].as_array().unwrap().len(), &list["holds"][0]["hold_id"]),
        (1, &"H3".into())
    );
    env.journal(["hold", "release", "Leads", "--all", "--reason", "over"]).exits(1);
    assert_eq!(env.states(), "awaiting_approval 1, done 2, held 1, pending 1");
    env.journal(["approve", &third, "--as", "Bert"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 4, held 1");
    env.journal(["verify"]).exits(0);
    env.agrees();
}

#[test]
fn the_parent_of_an_unlink_is_held_too() {
    let env = Env::new(2);
    let (parent, other) = ("4150868000000111111", "4150868000000222222");
    let pairs =
        format!("Campaign,Lead\n{parent},4150868000000333333\n{other},4150868000000444444\n");
    let file = env.file("pairs.csv", pairs);
    let unlink = [
        "unlink",
        "Campaigns",
        "-",
        "Leads",
        "--from",
        &file,
        "--parent-column",
        "Campaign",
        "--id-column",
        "Lead",
        "--reason",
        "x",
        "--json",
    ];
    env.journal(unlink).exits(0);
    let placed = env.journal(["hold", "add", "Campaigns", parent, "--reason", "x", "--json"]);
    assert_eq!(placed.exits(0).json()["entries"], "E1");
    assert_eq!(env.states(), "held 1, pending 1");
    let recorded = env.journal(unlink.into_iter().chain(["--again"])).exits(0).json();
    assert_eq!((&recorded["recorded"], &recorded["held"]), (&2.into(), &1.into()));
    let parent: u64 = parent.parse().unwrap();
    assert_eq!(release(&env, "Campaigns", &[parent])["pending"], 2);
    env.journal(["verify"]).exits(0);
}

/// The second batch is claimed ahead while the first call is under way. Then some of either is held, and perhaps
/// somebody pauses.
async fn held_in_between(pauses: bool) -> (World, Vec<u64>) {
    let mut world = World::new(250);
    let leads = world.leads();
    world.record("Leads", &leads);
    let options = RunOptions { concurrency: 1, ..world.options() };
    let (mut store, db) = (world.store(), world.db.clone());
    let mut ids: Vec<RecordId> = [leads[0], leads[120], leads[249]]
        .iter()
        .map(|id| id.to_string().parse().unwrap())
        .collect();
    ids.sort_unstable();
    let hold = move || {
        let reader = zoho_journal::store::Reader::open(&db).unwrap();
        if reader.batches().unwrap() < 2 {
            return false;
        }
        let by = By { who: "Carla", account: "carla", reason: "case", program: "test" };
        let module = "Leads".parse().unwrap();
        let (review_by, ticket) = (None, None);
        let new = NewHold { module: &module, ids: Some(&ids), review_by, ticket, by };
        let placed = store.write("holding", SystemClock.now(), |tx| tx.place_hold(&new)).unwrap().0;
        // The first is under way, the second claimed: only the third is still to be had.
        assert_eq!(placed.entries.len(), 1);
        if pauses {
            store.write("pausing", SystemClock.now(), |tx| tx.pause(by)).unwrap().0.unwrap();
        }
        true
    };
    let hold = std::sync::Mutex::new(hold);
    let done = AtomicBool::new(false);
    let once = Arc::new(move || {
        done.load(Ordering::SeqCst) || {
            let now = (hold.lock().unwrap())();
            done.store(now, Ordering::SeqCst);
            now
        }
    });
    let middle = Middle::new(&world).submits(move |_| Way::Until(once.clone()));
    world.run_on(middle, SystemClock, options).await.unwrap();
    (world, leads)
}

#[tokio::test]
async fn what_is_given_back_is_held_at_once_where_a_hold_came() {
    let (world, _) = held_in_between(true).await;
    // No later claim is needed to see it: the pause keeps every run from making one.
    assert_eq!(world.states(), "pending 148, done 100, held 2");
    crate::world::agree(&world.db, &world.zoho);
}

#[tokio::test]
async fn what_was_claimed_ahead_is_given_back_when_a_hold_comes() {
    let (world, leads) = held_in_between(false).await;
    assert_eq!(world.states(), "done 248, held 2");
    crate::world::agree(&world.db, &world.zoho);
    let live = world.leads();
    assert!(live.contains(&leads[120]) && live.contains(&leads[249]) && live.len() == 2);
}
