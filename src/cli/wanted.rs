//! Requests, entries and records as people name them on the command line.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::id::{EntryId, RecordId, RequestId};
use crate::store::query::{EntryFilter, EntryView};
use crate::store::{Reader, StoreError};

/// One argument: `R12`, `E1337`, `E1-E20`, or a record's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All entries of a request.
    Request(RequestId),
    /// Entries from one to another, both included.
    Entries(EntryId, EntryId),
    /// All entries that are about a record, or a tag.
    Record(RecordId),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => request.fmt(f),
            Self::Entries(first, last) if first == last => first.fmt(f),
            Self::Entries(first, last) => write!(f, "{first}-{last}"),
            Self::Record(record) => record.fmt(f),
        }
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a request (R12), entries (E7, E1-E20) or a record's id".to_owned();
        match text.bytes().next() {
            Some(b'R' | b'r') => text.parse().map(Self::Request).map_err(|_| wrong()),
            Some(b'E' | b'e') => {
                let (first, last) = text.split_once('-').unwrap_or((text, text));
                let entry = |text: &str| text.parse::<EntryId>().map_err(|_| wrong());
                let (first, last) = (entry(first)?, entry(last)?);
                if last < first { Err(wrong()) } else { Ok(Self::Entries(first, last)) }
            }
            _ => text.parse().map(Self::Record).map_err(|_| wrong()),
        }
    }
}

/// The most entries that one range of arguments names: each is looked up.
const RANGE_MAX: u64 = 1_000_000;

/// Hands every entry that any of the arguments names to `visit`, once each, in key order of each argument.
pub(crate) fn each<E: From<StoreError> + From<CliError>>(
    reader: &Reader,
    wanted: &[Wanted],
    visit: impl FnMut(&EntryView) -> Result<(), E>,
) -> Result<u64, E> {
    each_among(reader, wanted, &EntryFilter::default(), visit)
}

/// The same of those that a filter lets through, too; without arguments, all of these.
pub(crate) fn each_among<E: From<StoreError> + From<CliError>>(
    reader: &Reader,
    wanted: &[Wanted],
    among: &EntryFilter,
    mut visit: impl FnMut(&EntryView) -> Result<(), E>,
) -> Result<u64, E> {
    if wanted.is_empty() {
        return reader.entries(among, visit);
    }
    // What an argument names takes the place of the same kind in the filter, which is asked afterwards.
    let is_among = |view: &EntryView| {
        let about =
            |record: &RecordId| view.target == Some(*record) || view.scope.parent == Some(*record);
        (among.requests.is_empty() || among.requests.contains(&view.request.request))
            && (among.records.is_empty() || among.records.iter().any(about))
    };
    let mut visited: BTreeMap<EntryId, EntryId> = BTreeMap::new();
    let mut count = 0;
    for one in wanted {
        let mut found: Vec<EntryId> = Vec::new();
        reader.entries(&filter(one, among)?, |view| {
            let known = visited.range(..=view.entry).next_back();
            if is_among(view) && known.is_none_or(|(_, last)| *last < view.entry) {
                visit(view)?;
                found.push(view.entry);
                count += 1;
            }
            Ok::<(), E>(())
        })?;
        for run in found.chunk_by(|one, next| one.next() == *next) {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                visited.insert(*first, *last);
            }
        }
    }
    Ok(count)
}

fn filter(wanted: &Wanted, among: &EntryFilter) -> Result<EntryFilter, CliError> {
    let rest = EntryFilter { records: Vec::new(), requests: Vec::new(), ..among.clone() };
    Ok(match wanted {
        Wanted::Request(request) => EntryFilter { requests: vec![*request], ..rest },
        Wanted::Record(record) => EntryFilter { records: vec![*record], ..rest },
        Wanted::Entries(first, last) => {
            let many = first.get().abs_diff(last.get()) + 1;
            if many > RANGE_MAX {
                let error = format!("{first}-{last} names {many} entries, more than {RANGE_MAX}");
                return Err(CliError::new(Exit::Usage, error).hint("name requests instead, as R12"));
            }
            let entries = (first.get()..=last.get()).map(EntryId::new).collect();
            EntryFilter { entries, ..rest }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_requests_entries_and_records() {
        let read = |text: &str| text.parse::<Wanted>();
        assert_eq!(read("R12"), Ok(Wanted::Request(RequestId::new(12))));
        assert_eq!(read("E7"), Ok(Wanted::Entries(EntryId::new(7), EntryId::new(7))));
        assert_eq!(read("E1-E20"), Ok(Wanted::Entries(EntryId::new(1), EntryId::new(20))));
        assert!(matches!(read("410405000002264040"), Ok(Wanted::Record(_))));
        assert!(matches!(read("zcrm_410405000002264040"), Ok(Wanted::Record(_))));
        for wrong in ["", "B7", "E20-E1", "R", "12", "E1,E2"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
