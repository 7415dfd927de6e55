//! What may follow on what: adoptions, a journal that was closed because it goes on elsewhere, and entries that are
//! not there.

use crate::domain::event::{Adopted, Event};
use crate::domain::fold::Table;
use crate::domain::fold::merged::contradicts;
use crate::domain::fold::row::Expected;
use crate::domain::fold::rows::{Note, Rows};
use crate::domain::id::EventSeq;

impl Rows {
    /// A journal that was closed is opened again by what says so, and by nothing else.
    pub(super) fn goes_on(&mut self, seq: EventSeq, event: &Event, tell: &mut dyn FnMut(Note)) {
        match (event, self.closed) {
            (Event::Adopted(_), _) | (Event::Arrived(_), Some(_)) => self.closed = None,
            (Event::Arrived(_), None) => {
                contradicts(seq, "a journal arrives that was not moved", tell);
            }
            // A newer program upgrades what it adopts.
            (Event::SchemaUpgraded(_), Some(_)) => {}
            (_, Some(_)) => contradicts(seq, "the journal had been moved elsewhere by then", tell),
            (Event::Moved(_), None) => self.closed = Some(seq),
            (_, None) => {}
        }
    }

    /// No event speaks of what was not recorded, or not any more.
    pub(super) fn speaks_of_what_there_is(
        &mut self,
        seq: EventSeq,
        event: &Event,
        tell: &mut dyn FnMut(Note),
    ) {
        let known = self.last_entry;
        let strays =
            event.steps().iter().any(|step| step.entries.last().is_some_and(|e| e.get() > known));
        // Only a recording speaks of entries that it makes itself.
        if strays && !matches!(event, Event::RequestRecorded(_)) {
            contradicts(seq, "it speaks of entries that were never recorded", tell);
        }
        if self.forgotten.is_touched_by(event) {
            contradicts(seq, "it speaks of entries that were forgotten", tell);
        }
        self.goes_on(seq, event, tell);
    }

    pub(super) fn adopted(&mut self, seq: EventSeq, data: &Adopted, tell: &mut dyn FnMut(Note)) {
        if data.events == 0 || i64::try_from(data.events).is_ok_and(|events| events > seq.get()) {
            contradicts(seq, "it adopts a journal of another length", tell);
        }
        if data.last_entry != self.last_entry() {
            contradicts(seq, "it adopts a journal with other entries", tell);
        }
        let number = self.add(Table::Adoption, 1);
        tell(Note::Row(Expected {
            table: Table::Adoption,
            key: vec![number.into()],
            cells: vec![
                ("seq", seq.into()),
                ("events", data.events.into()),
                ("last_entry", data.last_entry.into()),
            ],
            since: seq,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{AdoptionCause, Arrived, Moved};
    use crate::domain::id::EntryId;
    use crate::domain::merkle::Hash;

    const HASH: Hash = Hash::new([1; 32]);

    fn adopted(events: u64) -> Event {
        Event::from(Adopted {
            journal: "ab".repeat(16),
            key: String::new(),
            cause: AdoptionCause::Missing,
            events,
            root: HASH,
            published: None,
            last_entry: EntryId::new(0),
            entries: None,
            program: String::new(),
            adopted_by: HASH,
            reason: HASH,
        })
    }

    fn moved() -> Event {
        Event::from(Moved { program: String::new(), moved_by: HASH, destination: HASH })
    }

    fn arrived() -> Event {
        Event::from(Arrived { content: HASH, program: String::new(), arrived_by: HASH })
    }

    /// How many contradictions events tell after a creation.
    fn told(events: &[Event]) -> usize {
        let (mut rows, mut told) = (Rows::default(), 0);
        for (seq, event) in (1..).zip(events) {
            rows.apply(EventSeq::new(seq), event, &mut |note| {
                told += usize::from(matches!(note, Note::Contradiction { .. }));
            });
        }
        told
    }

    #[test]
    fn what_was_moved_goes_on_by_arriving_or_being_adopted_only() {
        assert_eq!(told(&[moved(), arrived(), moved(), adopted(3), moved()]), 0);
        for strange in [
            vec![arrived()],
            vec![moved(), moved()],
            vec![moved(), arrived(), arrived()],
            vec![adopted(0)],
            vec![adopted(2)],
        ] {
            assert_eq!(told(&strange), 1, "{strange:?}");
        }
    }
}
