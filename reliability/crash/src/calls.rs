//! Every system call of every scenario, struck in turn.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use crate::judge::{Before, Case, NOT_FALSIFIED, Sabotage};
use crate::place::{self, Place};
use crate::points;
use crate::report::{Report, Trial};
use crate::scenario::{ALL, Kind, Scenario};
use crate::strace::{self, Blow, Point, Watch};
use crate::teeth;
use crate::witness::Witness;

/// What is tried, and with which program.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program.
    pub program: PathBuf,
    /// Where directories of trials are made.
    pub dir: PathBuf,
    /// Samples follow from it.
    pub seed: u64,
    /// Trials at once.
    pub jobs: usize,
    /// Points in all, of calls and of pairs; `None`: every call.
    pub sample: Option<(usize, usize)>,
    /// Only these scenarios.
    pub scenarios: Vec<String>,
    /// Only this point, and a second one that strikes the recovery.
    pub point: Option<(Point, Option<Point>)>,
}

/// Pairs of each scenario in a whole run.
const PAIRS: usize = 200;

/// What takes longer is told: SQLite waits for locks.
const SLOW_S: u64 = 10;

/// A scenario with its journal and all of its points.
struct Prepared {
    scenario: &'static Scenario,
    template: PathBuf,
    points: Vec<Point>,
}

/// What is done to one command.
#[derive(Debug, Clone, Default)]
struct Attack {
    first: Option<Point>,
    second: Option<Point>,
}

/// Tries all that is asked for.
pub fn run(options: &Options, report: &Report) -> Result<()> {
    let scenarios: Vec<&'static Scenario> = if options.scenarios.is_empty() {
        ALL.iter().collect()
    } else {
        options.scenarios.iter().map(|name| Scenario::find(name)).collect::<Result<_>>()?
    };
    let mut dice = fastrand::Rng::with_seed(options.seed);
    for (number, scenario) in scenarios.iter().enumerate() {
        let began = Instant::now();
        let Some(prepared) = prepare(options, report, scenario)? else {
            report.show(scenario.name, "without a blow it fails already");
            continue;
        };
        let attacks = attacks(options, &prepared, (number, scenarios.len()), &mut dice);
        strike_all(options, report, &prepared, &attacks)?;
        let note =
            format!("{} points, {:.1} s", prepared.points.len(), began.elapsed().as_secs_f64());
        report.show(scenario.name, &note);
    }
    Ok(())
}

/// Makes the journal, traces the command once, and holds what comes of it to the same judgement.
fn prepare(
    options: &Options,
    report: &Report,
    scenario: &'static Scenario,
) -> Result<Option<Prepared>> {
    let template = options.dir.join(scenario.name).join("template");
    scenario
        .make_journal(&template, &options.program)
        .with_context(|| format!("preparing {}", scenario.name))?;
    let mut prepared = Prepared { scenario, template, points: Vec::new() };
    let dir = options.dir.join(scenario.name).join("control");
    let mut calls = Vec::new();
    let verdict = tried(options, &prepared, &dir, &Attack::default(), None, &mut calls).map(drop);
    let well = verdict.is_ok();
    let is_fixed = |file: &str| place::is_fixed(file, &prepared.template);
    let points = points::of_run(&calls, &dir.display().to_string(), is_fixed);
    prepared.points = points;
    let what = format!("{} without a blow", scenario.name);
    let again = format!("journal-crash calls --scenario {}", scenario.name);
    report.take(scenario.name, Trial { what, again, struck: (0, 0), verdict, dir })?;
    Ok(well.then_some(prepared))
}

fn attacks(
    options: &Options,
    prepared: &Prepared,
    (number, scenarios): (usize, usize),
    dice: &mut fastrand::Rng,
) -> Vec<Attack> {
    if let Some((first, second)) = &options.point {
        return vec![Attack { first: Some(first.clone()), second: second.clone() }];
    }
    let share = |all: usize| (all * (number + 1)) / scenarios - (all * number) / scenarios;
    let (singles, pairs) = match options.sample {
        None => (prepared.points.clone(), PAIRS),
        Some((points, pairs)) => {
            (points::sample_by_call(&prepared.points, share(points), dice), share(pairs))
        }
    };
    let singles = singles.into_iter().map(|first| Attack { first: Some(first), second: None });
    let kills: Vec<Point> =
        prepared.points.iter().filter(|point| point.blow == Blow::Kill).cloned().collect();
    // Readers have no recovery. Of the second blows only those are taken that the recovery reaches, too.
    let recovers = !matches!(prepared.scenario.kind, Kind::Read | Kind::Export);
    let near: Vec<Point> =
        kills.iter().filter(|point| point.on.is_some() && point.when <= 4).cloned().collect();
    let pairs = if recovers { pairs } else { 0 };
    let firsts = points::sample(&kills, pairs, dice);
    let pairs = firsts.into_iter().filter_map(|first| {
        let second = dice.choice(&near)?.clone();
        Some(Attack { first: Some(first), second: Some(second) })
    });
    singles.chain(pairs.collect::<Vec<_>>()).collect()
}

fn strike_all(
    options: &Options,
    report: &Report,
    prepared: &Prepared,
    attacks: &[Attack],
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let slow = Duration::from_secs(SLOW_S);
    let work = |worker: usize| -> Result<()> {
        while let Some((number, attack)) = taken(&next, attacks) {
            let dir = options.dir.join(prepared.scenario.name).join(format!("{worker}-{number}"));
            let began = Instant::now();
            let what = strike(options, report, prepared, &dir, attack)?;
            if began.elapsed() > slow {
                println!("slow: {what} took {:.1} s", began.elapsed().as_secs_f64());
            }
        }
        Ok(())
    };
    std::thread::scope(|threads| {
        let workers: Vec<_> =
            (0..options.jobs.max(1)).map(|worker| threads.spawn(move || work(worker))).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

fn taken<'a>(next: &AtomicUsize, attacks: &'a [Attack]) -> Option<(usize, &'a Attack)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    attacks.get(number).map(|attack| (number, attack))
}

fn strike(
    options: &Options,
    report: &Report,
    prepared: &Prepared,
    dir: &Path,
    attack: &Attack,
) -> Result<String> {
    let name = prepared.scenario.name;
    let mut what = name.to_owned();
    let mut again = format!("journal-crash calls --scenario {name}");
    for (flag, point) in [("--point", &attack.first), ("--then", &attack.second)] {
        if let Some(point) = point {
            what.push_str(&format!(" {point}"));
            again.push_str(&format!(" {flag} '{point}'"));
        }
    }
    let meant = usize::from(attack.first.is_some()) + usize::from(attack.second.is_some());
    let (verdict, fallen) = match tried(options, prepared, dir, attack, None, &mut Vec::new()) {
        Ok(fallen) => (Ok(()), fallen),
        // What failed was struck, unless it says otherwise.
        Err(error) => (Err(error), meant),
    };
    let trial =
        Trial { what: what.clone(), again, struck: (fallen, meant), verdict, dir: dir.to_owned() };
    report.take(name, trial)?;
    Ok(what)
}

/// One command with its blows, its recovery and the judgement; how many blows fell.
fn tried(
    options: &Options,
    prepared: &Prepared,
    dir: &Path,
    attack: &Attack,
    sabotage: Option<Sabotage>,
    calls: &mut Vec<strace::Call>,
) -> Result<usize> {
    let scenario = prepared.scenario;
    let witness = Witness::default();
    let zoho = scenario.start_zoho(&witness)?;
    let mut place = Place::copied(&prepared.template, dir, &options.program, &zoho)?;
    scenario.settle_in(&mut place);
    (scenario.approach)(&place, &zoho).context("before the blow")?;
    witness.watch(&place.db());
    zoho.plan_faults(scenario.faults.to_vec());
    let before = Before::of(&place, scenario.kind)?;
    let listed = points::struck_calls();
    let watch = attack.first.as_ref().map_or(Watch::List(&listed), Watch::Strike);
    let (ran, notes) = place.run_watched(scenario.command, watch)?;
    zoho.clear_faults();
    match &attack.first {
        None => calls.extend(strace::calls(&notes)),
        Some(point) => {
            let dead = ran.signal.is_some();
            ensure!(!dead || point.blow == Blow::Kill, "it died of something else: {ran}");
            // What has no file may be its own voice.
            ensure!(point.on.is_none() || ran.spoke(), "no word: {ran}");
        }
    }
    let first = attack.first.as_ref().is_some_and(|point| strace::struck(&notes, point.blow));
    let case = Case {
        scenario,
        place: &place,
        zoho: &zoho,
        witness: &witness,
        before: &before,
        ran: &ran,
        second: RefCell::new(attack.second.clone()),
        second_struck: RefCell::new(false),
        sabotage,
    };
    case.judge()?;
    Ok(usize::from(first) + usize::from(case.second_struck.into_inner()))
}

/// Whether the judgement notices each of these falsifications, without any blow.
pub fn teeth(options: &Options, report: &Report) -> Result<()> {
    for (name, scenario, said, sabotage) in teeth::ALL {
        let scenario = Scenario::find(scenario)?;
        let template = options.dir.join("teeth").join(name);
        scenario.make_journal(&template, &options.program)?;
        let prepared = Prepared { scenario, template, points: Vec::new() };
        let dir = options.dir.join("teeth").join(format!("{name}, tried"));
        let found =
            tried(options, &prepared, &dir, &Attack::default(), Some(*sabotage), &mut Vec::new());
        let verdict = match found.map_err(|error| format!("{error:#}")) {
            Err(why) if why.contains(said) && !why.contains(NOT_FALSIFIED) => Ok(()),
            Err(why) => Err(anyhow!("not noticed as \"{said}\": {why}")),
            Ok(_) => Err(anyhow!("nobody noticed")),
        };
        let (what, again) = (format!("teeth: {name}"), "journal-crash teeth".to_owned());
        report.take("teeth", Trial { what, again, struck: (0, 0), verdict, dir })?;
    }
    report.show("teeth", "falsifications that the judgement has to notice");
    place::make_directory(&options.dir)
}
