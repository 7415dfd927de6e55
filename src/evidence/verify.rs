//! `verify`: whether a journal is what its log says, down to every column and every byte of every answer.
//!
//! Nothing is taken from the code that wrote the journal: hashes are computed anew, and an independent
//! [fold](crate::domain::fold) says what each row must hold. What is covered is listed in
//! [the manifest](crate::store::manifest).
//!
//! A log that somebody rewrote as a whole, with all that follows from it, is consistent in itself. Only
//! something kept outside the journal tells that: the anchor, or an older checkpoint.

mod adopted;
#[cfg(test)]
mod adoptions;
mod crew;
mod decided;
mod entries;
mod erased;
#[cfg(test)]
pub(in crate::evidence) mod eventful;
mod findings;
#[cfg(test)]
mod governed;
mod items;
#[cfg(test)]
mod kept_whole;
mod log;
#[cfg(test)]
mod other_operations;
mod policies;
mod rows;
mod seals;
mod words;

pub use findings::Finding;
pub(in crate::evidence) use seals::seals_of;

use crate::domain::fold::{Table, WINDOW};
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;
use crate::evidence::anchor::AnchorState;
use crate::evidence::verify::crew::Crew;
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::log::LogPass;
use crate::store::{Reader, Result, StoreError};

/// How to verify.
#[derive(Debug, Clone)]
pub struct Options {
    /// How the journal stands to its anchor; `None` when nobody looked.
    pub anchor: Option<AnchorState>,
    /// Whether SQLite's own checks run, too.
    pub(crate) sqlite: bool,
    /// Entries whose states are in memory at a time.
    pub(crate) window: u64,
    /// Threads that check items beside the one that reads the log; 0 does everything on one.
    pub(crate) threads: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { anchor: None, sqlite: true, window: WINDOW, threads: None }
    }
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether nothing is wrong.
    pub ok: bool,
    /// Whether the journal was compared with something outside of it, and extends it. Other findings do not change that.
    pub anchored: bool,
    /// Events in the log.
    pub events: u64,
    /// Entries that were forgotten, by the log: of these only hashes are left to be checked.
    pub forgotten: u64,
    /// The root over them, computed anew from their bytes.
    pub root: Hash,
    /// What is wrong, by the first event that it concerns.
    pub findings: Vec<Finding>,
    /// Signatures of approvals that are good.
    pub signatures: u64,
    /// Those that nothing here can check.
    pub unchecked: Vec<Unchecked>,
}

/// The signature of an approval that was not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchecked {
    /// It, or something that its text names, was erased.
    Erased(EventSeq),
    /// Its key is of a kind that only `ssh-keygen` checks.
    OtherKey {
        /// The approval.
        seq: EventSeq,
        /// The signature in its armour.
        armoured: String,
        /// What it must be of.
        text: String,
    },
}

/// Below so many events threads cost more than they bring.
const SMALL: u64 = 500;

/// Verifies a journal on the reader's snapshot. An error means that it could not be looked at (busy, not
/// readable); whatever is wrong with the journal is a finding.
pub fn verify(reader: &Reader, options: &Options) -> Result<Report> {
    let audit = reader.audit();
    audit.save_memory()?;
    let mut found = Findings::default();
    found.check(Kind::Schema, |found| {
        for one in audit.schema_differences()? {
            found.add(Kind::Schema, one.place, one.what, None);
        }
        Ok(())
    })?;
    let anchored = match &options.anchor {
        Some(AnchorState::Extends { .. }) => true,
        None | Some(AnchorState::Missing) => false,
        Some(state) => {
            found.add(Kind::Anchor, "anchor", format!("the journal {state}"), None);
            false
        }
    };
    let size = reader.head().map_or(0, |head| head.size);
    let threads = options.threads.unwrap_or_else(|| if size < SMALL { 0 } else { cores() });
    let (mut pass, results) = Crew::run(reader, threads, |jobs| {
        if options.sqlite {
            jobs.send(items::Job::Sqlite);
        }
        let mut pass = LogPass::new(audit, options.window);
        let mut read = Findings::default();
        read.check(Kind::Log, |_| pass.read(jobs))?;
        pass.found.merge(read);
        entries::compare(&mut pass)?;
        Ok(pass)
    })?;
    found.merge(std::mem::take(&mut pass.found));
    let mut read = Findings::default();
    read.check(Kind::Rows, |found| results.conclude(audit, &pass.requests, found))?;
    found.merge(read);
    let findings = found.into_sorted();
    if !findings.is_empty() && threads > 0 && erased_meanwhile(reader)? {
        // The crew looked at a newer journal, of which something was forgotten since.
        return verify(reader, &Options { threads: Some(0), ..options.clone() });
    }
    Ok(Report {
        ok: findings.is_empty(),
        anchored,
        events: pass.tree.size(),
        forgotten: pass.erased.entries.len(),
        root: pass.tree.root(),
        findings,
        signatures: pass.signatures,
        unchecked: pass.unchecked,
    })
}

/// Whether somebody has forgotten something since the reader's snapshot.
fn erased_meanwhile(reader: &Reader) -> Result<bool> {
    let now = Reader::open(reader.path())?;
    let (now, then) = (now.audit(), reader.audit());
    Ok(now.count(Table::Erasure)? != then.count(Table::Erasure)?
        || now.count(Table::Shredding)? != then.count(Table::Shredding)?)
}

/// Every invariant of the whole file, for tests to call after each step.
pub fn check_journal(reader: &Reader) -> std::result::Result<(), Vec<Finding>> {
    let options = Options { threads: Some(0), ..Options::default() };
    match verify(reader, &options) {
        Ok(report) if report.ok => Ok(()),
        Ok(report) => Err(report.findings),
        Err(error) => Err(vec![Finding::unreadable(&error)]),
    }
}

fn cores() -> usize {
    /// More would wait for the one that reads the log.
    const MOST: usize = 4;
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST)
}

/// Whether an error says something about the journal, instead of about our access to it.
pub(crate) fn speaks_of_the_journal(error: &StoreError) -> bool {
    match error {
        StoreError::NotAJournal { .. }
        | StoreError::HalfMade(_)
        | StoreError::SchemaTooNew { .. }
        | StoreError::Sqlite { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Event { .. }
        | StoreError::NotFound(_)
        | StoreError::Conflict { .. }
        | StoreError::Transition(_) => true,
        StoreError::NoJournal(_)
        | StoreError::SchemaTooOld { .. }
        | StoreError::Copy(_)
        | StoreError::Departed(_)
        | StoreError::BadCopy { .. }
        | StoreError::Exists(_)
        | StoreError::Unsafe(_)
        | StoreError::Io { .. }
        | StoreError::DiskFull { .. }
        | StoreError::Busy { .. }
        | StoreError::StaleRun { .. }
        | StoreError::OtherTarget { .. }
        | StoreError::OverCap { .. }
        | StoreError::Paused(_)
        | StoreError::Entropy(_)
        | StoreError::WriterGone => false,
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "verify/erased_tests.rs"]
mod erased_tests;
