//! `pause` and `resume`, through the binary and while a run is on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::reconcile::options::{RunOptions, Stop};
use zoho_journal::store::approval::By;

use crate::env::Env;
use crate::middle::{Middle, Way};
use crate::world::World;

#[test]
fn while_it_is_paused_no_run_starts_and_others_go_on() {
    let env = Env::new(3);
    let leads = env.leads();
    env.record(&leads[..1]);
    env.journal(["pause", "--reason", " "]).exits(2);
    let paused = env.journal(["pause", "--reason", "we look", "--as", "Ann", "--json"]).exits(0);
    assert_eq!(paused.json()["paused"], true);
    let before = (env.events(), env.zoho.requests().len());
    for args in [&["sync", "--yes"][..], &["replay", "--yes"], &["sync"]] {
        let ran = env.journal(args.iter().copied().chain(["--json"])).exits(7);
        let message = ran.error();
        assert!(
            message.contains("paused by Ann since 20") && message.contains("we look"),
            "{message}"
        );
    }
    env.journal(["pause", "--reason", "again"]).exits(7);
    assert_eq!((env.events(), env.zoho.requests().len()), before);
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(
        (&status["pause"]["paused_by"], &status["pause"]["reason"]),
        (&"Ann".into(), &"we look".into())
    );
    assert_eq!(status["next"], "journal resume ends the pause");
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    assert!(plan["refused_by"].as_str().unwrap().contains("paused by Ann"), "{plan}");
    // Recording goes on.
    env.record(&leads[1..]);
    env.journal(["resume", "--as", "Bert", "--reason", "seen"]).exits(0);
    env.journal(["resume"]).exits(7);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 3");
    env.journal(["verify"]).exits(0);
}

/// The second batch is claimed ahead while the first call is under way. Then somebody pauses.
#[tokio::test]
async fn a_run_that_is_on_stops_and_gives_back_what_it_claimed_ahead() {
    let mut world = World::new(250);
    let leads = world.leads();
    world.record("Leads", &leads);
    let options = RunOptions { concurrency: 1, ..world.options() };
    let (mut store, db) = (world.store(), world.db.clone());
    let pause = move || {
        let reader = zoho_journal::store::Reader::open(&db).unwrap();
        if reader.batches().unwrap() < 2 {
            return false;
        }
        let by = By { who: "Ann", account: "ann", reason: "we look", program: "test" };
        store.write("pausing", SystemClock.now(), |tx| tx.pause(by)).unwrap().0.unwrap();
        true
    };
    let pause = std::sync::Mutex::new(pause);
    let done = AtomicBool::new(false);
    let once = Arc::new(move || {
        done.load(Ordering::SeqCst) || {
            let now = (pause.lock().unwrap())();
            done.store(now, Ordering::SeqCst);
            now
        }
    });
    let middle = Middle::new(&world).submits(move |_| Way::Until(once.clone()));
    let summary = world.run_on(middle, SystemClock, options).await.unwrap();
    assert!(matches!(summary.stop, Some(Stop::Paused(_))), "{:?}", summary.stop);
    assert_eq!(world.states(), "pending 150, done 100");
    let summary = world.run(world.options()).await;
    assert!(summary.is_err(), "it is paused still");
    let by = By { who: "Ann", account: "ann", reason: "", program: "test" };
    let mut store = world.store();
    store.write("resuming", SystemClock.now(), |tx| tx.resume(by)).unwrap();
    world.sync().await;
    assert_eq!(world.states(), "done 250");
    crate::world::agree(&world.db, &world.zoho);
}
