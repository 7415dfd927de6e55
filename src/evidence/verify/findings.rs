//! What is wrong, gathered.

use std::collections::BTreeMap;

use crate::domain::id::EventSeq;
use crate::evidence::verify::speaks_of_the_journal;
use crate::store::{Result, StoreError};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The event by which it should be otherwise; `None` where no event tells.
    pub since: Option<EventSeq>,
    /// Where: a table's row, an entry, a batch, an event.
    pub where_: String,
    /// What is wrong, for a person.
    pub what: String,
}

impl Finding {
    /// The journal, or a part of it, cannot be read at all.
    pub fn unreadable(error: &StoreError) -> Self {
        let what = format!("it cannot be read, so nothing can be said about it: {error}");
        Self { since: None, where_: "journal".to_owned(), what }
    }
}

/// Which part of the check a finding comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Anchor,
    Sqlite,
    Schema,
    Log,
    Tree,
    Seals,
    Rows,
    Entries,
    Items,
    Answers,
    Attempts,
    Evidence,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Sqlite => "database",
            Self::Schema => "schema",
            Self::Log => "log",
            Self::Tree => "tree",
            Self::Seals => "seals",
            Self::Rows => "rows",
            Self::Entries => "entries",
            Self::Items => "items",
            Self::Answers => "answers",
            Self::Attempts => "attempts",
            Self::Evidence => "evidence",
        }
    }
}

/// Findings of one kind that are told one by one. One edit of the log can put every row after it in doubt;
/// the first ones tell where to look, and the rest are counted.
const MOST: usize = 25;

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: BTreeMap<Kind, Vec<Finding>>,
    more: BTreeMap<Kind, u64>,
}

impl Findings {
    /// Adds one.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        where_: impl Into<String>,
        what: impl Into<String>,
        since: Option<EventSeq>,
    ) {
        let finding = Finding { since, where_: where_.into(), what: what.into() };
        self.push(kind, finding);
    }

    fn push(&mut self, kind: Kind, finding: Finding) {
        let list = self.found.entry(kind).or_default();
        if list.len() < MOST {
            list.push(finding);
        } else {
            *self.more.entry(kind).or_default() += 1;
        }
    }

    /// Runs a part of the check. That a part of the journal cannot be read is a finding; that nobody can
    /// look at it now is an error.
    pub(super) fn check(
        &mut self,
        kind: Kind,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        match work(self) {
            Err(error) if speaks_of_the_journal(&error) => {
                let what = format!("this part cannot be read: {error}");
                self.add(kind, kind.name(), what, None);
                Ok(())
            }
            other => other,
        }
    }

    /// Adds those of another part.
    pub(super) fn merge(&mut self, other: Self) {
        for (kind, list) in other.found {
            for finding in list {
                self.push(kind, finding);
            }
        }
        for (kind, more) in other.more {
            *self.more.entry(kind).or_default() += more;
        }
    }

    /// All of them, by the event that they concern; those that concern none come first.
    pub(super) fn into_sorted(self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.found.into_values().flatten().collect();
        all.sort();
        for (kind, more) in self.more {
            let what = format!("{more} more findings of this kind are not listed");
            all.push(Finding { since: None, where_: kind.name().to_owned(), what });
        }
        all
    }
}
