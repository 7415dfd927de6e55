//! States, scopes and counts of entries, window by window.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::domain::event::{Event, LoggedEvent};
use crate::domain::fold::States;
use crate::domain::id::{EntryId, EventSeq, RequestId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::evidence::verify::erased::STILL_THERE;
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::Request;
use crate::evidence::verify::log::LogPass;
use crate::store::Result;
use crate::store::audit::{Audit, EntryStateRow};

/// Entries that are found wrong, up to some number, with what is wrong.
#[derive(Default)]
struct Wrong {
    entries: Vec<(i64, String)>,
    more: u64,
}

impl Wrong {
    fn add(&mut self, entry: i64, what: impl FnOnce() -> String) {
        if self.entries.len() < 100 {
            self.entries.push((entry, what()));
        } else {
            self.more += 1;
        }
    }
}

/// Compares every entry with the fold. The pass has folded the first window already; each further one
/// replays the log.
pub(super) fn compare(pass: &mut LogPass<'_>) -> Result<()> {
    let audit = pass.audit;
    let mut found = std::mem::take(&mut pass.found);
    let outcome = found.check(Kind::Entries, |found| {
        let (mut wrong, mut used) = (Wrong::default(), Used::default());
        loop {
            compare_window(pass, &mut wrong, &mut used)?;
            pass.states.count_window();
            let last = pass.rows.last_entry().get().min(i64::try_from(pass.entries).unwrap_or(0));
            if *pass.states.window().end() >= last {
                break;
            }
            pass.states.next_window();
            replay(audit, &mut pass.states, found)?;
        }
        tell(audit, wrong, found)?;
        compare_scopes(audit, &used, found)?;
        compare_tallies(audit, &pass.states, found)
    });
    pass.found.merge(found);
    outcome
}

/// What is told of an event that takes away what is still open.
pub(super) fn not_settled(verb: &str, open: EntryId) -> String {
    format!("{verb} {open}, which is not settled then")
}

/// Entries of which an event takes something away for good, and how that is told.
pub(super) fn taken_away(event: &Event) -> Option<(&EntryRanges, &'static str)> {
    if let Event::Forgotten(data) = event {
        Some((&data.entries, "it forgets"))
    } else if let Event::FullSnapshotsShredded(data) = event {
        Some((&data.entries, "it shreds what was kept of"))
    } else {
        None
    }
}

fn replay(audit: Audit<'_>, states: &mut States, found: &mut Findings) -> Result<()> {
    audit.each_event(|raw| {
        if let Ok(logged) = LoggedEvent::decode(raw.body)
            && let Err(illegal) = states.apply(&logged.event)
        {
            let what =
                format!("it moves {} by {:?}, as nothing can", illegal.entry, illegal.change);
            let seq = EventSeq::new(raw.seq);
            found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        } else if let Ok(LoggedEvent { event, .. }) = LoggedEvent::decode(raw.body)
            && let Some((gone, verb)) = taken_away(&event)
            && let Some(open) = states.first_open(gone)
        {
            let (what, seq) = (not_settled(verb, open), EventSeq::new(raw.seq));
            found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        }
        Ok(())
    })
}

fn compare_window(pass: &LogPass<'_>, wrong: &mut Wrong, used: &mut Used) -> Result<()> {
    let states = &pass.states;
    let mut owner = pass.requests.iter().peekable();
    let mut known = Known::default();
    let audit = pass.audit;
    let mut expected = states.entries().peekable();
    let mut compare_row = |row: EntryStateRow| {
        while let Some((missing, _)) = expected.next_if(|(entry, _)| entry.get() < row.entry) {
            wrong.add(missing.get(), || "the row is missing".to_owned());
        }
        let Some((entry, state)) = expected.next_if(|(entry, _)| entry.get() == row.entry) else {
            wrong.add(row.entry, || "no event recorded it".to_owned());
            return;
        };
        if row.state != Some(state) {
            let is = row.state.map_or("no state at all", EntryState::wire_name);
            wrong.add(row.entry, || format!("it is {is}, and by the log it is {state}"));
        }
        while owner.next_if(|request| request.last < entry).is_some() {}
        let forgotten = owner.peek().is_some_and(|request| request.has_forgotten(entry));
        let fits = |request: &&Arc<Request>| known.fits(audit, request, row.scope, forgotten);
        if !owner.peek().is_some_and(fits) {
            wrong.add(row.entry, || "its scope is not that of its request".to_owned());
        }
        if forgotten { &mut used.forgotten } else { &mut used.kept }.insert(row.scope);
    };
    let (first, last) = (*states.window().start(), *states.window().end());
    pass.audit.each_entry_state(first, last, &mut compare_row)?;
    for (missing, _) in expected {
        wrong.add(missing.get(), || "the row is missing".to_owned());
    }
    Ok(())
}

/// The last scope that was looked at, and whether it fits its request. Entries of one scope lie together.
#[derive(Default)]
struct Known(Option<((RequestId, i64, bool), bool)>);

/// Scopes of entries that are there, and of those that were forgotten.
#[derive(Default)]
struct Used {
    kept: HashSet<i64>,
    forgotten: HashSet<i64>,
}

impl Known {
    fn fits(&mut self, audit: Audit<'_>, request: &Request, scope: i64, forgotten: bool) -> bool {
        let key = (request.id, scope, forgotten);
        if let Some((known, fits)) = self.0
            && known == key
        {
            return fits;
        }
        // One that cannot be read fits nothing.
        let fits = if forgotten {
            audit.scope_kind(scope).ok().flatten().is_some_and(|kind| request.is_of(&kind))
        } else {
            audit.scope(scope).ok().flatten().is_some_and(|row| request.may_have(&row))
        };
        self.0 = Some((key, fits));
        fits
    }
}

/// Every scope is that of some entry, no two are the same, and parent and tags are gone where all entries are.
fn compare_scopes(audit: Audit<'_>, used: &Used, found: &mut Findings) -> Result<()> {
    let (mut texts, mut gone) = (HashSet::new(), Vec::new());
    audit.each_scope(|id, text| {
        let mut tell = |what: &str| found.add(Kind::Entries, format!("scope {id}"), what, None);
        if used.kept.contains(&id) {
            if !texts.insert(text) {
                tell("it stands there twice");
            }
        } else if used.forgotten.contains(&id) {
            gone.push(id);
        } else {
            tell("no entry has it");
        }
    })?;
    for id in gone {
        if !audit.scope_kind(id)?.is_some_and(|kind| kind.is_blank) {
            found.add(Kind::Entries, format!("scope {id}"), STILL_THERE, None);
        }
    }
    Ok(())
}

/// Tells what is wrong, each with the last event that spoke of the entry: one more look at the log, and
/// only when something is wrong.
fn tell(audit: Audit<'_>, wrong: Wrong, found: &mut Findings) -> Result<()> {
    if wrong.entries.is_empty() {
        return Ok(());
    }
    let mut last: BTreeMap<i64, EventSeq> = BTreeMap::new();
    audit.each_event(|raw| {
        if let Ok(logged) = LoggedEvent::decode(raw.body) {
            for step in logged.event.steps() {
                for (entry, _) in &wrong.entries {
                    if step.entries.contains(EntryId::new(*entry)) {
                        last.insert(*entry, EventSeq::new(raw.seq));
                    }
                }
            }
        }
        Ok(())
    })?;
    for (entry, what) in wrong.entries {
        let since = last.get(&entry).copied();
        found.add(Kind::Entries, format!("entry {}", EntryId::new(entry)), what, since);
    }
    if wrong.more > 0 {
        let what = format!("{} more entries are not as the log says", wrong.more);
        found.add(Kind::Entries, "entries", what, None);
    }
    Ok(())
}

/// A count stands for every state that an entry of the request was ever in, also when it is zero now.
fn compare_tallies(audit: Audit<'_>, states: &States, found: &mut Findings) -> Result<()> {
    let mut stored = audit.tallies();
    let stray = |(request, _): (i64, i64), found: &mut Findings| {
        let place = format!("counts of {}", RequestId::new(request));
        found.add(Kind::Entries, place, "a count that follows from no event", None);
    };
    for (request, tally) in states.tallies() {
        let counts = EntryState::ALL.iter().filter_map(|state| Some((*state, tally.get(*state)?)));
        for (state, should) in counts {
            let key = (request.get(), Audit::number_of(state));
            while stored.peek()?.is_some_and(|at| *at < key) {
                stored.take()?.into_iter().for_each(|(at, _)| stray(at, found));
            }
            let row = if stored.peek()? == Some(&key) { stored.take()? } else { None };
            let is = row.and_then(|(_, entries)| u64::try_from(entries).ok());
            if is != Some(should) {
                let is = is.map_or_else(|| "no row".to_owned(), |is| is.to_string());
                let what = format!("{state}: {is}, and by the log {should}");
                found.add(Kind::Entries, format!("counts of {request}"), what, None);
            }
        }
    }
    while let Some((at, _)) = stored.take()? {
        stray(at, found);
    }
    Ok(())
}
