//! What is about to be sent, held against what the log says was recorded and approved.
//!
//! Rows can be edited behind the program's back after somebody approved them. So before a request's entries are claimed
//! for the first time in a run, the leaves of all of them are made anew and must give the root in the request's event,
//! which must be what was approved, and in the log. Later claims compare the leaves of what they claim.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rusqlite::{OptionalExtension, named_params};

use crate::domain::event::{Event, RequestApproved, RequestRecorded};
use crate::domain::id::{EntryId, EventSeq, ModuleName, RequestId};
use crate::domain::merkle::{Hash, leaf_hash};
use crate::domain::proof::root_from;
use crate::domain::scope::{Operation, RelatedList};
use crate::domain::seal::{ItemIdentity, LeafPurpose};
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::store::code::{Name, Sql, count};
use crate::store::error::{Doing, Result};
use crate::store::items::{Item, items_of, leaves_over, owner_of};
use crate::store::log;
use crate::store::proof::{inclusion, recorded_leaves};
use crate::store::queue::Picked;
use crate::store::{Head, WriteTx};

const DOING: &str = "comparing what is sent with what was recorded";

/// Leaves that are kept: as many take 512 MB. A single larger request is kept all the same.
const MOST_LEAVES: usize = 16_000_000;

/// Why nothing of a request is sent: it is not what the log says was recorded or approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAsRecorded {
    /// The request.
    pub request: RequestId,
    /// What of it differs.
    pub what: Differs,
}

/// What of a request differs from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// This entry's item.
    Entry(EntryId),
    /// The item of one of these entries.
    OneOf(EntryId, EntryId),
    /// Something that holds for all of them.
    Request(&'static str),
}

impl fmt::Display for NotAsRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, what } = self;
        match what {
            Differs::Entry(entry) => {
                write!(f, "{request}: {entry} is not what the log says was recorded")
            }
            Differs::OneOf(first, last) if first == last => {
                write!(f, "{request}: {first} is not what the log says was recorded")
            }
            Differs::OneOf(first, last) => {
                write!(
                    f,
                    "{request}: one of {first} to {last} is not what the log says was recorded"
                )
            }
            Differs::Request(what) => {
                write!(f, "{request}: its {what} is not what the log says")
            }
        }
    }
}

/// What was found to be as recorded in this run.
#[derive(Debug, Default)]
pub(crate) struct AsRecorded {
    known: HashMap<RequestId, Known>,
    leaves: usize,
}

/// A request that was compared with the log.
#[derive(Debug)]
struct Known {
    row: RequestRow,
    first: EntryId,
    leaves: Vec<Hash>,
}

/// What of a request's row decides about its sending.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RequestRow {
    seq: EventSeq,
    first: EntryId,
    last: EntryId,
    operation: Operation,
    product: Product,
    module: ModuleName,
    workflows: bool,
    related_list: Option<RelatedList>,
    snapshot: bool,
    not_before: Option<Timestamp>,
    after: Option<RequestId>,
    full_retention_ms: Option<i64>,
    approved: Option<EventSeq>,
    second: bool,
    valid_until: Timestamp,
}

impl RequestRow {
    /// Which part of it the event does not say.
    fn differs(&self, request: RequestId, event: &RequestRecorded) -> Option<&'static str> {
        let last = event.first_entry.get().saturating_add(count(event.entries)).saturating_sub(1);
        let same = [
            (event.request == request, "number"),
            (self.first == event.first_entry && self.last.get() == last, "range of entries"),
            (self.operation == event.operation, "operation"),
            (self.product == event.product, "product"),
            (self.module == event.module, "module"),
            (self.workflows == event.workflows, "choice of workflows"),
            (self.related_list == event.related_list, "related list"),
            (self.snapshot == event.snapshot.unwrap_or(true), "snapshot"),
            (self.not_before == event.not_before, "time before which nothing is sent"),
            (self.after == event.after, "order after another request"),
            (self.full_retention_ms == event.full_retention_ms.map(count), "full snapshot"),
        ];
        same.into_iter().find_map(|(same, what)| (!same).then_some(what))
    }

    /// Which part of it its newest approval does not say; `content` is the leaf of what was recorded.
    fn differs_from_approval(
        &self,
        request: RequestId,
        (recorded, content): (&RequestRecorded, Hash),
        approved: Option<&RequestApproved>,
    ) -> Option<&'static str> {
        let Some(approved) = approved else {
            let plain = !self.second && self.valid_until == recorded.valid_until;
            return (!plain).then_some("approval");
        };
        let same = approved.request == request
            && approved.second == self.second
            && approved.valid_until == self.valid_until;
        if approved.content == content {
            (!same).then_some("approval")
        } else {
            Some("content, which was approved,")
        }
    }
}

impl WriteTx<'_> {
    /// Whether what was picked is not what the log says was recorded, and approved where it was.
    pub(crate) fn not_as_recorded(
        &self,
        compared: &mut AsRecorded,
        picked: &Picked,
    ) -> Result<Option<NotAsRecorded>> {
        let entries = picked.items.iter().map(|item| item.entry).collect();
        let what = Arc::new(picked.kind.scope.clone());
        let mut items = items_of(&self.tx, &entries)?;
        for (item, sent) in items.iter_mut().zip(&picked.items) {
            // What goes out, and not what the rows say by now.
            let ItemIdentity { entry, row, .. } = item.identity;
            let identity = ItemIdentity { entry, target: sent.target, row };
            *item = Item { identity, scope: item.scope, what: Arc::clone(&what) };
        }
        let mut rest = items.as_slice();
        while let Some(item) = rest.first() {
            let (request, first, last) = owner_of(&self.tx, item.identity.entry)?;
            let within = rest.partition_point(|item| item.identity.entry <= last);
            let (own, others) = rest.split_at(within.max(1));
            if let Some(what) = self.differs(compared, (request, first), own)? {
                compared.forget(request);
                return Ok(Some(NotAsRecorded { request, what }));
            }
            rest = others;
        }
        Ok(None)
    }

    /// What of one request differs, some of whose items are to be sent.
    fn differs(
        &self,
        compared: &mut AsRecorded,
        (request, first): (RequestId, EntryId),
        items: &[Item],
    ) -> Result<Option<Differs>> {
        let row = self.request_row(request)?;
        if compared.known.get(&request).is_none_or(|known| known.row != row) {
            match self.compare(compared.take(request), request, row)? {
                Ok(known) => compared.keep(request, known),
                Err(differs) => return Ok(Some(differs)),
            }
        }
        let Some(known) = compared.known.get(&request) else { return Ok(None) };
        let nothing = vec![(); items.len()];
        let leaves =
            leaves_over(&self.tx, items, &nothing, LeafPurpose::Recorded, |maker, item, ()| {
                maker.recorded(item)
            })?;
        let differs = items.iter().zip(leaves).find(|(item, leaf)| {
            let at = usize::try_from(item.identity.entry.get().abs_diff(known.first.get())).ok();
            first != known.first || at.and_then(|at| known.leaves.get(at)) != Some(leaf)
        });
        Ok(differs.map(|(item, _)| Differs::Entry(item.identity.entry)))
    }

    /// Compares a request with the log, and the leaves of its items where these are not known yet.
    fn compare(
        &self,
        leaves: Option<Vec<Hash>>,
        request: RequestId,
        row: RequestRow,
    ) -> Result<std::result::Result<Known, Differs>> {
        let Some((Event::RequestRecorded(recorded), content)) = self.logged(row.seq)? else {
            return Ok(Err(Differs::Request("event")));
        };
        if let Some(what) = row.differs(request, &recorded) {
            return Ok(Err(Differs::Request(what)));
        }
        let approved = match row.approved {
            None => None,
            Some(seq) => match self.logged(seq)? {
                Some((Event::RequestApproved(approved), _)) => Some(approved),
                Some(_) | None => return Ok(Err(Differs::Request("approval"))),
            },
        };
        let content = (&recorded, content);
        if let Some(what) = row.differs_from_approval(request, content, approved.as_ref()) {
            return Ok(Err(Differs::Request(what)));
        }
        let leaves = match leaves {
            Some(leaves) => leaves,
            None => match recorded_leaves(&self.tx, row.seq, (row.first, row.last))? {
                (leaves, root) if root == recorded.items_root => leaves,
                _ => return Ok(Err(Differs::OneOf(row.first, row.last))),
            },
        };
        Ok(Ok(Known { first: row.first, row, leaves }))
    }

    /// An event and its leaf; `None` for one that is not in the log as it stands there.
    fn logged(&self, seq: EventSeq) -> Result<Option<(Event, Hash)>> {
        let stored = log::event(&self.tx, seq)?;
        // As the log stood when this transaction began, which is what the anchor was compared with.
        let (leaf, Head { size, root }) = (leaf_hash(&stored.body), log::head(&self.tx)?);
        let path = inclusion(&self.tx, seq, size)?;
        let index = u64::try_from(seq.get()).unwrap_or(u64::MAX);
        if leaf != stored.leaf || root_from(leaf, index, size, &path) != Some(root) {
            return Ok(None);
        }
        Ok(Some((stored.decode()?.event, leaf)))
    }

    fn request_row(&self, request: RequestId) -> Result<RequestRow> {
        self.tx
            .prepare_cached(
                "-- request_to_send\nSELECT seq, first_entry, last_entry, operation, product, module,
                     workflows, related_list, snapshot, not_before_ms, after_request,
                     full_retention_ms, approved_seq, second, valid_until_ms
                 FROM request WHERE id = :id",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":id": Sql(request)}, |row| {
                        Ok(RequestRow {
                            seq: row.get::<_, Sql<_>>(0)?.0,
                            first: row.get::<_, Sql<_>>(1)?.0,
                            last: row.get::<_, Sql<_>>(2)?.0,
                            operation: row.get::<_, Name<_>>(3)?.0,
                            product: row.get::<_, Name<_>>(4)?.0,
                            module: row.get::<_, Name<_>>(5)?.0,
                            workflows: row.get(6)?,
                            related_list: row.get::<_, Option<Name<_>>>(7)?.map(|Name(list)| list),
                            snapshot: row.get(8)?,
                            not_before: row.get::<_, Option<Sql<_>>>(9)?.map(|Sql(at)| at),
                            after: row.get::<_, Option<Sql<_>>>(10)?.map(|Sql(request)| request),
                            full_retention_ms: row.get(11)?,
                            approved: row.get::<_, Option<Sql<_>>>(12)?.map(|Sql(seq)| seq),
                            second: row.get(13)?,
                            valid_until: row.get::<_, Sql<_>>(14)?.0,
                        })
                    })
                    .optional()
            })
            .doing(DOING)?
            .ok_or_else(|| crate::store::StoreError::NotFound(request.to_string()))
    }
}

impl AsRecorded {
    fn take(&mut self, request: RequestId) -> Option<Vec<Hash>> {
        let leaves = self.known.remove(&request)?.leaves;
        self.leaves = self.leaves.saturating_sub(leaves.len());
        Some(leaves)
    }

    fn forget(&mut self, request: RequestId) {
        drop(self.take(request));
    }

    fn keep(&mut self, request: RequestId, known: Known) {
        if self.leaves > MOST_LEAVES {
            self.known.clear();
            self.leaves = 0;
        }
        self.leaves += known.leaves.len();
        self.known.insert(request, known);
    }
}
