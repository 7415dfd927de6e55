//! `undo-report --check`: what Zoho shows of what the journal says can be brought back. Reads only, one after the
//! other, and nothing of it is recorded.

use std::collections::{HashMap, HashSet};

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::running::limit_in_words;
use crate::cli::signing::{self, NotRead};
use crate::cli::undo_report::Scan;
use crate::cli::undo_report::meter::{Metered, Unseen};
use crate::domain::answer::ReadError;
use crate::domain::calls::Versions;
use crate::domain::evidence::comeback::MissingTags;
use crate::domain::evidence::deletion::SeenDeleted;
use crate::domain::id::{EntryId, RecordId};
use crate::domain::limits::IDS_PER_READ;
use crate::domain::relations::{Standing, standing};
use crate::domain::scope::{Action, RelatedList, Scope, TagName, TagSet};
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::export::undo::{Correction, Corrections, ToCheck};
use crate::reconcile::options::Limit;
use crate::zoho::{ListAsked, Zoho};

/// So many reads are made at most: what needs more is asked about in parts.
const READS_MAX: usize = 2_000;

/// Pages of a related list that are read for one go.
const PAGES_MAX: u32 = 50;

/// What Zoho showed.
pub(super) struct Checked {
    /// By entry.
    pub(super) seen: Corrections,
    /// When the last read ended.
    pub(super) at: Timestamp,
    /// How many entries were looked at.
    pub(super) looked: u64,
    /// How many more were to be, and could not be read.
    pub(super) unread: u64,
}

/// What was seen of each id.
type Seen = HashMap<RecordId, Correction>;

/// Looks at all that a look can say more about.
pub(super) fn look(context: &mut Context, scan: &Scan<'_>) -> Result<Checked, CliError> {
    context.check_target()?;
    let mut asked = ToCheck::default();
    scan.each(|entry, remedy| {
        // Whether it is due, the answer tells: what has no deadline at all is left out.
        if let Some(remedy) = remedy.filter(|remedy| scan.may_be_due(remedy)) {
            asked.add(entry, &remedy);
        }
        Ok(())
    })?;
    let mut checked = Checked { seen: Corrections::new(), at: context.now(), looked: 0, unread: 0 };
    if asked.entries() == 0 {
        return Ok(checked);
    }
    let reads = may_ask(context, scan, &asked)?;
    let client = signing::client(context)?;
    let zoho = Metered::new(&client, context, scan.reader)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    zoho.has_room(reads + 1).map_err(no_room)?;
    runtime.block_on(is_the_same_org(&zoho, context, scan))?;
    // What a share of the org's day is, is known by now.
    zoho.has_room(reads).map_err(no_room)?;
    let mut unreadable = Vec::new();
    for (scope, items) in &asked.scopes {
        let ids: Vec<RecordId> = items.iter().map(|(_, id)| *id).collect();
        let names = names_of(scan, scope, &ids)?;
        let place = Place { zoho: &zoho, scope, versions: scan.versions, names: &names };
        let carriers = Carriers { items, of: &asked.carriers };
        match runtime.block_on(place.look(&ids, carriers)) {
            Ok(seen) => keep(&mut checked, items, &seen),
            Err(Unseen::NotRead(NotRead::Read(
                error @ (ReadError::Forbidden { .. } | ReadError::NotThere { .. }),
            ))) => {
                unreadable.push(format!("{} could not be read: {error}", scope.module));
                keep(&mut checked, items, &Seen::new());
            }
            Err(Unseen::Limit(limit)) => return Err(no_room(limit)),
            Err(Unseen::NotRead(error)) => {
                let hint = error.hint(context);
                let told = format!("Zoho could not be asked: {error}; nothing was changed");
                return Err(CliError::new(error.exit(), told).hint(hint));
            }
        }
    }
    checked.at = context.now();
    for told in &unreadable {
        context.out.warn(told);
    }
    Ok(checked)
}

/// A budget has no room for all reads that it takes, and a part of the answer is none.
fn no_room(limit: Limit) -> CliError {
    let told = format!("Zoho cannot be asked: {}; nothing was changed", limit_in_words(limit));
    CliError::new(Exit::Stopped, told)
        .hint("name requests or entries, use filters, leave --check out, or raise the limit")
}

fn keep(checked: &mut Checked, items: &[(EntryId, RecordId)], seen: &Seen) {
    for (entry, id) in items {
        if let Some(found) = seen.get(id) {
            checked.seen.insert(*entry, found.clone());
            checked.looked += 1;
        } else {
            checked.unread += 1;
        }
    }
}

/// The names that deleted tags had.
fn names_of(
    scan: &Scan<'_>,
    scope: &Scope,
    ids: &[RecordId],
) -> Result<HashMap<RecordId, String>, CliError> {
    if scope.action != Action::RecreateTags {
        return Ok(HashMap::new());
    }
    let tags = scan.reader.deleted_tags(scope.product, &scope.module, ids)?;
    Ok(tags.into_iter().map(|(id, tag)| (id, tag.name)).collect())
}

/// Nothing is asked while Zoho wants to wait, without a token, or without an end.
/// How many reads it may take, but for further pages of related lists.
fn may_ask(context: &Context, scan: &Scan<'_>, asked: &ToCheck) -> Result<usize, CliError> {
    signing::check_possible(context, "--check asks Zoho; without it the journal and the clock do")?;
    let now = context.now();
    if let Some(until) = scan.reader.breaker()?.and_then(|breaker| breaker.holds(now)) {
        let error = format!("Zoho asked for fewer calls: none is made before {until}");
        return Err(
            CliError::new(Exit::Stopped, error).hint("leave --check out, or try again then")
        );
    }
    let reads: usize = asked.scopes.iter().map(|(scope, items)| reads(scope, items.len())).sum();
    let carriers = asked.carriers.values().map(|(_, records)| records.len().div_ceil(IDS_PER_READ));
    let reads = reads + carriers.sum::<usize>();
    if reads > READS_MAX {
        let entries = u64::try_from(asked.entries()).unwrap_or(u64::MAX);
        let error = format!(
            "looking at {} would take {reads} reads, more than {READS_MAX}",
            counted(entries, "entry", "entries")
        );
        return Err(
            CliError::new(Exit::Refused, error).hint("name requests or entries, or use filters")
        );
    }
    Ok(reads)
}

fn reads(scope: &Scope, items: usize) -> usize {
    let chunks = items.div_ceil(IDS_PER_READ);
    match scope.action {
        // What cannot be read is looked for in the bin.
        Action::Restore => 2 * chunks,
        Action::RecreateTags => 1,
        Action::Delete
        | Action::Untag(_)
        | Action::Unlink { .. }
        | Action::DeleteTags
        | Action::Retag(_)
        | Action::Relink { .. } => chunks,
    }
}

/// Another org's bin says nothing about this journal.
async fn is_the_same_org<Z: Zoho>(
    zoho: &Metered<'_, Z>,
    context: &Context,
    scan: &Scan<'_>,
) -> Result<(), CliError> {
    let Some(bound) = scan.reader.binding()?.and_then(|bound| bound.org) else {
        return Ok(());
    };
    let product = context.settings.product.value;
    let version = scan.versions.of_product(product);
    let found = zoho.read(async |zoho: &Z| zoho.read_org(product, version).await).await;
    let found = found.map_err(|unseen| match unseen {
        Unseen::Limit(limit) => no_room(limit),
        Unseen::NotRead(error) => {
            let hint = error.hint(context);
            CliError::new(error.exit(), format!("cannot read the org: {error}")).hint(hint)
        }
    })?;
    zoho.heed_edition(&found.value);
    let found = found.value.id.to_string();
    if found == bound {
        return Ok(());
    }
    let error = format!("the token belongs to org {found}, and this journal to org {bound}");
    Err(CliError::new(Exit::Refused, error).hint("use the token of the journal's own org"))
}

/// What is looked at, and where.
struct Place<'a, Z> {
    zoho: &'a Metered<'a, Z>,
    scope: &'a Scope,
    versions: Versions,
    names: &'a HashMap<RecordId, String>,
}

impl<Z: Zoho> Place<'_, Z> {
    async fn look(&self, ids: &[RecordId], carriers: Carriers<'_>) -> Result<Seen, Unseen> {
        match &self.scope.action {
            Action::Restore => self.records(ids).await,
            Action::Retag(tags) => self.tags(ids, tags).await,
            Action::Relink { parent, list } => self.relations(ids, *parent, list).await,
            Action::RecreateTags => self.definitions(ids, carriers).await,
            Action::Delete | Action::Untag(_) | Action::Unlink { .. } | Action::DeleteTags => {
                Ok(Seen::new())
            }
        }
    }

    fn at(&self) -> (Product, ApiVersion) {
        (self.scope.product, self.versions.of_product(self.scope.product))
    }

    async fn records(&self, ids: &[RecordId]) -> Result<Seen, Unseen> {
        let ((product, version), module) = (self.at(), &self.scope.module);
        let mut seen = Seen::new();
        for chunk in ids.chunks(IDS_PER_READ) {
            let read = self.zoho.read(async |zoho: &Z| {
                zoho.read_records(product, version, module, chunk, false).await
            });
            let there: HashSet<RecordId> =
                read.await?.value.into_iter().map(|record| record.id).collect();
            seen.extend(there.iter().map(|id| (*id, Correction::Back)));
            let missing: Vec<RecordId> =
                chunk.iter().copied().filter(|id| !there.contains(id)).collect();
            if missing.is_empty() {
                continue;
            }
            let bin = self.zoho.read(async |zoho: &Z| zoho.read_bin(module, &missing).await);
            let bin = bin.await?.value;
            for id in missing {
                let found = bin.iter().find(|one| one.id == id && !one.permanent);
                let found = found.map_or(Correction::Purged, |found| {
                    let (by, at) = (found.deleted_by, found.deleted_time);
                    Correction::InBin(SeenDeleted { by, at, permanent: false })
                });
                seen.insert(id, found);
            }
        }
        Ok(seen)
    }

    async fn tags(&self, ids: &[RecordId], wanted: &TagSet) -> Result<Seen, Unseen> {
        let ((product, version), module) = (self.at(), &self.scope.module);
        let mut seen = Seen::new();
        for chunk in ids.chunks(IDS_PER_READ) {
            let read = self.zoho.read(async |zoho: &Z| {
                zoho.read_records(product, version, module, chunk, true).await
            });
            let records = read.await?.value;
            for id in chunk {
                let found = records.iter().find(|record| record.id == *id);
                let found = found.map_or(Correction::NoHolder, |record| {
                    let carried = record.tags.as_deref().unwrap_or_default();
                    let missing = MissingTags::of(wanted, carried, None).missing;
                    if missing.is_empty() {
                        return Correction::Back;
                    }
                    let all = missing.len() == wanted.names().len();
                    let left = |names: Option<Vec<TagName>>| TagSet::new(names?).ok();
                    match left(missing.iter().map(|name| name.parse().ok()).collect()) {
                        Some(left) if !all => Correction::TagsLeft(left),
                        _ => Correction::Missing,
                    }
                });
                seen.insert(*id, found);
            }
        }
        Ok(seen)
    }

    async fn relations(
        &self,
        ids: &[RecordId],
        parent: RecordId,
        list: &RelatedList,
    ) -> Result<Seen, Unseen> {
        let ((product, version), module) = (self.at(), &self.scope.module);
        let field = match standing(product, version, module, list) {
            Standing::Listed { field, .. } => field,
            Standing::DeletesRecords | Standing::Unlisted => None,
        };
        let asked = ListAsked { product, version, module, parent, list, field };
        let mut seen = Seen::new();
        for chunk in ids.chunks(IDS_PER_READ) {
            let mut members: HashSet<RecordId> = HashSet::new();
            // Of a list that was not read to its end nothing is said about who was not met.
            let mut otherwise = None;
            for page in 1..=PAGES_MAX {
                let read =
                    self.zoho.read(async |zoho: &Z| zoho.read_related(&asked, chunk, page).await);
                let Some(rows) = read.await?.value else {
                    otherwise = Some(Correction::NoHolder);
                    break;
                };
                members.extend(rows.rows.iter().map(|row| row.id));
                if !rows.more {
                    otherwise = Some(Correction::Missing);
                    break;
                }
            }
            let found = |id: &RecordId| {
                if members.contains(id) { Some(Correction::Back) } else { otherwise.clone() }
            };
            seen.extend(chunk.iter().filter_map(|id| Some((*id, found(id)?))));
        }
        Ok(seen)
    }

    async fn definitions(&self, ids: &[RecordId], carriers: Carriers<'_>) -> Result<Seen, Unseen> {
        let ((product, version), module) = (self.at(), &self.scope.module);
        let read = self.zoho.read(async |zoho: &Z| zoho.read_tags(product, version, module).await);
        let there: HashSet<String> = read.await?.value.into_iter().map(|tag| tag.name).collect();
        let mut seen = Seen::new();
        for id in ids {
            let Some(name) = self.names.get(id) else { continue };
            let found = if there.contains(name) {
                match carriers.about(*id) {
                    Some((tag, records)) => self.carriers(tag, records).await?,
                    None => Correction::Back,
                }
            } else {
                Correction::Missing
            };
            seen.insert(*id, found);
        }
        Ok(seen)
    }

    /// Of the records that are to carry a tag again that is defined, those that are there without it.
    async fn carriers(&self, tag: &TagSet, records: &[RecordId]) -> Result<Correction, Unseen> {
        let lacks = |(id, found): (RecordId, Correction)| {
            matches!(found, Correction::Missing | Correction::TagsLeft(_)).then_some(id)
        };
        let mut left: Vec<RecordId> =
            self.tags(records, tag).await?.into_iter().filter_map(lacks).collect();
        left.sort_unstable();
        Ok(if left.is_empty() { Correction::Back } else { Correction::RecordsLeft(left) })
    }
}

/// Which records are to carry the tags of one scope again, where that is known.
#[derive(Clone, Copy)]
struct Carriers<'a> {
    items: &'a [(EntryId, RecordId)],
    of: &'a HashMap<EntryId, (TagSet, Vec<RecordId>)>,
}

impl<'a> Carriers<'a> {
    fn about(self, tag: RecordId) -> Option<(&'a TagSet, &'a [RecordId])> {
        let (entry, _) = self.items.iter().find(|(_, id)| *id == tag)?;
        self.of.get(entry).map(|(tag, records)| (tag, records.as_slice()))
    }
}
