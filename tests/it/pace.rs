//! Throttling, budgets and credits, on a clock that leaps over every wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::pace::{BREAKS_AFTER, OPENS_AT_MOST};
use zoho_journal::domain::time::Timestamp;
use zoho_journal::domain::usage::{DAY, DailyBudget, Window};
use zoho_journal::reconcile::options::{Limit, RunOptions, Stop, Summary};
use zoho_journal::simulator::{Config, Edition, Fault};

use crate::middle::{Middle, Way};
use crate::world::{Ask, World, config};

/// A clock on which waiting takes no time.
#[derive(Clone, Default)]
struct Leaping(Arc<AtomicU64>);

impl Leaping {
    fn leap(&self, duration: Duration) {
        self.0.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn offset(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Clock for Leaping {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.offset())
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed() + self.offset()
    }

    async fn sleep(&self, duration: Duration) {
        self.leap(duration);
        tokio::task::yield_now().await;
    }
}

/// A Zoho whose clock is the given one.
fn zoho(clock: &Leaping, leads: usize) -> Config {
    let clock = clock.clone();
    Config { now: Arc::new(move || clock.now().millis()), ..config(&[("Leads", leads)]) }
}

async fn sync(world: &mut World, clock: &Leaping, options: RunOptions) -> Summary {
    let zoho = world.client();
    world.run_on(zoho, clock.clone(), options).await.unwrap()
}

fn used(world: &World, clock: &Leaping) -> u64 {
    Window::new(world.reader().usage(clock.now()).unwrap()).total(clock.now()).credits
}

#[tokio::test]
async fn a_restart_loop_cannot_hammer_a_zoho_that_takes_no_calls() {
    let clock = Leaping::default();
    let mut world = World::with(zoho(&clock, 5));
    let leads = world.leads();
    world.record("Leads", &leads);
    world.zoho.set_rate(Fault::Throttle, 1.0);
    let options = RunOptions { wait: Duration::from_mins(10), ..world.options() };
    let summary = sync(&mut world, &clock, options.clone()).await;
    let Some(Stop::Throttled { until }) = summary.stop else { panic!("{summary:?}") };
    assert!(until > clock.now() && until <= clock.now().plus(OPENS_AT_MOST));
    assert_eq!(world.states(), "pending 5");
    assert!(world.reader().breaker().unwrap().unwrap().setbacks >= BREAKS_AFTER);

    // Whoever starts it again and again makes no call before its time.
    let before = world.zoho.requests().len();
    for _ in 0..20 {
        let impatient = RunOptions { wait: Duration::ZERO, ..options.clone() };
        let summary = sync(&mut world, &clock, impatient).await;
        assert_eq!(summary.stop, Some(Stop::Throttled { until }));
        clock.leap(Duration::from_secs(1));
    }
    assert_eq!(world.zoho.requests().len(), before);

    // When it has come, one call finds out at a time; an answer closes the breaker for good.
    world.zoho.clear_faults();
    clock.leap(OPENS_AT_MOST);
    let summary = sync(&mut world, &clock, options).await;
    assert_eq!((summary.stop, world.states().as_str()), (None, "done 5"));
    assert_eq!(world.reader().breaker().unwrap(), None);
    world.agrees();
}

#[tokio::test]
async fn a_loop_of_runs_that_never_wait_comes_to_the_breaker_as_well() {
    for fault in [Fault::Throttle, Fault::ReadThrottle] {
        let clock = Leaping::default();
        let mut world = World::with(zoho(&clock, 5));
        let leads = world.leads();
        world.record("Leads", &leads);
        world.zoho.set_rate(fault, 1.0);
        // Every second for ten minutes.
        for _ in 0..600 {
            let options = RunOptions { wait: Duration::ZERO, ..world.options() };
            sync(&mut world, &clock, options).await;
            clock.leap(Duration::from_secs(1));
        }
        let refused = world.zoho.snapshot().throttled;
        assert!((5..20).contains(&refused), "{fault}: {refused} calls were refused");
        world.zoho.clear_faults();
        clock.leap(OPENS_AT_MOST);
        let options = world.options();
        assert_eq!(sync(&mut world, &clock, options).await.stop, None, "{fault}");
        assert_eq!(world.states(), "done 5", "{fault}");
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_once_ends_no_run() {
    let mut world = World::with(config(&[("Leads", 50)]));
    let leads = world.leads();
    world.record("Leads", &leads);
    let refused = |number| if number == 0 { Way::NotSent } else { Way::Straight };
    let middle = Middle::new(&world).submits(refused);
    let options = world.options();
    let summary = world.run_on(middle, Leaping::default(), options.clone()).await.unwrap();
    assert_eq!((summary.stop, world.states().as_str()), (None, "done 50"));
    // One that is refused again and again does.
    let more = world.zoho.add_records("Leads", 5);
    world.record("Leads", &more);
    let middle = Middle::new(&world).submits(|_| Way::NotSent);
    let summary = world.run_on(middle, Leaping::default(), options).await.unwrap();
    assert!(matches!(summary.stop, Some(Stop::Unreachable(_))), "{summary:?}");
    assert_eq!(world.states(), "pending 5, done 50");
}

#[tokio::test]
async fn what_zoho_asks_to_wait_holds_for_the_next_run_too() {
    let clock = Leaping::default();
    let mut world = World::with(Config { retry_after_s: 600, ..zoho(&clock, 5) });
    let leads = world.leads();
    world.record("Leads", &leads);
    world.zoho.plan_faults(vec![Fault::ThrottleRetryAfter]);
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    let summary = sync(&mut world, &clock, options.clone()).await;
    assert!(matches!(summary.stop, Some(Stop::Throttled { .. })), "{summary:?}");
    clock.leap(Duration::from_secs(595));
    let summary = sync(&mut world, &clock, options.clone()).await;
    assert_eq!((summary.calls, world.states().as_str()), (0, "pending 5"));
    clock.leap(Duration::from_secs(10));
    sync(&mut world, &clock, options).await;
    assert_eq!(world.states(), "done 5");
}

#[tokio::test]
async fn a_daily_budget_counts_earlier_runs_and_has_room_again_a_day_later() {
    let clock = Leaping::default();
    let mut world = World::with(zoho(&clock, 1_000));
    let leads = world.leads();
    world.record("Leads", &leads);
    // Org, user and module cost three credits a run, each hundred records one more.
    let budget = Some(DailyBudget::Credits(9));
    let options = RunOptions { daily_credits: budget, concurrency: 1, ..world.options() };
    let summary = sync(&mut world, &clock, options.clone()).await;
    let Some(Stop::Budget(Limit::Daily { limit: 9, again: Some(again) })) = summary.stop else {
        panic!("{summary:?}")
    };
    assert_eq!((summary.credits, used(&world, &clock)), (9, 9));
    assert_eq!(world.states(), "pending 400, done 600");
    let summary = sync(&mut world, &clock, options.clone()).await;
    assert_eq!((summary.calls, used(&world, &clock)), (0, 9), "not even a read");
    clock.leap(again.since(clock.now()));
    let summary = sync(&mut world, &clock, options).await;
    assert_eq!((summary.stop, world.states().as_str()), (None, "done 1000"));
    clock.leap(DAY + Duration::from_mins(2));
    assert_eq!(used(&world, &clock), 0);
    world.agrees();
}

#[tokio::test]
async fn what_zoho_says_is_left_of_the_day_stops_the_run_before_it_says_429() {
    let clock = Leaping::default();
    let mut world = World::with(Config { daily_credits: Some(8), ..zoho(&clock, 1_000) });
    let leads = world.leads();
    world.record("Leads", &leads);
    let options = RunOptions { concurrency: 1, ..world.options() };
    let summary = sync(&mut world, &clock, options).await;
    assert_eq!(summary.stop, Some(Stop::Budget(Limit::Org { left: 0 })));
    assert_eq!(world.states(), "pending 500, done 500");
    assert!(world.zoho.requests().iter().all(|request| request.status != Some(429)));
    let left = world.reader().credits_left().unwrap().unwrap();
    assert_eq!(left.credits, 0);
    world.agrees();
}

#[tokio::test]
async fn calls_at_once_follow_what_zoho_takes() {
    // A Zoho that takes three calls at once, and a run that begins with sixteen.
    let clock = Leaping::default();
    let limits = Config { concurrency_limit: Some(3), latency_ms: 5, ..zoho(&clock, 6_000) };
    let mut world = World::with(limits);
    let leads = world.leads();
    world.record("Leads", &leads);
    let options = RunOptions { concurrency: 16, wait: Duration::from_hours(24), ..world.options() };
    let summary = sync(&mut world, &clock, options).await;
    assert_eq!((summary.stop, world.states().as_str()), (None, "done 6000"));
    let refused = world.zoho.requests().iter().filter(|one| one.status == Some(429)).count();
    assert!(refused < 60, "{refused} of {} calls", summary.calls);
    world.agrees();
}

#[tokio::test]
async fn no_more_calls_at_once_than_the_edition_allows() {
    // CRM Free: five (CRM API Limits page), though the run may make twenty.
    let clock = Leaping::default();
    let free = Config { edition: Edition::Free, latency_ms: 5, ..zoho(&clock, 6_000) };
    let mut world = World::with(free);
    let leads = world.leads();
    world.record("Leads", &leads);
    let daily_credits = Some(DailyBudget::Share(1));
    let options = RunOptions { concurrency: 20, daily_credits, ..world.options() };
    let summary = sync(&mut world, &clock, options.clone()).await;
    let warning = "CRM Free allows 5 calls at once: the 20 that are set are not used";
    assert_eq!(summary.warnings, [warning]);
    // A hundredth of its 5,000 credits.
    assert!(matches!(summary.stop, Some(Stop::Budget(Limit::Daily { limit: 50, .. }))));
    let options = RunOptions { daily_credits: None, ..options };
    assert_eq!(sync(&mut world, &clock, options).await.stop, None);
    assert_eq!(world.states(), "done 6000");
    let snapshot = world.zoho.snapshot();
    assert!((2..=5).contains(&snapshot.most_at_once), "{}", snapshot.most_at_once);
    assert_eq!(snapshot.throttled, 0);
}

#[tokio::test]
async fn a_scope_that_is_missing_stops_only_what_it_concerns() {
    let scopes = ["org.READ", "users.READ", "settings.modules.READ", "modules.leads.READ"];
    let scopes = scopes.into_iter().chain(["modules.leads.DELETE", "modules.contacts.ALL"]);
    let scopes = Some(scopes.map(|scope| format!("ZohoCRM.{scope}")).collect());
    let records = [("Leads", 150), ("Contacts", 20)];
    let mut world = World::with(Config { scopes, ..config(&records) });
    let (leads, contacts) = (world.leads(), world.live("Contacts"));
    world.zoho.tag("Leads", &["Hot"], &leads);
    world.zoho.tag("Contacts", &["Hot"], &contacts);
    world.ask(&Ask::untag("Leads", &["Hot"], &leads[100..]));
    world.ask(&Ask::untag("Contacts", &["Hot"], &contacts));
    world.record("Leads", &leads[..100]);
    let summary = world.sync().await;
    assert_eq!(summary.stop, None);
    let [missing] = summary.not_allowed.as_slice() else { panic!("{summary:?}") };
    assert_eq!(missing.code, "OAUTH_SCOPE_MISMATCH");
    assert!(missing.what.contains("ZohoCRM.modules.leads.WRITE"), "{missing:?}");
    assert_eq!(world.states(), "pending 50, done 120");
    assert_eq!(summary.unfinished, 50);
    world.agrees();
}
