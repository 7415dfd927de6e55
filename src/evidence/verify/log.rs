//! The one pass over the log: bytes, leaves, tree, seals, and the fold; it sends out what concerns items.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::erasure::{Secrets, kept_secrets};
use crate::domain::event::{
    EntriesSettled, Event, EventError, FullSnapshotTaken, LoggedEvent, RequestRecorded,
};
use crate::domain::fold::{Note, Rows, States, Table};
use crate::domain::id::{BatchId, EntryId, EventSeq, RequestId};
use crate::domain::merkle::{Hash, NodeId, Tree, leaf_hash};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::TagSet;
use crate::domain::seal::Secret;
use crate::domain::state::Outcome;
use crate::evidence::handover;
use crate::evidence::verify::crew::Jobs;
use crate::evidence::verify::erased::Erased;
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{CHUNK, Job, Part, Request};
use crate::evidence::verify::policies::Policies;
use crate::evidence::verify::seals::SealRows;
use crate::evidence::verify::{Unchecked, entries, rows, seals};
use crate::store::Result;
use crate::store::audit::{Audit, RawEvent, Stream};

/// What the pass over the log carries along.
pub(super) struct LogPass<'a> {
    pub(super) audit: Audit<'a>,
    pub(super) found: Findings,
    pub(super) tree: Tree,
    pub(super) rows: Rows,
    pub(super) states: States,
    pub(super) requests: Vec<Arc<Request>>,
    /// Rows of `entry`: no loop may follow a forged event beyond them.
    pub(super) entries: u64,
    /// What the log says was forgotten, later events included.
    pub(super) erased: Erased,
    nodes: Vec<Stream<'a, i64, Vec<u8>>>,
    seals: SealRows<'a>,
    next: i64,
    /// Events that recorded requests, with their leaves.
    pub(super) recorded: Vec<(EventSeq, Hash)>,
    /// Events that set or proposed policies, with their leaves.
    pub(super) proposals: Vec<(EventSeq, Hash)>,
    /// What policies asked for.
    pub(super) policies: Policies,
    /// The newest approval of each request.
    pub(super) approvals: HashMap<RequestId, EventSeq>,
    /// Signatures of approvals that are good.
    pub(super) signatures: u64,
    /// Those that nothing here can check.
    pub(super) unchecked: Vec<Unchecked>,
    /// The signing key that the log has named last.
    pub(super) key: String,
    /// The leaf of the event before.
    last_leaf: Option<Hash>,
}

impl<'a> LogPass<'a> {
    pub(super) fn new(audit: Audit<'a>, window: u64) -> Self {
        Self {
            audit,
            found: Findings::default(),
            tree: Tree::default(),
            rows: Rows::default(),
            states: States::new(window),
            requests: Vec::new(),
            entries: 0,
            erased: Erased::default(),
            nodes: Vec::new(),
            seals: audit.seals(),
            next: 0,
            recorded: Vec::new(),
            proposals: Vec::new(),
            policies: Policies::default(),
            approvals: HashMap::new(),
            signatures: 0,
            unchecked: Vec::new(),
            key: String::new(),
            last_leaf: None,
        }
    }

    /// Reads the whole log, and compares everything but the states of entries.
    pub(super) fn read(&mut self, jobs: &mut Jobs<'_>) -> Result<()> {
        let audit = self.audit;
        self.entries = audit.count(Table::Entry)?;
        self.erased = Erased::load(audit)?;
        audit.each_event(|raw| self.event(raw, jobs))?;
        seals::strays(&mut self.seals, None, &mut self.found)?;
        self.end_of_tree()?;
        let mut notes = Vec::new();
        self.rows.finish(&mut |note| notes.push(note));
        self.compare(notes)?;
        self.schema()?;
        self.holds()?;
        rows::counts(audit, &self.rows, &mut self.found)
    }

    /// A file that says that it has an older schema than its log would be held against that one.
    fn schema(&mut self) -> Result<()> {
        let stored = self.audit.schema()?;
        if let Some((logged, seq)) = self.rows.schema().filter(|(logged, _)| *logged != stored) {
            let what = format!("the log says schema {logged}, and the file schema {stored}");
            self.found.add(Kind::Log, "schema", what, Some(seq));
        }
        Ok(())
    }

    fn event(&mut self, raw: RawEvent<'_>, jobs: &mut Jobs<'_>) -> Result<()> {
        let seq = EventSeq::new(raw.seq);
        let place = format_args!("event {seq}").to_string();
        if raw.seq != self.next {
            let what = format!("event {} should stand here: events are missing", self.next);
            self.found.add(Kind::Log, place.as_str(), what, Some(seq));
        }
        self.next = raw.seq.saturating_add(1);
        let leaf = leaf_hash(raw.body);
        if raw.leaf != leaf.bytes() {
            let what = "its bytes do not give its leaf hash: one of them was edited";
            self.found.add(Kind::Log, place.as_str(), what, Some(seq));
        }
        self.grow_tree(leaf)?;
        let before = self.last_leaf.replace(leaf);
        let event = match LoggedEvent::decode(raw.body) {
            Ok(logged) => Some(logged.event),
            Err(error) => {
                let what = match error {
                    EventError::Malformed(_) => format!("{error}"),
                    EventError::UnknownVersion(_) | EventError::UnknownKind(_) => {
                        format!("{error}: verify with the newer program")
                    }
                };
                self.found.add(Kind::Log, place.as_str(), what, Some(seq));
                None
            }
        };
        seals::compare(&mut self.seals, raw.seq, event.as_ref(), &self.erased, &mut self.found)?;
        let Some(event) = event else { return Ok(()) };
        if raw.seq == 0 && !matches!(event, Event::JournalCreated(_)) {
            let what = "a journal's log begins with its creation, and this one does not";
            self.found.add(Kind::Log, place.as_str(), what, Some(seq));
        }
        self.signing_key(seq, &event);
        self.place(seq, &event, before)?;
        let mut notes = Vec::new();
        self.rows.apply(seq, &event, &mut |note| notes.push(note));
        self.compare(notes)?;
        if let Err(illegal) = self.states.apply(&event) {
            let from = illegal.from.map_or("not recorded", |state| state.wire_name());
            let what = format!(
                "it moves {} by {:?}, which is {from} then: no journal does that",
                illegal.entry, illegal.change
            );
            self.found.add(Kind::Log, place, what, Some(seq));
        }
        if let Some((gone, verb)) = entries::taken_away(&event)
            && let Some(open) = self.states.first_open(gone)
        {
            let what = entries::not_settled(verb, open);
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        }
        self.send(seq, leaf, event, jobs)
    }

    /// Checks how one signing key hands over to the next.
    fn signing_key(&mut self, seq: EventSeq, event: &Event) {
        if let Event::JournalCreated(data) = event {
            self.key.clone_from(&data.key);
        } else if let Event::KeyReplaced(data) = event {
            let before = std::mem::replace(&mut self.key, data.key.clone());
            let checked =
                data.handover.as_ref().map(|note| handover::check(note, &before, &data.key));
            if let Some(Err(why)) = checked {
                let what = format!("the old signing key does not hand over to the new one: {why}");
                self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
            }
        }
    }

    fn compare(&mut self, notes: Vec<Note>) -> Result<()> {
        for note in notes {
            match note {
                Note::Row(expected) => rows::compare(self.audit, &expected, &mut self.found)?,
                Note::Contradiction { what, seq } => {
                    self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
                }
            }
        }
        Ok(())
    }

    /// Adds a leaf, and compares each stored node that it completes.
    fn grow_tree(&mut self, leaf: Hash) -> Result<()> {
        let mut completed: Vec<(NodeId, Hash)> = Vec::new();
        self.tree.append(leaf, |id, hash| completed.push((id, hash)));
        for (id, hash) in completed {
            let level = usize::try_from(id.level).unwrap_or(usize::MAX);
            if level > self.nodes.len() {
                // Each level is completed for the first time right after the one below it.
                self.nodes.push(self.audit.nodes(id.level));
            }
            let Some(stored) = self.nodes.get_mut(level - 1) else { continue };
            let index = i64::try_from(id.index).unwrap_or(i64::MAX);
            while stored.peek()?.is_some_and(|at| *at < index) {
                stored.take()?.iter().for_each(|(at, _)| self.found.stray_node(id.level, *at));
            }
            let place = || format!("node {index} of level {}", id.level);
            if stored.peek()? == Some(&index) {
                let row = stored.take()?;
                if row.is_some_and(|(_, stored)| stored != hash.bytes()) {
                    let what = "it is not the hash of what lies below it";
                    self.found.add(Kind::Tree, place(), what, None);
                }
            } else {
                self.found.add(Kind::Tree, place(), "it is missing", None);
            }
        }
        Ok(())
    }

    /// Compares what is left of the tree when the log has ended: nodes too many, and the head.
    fn end_of_tree(&mut self) -> Result<()> {
        for (level, stored) in (1..).zip(&mut self.nodes) {
            while let Some((at, _)) = stored.take()? {
                self.found.stray_node(level, at);
            }
        }
        let levels = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        for (level, at) in self.audit.nodes_beyond(levels)? {
            self.found.stray_node(level, at);
        }
        let (size, root) = (self.tree.size(), self.tree.root());
        if size == 0 {
            self.found.add(Kind::Log, "log", "it is empty: not even the creation is there", None);
        }
        let heads = self.audit.heads()?;
        let is_it = |(one, stored, hash): &(i64, i64, Vec<u8>)| {
            *one == 1 && u64::try_from(*stored) == Ok(size) && hash == root.bytes()
        };
        if heads.len() != 1 || !heads.iter().all(is_it) {
            let what = format!(
                "it does not say {size} events with root {root}, which the log gives: events were \
                 cut off, added or edited"
            );
            self.found.add(Kind::Tree, "head", what, None);
        }
        Ok(())
    }

    fn send_settled(&self, seq: EventSeq, data: EntriesSettled, jobs: &mut Jobs<'_>) {
        if let Some(parts) = self.parts([&data.entries]) {
            jobs.send(Job::Settled { seq, data: Box::new(data), parts });
        }
    }

    /// Sends out the checks of the items that an event concerns.
    fn send(&mut self, seq: EventSeq, leaf: Hash, event: Event, jobs: &mut Jobs<'_>) -> Result<()> {
        match event {
            Event::RequestRecorded(data) => {
                self.recorded.push((seq, leaf));
                self.send_request(seq, &data, jobs)?;
            }
            Event::BatchAnswered(data) => {
                if let Some(parts) = self.parts(data.groups.iter().map(|group| &group.entries)) {
                    let blanked = self.erased.envelopes.contains(&data.batch);
                    jobs.send(Job::Answered { seq, data: Box::new(data), parts, blanked });
                }
            }
            Event::BatchUnanswered(data) => {
                self.send_plain(seq, (data.batch, Outcome::Unknown), &data.entries, jobs);
            }
            Event::BatchReturned(data) => {
                self.send_plain(seq, (data.batch, Outcome::Returned), &data.entries, jobs);
            }
            Event::EvidenceRead(data) => {
                if let Some(parts) = self.parts(data.groups.iter().map(|group| &group.entries)) {
                    jobs.send(Job::Evidence { seq, data: Box::new(data), parts });
                }
            }
            Event::EntriesRechecked(data) => {
                if let Some(parts) = self.parts(data.groups.iter().map(|group| &group.entries)) {
                    jobs.send(Job::Recheck { seq, data: Box::new(data), parts });
                }
            }
            Event::EntriesSettled(data) => self.send_settled(seq, data, jobs),
            Event::FullSnapshotTaken(data) => self.send_full(seq, data, jobs),
            Event::SnapshotTaken(data) => {
                if let Some(parts) = self.parts([&data.entries]) {
                    jobs.send(Job::Snapshot { seq, data: Box::new(data), parts });
                }
            }
            Event::RequestApproved(_)
            | Event::RequestRejected(_)
            | Event::PolicySet(_)
            | Event::PolicyApproved(_)
            | Event::PolicyRejected(_) => self.decision(seq, leaf, &event)?,
            Event::JournalCreated(_)
            | Event::Adopted(_)
            | Event::Moved(_)
            | Event::Arrived(_)
            | Event::ApprovalNeeded(_)
            | Event::EntriesCancelled(_)
            | Event::EntriesHeld(_)
            | Event::Paused(_)
            | Event::Resumed(_)
            | Event::HoldPlaced(_)
            | Event::HoldReleased(_)
            | Event::RequestPinned(_)
            | Event::JobEnded(_)
            | Event::KeyReplaced(_)
            | Event::SchemaUpgraded(_)
            | Event::NothingRecorded(_)
            | Event::RunStarted(_)
            | Event::Bound(_)
            | Event::UserSeen(_)
            | Event::ModuleSeen(_)
            | Event::BatchBegun(_)
            | Event::EntriesReopened(_)
            | Event::RequestParked(_)
            | Event::RequestUnparked(_)
            | Event::FullSnapshotsShredded(_)
            | Event::Forgotten(_)
            | Event::RunEnded(_) => {}
        }
        Ok(())
    }

    fn send_full(&self, seq: EventSeq, data: FullSnapshotTaken, jobs: &mut Jobs<'_>) {
        if let Some(parts) = self.parts([&data.entries]) {
            let shredded = self.erased.shredded_after(seq, &data.entries);
            jobs.send(Job::Full { seq, data: Box::new(data), parts, shredded });
        }
    }

    fn send_plain(
        &self,
        seq: EventSeq,
        (batch, outcome): (BatchId, Outcome),
        entries: &EntryRanges,
        jobs: &mut Jobs<'_>,
    ) {
        if let Some(parts) = self.parts([entries]) {
            jobs.send(Job::Plain { seq, batch, outcome, parts });
        }
    }

    fn send_request(
        &mut self,
        seq: EventSeq,
        data: &RequestRecorded,
        jobs: &mut Jobs<'_>,
    ) -> Result<()> {
        let place = data.request.to_string();
        if data.entries > self.entries {
            let what = format!("it records {} entries; the table holds fewer", data.entries);
            self.found.add(Kind::Items, place, what, Some(seq));
            return Ok(());
        }
        let secrets = self.secrets_of(seq, data)?;
        // That the text is the one that the event sealed is checked with the seals.
        let tags = match data.tags {
            Some(_) => self.audit.opened(seq.get(), "tags")?,
            None => None,
        };
        let tags = tags.as_deref().and_then(TagSet::from_json);
        let request = Arc::new(Request::new(seq, data, tags, secrets, &self.erased));
        self.requests.push(Arc::clone(&request));
        if data.rejected_root.is_some() {
            jobs.send(Job::LeftOut { request: Arc::clone(&request) });
        }
        for chunk in 0..data.entries.div_ceil(CHUNK) {
            jobs.send(Job::Recorded { request: Arc::clone(&request), chunk });
        }
        Ok(())
    }

    /// The secrets of a request's items and rows, which must be those that are left of the ones it had.
    fn secrets_of(
        &mut self,
        seq: EventSeq,
        data: &RequestRecorded,
    ) -> Result<Option<(Secrets, Secrets)>> {
        let gone = Request::gone(data, &self.erased);
        let left_out = data.duplicates.saturating_add(data.rejected);
        let gone_rows = self.erased.rows_of(data.request);
        let expected = kept_secrets((data.entries, &gone), (left_out, &gone_rows));
        let (mut items, mut rows, mut strange) = (Vec::new(), Vec::new(), None);
        for row in self.audit.secrets(data.request)? {
            let node = u32::try_from(row.level).ok().zip(u64::try_from(row.idx).ok());
            let key = <[u8; 32]>::try_from(row.key).ok().map(Secret::new);
            match (row.purpose.as_str(), node.zip(key)) {
                ("items", Some(node)) => items.push(node),
                ("rejected", Some(node)) => rows.push(node),
                _ => strange = Some(row.purpose),
            }
        }
        let places = |nodes: &[((u32, u64), Secret)]| {
            let mut places: Vec<_> = nodes.iter().map(|(place, _)| *place).collect();
            places.sort_unstable();
            places
        };
        let sorted = |mut places: Vec<(u32, u64)>| {
            places.sort_unstable();
            places
        };
        // The rejected rows' own secret follows from the items' secret, as long as both are whole.
        let follows = match (items.as_slice(), rows.as_slice()) {
            ([((0, 0), root)], [((0, 0), of_rows)]) => root.for_rejected_rows() == *of_rows,
            _ => true,
        };
        let rows_expected = if data.rejected_root.is_some() { expected.1 } else { Vec::new() };
        let are_those =
            (places(&items), places(&rows)) == (sorted(expected.0), sorted(rows_expected));
        if strange.is_some() || !follows || !are_those {
            let what = "a secret of its items or rows is missing, or one too many: what they were \
                        cannot be proven any more";
            self.found.add(Kind::Items, data.request.to_string(), what, Some(seq));
        }
        if items.is_empty() && !expected_is_empty(data.entries, &gone) {
            return Ok(None);
        }
        Ok(Some((Secrets::new(data.entries, items), Secrets::new(left_out, rows))))
    }

    /// The requests that own some entries, each with its ranges, ascending. `None` when an entry belongs to
    /// none, or stands in two of the sets: the fold has said so.
    fn parts<'s>(&self, sets: impl IntoIterator<Item = &'s EntryRanges>) -> Option<Vec<Part>> {
        let mut ranges: Vec<(EntryId, EntryId)> =
            sets.into_iter().flat_map(EntryRanges::ranges).collect();
        ranges.sort_unstable();
        let mut parts: Vec<Part> = Vec::new();
        for (mut first, last) in ranges {
            loop {
                if parts.last().is_some_and(|part| part.last >= first) {
                    return None;
                }
                let after = self.requests.partition_point(|request| request.first <= first);
                let request = self.requests.get(after.checked_sub(1)?)?;
                let until = last.min(request.last);
                if until < first {
                    return None;
                }
                match parts.last_mut() {
                    Some(part) if part.last.next() == first && part.request.id == request.id => {
                        part.last = until;
                    }
                    _ => parts.push(Part { request: Arc::clone(request), first, last: until }),
                }
                if until == last {
                    break;
                }
                first = until.next();
            }
        }
        Some(parts)
    }
}

/// Whether nothing is left of so many items.
fn expected_is_empty(entries: u64, gone: &[(u64, u64)]) -> bool {
    gone.iter().map(|(first, last)| last - first + 1).sum::<u64>() == entries
}

impl Findings {
    fn stray_node(&mut self, level: impl std::fmt::Display, at: i64) {
        let place = format!("node {at} of level {level}");
        self.add(Kind::Tree, place, "the tree has no such node", None);
    }
}
