//! After the blow: what must be so at once, how the program recovers, and what must be so in the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use zoho_journal::simulator::Simulator;

use crate::journal::Ran;
use crate::place::{JOURNAL, Place};
use crate::scenario::{FIXTURE_ENTRIES, Kind, Scenario};
use crate::strace::{self, Point, Watch};
use crate::truth;
use crate::witness::Witness;

/// Runs that settle nothing more, after which something is wrong.
const RUNS_MAX: usize = 8;

/// What recovers, and waits for as long as Zoho wants.
const REPLAY: [&str; 5] = ["replay", "--yes", "--json", "--wait", "20s"];

/// The files that a reader must leave as they are.
const READ_ONLY: [&str; 3] = [JOURNAL, "journal.db-wal", "journal.db.anchor"];

/// What was there before the blow.
#[derive(Debug, Default)]
pub struct Before {
    files: BTreeMap<&'static str, Vec<u8>>,
    entries: u64,
    states: String,
    out: Option<Vec<u8>>,
}

impl Before {
    /// Takes it down.
    pub fn of(place: &Place, kind: Kind) -> Result<Self> {
        if kind == Kind::Init {
            return Ok(Self::default());
        }
        let mut files = BTreeMap::new();
        for name in READ_ONLY {
            files.insert(name, place.read(name)?.unwrap_or_default());
        }
        let (entries, states) = (truth::entries(&place.db())?, truth::states(&place.db())?);
        Ok(Self { files, entries, states, out: place.read("out.csv")? })
    }
}

/// What is said when a falsification itself does not work.
pub const NOT_FALSIFIED: &str = "nothing was falsified";

/// A deliberate falsification between recovery and judgement, which shows that the judgement can fail.
pub type Sabotage = fn(&Place, &Simulator) -> Result<()>;

/// One struck command and everything around it.
#[derive(Debug)]
pub struct Case<'a> {
    /// What was struck.
    pub scenario: &'a Scenario,
    /// Where.
    pub place: &'a Place,
    /// Zoho.
    pub zoho: &'a Simulator,
    /// Who saw the writes.
    pub witness: &'a Witness,
    /// What was there before.
    pub before: &'a Before,
    /// How the command ended.
    pub ran: &'a Ran,
    /// Strikes the first command of the recovery.
    pub second: RefCell<Option<Point>>,
    /// Whether the second blow fell.
    pub second_struck: RefCell<bool>,
    /// Falsifies what the recovery left.
    pub sabotage: Option<Sabotage>,
}

impl Case<'_> {
    /// Recovers and judges.
    pub fn judge(&self) -> Result<()> {
        self.ran.is_clean()?;
        drain(self.zoho).context("waiting for what was on its way")?;
        match self.scenario.kind {
            Kind::Init => self.init()?,
            Kind::Record { entries } => {
                self.recorded(entries)?;
                self.replay()?;
            }
            Kind::Run => {
                self.reported_is_kept()?;
                self.replay()?;
            }
            Kind::Decide { event, then } => {
                self.decided(event, then)?;
                if then != self.scenario.end {
                    self.replay()?;
                }
            }
            Kind::Adopt { then } => {
                self.adopted(then)?;
                self.replay()?;
            }
            Kind::Export => self.exported()?,
            Kind::Upgrade { entries } => self.upgraded(entries)?,
            Kind::Read => {}
        }
        if let Some(sabotage) = self.sabotage {
            sabotage(self.place, self.zoho).context(NOT_FALSIFIED)?;
        }
        self.ended()
    }

    /// What must be so after everything.
    fn ended(&self) -> Result<()> {
        match self.scenario.kind {
            Kind::Export => self.export_is_whole()?,
            Kind::Read => {}
            Kind::Init
            | Kind::Record { .. }
            | Kind::Run
            | Kind::Decide { .. }
            | Kind::Adopt { .. }
            | Kind::Upgrade { .. } => {
                let states = truth::states(&self.place.db())?;
                let end = self.scenario.end;
                ensure!(states == end, "the entries stand as {states}, and should as {end}");
                let exempt = match self.scenario.kind {
                    Kind::Upgrade { .. } => FIXTURE_ENTRIES,
                    _ => 0,
                };
                truth::agree(&self.place.db(), self.zoho, exempt)?;
            }
        }
        if matches!(self.scenario.kind, Kind::Export | Kind::Read) {
            for (name, bytes) in &self.before.files {
                let now = self.place.read(name)?.unwrap_or_default();
                ensure!(now == *bytes, "a command that only reads changed {name}");
            }
        }
        verified(self.place)?;
        self.place.is_tidy()?;
        self.witness.is_content()
    }

    /// A command of the recovery; the first one meets the second blow.
    fn recover(&self, args: &[&str]) -> Result<Ran> {
        let Some(second) = self.second.take() else {
            return self.place.run(args);
        };
        let (ran, notes) = self.place.run_watched(args, Watch::Strike(&second))?;
        *self.second_struck.borrow_mut() = strace::struck(&notes, second.blow);
        ran.is_clean()?;
        drain(self.zoho)?;
        self.place.run(args)
    }

    fn replay(&self) -> Result<()> {
        let first = self.recover(&REPLAY)?;
        until_settled(first, || self.place.run(REPLAY)).map(drop)
    }

    /// It is made, or made by another `init`, which may first have something removed.
    fn init(&self) -> Result<()> {
        let made = self.ran.succeeded()
            || self.ran.documents().iter().any(|line| line["journal"].is_string());
        let again = self.recover(&["init", "--json"])?;
        if again.succeeded() {
            ensure!(!made, "a journal that was made is gone: {}", self.ran);
            return self.is_usable();
        }
        let error = again.document()?["error"].clone();
        let (message, hint) = (text(&error["message"]), text(&error["hint"]));
        if message.ends_with("exists already") {
            return self.is_usable();
        }
        ensure!(!made, "a journal that was made is none: {again}");
        let left = self.place.file("journal.db-journal");
        // Where a crash came upon a failed removal.
        let alone =
            message.starts_with(&*left.to_string_lossy()) && message.contains("move it away");
        ensure!(
            alone || message.contains("is only half made"),
            "an init cannot be made again: {again}"
        );
        for name in [JOURNAL, "journal.db-wal", "journal.db-shm", "journal.db-journal"] {
            let path = self.place.file(name);
            let named = hint.contains(&*path.to_string_lossy()) || (alone && path == left);
            ensure!(named == path.exists(), "{name} is not named, or not there: {again}");
            if named {
                fs::remove_file(path)?;
            }
        }
        self.place.run(["init", "--json"])?.exits(&[0])?;
        self.is_usable()
    }

    fn is_usable(&self) -> Result<()> {
        let args = ["delete", "Leads", "410405000002264041", "--reason", "x"];
        self.place.run(args)?.exits(&[0])?;
        verified(self.place)
    }

    /// The request is there whole or not at all; where it is not, it is recorded anew.
    fn recorded(&self, entries: u64) -> Result<()> {
        let there = truth::entries(&self.place.db())? - self.before.entries;
        ensure!(there == 0 || there == entries, "{there} of {entries} entries are there");
        let said = self.ran.documents().iter().any(|line| line["request_id"].is_string());
        ensure!(
            there > 0 || !(said || self.ran.succeeded()),
            "what was reported as recorded is not there: {}",
            self.ran
        );
        if there == 0 {
            self.again(&[0])?;
            let there = truth::entries(&self.place.db())? - self.before.entries;
            ensure!(there == entries, "the second recording has {there} of {entries} entries");
        }
        Ok(())
    }

    /// The command once more.
    fn again(&self, codes: &[i32]) -> Result<()> {
        let first = self.recover(self.scenario.command)?;
        if first.code.is_some_and(|code| codes.contains(&code)) {
            return Ok(());
        }
        bail!("the command does not work after a crash: {first}")
    }

    /// No line of a run tells more than its journal holds.
    fn reported_is_kept(&self) -> Result<()> {
        let said: u64 = self
            .ran
            .documents()
            .iter()
            .filter(|line| line["type"] == "batch" || line["type"] == "evidence")
            .filter_map(|line| line["done"].as_u64())
            .sum();
        let rows = truth::rows(&self.place.db())?;
        let done = rows.iter().filter(|row| row.state == "done").count();
        ensure!(
            said <= u64::try_from(done)?,
            "{said} were reported done, and the journal has {done}: {}",
            self.ran
        );
        truth::agree(&self.place.db(), self.zoho, 0).context("before the recovery")
    }

    /// A decision is there with its event, for all entries, or nothing of it is; then it can be made anew.
    fn decided(&self, event: &str, then: &str) -> Result<()> {
        let there = events(self.place, event)?;
        let states = truth::states(&self.place.db())?;
        let should = if there == 1 { then } else { self.before.states.as_str() };
        ensure!(
            there <= 1 && states == should,
            "{there} {event}, and the entries stand as {states}"
        );
        if there == 1 {
            return self.recover(&["verify"])?.exits(&[0]).map(drop);
        }
        let said = self.ran.documents().iter().any(|line| line["error"].is_null());
        ensure!(
            !said && !self.ran.succeeded(),
            "what was reported as decided is not there: {}",
            self.ran
        );
        let again = self.recover(self.scenario.command)?;
        // Refused where the decision came through before the second blow; a policy can be set anew.
        let decided = *self.second_struck.borrow() && matches!(again.code, Some(1 | 7));
        ensure!(again.succeeded() || decided, "it cannot be decided after a crash: {again}");
        let there = events(self.place, event)?;
        ensure!(there > 0, "it was decided again, and there is no {event}");
        Ok(())
    }

    /// Its event is there with the states that follow, or nothing of it is; the same command ends it, and once.
    fn adopted(&self, then: &str) -> Result<()> {
        let there = events(self.place, "adopted")?;
        let states = truth::states(&self.place.db())?;
        let should = if there == 1 { then } else { self.before.states.as_str() };
        ensure!(
            there <= 1 && states == should,
            "{there} adopted, and the entries stand as {states}"
        );
        ensure!(there == 1 || !self.ran.succeeded(), "it was reported as adopted: {}", self.ran);
        let again = self.recover(self.scenario.command)?;
        // There is nothing to adopt where it had been published before.
        ensure!(matches!(again.code, Some(0 | 7)), "it cannot be adopted after a crash: {again}");
        let (there, states) = (events(self.place, "adopted")?, truth::states(&self.place.db())?);
        ensure!(there == 1 && states == then, "{there} adopted, and the entries stand as {states}");
        verified(self.place)
    }

    /// The file is the new one whole, or what was there before, by the word of the command.
    fn exported(&self) -> Result<()> {
        let there = self.place.read("out.csv")?;
        ensure!(
            !self.ran.succeeded() || there != self.before.out,
            "the export said that it is done: {}",
            self.ran
        );
        Ok(())
    }

    fn export_is_whole(&self) -> Result<()> {
        let there = self.place.read("out.csv")?;
        self.again(&[0])?;
        let whole = self.place.read("out.csv")?;
        ensure!(
            there == whole || there == self.before.out,
            "out.csv is neither old nor new nor missing"
        );
        Ok(())
    }

    /// The old schema whole, or the new one; then the rest of the work on the new one.
    fn upgraded(&self, entries: u64) -> Result<()> {
        let (schema, newest) = (schema(self.place)?, newest_schema()?);
        ensure!(schema == 1 || schema == newest, "schema {schema}");
        ensure!(
            schema == newest || !self.ran.succeeded(),
            "the upgrade was reported: {}",
            self.ran
        );
        verified(self.place).context("after the blow")?;
        if entries > 0 {
            self.recorded(entries)?;
        }
        let args = ["sync", "R5", "--yes", "--json", "--wait", "0s"];
        self.recover(&args)?;
        self.place.run(args)?.exits(&[0])?;
        let (schema, log) = (
            self::schema(self.place)?,
            self.place.run(["log", "--kind", "schema_upgraded", "--json"])?,
        );
        ensure!(schema == newest && log.documents().len() == 1, "schema {schema}, told by {log}");
        let backup = self.place.file("journal.db.v1.backup").display().to_string();
        self.place
            .run(["verify", "--db", &backup])?
            .exits(&[0])
            .context("the copy from before the upgrade")?;
        Ok(())
    }
}

/// How many events of a kind the log has.
fn events(place: &Place, kind: &str) -> Result<usize> {
    Ok(place.run(["log", "--kind", kind, "--json"])?.exits(&[0])?.documents().len())
}

/// The highest number of a migration that there is.
fn newest_schema() -> Result<i64> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut newest = None;
    for file in fs::read_dir(directory).context(directory)? {
        let name = file?.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix('V').and_then(|name| name.split("__").next()?.parse().ok());
        newest = newest.max(number);
    }
    newest.context("there is no migration")
}

fn schema(place: &Place) -> Result<i64> {
    Ok(truth::open(&place.db())?.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Runs until nothing is left to do; how it ended.
pub fn until_settled(mut ran: Ran, mut again: impl FnMut() -> Result<Ran>) -> Result<Ran> {
    for _ in 0..RUNS_MAX {
        match ran.code {
            Some(0 | 3) => return Ok(ran),
            // Not settled yet; throttled for longer than the run would wait.
            Some(4 | 6) => ran = again()?,
            _ => bail!("the recovery fails: {ran}"),
        }
    }
    bail!("the recovery comes to no end: {ran}")
}

/// `verify` finds nothing, and the anchor is there.
pub fn verified(place: &Place) -> Result<()> {
    let report = place.run(["verify", "--json"])?.exits(&[0])?.document()?;
    ensure!(report["ok"] == true && report["anchored"] == true, "verify says {report}");
    Ok(())
}

/// Waits until what a dead client sent has been dealt with: its bytes lay with the simulator before it was dead, and
/// the simulator has one thread, which takes what came first.
pub fn drain(zoho: &Simulator) -> Result<()> {
    let url = zoho.api_url();
    let address = url.strip_prefix("http://").context("an odd address")?;
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(
            b"GET /_simulator/nothing HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        )?;
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}
