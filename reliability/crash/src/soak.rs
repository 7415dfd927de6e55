//! Hours of work under random SIGKILL, behind a network that goes wrong all the time, while others record.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use zoho_journal::simulator::{Config, Fault, Simulator};

use crate::calls::Options;
use crate::judge::{drain, until_settled, verified};
use crate::place::Place;
use crate::proxy::Proxy;
use crate::report::{Report, Trial};
use crate::toxic::Toxic;
use crate::truth;
use crate::witness::Witness;

/// No request reaches Zoho later than this after the client gave up.
const LATEST: Duration = Duration::from_millis(400);

/// How long the program takes a call for possibly alive: longer than [`LATEST`] with what a busy machine adds.
const QUARANTINE: &str = "2s";

const RUN: [&str; 9] =
    ["replay", "--yes", "--json", "--wait", "1s", "--timeout", "2s", "--concurrency", "4"];

/// Ids of one request.
const CHUNK: usize = 250;

/// Held against Zoho again after so many kills.
const LOOK_EVERY: usize = 20;

/// Faults of Zoho's own, beside those of the network.
const FAULTS: [(Fault, f64); 5] = [
    (Fault::Throttle, 0.03),
    (Fault::HtmlApplied, 0.02),
    (Fault::InternalError, 0.02),
    (Fault::MissingId, 0.02),
    (Fault::ReadInternalError, 0.03),
];

/// What happened.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    runs: usize,
    requests: usize,
    looks: usize,
}

/// Records, sends, kills and looks for so long.
pub fn run(options: &Options, time: Duration, report: &Report) -> Result<()> {
    let dir = options.dir.join("soak");
    let mut note = String::new();
    let verdict = soak(options, time, &dir, &mut note);
    let seconds = time.as_secs();
    let again = format!("journal-crash soak --seconds {seconds} --seed {}", options.seed);
    report.take("soak", Trial { what: "soak".to_owned(), again, struck: (0, 0), verdict, dir })?;
    report.show("soak", &note);
    Ok(())
}

fn soak(options: &Options, time: Duration, dir: &Path, note: &mut String) -> Result<()> {
    let mut dice = fastrand::Rng::with_seed(options.seed);
    // So many as are worked on in the time, up to what a long run is to have.
    let items = usize::try_from(time.as_secs())?.saturating_mul(500).clamp(CHUNK * 4, 200_000);
    let witness = Witness::of_late_calls();
    let zoho = Simulator::start_blocking(Config {
        records: vec![("Leads".to_owned(), items)],
        latency_ms: 10,
        retry_after_s: 0,
        daily_credits: Some(u64::MAX),
        on_write: Some(witness.hook()),
        ..Config::default()
    })?;
    let upstream = zoho.api_url().trim_start_matches("http://").parse()?;
    let proxy = Proxy::start(upstream, options.seed, LATEST)?;
    let mut place = Place::new(dir, &options.program, &proxy.url(), &zoho)?;
    place.set("JOURNAL_QUARANTINE", QUARANTINE);
    place.set("JOURNAL_MAX_ENTRIES", "1000000");
    place.run(["init"])?.exits(&[0])?;
    witness.watch(&place.db());
    let leads =
        zoho.snapshot().modules.get("Leads").map(|leads| leads.live.clone()).unwrap_or_default();
    let locked = leads.iter().step_by(997).filter(|id| zoho.lock(**id)).count();
    for (fault, rate) in FAULTS {
        zoho.set_rate(fault, rate);
    }
    let mut tally = Tally::default();
    let worked = work(&place, &zoho, &leads, time, &mut dice, &mut tally);
    proxy.behave();
    zoho.clear_faults();
    let toxics: Vec<String> = Toxic::NAMES
        .iter()
        .zip(proxy.struck())
        .map(|(name, times)| format!("{name} {times}"))
        .collect();
    *note = format!(
        "{items} items in {} requests, {} runs, {} killed, {} calls ({} writes), {} looks; connections: {}",
        tally.requests,
        tally.runs,
        tally.kills,
        zoho.requests().len(),
        witness.writes(),
        tally.looks,
        toxics.join(", ")
    );
    worked?;
    let missing = proxy.struck().iter().filter(|times| **times == 0).count();
    ensure!(missing == 0, "not every toxic struck: {toxics:?}");
    let wanted = usize::try_from(time.as_secs())? / 4;
    ensure!(tally.kills >= wanted.max(3), "only {} kills: this soak tried too little", tally.kills);

    // What was on its way has arrived before the last word.
    std::thread::sleep(LATEST);
    drain(&zoho)?;
    let last = ["replay", "--yes", "--json", "--wait", "1m"];
    until_settled(place.run(last)?, || place.run(last))?;
    let states = truth::states(&place.db())?;
    let expected = format!("done {}, failed {locked}", items - locked);
    ensure!(states == expected, "the entries stand as {states}, and should as {expected}");
    truth::agree(&place.db(), &zoho, 0)?;
    verified(&place)?;
    place.is_tidy()?;
    witness.is_content()
}

/// The time of kills; in the end all is recorded.
fn work(
    place: &Place,
    zoho: &Simulator,
    leads: &[u64],
    time: Duration,
    dice: &mut fastrand::Rng,
    tally: &mut Tally,
) -> Result<()> {
    let chunks: Vec<&[u64]> = leads.chunks(CHUNK).collect();
    let began = Instant::now();
    while began.elapsed() < time {
        // The first requests are due at once.
        let elapsed = began.elapsed() + time / 50;
        let mut run = place.start(RUN)?;
        tally.runs += 1;
        let life = Duration::from_millis(dice.u64(200..2000));
        let born = Instant::now();
        // Others record meanwhile, as many as are due by now.
        while born.elapsed() < life && run.try_wait()?.is_none() {
            let is_due = |requests: usize| {
                let (requests, all) = (u32::try_from(requests), u32::try_from(chunks.len()));
                requests.is_ok_and(|requests| all.is_ok_and(|all| time * requests <= elapsed * all))
            };
            match chunks.get(tally.requests).filter(|_| is_due(tally.requests)) {
                Some(ids) => record(place, ids, tally)?,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        if run.try_wait()?.is_none() {
            run.kill()?;
            tally.kills += 1;
        }
        let ran = crate::journal::finish("replay".to_owned(), run)?;
        ran.is_clean()?;
        ensure!(ran.code.is_none_or(|code| [0, 3, 4, 6].contains(&code)), "a run fails: {ran}");
        if tally.runs.is_multiple_of(LOOK_EVERY) {
            drain(zoho)?;
            verified(place).with_context(|| format!("after {} kills", tally.kills))?;
            tally.looks += 1;
        }
    }
    for ids in chunks.get(tally.requests..).unwrap_or_default() {
        record(place, ids, tally)?;
    }
    Ok(())
}

fn record(place: &Place, ids: &[u64], tally: &mut Tally) -> Result<()> {
    place.write_ids(ids)?;
    place.run(["delete", "Leads", "--from", "ids.txt", "--reason", "clean-up"])?.exits(&[0])?;
    tally.requests += 1;
    Ok(())
}
