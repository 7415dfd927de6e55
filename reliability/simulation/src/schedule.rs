//! One schedule: what a seed lets happen to one world, and how it is judged.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use journal_disk::{Disk, Fault, Image, Moment, ProcessId, Times};
use zoho_journal::clock::Clock;
use zoho_journal::domain::merkle::Hash;
use zoho_journal::domain::target::ApiVersion;
use zoho_journal::evidence::keeper::{anchor_path, lock_path};
use zoho_journal::reconcile::options::{RunKind, Stop};
use zoho_journal::simulator::Simulator;
use zoho_journal::store::Reader;

use crate::chance::Chance;
use crate::clock::MachineClock;
use crate::ledger::{Counters, Ledger};
use crate::network::Weather;
use crate::office::{self, Order};
use crate::people;
use crate::process::{self, Ended, Living, QUARANTINE, Ran, Run};
use crate::truth;
use crate::world::World;

/// Where worlds are made, one after the other: a directory, and an empty journal to begin with.
#[derive(Debug)]
pub struct Place {
    /// The journal. The file is there for those who look at its rights; its contents are on the disk.
    pub db: PathBuf,
    /// The contents of the empty journal.
    pub empty: Image,
    /// Its anchor.
    pub anchor: Vec<u8>,
    /// What keeps the directory.
    pub directory: tempfile::TempDir,
    /// Whether a sync can fail as on Linux: the system then takes for written what it has not written.
    pub forgetful: bool,
}

/// What came of a schedule.
#[derive(Debug)]
pub struct Outcome {
    /// What must not have happened.
    pub violations: Vec<String>,
    /// How often things happened.
    pub counters: Counters,
    /// The root of the log at the end.
    pub root: Option<Hash>,
    /// The log, and what Zoho saw, if that was asked for.
    pub story: Vec<String>,
}

/// Runs the schedule of a seed.
pub fn run(place: &Place, seed: u64, tell: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs nothing that can be missing");
    let outcome = runtime.block_on(async {
        let mut chance = Chance::new(seed);
        let world = Arc::new(begin(place, &mut chance));
        people::furnish(&world);
        let forgetful = place.forgetful;
        Script { world: Arc::clone(&world), chance, forgetful }.play().await;
        let root = Reader::open(&world.db).and_then(|reader| reader.head()).ok();
        let violations = std::mem::take(&mut world.ledger().violations);
        Outcome {
            violations,
            counters: world.counters(),
            root: root.map(|head| head.root),
            story: if tell { crate::story::of(&world) } else { Vec::new() },
        }
    });
    runtime.shutdown_background();
    outcome
}

fn begin(place: &Place, chance: &mut Chance) -> World {
    let directory = place.directory.path();
    let disk = Disk::mount_image(directory, &place.empty);
    disk.seed(chance.bits());
    let again = std::fs::write(anchor_path(&place.db), &place.anchor)
        .and_then(|()| std::fs::write(lock_path(&place.db), b""));
    again.expect("the directory is ours");
    let clock = MachineClock::start();
    let last_write = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&last_write);
    let mut org = people::org(chance, &clock);
    org.on_write = Some(Arc::new(move |write| {
        if let Ok(mut last) = seen.lock() {
            *last = write.number;
        }
    }));
    World {
        disk,
        db: place.db.clone(),
        zoho: Simulator::detached(org).expect("an org that there can be"),
        clock,
        governed: chance.percent(35),
        chance: Mutex::new(chance.fork()),
        weather: Mutex::default(),
        ledger: Mutex::new(Ledger::default()),
        last_write,
        silenced: Arc::default(),
    }
}

struct Script {
    world: Arc<World>,
    chance: Chance,
    forgetful: bool,
}

impl Script {
    async fn play(mut self) {
        // Many short lives find more than few long ones; some things take a long one.
        let acts = if self.chance.percent(90) {
            1 + self.chance.below(3)
        } else {
            4 + self.chance.below(4)
        };
        for act in 0..acts {
            self.weather();
            if act == 0 || self.chance.percent(25) {
                self.record().await;
            }
            if act > 0 || self.chance.percent(70) {
                self.runs().await;
            }
            self.between().await;
            if !self.world.ledger().violations.is_empty() {
                return;
            }
        }
        self.settle().await;
    }

    /// The network and Zoho from now on. Only one of them gives answers that the other's call deserved.
    fn weather(&mut self) {
        let world = &self.world;
        world.zoho.clear_faults();
        let mut weather = Weather::default();
        if self.chance.percent(80) {
            weather = Weather::some(&mut self.chance);
        }
        if self.chance.percent(40) {
            weather.twice = 0;
            people::misbehave(world, &mut self.chance);
        }
        world.set_weather(weather);
    }

    /// A fault of the disk at some operation of a process, perhaps.
    fn trouble(&mut self, process: ProcessId, operations: usize) -> bool {
        if !self.chance.percent(55) {
            return false;
        }
        let after = u64::try_from(self.chance.below(operations)).unwrap_or(0);
        let fault = self.fault();
        self.world.disk.plan(process, after, fault);
        true
    }

    fn fault(&mut self) -> Fault {
        let moment = *self
            .chance
            .pick(&[Moment::Before, Moment::Middle, Moment::After])
            .unwrap_or(&Moment::Before);
        let times = if self.chance.percent(60) { Times::Once } else { Times::ForEver };
        match self.chance.below(9) {
            0..=2 => Fault::Kill(moment),
            3 | 4 => Fault::PowerCut(moment),
            5 => Fault::Error(times),
            6 => Fault::Full(times),
            7 => Fault::ShortWrite,
            _ if self.forgetful => Fault::SyncFails(times),
            _ => Fault::Error(times),
        }
    }

    /// Somebody records a request.
    async fn record(&mut self) {
        let ask = people::wish(&self.world, &mut self.chance);
        if ask.items.is_empty() {
            return;
        }
        let world = Arc::clone(&self.world);
        let process = world.disk.start();
        let troubled = self.trouble(process, 40);
        let seed = self.chance.bits();
        let recording = process::record(&world, seed, &ask);
        let ended = Living::new(&world, process, recording).await;
        judge_recording(&world, ended, troubled);
        self.after(process).await;
    }

    /// One run, and what else goes on meanwhile.
    async fn runs(&mut self) {
        let world = Arc::clone(&self.world);
        let process = world.disk.start();
        let troubled = self.trouble(process, 160);
        let run = self.run();
        let main = async {
            let running = process::run(&world, process, &run);
            let ended = Living::new(&world, process, running).await;
            judge_run(&world, &ended, troubled);
        };
        let beside = self.beside();
        tokio::join!(main, beside);
        self.after(process).await;
    }

    fn run(&mut self) -> Run {
        let waits = [Duration::ZERO, Duration::from_secs(20), Duration::from_mins(10)];
        Run {
            kind: if self.chance.percent(50) { RunKind::Sync } else { RunKind::Replay },
            concurrency: self.chance.between(1, 3),
            wait: *self.chance.pick(&waits).unwrap_or(&Duration::ZERO),
            items_per_call: self.chance.between(1, 5),
            version: if self.chance.percent(70) { ApiVersion::V8 } else { ApiVersion::V6 },
            seed: self.chance.bits(),
        }
    }

    /// What happens while a run is on: other people, other processes, somebody who sets the clock.
    fn beside(&mut self) -> impl Future<Output = ()> + use<> {
        let world = Arc::clone(&self.world);
        let mut chance = self.chance.fork();
        async move {
            let deeds = chance.below(5);
            for _ in 0..deeds {
                // Most runs take seconds; some wait for long.
                let soon = if chance.percent(50) { 1_500 } else { 20_000 };
                tokio::time::sleep(chance.millis(soon)).await;
                match chance.below(if world.governed { 11 } else { 8 }) {
                    0..=3 => people::meddle(&world, &mut chance),
                    4 => {
                        let ask = people::wish(&world, &mut chance);
                        let process = world.disk.start();
                        let seed = chance.bits();
                        let recording = process::record(&world, seed, &ask);
                        let ended = Living::new(&world, process, recording).await;
                        judge_recording(&world, ended, true);
                    }
                    5 | 6 => second_run(&world, &mut chance).await,
                    7..=9 if world.governed => {
                        let order = if chance.percent(60) {
                            while_a_call_is_under_way(&world).await;
                            // Which holds for all that is claimed and waits for its turn.
                            chance.percent(50).then_some(Order::Pause)
                        } else {
                            None
                        };
                        let process = world.disk.start();
                        let order = order.or_else(|| office::order(&world, &mut chance));
                        give_order(&world, process, order, &mut chance, true).await;
                    }
                    7 => set_clock(&world, &mut chance),
                    _ => {}
                }
            }
        }
    }

    /// A process is gone; perhaps the power goes as well.
    async fn after(&mut self, process: ProcessId) {
        let world = &self.world;
        world.disk.clear(process);
        // What it began and cannot end any more goes with it.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        world.disk.kill(process);
        if self.chance.percent(30) {
            world.disk.power_cut();
            world.count("power cuts between");
            truth::promises_are_kept(world);
        }
    }

    async fn between(&mut self) {
        let world = Arc::clone(&self.world);
        let world = &world;
        if world.governed && self.chance.percent(40) {
            let process = world.disk.start();
            let troubled = self.trouble(process, 40);
            let order = office::order(world, &mut self.chance);
            give_order(world, process, order, &mut self.chance, troubled).await;
            self.after(process).await;
        }
        if self.chance.percent(40) {
            tokio::time::sleep(self.chance.millis(200_000)).await;
        }
        if self.chance.percent(15) {
            set_clock(world, &mut self.chance);
        }
        if self.chance.percent(30) {
            people::meddle(world, &mut self.chance);
        }
    }

    /// Entries wait for those that reads cannot decide, until a person does.
    fn somebody_decides(&mut self) {
        let world = &self.world;
        match truth::of_the_undecided(world) {
            Err(error) => world.violation(format!("the entries cannot be read: {error}")),
            Ok(undecided) => {
                for (entry, verdict) in undecided {
                    if let Err(error) = process::settle(world, self.chance.bits(), entry, verdict) {
                        world.violation(format!("{entry} could not be settled: {error}"));
                    }
                    world.count("entries that a person settled");
                }
            }
        }
    }

    /// A pause ends, and most of what is held or waits for somebody is decided: the rest stays as it is.
    async fn decide_what_is_open(&mut self) {
        let world = Arc::clone(&self.world);
        let mut orders = Vec::new();
        {
            let ledger = world.ledger();
            if ledger.orders.may_be_paused {
                orders.push(Order::Resume);
            }
            let mut likely = |order| {
                if self.chance.percent(60) {
                    orders.push(order);
                }
            };
            for held in &ledger.orders.holds {
                likely(Order::Release(held.module.clone(), held.ids.clone()));
            }
            ledger.orders.unapproved().into_iter().for_each(|one| likely(Order::Approve(one)));
        }
        for order in orders {
            if let Err(error) = office::give(&world, self.chance.bits(), &order).await {
                world.violation(format!("nothing was wrong, and {order:?} failed: {error}"));
            }
        }
    }

    /// All faults end; replays until nothing moves any more; then the journal is held against the truth.
    async fn settle(&mut self) {
        let world = Arc::clone(&self.world);
        world.zoho.clear_faults();
        world.set_weather(Weather::default());
        world.ledger().lock_taken_away = false;
        self.decide_what_is_open().await;
        let mut last = None;
        for _ in 0..12 {
            tokio::time::sleep(QUARANTINE).await;
            let process = world.disk.start();
            let run = Run {
                kind: RunKind::Replay,
                wait: Duration::from_hours(3),
                version: ApiVersion::V8,
                ..self.run()
            };
            let running = process::run(&world, process, &run);
            let ended = Living::new(&world, process, running).await;
            judge_run(&world, &ended, false);
            match ended {
                Ended::With(Ok(Ran::Ended(summary))) if summary.unfinished == summary.undecided => {
                    truth::promises_are_kept(&world);
                    truth::is_told(&world);
                    return;
                }
                Ended::With(Ok(Ran::Ended(summary))) => {
                    if summary.undecided > 0 && self.chance.percent(70) {
                        self.somebody_decides();
                    }
                    if let Some(Stop::Throttled { until }) = summary.stop {
                        // As it was told.
                        tokio::time::sleep(until.since(world.clock.now())).await;
                    }
                    last = Some(summary);
                }
                Ended::With(_) | Ended::Died => return,
            }
        }
        world.violation(format!("after twelve replays without faults it is not settled: {last:?}"));
    }
}

/// Another run is begun while one is on. Rarely somebody has taken the lock file away before.
async fn second_run(world: &Arc<World>, chance: &mut Chance) {
    if chance.percent(15) {
        std::fs::remove_file(lock_path(&world.db)).ok();
        world.ledger().lock_taken_away = true;
        world.count("lock files taken away");
    }
    let process = world.disk.start();
    let run = Run {
        kind: RunKind::Sync,
        concurrency: 1,
        wait: Duration::ZERO,
        items_per_call: 2,
        version: ApiVersion::V8,
        seed: chance.bits(),
    };
    let running = process::run(world, process, &run);
    // Whatever comes of it: the disk may fail the other one at any moment.
    let _ended = Living::new(world, process, running).await;
    world.disk.kill(process);
}

/// Waits a while for a call to be under way: then the next ones are claimed already, and have not left.
async fn while_a_call_is_under_way(world: &World) {
    for _ in 0..100 {
        if world.ledger().is_under_way() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Somebody decides something.
async fn give_order(
    world: &Arc<World>,
    process: ProcessId,
    order: Option<Order>,
    chance: &mut Chance,
    troubled: bool,
) {
    let Some(order) = order else { return };
    let giving = office::give(world, chance.bits(), &order);
    match Living::new(world, process, giving).await {
        Ended::Died => world.count("orders whose process died"),
        Ended::With(Ok(())) => world.count("orders given"),
        Ended::With(Err(error)) => {
            if !troubled {
                world.violation(format!("nothing was wrong, and {order:?} failed: {error}"));
            }
            not_its_fault(world, &error.to_string());
        }
    }
}

/// Somebody sets the machine's clock.
fn set_clock(world: &World, chance: &mut Chance) {
    let most = *chance.pick(&[1_500, 90_000, 86_400_000, 315_360_000_000]).unwrap_or(&1_500);
    let by = i64::try_from(chance.below(most)).unwrap_or(0);
    world.clock.set_by(if chance.percent(50) { by } else { -by });
    world.count("clocks set");
}

fn judge_recording(
    world: &World,
    ended: Ended<
        Result<
            zoho_journal::store::recording::Recorded,
            zoho_journal::evidence::keeper::KeeperError,
        >,
    >,
    troubled: bool,
) {
    match ended {
        Ended::Died => world.count("recordings that died"),
        Ended::With(Ok(recorded)) => process::acknowledge(world, &recorded),
        Ended::With(Err(error)) if !troubled => {
            world.violation(format!(
                "nothing was wrong, and a request could not be recorded: {error}"
            ));
        }
        Ended::With(Err(error)) => not_its_fault(world, &error.to_string()),
    }
}

fn judge_run(world: &World, ended: &Ended<Result<Ran, String>>, troubled: bool) {
    match ended {
        Ended::Died => world.count("runs that died"),
        Ended::With(Ok(_)) => world.count("runs that ended"),
        Ended::With(Err(error)) => {
            let paused = error.contains("paused") && world.ledger().orders.may_be_paused;
            if !troubled && !paused && !world.ledger().lock_taken_away {
                world.violation(format!("nothing was wrong, and a run failed: {error}"));
            }
            not_its_fault(world, error);
        }
    }
}

/// Whatever fails, the journal is never behind what was published of it.
fn not_its_fault(world: &World, error: &str) {
    world.count("commands that failed");
    if error.contains("anchor") && !error.contains("could not follow") {
        world.violation(format!("the journal lost what was published of it: {error}"));
    }
}
