//! What is interrupted: a state of journal and Zoho, the command that is struck, and what all must come to.

mod table;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result};
use zoho_journal::simulator::{Config, Fault, Simulator};

use crate::place::Place;
use crate::witness::Witness;

pub use table::{ALL, FIXTURE_ENTRIES};

const HOUR_MS: i64 = 3_600_000;

/// What kind of command is struck, which decides how it recovers and what must be so at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `init`: there is a journal, or another `init` makes one.
    Init,
    /// A request is there with all of its entries, or not at all.
    Record {
        /// How many entries it has.
        entries: u64,
    },
    /// A run: `replay` finds out and finishes.
    Run,
    /// What a person decided is there for all entries, with its event, or nothing of it is.
    Decide {
        /// The event that records it.
        event: &'static str,
        /// How the entries stand then.
        then: &'static str,
    },
    /// A journal is adopted, with its event and its anchor, or the same command adopts it.
    Adopt {
        /// How the entries stand then.
        then: &'static str,
    },
    /// A file is there whole, or as it was before.
    Export,
    /// The journal of an older program is of the old schema or of the new.
    Upgrade {
        /// How many entries the command adds.
        entries: u64,
    },
    /// Nothing changes.
    Read,
}

/// One thing to be struck.
#[derive(Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What kind of command is struck.
    pub kind: Kind,
    /// The records of the Zoho.
    pub records: &'static [(&'static str, usize)],
    /// Settings in the environment.
    pub settings: &'static [(&'static str, &'static str)],
    /// How long a job runs.
    pub job_ms: i64,
    /// What was done in Zoho an hour ago.
    pub zoho: fn(&Simulator),
    /// Makes the journal, once; no call may change Zoho meanwhile.
    pub journal: fn(&Place, &Simulator) -> Result<()>,
    /// What comes before the blow, each time.
    pub approach: fn(&Place, &Simulator) -> Result<()>,
    /// The faults of Zoho that the command meets.
    pub faults: &'static [Fault],
    /// The command.
    pub command: &'static [&'static str],
    /// How the entries stand when all is over.
    pub end: &'static str,
}

impl Scenario {
    /// The one with this name.
    pub fn find(name: &str) -> Result<&'static Self> {
        ALL.iter().find(|one| one.name == name).with_context(|| {
            let names: Vec<&str> = ALL.iter().map(|one| one.name).collect();
            format!("there is no scenario {name}, but {}", names.join(", "))
        })
    }

    /// Its Zoho as it is before the journal knows of it; the witness sees each write.
    ///
    /// What others did, they did an hour ago: nobody takes their hands for our calls.
    pub fn start_zoho(&self, witness: &Witness) -> Result<Simulator> {
        let shift = Arc::new(AtomicI64::new(-HOUR_MS));
        let (shifted, real) = (Arc::clone(&shift), Config::default().now);
        let records = self.records.iter();
        let zoho = Simulator::start_blocking(Config {
            records: records.map(|(module, count)| ((*module).to_owned(), *count)).collect(),
            job_scheduled_ms: 0,
            job_running_ms: self.job_ms,
            retry_after_s: 0,
            now: Arc::new(move || real() + shifted.load(Ordering::Relaxed)),
            on_write: Some(witness.hook()),
            ..Config::default()
        })?;
        (self.zoho)(&zoho);
        shift.store(0, Ordering::Relaxed);
        Ok(zoho)
    }

    /// Its settings, in a place.
    pub fn settle_in(&self, place: &mut Place) {
        for (name, value) in self.settings {
            place.set(name, *value);
        }
    }

    /// Makes its journal in an empty directory.
    pub fn make_journal(&self, dir: &Path, program: &Path) -> Result<()> {
        let zoho = self.start_zoho(&Witness::default())?;
        let mut place = Place::new(dir, program, &zoho.api_url(), &zoho)?;
        self.settle_in(&mut place);
        (self.journal)(&place, &zoho)
    }
}
