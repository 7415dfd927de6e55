//! Recording a request: whole or not at all, in one transaction.

use std::borrow::Cow;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::{Event, NothingRecorded, RequestRecorded, SourceKind};
use crate::domain::id::{EntryId, ModuleName, RecordId, RequestId};
use crate::domain::merkle::{Hash, Tree};
use crate::domain::policy::{Demand, Met};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::{RelatedList, Scope, TagSet, Task};
use crate::domain::seal::{
    ItemIdentity, LeafMaker, LeafPurpose, Secret, SecretTree, item_leaf, rejected_row,
};
use crate::domain::state::EntryState;
use crate::domain::target::{Product, Target};
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::code::{Sql, count};
use crate::store::entry::{self, NewItem};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::full_snapshot::FullWanted;
use crate::store::holding::Holds;
use crate::store::log::Seals;
use crate::store::{Reader, WriteTx};
use crate::store::{policy, scope};

/// Where the ids of a request came from.
#[derive(Debug, Clone)]
pub struct RequestSource {
    /// Arguments, file or standard input.
    pub kind: SourceKind,
    /// The file's name, without its directory.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// The column that held the ids.
    pub column: Option<String>,
    /// Rows read.
    pub rows: u64,
}

/// A row that names what an earlier row named.
#[derive(Debug, Clone)]
pub struct RepeatedRow {
    /// Its line.
    pub line: u64,
    /// The parent record it names, of an unlink.
    pub parent: Option<RecordId>,
    /// The record it names.
    pub target: RecordId,
}

/// A row that is not valid, skipped because the user said so.
#[derive(Debug, Clone)]
pub struct InvalidRow {
    /// Its line.
    pub line: u64,
    /// What stands there.
    pub value: String,
    /// Why it is not valid.
    pub reason: String,
}

/// A request to be recorded.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct NewRequest<'a> {
    /// What is to be done.
    pub task: &'a Task,
    /// The product.
    pub product: Product,
    /// The module; of an unlink, the parents'.
    pub module: &'a ModuleName,
    /// Whether Zoho's workflows run.
    pub workflows: bool,
    /// Whether what is there is read before a call.
    pub snapshot: bool,
    /// Zoho's id of the module, where a read resolved it.
    pub module_id: Option<RecordId>,
    /// Data centre, environment and origin, which pin the journal if this is its first request.
    pub target: &'a Target,
    /// The items: ascending by parent and record, each once. Of an unlink, each has its parent.
    pub items: &'a [NewItem],
    /// Rows that repeat an item of this request.
    pub repeated: &'a [RepeatedRow],
    /// Rows that are skipped as invalid.
    pub invalid: &'a [InvalidRow],
    /// Whether items that an open entry covers are recorded all the same.
    pub again: bool,
    /// What flags and settings ask for; the journal's own policy may ask for more.
    pub policy: Demand,
    /// Nothing is sent earlier.
    pub not_before: Option<Timestamp>,
    /// How long it may be sent without a fresh approval.
    pub valid_for: Duration,
    /// Whether the records that carry the tags are read before these are deleted.
    pub snapshot_records: bool,
    /// What is kept of each record before it is deleted, encrypted.
    pub full: Option<&'a FullWanted>,
    /// Nothing is sent before every entry of this earlier request is settled.
    pub after: Option<RequestId>,
    /// Where the ids came from.
    pub source: &'a RequestSource,
    /// Who asked.
    pub requested_by: &'a str,
    /// The OS account.
    pub recorded_by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// Name and version of the program.
    pub program: &'a str,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The request; `None` when every item was a duplicate.
    pub request: Option<RequestId>,
    /// Entries that were made.
    pub entries: u64,
    /// Rows that name what another row or an open entry covers.
    pub duplicates: u64,
    /// Entries that a hold covers.
    pub held: u64,
    /// Whether the entries wait for a second person.
    pub awaiting_approval: bool,
}

/// Items that an open entry of the same scope covers, with that entry.
type Covered = Vec<(NewItem, EntryId)>;

impl Reader {
    /// What recording would do, without doing it.
    pub fn would_record(&self, new: &NewRequest<'_>) -> Result<Recorded> {
        check_target(&self.conn, new.target)?;
        let (fresh, covered) = split_covered(&self.conn, new)?;
        let entries = u64::try_from(fresh.len()).unwrap_or(0);
        let duplicates = covered.len().saturating_add(new.repeated.len());
        Ok(Recorded {
            request: None,
            entries,
            duplicates: u64::try_from(duplicates).unwrap_or(0),
            held: held(&self.conn, new, EntryId::new(1), &fresh)?.len(),
            awaiting_approval: policy_of(&self.conn, new)?.wants.wants_approval(entries),
        })
    }
}

impl WriteTx<'_> {
    /// Records a request: its event, its entries, the rows left out.
    pub fn record(&mut self, new: &NewRequest<'_>) -> Result<Recorded> {
        check_target(&self.tx, new.target)?;
        let (fresh, covered) = split_covered(&self.tx, new)?;
        let duplicates = u64::try_from(covered.len().saturating_add(new.repeated.len()));
        let duplicates = duplicates.unwrap_or(0);
        let entries = u64::try_from(fresh.len()).unwrap_or(0);
        if fresh.is_empty() {
            return self.record_nothing(new, duplicates);
        }
        let request = self.next_request()?;
        let first = entry::next_id(&self.tx)?;
        let last = EntryId::new(first.get() + count(entries) - 1);
        let secret = Secret::new(self.entropy.bytes()?);
        let left_out = left_out_rows(new, first, &fresh, &covered);
        let policy = policy_of(&self.tx, new)?;
        let awaiting_approval = policy.wants.wants_approval(entries);
        let held = held(&self.tx, new, first, &fresh)?;
        let waits = awaiting_approval && !Mistake::SendsUnapproved.is_made();
        let state = if waits { EntryState::AwaitingApproval } else { EntryState::Pending };
        // The leaves are hashed on another core while the rows go into the file.
        let (items_root, inserted) = thread::scope(|threads| {
            let root = threads.spawn(|| items_root(new, first, &fresh, secret));
            let inserted = insert_entries(&self.tx, new, first, state, &fresh);
            (root.join(), inserted)
        });
        inserted?;
        let items_root =
            items_root.map_err(|_| StoreError::corrupt("entry", "hashing the items failed"))??;
        let event = self.request_event(new, request, first, entries, duplicates, &left_out)?;
        let (mut event, seals) = event;
        event.items_root = items_root;
        event.rejected_root = rejected_root(&left_out, secret);
        event.awaiting_approval = awaiting_approval;
        event.policy = policy.rule();
        event.held = (!held.is_empty()).then(|| held.clone());
        self.insert_request(event, seals, last, state, new.target)?;
        self.insert_secrets(request, secret, !left_out.is_empty())?;
        self.insert_left_out(request, &left_out)?;
        Ok(Recorded {
            request: Some(request),
            entries,
            duplicates,
            held: held.len(),
            awaiting_approval,
        })
    }

    fn record_nothing(&mut self, new: &NewRequest<'_>, duplicates: u64) -> Result<Recorded> {
        // An event although nothing changes: that all were duplicates is said on the strength of rows
        // that a killed process may have left unsynced. This commit syncs them.
        let mut seals = Seals::default();
        let recorded_by = seals.add(self.entropy, "recorded_by", new.recorded_by)?;
        let event = NothingRecorded {
            operation: new.task.operation(),
            module: new.module.clone(),
            duplicates,
            recorded_by,
        };
        self.append(event, seals)?;
        Ok(Recorded { request: None, entries: 0, duplicates, held: 0, awaiting_approval: false })
    }

    fn next_request(&self) -> Result<RequestId> {
        self.tx
            .query_row("-- next_request\nSELECT coalesce(max(id), 0) + 1 FROM request", [], |row| {
                row.get::<_, Sql<RequestId>>(0)
            })
            .map(|Sql(id)| id)
            .doing("numbering a request")
    }

    fn request_event(
        &mut self,
        new: &NewRequest<'_>,
        request: RequestId,
        first_entry: EntryId,
        entries: u64,
        duplicates: u64,
        left_out: &[LeftOut],
    ) -> Result<(RequestRecorded, Seals)> {
        let mut seals = Seals::default();
        let entropy = &mut *self.entropy;
        let invalid = u64::try_from(left_out.len()).unwrap_or(0).saturating_sub(duplicates);
        let sha256 = new.source.sha256.to_string();
        let event = RequestRecorded {
            request,
            operation: new.task.operation(),
            product: new.product,
            module: new.module.clone(),
            workflows: new.workflows,
            target: new.target.clone(),
            first_entry,
            entries,
            items_root: crate::domain::merkle::empty_root(),
            awaiting_approval: false,
            policy: String::new(),
            not_before: new.not_before,
            valid_until: self.now.plus(new.valid_for),
            source: new.source.kind,
            source_rows: new.source.rows,
            duplicates,
            rejected: invalid,
            rejected_root: None,
            program: new.program.to_owned(),
            requested_by: seals.add(entropy, "requested_by", new.requested_by)?,
            recorded_by: seals.add(entropy, "recorded_by", new.recorded_by)?,
            reason: seals.add(entropy, "reason", new.reason)?,
            ticket: seals.add_some(entropy, "ticket", new.ticket)?,
            source_name: seals.add(entropy, "source_name", &new.source.name)?,
            source_sha256: seals.add(entropy, "source_sha256", &sha256)?,
            source_column: seals.add_some(
                entropy,
                "source_column",
                new.source.column.as_deref(),
            )?,
            related_list: new.task.list().cloned(),
            tags: seals.add_some(entropy, "tags", new.task.tags().map(TagSet::json).as_deref())?,
            snapshot: (!new.snapshot).then_some(false),
            module_id: seals.add_some(
                entropy,
                "module_id",
                new.module_id.map(|id| id.to_string()).as_deref(),
            )?,
            snapshot_records: new.snapshot_records.then_some(true),
            after: new.after,
            held: None,
            full_retention_ms: new
                .full
                .map(|full| u64::try_from(full.retention.as_millis()).unwrap_or(u64::MAX)),
            full_recipient: seals.add_some(
                entropy,
                "full_recipient",
                new.full.map(|full| full.recipient.as_str()),
            )?,
        };
        Ok((event, seals))
    }

    fn insert_request(
        &mut self,
        event: RequestRecorded,
        seals: Seals,
        last: EntryId,
        state: EntryState,
        target: &Target,
    ) -> Result<()> {
        let row = event.clone();
        let seq = self.append(Event::RequestRecorded(event), seals)?;
        self.tx
            .execute(
                "-- insert_request\nINSERT INTO request (id, seq, operation, product, module,
                     workflows, first_entry, last_entry, not_before_ms, valid_until_ms,
                     source_rows, duplicates, rejected, related_list, snapshot, module_seq,
                     after_request, awaits, asked_seq, full_retention_ms)
                 VALUES (:id, :seq, :operation, :product, :module, :workflows, :first, :last,
                     :not_before, :valid_until, :source_rows, :duplicates, :rejected, :list,
                     :snapshot, :module_seq, :after, :awaits, :asked_seq, :full_retention)",
                named_params! {
                    ":id": Sql(row.request), ":seq": Sql(seq),
                    ":operation": row.operation.wire_name(),
                    ":product": row.product.wire_name(),
                    ":module": row.module.as_str(),
                    ":workflows": row.workflows,
                    ":first": Sql(row.first_entry), ":last": Sql(last),
                    ":not_before": row.not_before.map(Sql),
                    ":valid_until": Sql(row.valid_until),
                    ":source_rows": count(row.source_rows),
                    ":duplicates": count(row.duplicates),
                    ":rejected": count(row.rejected),
                    ":list": row.related_list.as_ref().map(RelatedList::as_str),
                    ":snapshot": row.snapshot.unwrap_or(true),
                    ":module_seq": row.module_id.map(|_| Sql(seq)),
                    ":after": row.after.map(Sql),
                    ":awaits": row.awaiting_approval,
                    ":asked_seq": row.awaiting_approval.then_some(Sql(seq)),
                    ":full_retention": row.full_retention_ms.map(count),
                },
            )
            .doing("recording a request")?;
        self.tx
            .execute(
                "-- pin\nINSERT INTO binding (one, data_center, environment, api_origin, pinned_seq)
                 VALUES (1, :data_center, :environment, :api_origin, :seq)
                 ON CONFLICT (one) DO NOTHING",
                named_params! {
                    ":data_center": target.data_center.wire_name(),
                    ":environment": target.environment.wire_name(),
                    ":api_origin": target.api_origin.as_str(),
                    ":seq": Sql(seq),
                },
            )
            .doing("pinning the journal")?;
        entry::tally(&self.tx, row.request, state, count(row.entries))?;
        // What a hold covers is held from the beginning.
        entry::apply(&self.tx, &Event::RequestRecorded(row))
    }

    fn insert_secrets(&self, request: RequestId, secret: Secret, rejected: bool) -> Result<()> {
        let rejected = rejected.then(|| ("rejected", secret.for_rejected_rows()));
        for (purpose, key) in [Some(("items", secret)), rejected].into_iter().flatten() {
            self.tx
                .execute(
                    "-- insert_secret\nINSERT INTO secret (request, purpose, level, idx, key)
                     VALUES (:request, :purpose, 0, 0, :key)",
                    named_params! {
                        ":request": Sql(request), ":purpose": purpose, ":key": key.bytes(),
                    },
                )
                .doing("recording a request")?;
        }
        Ok(())
    }

    fn insert_left_out(&self, request: RequestId, rows: &[LeftOut]) -> Result<()> {
        let doing = "recording the rows left out";
        let mut insert = self
            .tx
            .prepare(
                "-- insert_left_out\nINSERT INTO rejected (request, ordinal, line, value, reason)
                 VALUES (:request, :ordinal, :line, :value, :reason)",
            )
            .doing(doing)?;
        for (ordinal, row) in (0_u64..).zip(rows) {
            insert
                .execute(named_params! {
                    ":request": Sql(request), ":ordinal": count(ordinal),
                    ":line": count(row.line), ":value": row.value, ":reason": row.reason,
                })
                .doing(doing)?;
        }
        Ok(())
    }
}

/// A row that did not become an entry.
struct LeftOut {
    line: u64,
    value: String,
    reason: String,
}

/// Repeated, covered and invalid rows, in the order of their lines.
fn left_out_rows(
    new: &NewRequest<'_>,
    first: EntryId,
    fresh: &[NewItem],
    covered: &Covered,
) -> Vec<LeftOut> {
    let entry_of = |parent: Option<RecordId>, target: RecordId| {
        let key = (parent, target);
        let position = fresh.binary_search_by_key(&key, |item| (item.parent, item.target)).ok();
        position.map(|at| EntryId::new(first.get() + i64::try_from(at).unwrap_or(0))).or_else(
            || {
                let at = covered
                    .binary_search_by_key(&key, |(item, _)| (item.parent, item.target))
                    .ok()?;
                covered.get(at).map(|(_, entry)| *entry)
            },
        )
    };
    // The parent is named where there are several.
    let parents = |item: &NewItem| new.items.first().is_some_and(|one| one.parent != item.parent);
    let several = new.items.iter().any(parents);
    let value = |parent: Option<RecordId>, target: RecordId| match parent.filter(|_| several) {
        Some(parent) => format!("{parent}/{target}"),
        None => target.to_string(),
    };
    let duplicate = |line: u64, value: String, entry: Option<EntryId>| LeftOut {
        line,
        value,
        reason: entry.map_or_else(|| "duplicate".to_owned(), |one| format!("duplicate of {one}")),
    };
    let repeated = new.repeated.iter().map(|row| {
        duplicate(row.line, value(row.parent, row.target), entry_of(row.parent, row.target))
    });
    let covered = covered.iter().map(|(item, entry)| {
        let line = u64::try_from(item.row).unwrap_or(0);
        duplicate(line, value(item.parent, item.target), Some(*entry))
    });
    let invalid = new.invalid.iter().map(|row| LeftOut {
        line: row.line,
        value: row.value.clone(),
        reason: row.reason.clone(),
    });
    let mut rows: Vec<LeftOut> = repeated.chain(covered).chain(invalid).collect();
    rows.sort_by_key(|row| row.line);
    rows
}

/// The items that no open entry covers, and those that one does.
fn split_covered<'a>(
    conn: &Connection,
    new: &NewRequest<'a>,
) -> Result<(Cow<'a, [NewItem]>, Covered)> {
    if new.again {
        return Ok((Cow::Borrowed(new.items), Vec::new()));
    }
    let (mut fresh, mut covered) = (Cow::Borrowed(new.items), Covered::new());
    let mut seen = 0;
    for part in parts(new.items) {
        let known = scope::find(conn, &scope_of(new, part)?)?;
        for (position, item) in (seen..).zip(part) {
            let open = match known {
                Some(known) => entry::open_duplicate(conn, known, item.target)?,
                None => None,
            };
            match open {
                Some(entry) => {
                    covered.push((*item, entry));
                    // From here on the two lists differ.
                    if let Cow::Borrowed(all) = fresh {
                        fresh = Cow::Owned(all.get(..position).unwrap_or_default().to_vec());
                    }
                }
                None => {
                    if let Cow::Owned(fresh) = &mut fresh {
                        fresh.push(*item);
                    }
                }
            }
        }
        seen += part.len();
    }
    Ok((fresh, covered))
}

/// Items by parent.
fn parts(items: &[NewItem]) -> impl Iterator<Item = &[NewItem]> {
    items.chunk_by(|one, other| one.parent == other.parent)
}

/// What the items of one part have in common.
fn scope_of(new: &NewRequest<'_>, part: &[NewItem]) -> Result<Scope> {
    let parent = part.first().and_then(|item| item.parent);
    let action = new
        .task
        .action(parent)
        .ok_or_else(|| StoreError::Unsafe("an item of an unlink has no parent".to_owned()))?;
    Ok(Scope { product: new.product, module: new.module.clone(), action })
}

/// What flags and settings ask for, tightened by what the journal itself asks for.
fn policy_of(conn: &Connection, new: &NewRequest<'_>) -> Result<Met> {
    let demand = new.policy.stricter(&policy::terms_in_force(conn)?.demand);
    Ok(demand.of(new.task.operation(), new.module))
}

/// The entries that a hold covers, numbered from `first` on.
fn held(
    conn: &Connection,
    new: &NewRequest<'_>,
    first: EntryId,
    items: &[NewItem],
) -> Result<EntryRanges> {
    let holds = Holds::load(conn)?;
    let (mut held, mut entry) = (EntryRanges::default(), first);
    if holds.is_empty() {
        return Ok(held);
    }
    for part in parts(items) {
        let scope = scope_of(new, part)?;
        for item in part {
            if holds.cover(conn, &scope, item.target)? {
                held.push(entry);
            }
            entry = entry.next();
        }
    }
    Ok(held)
}

fn insert_entries(
    conn: &Connection,
    new: &NewRequest<'_>,
    first: EntryId,
    state: EntryState,
    items: &[NewItem],
) -> Result<()> {
    let mut next = first.get();
    for part in parts(items) {
        let scope = scope::find_or_make(conn, &scope_of(new, part)?)?;
        entry::insert(conn, EntryId::new(next), scope, state, part)?;
        next += i64::try_from(part.len()).unwrap_or(0);
    }
    Ok(())
}

/// The journal belongs to one data centre, environment and origin from its first request on.
pub(crate) fn check_target(conn: &Connection, target: &Target) -> Result<()> {
    let bound: Option<String> = conn
        .query_row(
            "-- check_target\nSELECT data_center || ', ' || environment || ', ' || api_origin
             FROM binding",
            [],
            |row| row.get(0),
        )
        .optional()
        .doing("reading whom the journal belongs to")?;
    let given = format!("{}, {}, {}", target.data_center, target.environment, target.api_origin);
    match bound {
        Some(bound) if bound != given => Err(StoreError::OtherTarget { bound, given }),
        _ => Ok(()),
    }
}

fn items_root(
    new: &NewRequest<'_>,
    first: EntryId,
    items: &[NewItem],
    secret: Secret,
) -> Result<Hash> {
    let mut secrets = SecretTree::new(secret, u64::try_from(items.len()).unwrap_or(0));
    let mut tree = Tree::default();
    let mut ordinal = 0_u64;
    for part in parts(items) {
        let mut maker = LeafMaker::new(&scope_of(new, part)?);
        for item in part {
            let identity = ItemIdentity {
                entry: EntryId::new(first.get() + count(ordinal)),
                target: item.target,
                row: item.row,
            };
            let salt = secrets.salt(ordinal, LeafPurpose::Recorded);
            tree.append(item_leaf(&salt, maker.recorded(&identity)), |_, _| ());
            ordinal += 1;
        }
    }
    Ok(tree.root())
}

fn rejected_root(rows: &[LeftOut], secret: Secret) -> Option<Hash> {
    let mut secrets =
        SecretTree::new(secret.for_rejected_rows(), u64::try_from(rows.len()).unwrap_or(0));
    let mut tree = Tree::default();
    for (ordinal, row) in (0_u64..).zip(rows) {
        let opened = rejected_row(ordinal, row.line, &row.value, &row.reason);
        tree.append(item_leaf(&secrets.salt(ordinal, LeafPurpose::Rejected), &opened), |_, _| ());
    }
    (!rows.is_empty()).then(|| tree.root())
}
