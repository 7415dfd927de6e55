//! Making a certificate out of a journal.

use std::collections::BTreeSet;

use crate::domain::event::{Event, LoggedEvent};
use crate::domain::id::{EntryId, EventSeq, RunId};
use crate::domain::merkle::Hash;
use crate::domain::state::EntryState;
use crate::evidence::certificate::{Certificate, EntryEvent, FORMAT, Item, ProvenEvent, Seal};
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::store::item_tree::ItemTrees;
use crate::store::query::{EntryView, Step};
use crate::store::{Reader, Result, StoreError};

/// Fields that name nobody and hold no text of a person: they are opened in a receipt, too.
const IMPERSONAL: [&str; 2] = ["org", "job"];

/// The events that tell of an entry, in order.
///
/// Those that its story names, later looks, and of `decisions` ([`Reader::decisions`]) those about it, also where
/// the story leads to where it stands without them. Where all of them do not lead there (something was decided since
/// the decisions were read), the log is read for whatever else moved it.
pub fn events_of(
    reader: &Reader,
    view: &EntryView,
    decisions: &[(EventSeq, Event)],
    receipt: bool,
) -> Result<Vec<EventSeq>> {
    let mut events = BTreeSet::from([view.request.seq]);
    let mut runs = BTreeSet::new();
    for step in &view.steps {
        match step {
            Step::Attempt { batch, .. } => {
                events.insert(batch.begun_seq);
                events.extend(batch.end.as_ref().map(|end| end.seq));
                events.extend(batch.job.as_ref().and_then(|job| job.over).map(|over| over.seq));
                runs.insert(batch.run);
            }
            Step::Snapshot { .. }
            | Step::Evidence { .. }
            | Step::Person { .. }
            | Step::Cancelled { .. } => {
                events.extend(step.seq());
            }
        }
    }
    events.extend(reader.full_snapshot_events(view.entry)?);
    events.extend(view.rechecks.iter().map(|recheck| recheck.reading.seq));
    let about = decisions.iter().filter(|(_, event)| decides_about(event, view));
    events.extend(about.map(|(seq, _)| *seq));
    if leads_to(reader, &events, view.entry)? != Some(view.state) {
        reader.events_from(view.request.seq, |stored| {
            // What a newer program wrote cannot be shown; the check of what was made says so.
            if let Ok(logged) = stored.decode()
                && logged.event.steps().iter().any(|step| step.entries.contains(view.entry))
            {
                events.insert(stored.seq);
            }
            Ok::<_, StoreError>(())
        })?;
    }
    let runs: Vec<RunId> = if receipt { Vec::new() } else { runs.into_iter().collect() };
    events.extend(reader.context_events(&runs)?);
    Ok(events.into_iter().collect())
}

/// Whether a decision is about an entry: it moves it, or approves its request.
fn decides_about(event: &Event, view: &EntryView) -> bool {
    let approves =
        matches!(event, Event::RequestApproved(data) if data.request == view.request.request);
    approves || event.steps().iter().any(|step| step.entries.contains(view.entry))
}

/// The state that some events leave an entry in; `None` where one is left out.
fn leads_to(
    reader: &Reader,
    events: &BTreeSet<EventSeq>,
    entry: EntryId,
) -> Result<Option<EntryState>> {
    let mut state = None;
    for seq in events {
        let event = reader.stored_event(*seq)?.decode()?.event;
        if let Event::RequestRecorded(data) = &event {
            state = Some(super::check::first_state(data));
        }
        for step in event.steps().iter().filter(|step| step.entries.contains(entry)) {
            match state.map(|state: EntryState| state.next(step.change)) {
                Some(Ok(next)) => state = Some(next),
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }
    Ok(state)
}

/// Makes certificates under one checkpoint. What several of them need is read once.
#[derive(Debug)]
pub struct Issuer<'a> {
    reader: &'a Reader,
    given: &'a SignedCheckpoint,
    /// The events that name the keys, up to the one that signed.
    keys: Vec<ProvenEvent>,
    trees: ItemTrees,
}

impl<'a> Issuer<'a> {
    /// Certificates of this journal, under this checkpoint.
    pub fn new(reader: &'a Reader, given: &'a SignedCheckpoint) -> Result<Self> {
        let size = given.checkpoint.head.size;
        let signed_by = given.signed_by.to_string();
        let (mut keys, mut whole) = (Vec::new(), Vec::new());
        for (seq, key) in reader.key_events()? {
            if u64::try_from(seq.get()).is_ok_and(|index| index >= size) {
                break;
            }
            keys.push(proven(reader, seq, size)?);
            if key == signed_by {
                whole.clone_from(&keys);
            }
        }
        Ok(Self { reader, given, keys: whole, trees: ItemTrees::default() })
    }

    /// The journal.
    pub fn reader(&self) -> &'a Reader {
        self.reader
    }

    /// The checkpoint.
    pub fn given(&self) -> &'a SignedCheckpoint {
        self.given
    }

    /// The certificate of an entry, of whose events the checkpoint covers all. A receipt leaves out who asked and why,
    /// and everything else that can name a member of staff.
    pub fn issue(
        &mut self,
        entry: EntryId,
        events: &[EventSeq],
        receipt: bool,
    ) -> Result<Certificate> {
        let events = events.iter().map(|seq| self.event(entry, *seq, receipt));
        let events = events.collect::<Result<_>>()?;
        Ok(Certificate {
            format: FORMAT.to_owned(),
            entry: entry.to_string(),
            key: self.given.signed_by.to_string(),
            checkpoint: self.given.note.to_string(),
            keys: self.keys.clone(),
            events,
        })
    }

    fn event(&mut self, entry: EntryId, seq: EventSeq, receipt: bool) -> Result<EntryEvent> {
        let size = self.given.checkpoint.head.size;
        let ProvenEvent { index, body, path } = proven(self.reader, seq, size)?;
        let logged = LoggedEvent::decode(body.as_bytes())
            .map_err(|source| StoreError::Event { seq: seq.get(), source })?;
        let seals = self.reader.seals_with_salts(seq)?.into_iter();
        let seals = seals.filter(|seal| !receipt || IMPERSONAL.contains(&seal.field.as_str())).map(
            |seal| Seal {
                field: seal.field,
                salt: Hash::new(*seal.salt.bytes()),
                value: seal.value,
            },
        );
        let proof = self.reader.item_proof(entry, seq, &logged.event, &mut self.trees)?;
        let item = proof.map(|proof| Item {
            salt: Hash::new(*proof.salt.bytes()),
            opened: proof.opened,
            path: proof.path,
            bytes: proof.bytes.filter(|_| !receipt).and_then(|it| String::from_utf8(it).ok()),
        });
        Ok(EntryEvent { index, body, path, seals: seals.collect(), item })
    }
}

fn proven(reader: &Reader, seq: EventSeq, size: u64) -> Result<ProvenEvent> {
    let body = String::from_utf8(reader.stored_event(seq)?.body).map_err(|_| {
        StoreError::Corrupt { table: "event", what: format!("event {seq} is not UTF-8") }
    })?;
    let index = u64::try_from(seq.get()).unwrap_or(u64::MAX);
    Ok(ProvenEvent { index, body, path: reader.inclusion(seq, size)? })
}
