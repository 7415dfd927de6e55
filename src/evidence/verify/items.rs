//! Items: that every leaf of every event can be opened with what the tables hold, and that the tables say
//! what the stored answers say.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::erasure::{Secrets, spans};
use crate::domain::event::{
    BatchAnswered, EntriesRechecked, EntriesSettled, EvidenceRead, FullSnapshotTaken,
    RequestRecorded, SnapshotTaken,
};
use crate::domain::id::{BatchId, EntryId, EventSeq, ModuleName, RecordId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::{Operation, RelatedList, Scope, TagSet};
use crate::domain::seal::{ItemIdentity, LeafMaker, LeafPurpose, Salt, item_leaf, rejected_row};
use crate::domain::state::Outcome;
use crate::domain::target::Product;
use crate::evidence::verify::erased::{Erased, STILL_THERE, is_gone};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::store::audit::{AttemptRow, Audit, ItemRow, PrunedTree, ScopeKind};
use crate::store::{Result, StoreError};

mod answered;
mod evidence;
mod full;
mod reading;
mod recheck;
mod results;
mod settled;
mod snapshot;

pub(super) use results::Results;
use results::items_changed;

/// Items of one job. A power of two: so many leaves make a complete subtree.
pub(super) const CHUNK: u64 = 1 << 14;

/// A request, as far as its items' leaves need it.
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) first: EntryId,
    pub(super) last: EntryId,
    seq: EventSeq,
    entries: u64,
    /// Secrets of its items and of its rows that were left out; `None` where none is there that must be.
    secrets: Option<(Secrets, Secrets)>,
    /// Those of its entries that were forgotten.
    forgotten: EntryRanges,
    /// Positions of the rows that were left out and forgotten.
    gone_rows: Vec<(u64, u64)>,
    operation: Operation,
    product: Product,
    module: ModuleName,
    list: Option<RelatedList>,
    tags: Option<TagSet>,
    items_root: Hash,
    rejected_root: Option<Hash>,
    left_out: u64,
}

impl Request {
    pub(super) fn new(
        seq: EventSeq,
        data: &RequestRecorded,
        tags: Option<TagSet>,
        secrets: Option<(Secrets, Secrets)>,
        erased: &Erased,
    ) -> Self {
        let last = Self::last(data);
        Self {
            id: data.request,
            first: data.first_entry,
            last,
            seq,
            entries: data.entries,
            secrets,
            forgotten: erased.entries.part(data.first_entry, last),
            gone_rows: erased.rows_of(data.request),
            operation: data.operation,
            product: data.product,
            module: data.module.clone(),
            list: data.related_list.clone(),
            tags,
            items_root: data.items_root,
            rejected_root: data.rejected_root,
            left_out: data.duplicates.saturating_add(data.rejected),
        }
    }
}

impl Request {
    fn last(data: &RequestRecorded) -> EntryId {
        let entries = i64::try_from(data.entries).unwrap_or(i64::MAX);
        EntryId::new(data.first_entry.get().saturating_add(entries).saturating_sub(1))
    }

    /// Positions of those of a request's items that were forgotten.
    pub(super) fn gone(data: &RequestRecorded, erased: &Erased) -> Vec<(u64, u64)> {
        let part = erased.entries.part(data.first_entry, Self::last(data));
        spans(&part, data.first_entry)
    }

    /// Whether an entry of this request was forgotten.
    pub(super) fn has_forgotten(&self, entry: EntryId) -> bool {
        self.forgotten.contains(entry)
    }

    /// Whether all of it was.
    fn is_gone(&self) -> bool {
        self.forgotten.holds(self.first, self.last)
    }

    /// Whether a scope's part that cannot be erased is the one of this request.
    pub(super) fn is_of(&self, kind: &ScopeKind) -> bool {
        let [operation, product, module, list] = &kind.names;
        operation.as_deref() == Some(self.operation.wire_name())
            && product.as_deref() == Some(self.product.wire_name())
            && module.as_deref() == Some(self.module.as_str())
            && list.as_deref() == self.list.as_ref().map(RelatedList::as_str)
    }

    /// Whether entries of this request may have this in common. Of an unlink the parent is missing here: it
    /// stands in the entries' leaves.
    pub(super) fn may_have(&self, scope: &Scope) -> bool {
        scope.operation() == self.operation
            && scope.product == self.product
            && scope.module == self.module
            && scope.list() == self.list.as_ref()
            && scope.tags() == self.tags.as_ref()
    }
}

/// Entries of one request.
pub(super) struct Part {
    pub(super) request: Arc<Request>,
    pub(super) first: EntryId,
    pub(super) last: EntryId,
}

/// The request of each entry of these parts, in order.
pub(super) fn owners(parts: &[Part]) -> impl Iterator<Item = &Arc<Request>> {
    parts.iter().flat_map(|part| (part.first.get()..=part.last.get()).map(move |_| &part.request))
}

/// Whether all entries of some parts were forgotten.
pub(super) fn all_gone(parts: &[Part]) -> bool {
    parts.iter().all(|part| part.request.forgotten.holds(part.first, part.last))
}

/// The positions of those entries of some parts that were forgotten.
pub(super) fn gone_in(parts: &[Part]) -> Vec<(u64, u64)> {
    let (mut gone, mut before): (Vec<(u64, u64)>, u64) = (Vec::new(), 0);
    for part in parts {
        let forgotten = part.request.forgotten.part(part.first, part.last);
        for (first, last) in spans(&forgotten, part.first) {
            let (first, last) = (before + first, before + last);
            match gone.last_mut() {
                Some((_, end)) if *end + 1 == first => *end = last,
                _ => gone.push((first, last)),
            }
        }
        before += part.first.get().abs_diff(part.last.get()) + 1;
    }
    gone
}

/// Something to check apart from the log.
pub(super) enum Job {
    /// SQLite's own checks.
    Sqlite,
    /// Some of a request's items, as they were recorded.
    Recorded { request: Arc<Request>, chunk: u64 },
    /// A request's rows that did not become entries.
    LeftOut { request: Arc<Request> },
    /// An answer, and each item's result.
    Answered { seq: EventSeq, data: Box<BatchAnswered>, parts: Vec<Part>, blanked: bool },
    /// The end of a batch that is the same for all its items.
    Plain { seq: EventSeq, batch: BatchId, outcome: Outcome, parts: Vec<Part> },
    /// What was there before a call.
    Snapshot { seq: EventSeq, data: Box<SnapshotTaken>, parts: Vec<Part> },
    /// What was kept of whole records, and which of it was shredded later.
    Full { seq: EventSeq, data: Box<FullSnapshotTaken>, parts: Vec<Part>, shredded: EntryRanges },
    /// What was read.
    Evidence { seq: EventSeq, data: Box<EvidenceRead>, parts: Vec<Part> },
    /// What a later look showed.
    Recheck { seq: EventSeq, data: Box<EntriesRechecked>, parts: Vec<Part> },
    /// What a person decided.
    Settled { seq: EventSeq, data: Box<EntriesSettled>, parts: Vec<Part> },
}

/// Trees of secrets that are kept at a time.
const TREES: usize = 8;
/// Makers of leaves that are kept at a time.
const MAKERS: usize = 256;
/// Words that are kept at a time.
const WORDS: usize = 4096;

/// Does jobs on one connection.
pub(super) struct Worker<'a> {
    audit: Audit<'a>,
    pub(super) results: Results,
    pub(super) failed: Option<StoreError>,
    trees: Vec<(RequestId, Secrets)>,
    /// Makers of leaves by the number of the scope; `None` for a scope that is not there or not whole.
    makers: HashMap<i64, Option<LeafMaker>>,
    words: HashMap<i64, Option<(String, String)>>,
    items: Vec<ItemRow>,
    attempts: Vec<AttemptRow>,
}

impl<'a> Worker<'a> {
    pub(super) fn audit(&self) -> Audit<'a> {
        self.audit
    }

    pub(super) fn new(audit: Audit<'a>) -> Self {
        Self {
            audit,
            results: Results::default(),
            failed: None,
            trees: Vec::new(),
            makers: HashMap::new(),
            words: HashMap::new(),
            items: Vec::new(),
            attempts: Vec::new(),
        }
    }

    /// Does one job.
    pub(super) fn check(&mut self, job: Job, found: &mut Findings) -> Result<()> {
        match job {
            Job::Sqlite => self.sqlite(found),
            Job::Recorded { request, chunk } => self.recorded(&request, chunk, found),
            Job::LeftOut { request } => self.left_out(&request, found),
            Job::Answered { seq, data, parts, blanked } => {
                self.answered(seq, (&data, blanked), &parts, found)
            }
            Job::Plain { seq, batch, outcome, parts } => {
                self.plain(seq, batch, outcome, &parts, found)
            }
            Job::Snapshot { seq, data, parts } => self.snapshot(seq, &data, &parts, found),
            Job::Full { seq, data, parts, shredded } => {
                self.full(seq, (&data, &shredded), &parts, found)
            }
            Job::Evidence { seq, data, parts } => self.evidence(seq, &data, &parts, found),
            Job::Recheck { seq, data, parts } => self.recheck(seq, &data, &parts, found),
            Job::Settled { seq, data, parts } => self.settled(seq, &data, &parts, found),
        }
    }

    fn sqlite(&self, found: &mut Findings) -> Result<()> {
        for what in self.audit.integrity()? {
            found.add(Kind::Sqlite, "database", what, None);
        }
        for one in self.audit.foreign_keys()? {
            found.add(Kind::Sqlite, one.place, one.what, None);
        }
        Ok(())
    }

    /// The tree of salts of a request, and the maker of the leaves of one scope. `None` without the request's
    /// secret, or for a scope that is not whole.
    fn tools(
        &mut self,
        request: &Request,
        scope: i64,
    ) -> Result<Option<(&mut Secrets, &mut LeafMaker)>> {
        let Some((secrets, _)) = &request.secrets else { return Ok(None) };
        let position = self.trees.iter().position(|(id, ..)| *id == request.id);
        let position = position.unwrap_or_else(|| {
            if self.trees.len() >= TREES {
                self.trees.remove(0);
            }
            self.trees.push((request.id, secrets.clone()));
            self.trees.len() - 1
        });
        if !self.makers.contains_key(&scope) {
            if self.makers.len() >= MAKERS {
                self.makers.clear();
            }
            let maker = self.audit.scope(scope)?.map(|scope| LeafMaker::new(&scope));
            self.makers.insert(scope, maker);
        }
        let tree = self.trees.get_mut(position).map(|(_, tree)| tree);
        Ok(tree.zip(self.makers.get_mut(&scope).and_then(Option::as_mut)))
    }

    /// The items of some entries: all there, and blank only where they were forgotten; tells what is not so.
    fn items_of(&mut self, parts: &[Part], found: &mut Findings) -> Result<bool> {
        self.items.clear();
        let mut whole = true;
        for part in parts {
            let before = self.items.len();
            let items = &mut self.items;
            self.audit.each_item((part.first, part.last), |item| items.push(item))?;
            let numbers = part.first.get()..=part.last.get();
            whole &= self.items.iter().skip(before).map(|item| item.entry).eq(numbers);
        }
        // Missing rows are told with the states of the entries.
        let requests = parts.iter().map(|part| &part.request);
        let mut owners = requests.peekable();
        for item in &self.items {
            let entry = EntryId::new(item.entry);
            while owners.next_if(|request| request.last < entry).is_some() {}
            let forgotten = owners.peek().is_some_and(|request| request.has_forgotten(entry));
            let what = match (forgotten, identity(item)) {
                (false, Some(_)) => continue,
                (true, None) if item.target.is_none() && item.row.is_none() => continue,
                (true, _) => format!("its target or row: {STILL_THERE}"),
                (false, None) => {
                    "its target or row is blank or no id, and no event says that it was forgotten"
                        .to_owned()
                }
            };
            whole = false;
            found.add(Kind::Items, format!("entry {entry}"), what, None);
        }
        Ok(whole)
    }

    fn recorded(&mut self, request: &Arc<Request>, chunk: u64, found: &mut Findings) -> Result<()> {
        let ordinal = chunk.saturating_mul(CHUNK);
        let number = |ordinal: u64| {
            let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
            EntryId::new(request.first.get().saturating_add(ordinal))
        };
        let last = ordinal.saturating_add(CHUNK).min(request.entries).saturating_sub(1);
        let part =
            Part { request: Arc::clone(request), first: number(ordinal), last: number(last) };
        if !self.items_of(std::slice::from_ref(&part), found)? {
            if request.entries <= CHUNK {
                items_changed(request, found);
            }
            return Ok(());
        }
        let items = std::mem::take(&mut self.items);
        let nothing = request.is_gone();
        let chunk_of = (ordinal, CHUNK);
        let gone: Vec<_> = spans(&request.forgotten.part(part.first, part.last), request.first);
        let mut leaves =
            self.leaves(request.seq, PrunedTree::Items, chunk_of, &gone, nothing, found)?;
        let mut from = ordinal;
        // Items of one scope lie together.
        for same in items.chunk_by(|one, other| one.scope == other.scope) {
            let scope = same.first().map_or(0, |item| item.scope);
            if same.iter().all(|item| item.target.is_none()) {
                for _ in same {
                    leaves.pass();
                }
            } else if let Some((secrets, maker)) = self.tools(request, scope)? {
                for (ordinal, item) in (from..).zip(same) {
                    let salt = secrets.salt(ordinal, LeafPurpose::Recorded);
                    match salt.zip(identity(item)) {
                        Some((salt, identity)) => {
                            leaves.push(item_leaf(&salt, maker.recorded(&identity)));
                        }
                        None => leaves.pass(),
                    }
                }
            }
            from = from.saturating_add(u64::try_from(same.len()).unwrap_or(0));
        }
        self.items = items;
        if request.entries > CHUNK {
            let root = if nothing { None } else { Some(leaves.root()) };
            self.results.roots.extend(root.map(|root| (request.id, chunk, root)));
        } else if !leaves.give(&request.items_root) {
            items_changed(request, found);
        }
        Ok(())
    }

    fn left_out(&mut self, request: &Request, found: &mut Findings) -> Result<()> {
        let Some((_, mut secrets)) = request.secrets.clone() else { return Ok(()) };
        let (gone, count) = (&request.gone_rows, request.left_out);
        let nothing = gone.as_slice() == [(0, count.saturating_sub(1))];
        let mut leaves =
            self.leaves(request.seq, PrunedTree::Rejected, (0, count), gone, nothing, found)?;
        let mut ordinal = 0_u64;
        let mut strange = false;
        self.audit.each_rejected(request.id, |row| {
            let parts = (u64::try_from(row.ordinal), row.line, &row.value, &row.reason);
            let salt = secrets.salt(ordinal, LeafPurpose::Rejected);
            match parts {
                (Ok(number), Some(line), Some(value), Some(reason))
                    if !is_gone(gone, ordinal)
                        && let (Ok(line), Some(salt)) = (u64::try_from(line), salt) =>
                {
                    let opened = rejected_row(number, line, value, reason);
                    leaves.push(item_leaf(&salt, &opened));
                }
                (Ok(number), None, None, None) if number == ordinal && is_gone(gone, ordinal) => {
                    leaves.pass();
                }
                _ => strange = true,
            }
            ordinal += 1;
        })?;
        let fits = request.rejected_root.is_some_and(|root| leaves.give(&root));
        if strange || ordinal != count || !fits {
            let what = "the rows that were left out are not those that were recorded";
            found.add(Kind::Items, request.id.to_string(), what, Some(request.seq));
        }
        Ok(())
    }

    /// The attempts of a batch that ended the same for all.
    fn plain(
        &mut self,
        seq: EventSeq,
        batch: BatchId,
        outcome: Outcome,
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        self.read_attempts(batch, parts)?;
        let attempts = std::mem::take(&mut self.attempts);
        let mut rows = attempts.iter().peekable();
        let entries = parts.iter().flat_map(|part| part.first.get()..=part.last.get());
        for entry in entries {
            let row = rows.next_if(|row| row.entry == entry);
            self.compare_attempt(seq, batch, entry, outcome, row, found, |code, message| {
                code.is_empty() && message.is_empty()
            })?;
        }
        self.attempts = attempts;
        Ok(())
    }

    fn read_attempts(&mut self, batch: BatchId, parts: &[Part]) -> Result<()> {
        self.attempts.clear();
        for part in parts {
            self.audit.attempts(batch, (part.first, part.last), &mut self.attempts)?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "what is compared, and with what")]
    fn compare_attempt(
        &mut self,
        seq: EventSeq,
        batch: BatchId,
        entry: i64,
        outcome: Outcome,
        row: Option<&AttemptRow>,
        found: &mut Findings,
        are_the_words: impl FnOnce(&str, &str) -> bool,
    ) -> Result<()> {
        let mut tell = |what: String| {
            let place = format!("attempt of {} in {batch}", EntryId::new(entry));
            found.add(Kind::Attempts, place, what, Some(seq));
        };
        let Some(row) = row else {
            tell("the row is missing".to_owned());
            return Ok(());
        };
        if row.outcome != Some(outcome) {
            let is = row.outcome.map_or("none at all", Outcome::wire_name);
            tell(format!("its outcome is {is}, and by the log it is {outcome}"));
        }
        if self.words.len() > WORDS {
            self.words.clear();
        }
        if !self.words.contains_key(&row.said) {
            self.words.insert(row.said, self.audit.said(row.said)?);
            self.results.said.insert(row.said);
        }
        let right = match self.words.get(&row.said) {
            Some(Some((code, message))) => are_the_words(code, message),
            _ => false,
        };
        if !right {
            tell("its code or message is not what the answer says".to_owned());
        }
        Ok(())
    }

    /// The salt of one entry's leaf, and the maker of the leaf.
    fn salt(
        &mut self,
        request: &Request,
        item: &ItemRow,
        purpose: LeafPurpose,
    ) -> Result<Option<(Salt, &mut LeafMaker)>> {
        let ordinal = item.entry.abs_diff(request.first.get());
        let tools = self.tools(request, item.scope)?;
        Ok(tools.and_then(|(secrets, maker)| Some((secrets.salt(ordinal, purpose)?, maker))))
    }
}

/// An item as its leaves name it; `None` when it is blank or no id.
fn identity(item: &ItemRow) -> Option<ItemIdentity> {
    Some(ItemIdentity {
        entry: EntryId::new(item.entry),
        target: RecordId::from_stored(item.target?)?,
        row: item.row?,
    })
}
