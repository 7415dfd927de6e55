//! Clocks that somebody sets, and what happens to a record while a call of ours may still take effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use zoho_journal::clock::{Clock, Steady, SystemClock};
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::time::Timestamp;
use zoho_journal::reconcile::options::{RunKind, RunOptions, Summary};
use zoho_journal::simulator::{Config, Fault};

use crate::middle::{Middle, Way};
use crate::world::{Ask, World, config};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const YEAR: i64 = 365 * DAY;
const QUARANTINE: Duration = Duration::from_mins(2);

/// The hands of our clock, which anybody may set, and the time that passes, which waiting takes none of.
#[derive(Clone, Default)]
struct Hands(Arc<Moved>);

#[derive(Default)]
struct Moved {
    set: AtomicI64,
    passed: AtomicU64,
}

impl Hands {
    /// Our clock is set so far from the true time, in milliseconds.
    fn set(&self, millis: i64) {
        self.0.set.store(millis, Ordering::SeqCst);
    }

    fn pass(&self, duration: Duration) {
        self.0.passed.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn passed(&self) -> Duration {
        Duration::from_millis(self.0.passed.load(Ordering::SeqCst))
    }

    /// The true time, which is Zoho's.
    fn truth(&self) -> Timestamp {
        SystemClock.now().plus(self.passed())
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.truth().shifted(self.0.set.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed() + self.passed()
    }

    async fn sleep(&self, duration: Duration) {
        self.pass(duration);
        tokio::task::yield_now().await;
    }
}

/// A Zoho of true time with three leads, where a late call lands after a minute.
fn zoho(hands: &Hands) -> World {
    let hands = hands.clone();
    let now = Arc::new(move || hands.truth().millis());
    World::with(Config { now, late_ms: MINUTE, ..config(&[("Leads", 3)]) })
}

/// A command: its clock starts with it.
fn command(hands: &Hands) -> Steady<Hands> {
    Steady::start(hands.clone())
}

fn options(world: &World) -> RunOptions {
    let wait = Duration::from_mins(30);
    RunOptions { kind: RunKind::Replay, quarantine: QUARANTINE, wait, ..world.options() }
}

async fn replay(world: &mut World, hands: &Hands) -> Summary {
    let clock = command(hands);
    let (middle, options) = (Middle::on(world, clock.clone()), options(world));
    world.run_on(middle, clock, options).await.unwrap()
}

/// A replay that does not wait for anything.
async fn look(world: &mut World, hands: &Hands) {
    let clock = command(hands);
    let options = RunOptions { wait: Duration::ZERO, ..options(world) };
    world.run_on(Middle::on(world, clock.clone()), clock, options).await.unwrap();
}

/// A run that is killed while its call is under way.
async fn killed(world: &mut World, hands: &Hands, arrives: bool) {
    let (told, clock) = (Arc::new(Notify::new()), command(hands));
    let dies = Arc::clone(&told);
    let middle = Middle::on(world, clock.clone())
        .submits(move |_| Way::Dies { arrives, told: Arc::clone(&dies) });
    let options = options(world);
    tokio::select! {
        ended = world.run_on(middle, clock, options) => panic!("{ended:?}"),
        () = told.notified() => {}
    }
    assert_eq!(world.states(), "in_flight 3");
}

/// What each test asks for, and how it ends.
fn asks(world: &mut World) -> Vec<u64> {
    let leads = world.leads();
    world.record("Leads", &leads);
    leads
}

#[tokio::test]
async fn a_clock_that_is_set_after_a_kill_ends_no_quarantine_early() {
    for set in [0, 2 * MINUTE, DAY, YEAR, -2 * MINUTE, -DAY, -YEAR] {
        for untags in [false, true] {
            let hands = Hands::default();
            let mut world = zoho(&hands);
            let leads = world.leads();
            if untags {
                world.zoho.tag("Leads", &["Prime"], &leads);
                world.ask(&Ask::untag("Leads", &["Prime"], &leads));
            } else {
                world.record("Leads", &leads);
            }
            world.zoho.plan_faults(vec![Fault::Late]);
            killed(&mut world, &hands, true).await;
            hands.set(set);
            // The call lands only now: whoever thinks that a day has passed would send it again before.
            let summary = replay(&mut world, &hands).await;
            assert_eq!((world.states().as_str(), summary.sent), ("done 3", 0), "{set} {untags}");
            assert_eq!(world.writes(), 1, "{set} {untags}");
            world.agrees();
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_set_after_a_kill_makes_no_quarantine_last() {
    for set in [0, DAY, -2 * MINUTE, -DAY, -YEAR] {
        let hands = Hands::default();
        let mut world = zoho(&hands);
        asks(&mut world);
        killed(&mut world, &hands, false).await;
        hands.set(set);
        replay(&mut world, &hands).await;
        assert_eq!((world.states().as_str(), world.writes()), ("done 3", 1), "{set}");
        let waited = hands.passed();
        assert!(waited + Duration::from_secs(2) >= QUARANTINE, "{set}: {waited:?}");
        assert!(waited <= QUARANTINE + Duration::from_mins(2), "{set}: {waited:?}");
        world.agrees();
    }
}

/// Neither the quarantine nor who deleted a record when is told by hands that move during a run.
#[tokio::test]
async fn a_clock_that_is_set_while_a_run_is_on_does_not_mislead_it() {
    for set in [DAY, YEAR, 5 * MINUTE, -5 * MINUTE, -DAY, -YEAR] {
        for (fault, writes) in [(Fault::Late, 1), (Fault::LoseAnswer, 1), (Fault::LoseRequest, 2)] {
            let hands = Hands::default();
            let mut world = zoho(&hands);
            asks(&mut world);
            world.zoho.plan_faults(vec![fault]);
            let moved = hands.clone();
            world.after_contact(move || moved.set(set));
            replay(&mut world, &hands).await;
            assert_eq!(world.states(), "done 3", "{set} {fault}");
            assert_eq!(world.writes(), writes, "{set} {fault}");
            assert!(hands.passed() <= QUARANTINE + Duration::from_mins(2), "{set} {fault}");
            world.agrees();
        }
    }
}

/// The tag is there when it is looked for, the call lands, and then the look is over: by then the quarantine is,
/// too, and what the look showed is older.
#[tokio::test]
async fn a_look_says_nothing_of_a_call_that_lands_after_it() {
    let hands = Hands::default();
    let mut world = zoho(&hands);
    let leads = world.leads();
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.zoho.plan_faults(vec![Fault::Late]);
    let (clock, moved, slow) = (command(&hands), hands.clone(), AtomicBool::new(true));
    let mut middle = Middle::on(&world, clock.clone());
    middle.after_read = Box::new(move |submitted| {
        if submitted > 0 && slow.swap(false, Ordering::SeqCst) {
            moved.pass(QUARANTINE + Duration::from_mins(1));
        }
    });
    let options = options(&world);
    world.run_on(middle, clock, options).await.unwrap();
    assert_eq!((world.states().as_str(), world.writes()), ("done 3", 1));
    world.agrees();
}

#[tokio::test]
async fn what_somebody_else_deleted_waits_for_our_call_before_it_is_absent() {
    let hands = Hands::default();
    let mut world = zoho(&hands);
    let leads = asks(&mut world);
    world.zoho.plan_faults(vec![Fault::LoseRequest]);
    look(&mut world, &hands).await;
    for lead in &leads {
        world.zoho.delete_as_other_user(*lead);
    }
    look(&mut world, &hands).await;
    assert_eq!(world.states(), "unknown 3");
    replay(&mut world, &hands).await;
    assert_eq!((world.states().as_str(), world.writes()), ("absent 3", 1));
    world.agrees();
}

/// Somebody deletes the records, brings them back, and our call takes effect after all.
#[tokio::test]
async fn what_somebody_else_brings_back_in_time_for_our_call_is_ours() {
    let hands = Hands::default();
    let mut world = zoho(&hands);
    let leads = asks(&mut world);
    world.zoho.plan_faults(vec![Fault::Late]);
    look(&mut world, &hands).await;
    for lead in &leads {
        world.zoho.delete_as_other_user(*lead);
    }
    look(&mut world, &hands).await;
    assert_eq!(world.states(), "unknown 3");
    hands.pass(Duration::from_secs(30));
    for lead in &leads {
        world.zoho.restore(*lead);
    }
    replay(&mut world, &hands).await;
    assert_eq!((world.states().as_str(), world.writes()), ("done 3", 1));
    world.agrees();
}

/// The first delivery deletes, the second one is refused, and its refusal is the answer.
#[tokio::test]
async fn what_a_network_delivered_twice_is_not_put_down_to_somebody_else() {
    let hands = Hands::default();
    let mut world = zoho(&hands);
    let leads = asks(&mut world);
    let clock = command(&hands);
    let middle = Middle::on(&world, clock.clone()).submits(|_| Way::Twice);
    let once = options(&world);
    world.run_on(middle, clock, once).await.unwrap();
    assert_eq!((world.states().as_str(), world.undecided()), ("unknown 3", 3));
    world.agrees();
    // Nor is it forgotten when somebody brings one back and erases another one.
    world.zoho.restore(leads[0]);
    world.zoho.purge(leads[1]);
    hands.pass(Duration::from_hours(1));
    let summary = replay(&mut world, &hands).await;
    assert_eq!((world.undecided(), summary.sent), (3, 0));
    world.agrees();
}

#[tokio::test]
async fn a_relation_or_tag_that_was_there_before_a_refused_call_is_not_absent() {
    let hands = Hands::default();
    let mut world = {
        let hands = hands.clone();
        let now = Arc::new(move || hands.truth().millis());
        World::with(Config { now, ..config(&[("Campaigns", 1), ("Leads", 2)]) })
    };
    let (campaign, leads) = (world.live("Campaigns")[0], world.leads());
    world.zoho.link("Campaigns", campaign, "Leads", &leads[..1]);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &leads[..1]));
    let clock = command(&hands);
    let middle = Middle::on(&world, clock.clone()).submits(|_| Way::Twice);
    let once = options(&world);
    world.run_on(middle, clock, once).await.unwrap();
    assert_eq!((world.states().as_str(), world.undecided()), ("unknown 1", 1));
    world.agrees();
    // Somebody links it again: read now, it would look like a call that changed nothing.
    world.zoho.link("Campaigns", campaign, "Leads", &leads[..1]);
    hands.pass(Duration::from_hours(1));
    let summary = replay(&mut world, &hands).await;
    assert_eq!((world.undecided(), summary.sent), (1, 0));
    // A tag, by the call for one.
    let tags = world.zoho.tag("Leads", &["Prime"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let clock = command(&hands);
    let middle = Middle::on(&world, clock.clone()).submits(|_| Way::Twice);
    let mut once = options(&world);
    once.versions.crm = zoho_journal::domain::target::ApiVersion::V6;
    world.run_on(middle, clock, once).await.unwrap();
    assert_eq!((world.states().as_str(), world.undecided()), ("unknown 2", 2));
    world.agrees();
}
