//! Looking again at what settled entries took away. Nothing is sent, and no entry changes its state.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::evidence::Look;
use crate::domain::evidence::comeback::{BinFacts, ComebackFacts, RedefinedFacts};
use crate::domain::evidence::deletion::{Facts, SeenDeleted};
use crate::domain::evidence::presence::{DefinitionFacts, TagFacts, ThingFacts};
use crate::domain::id::{EntryId, RecordId};
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::scope::{Operation, Scope, TagSet};
use crate::domain::target::Product;
use crate::domain::usage::DELETED_PAGE;
use crate::reconcile::contact::Unread;
use crate::reconcile::look::Place;
use crate::reconcile::options::{Progress, RunError};
use crate::reconcile::shared::Shared;
use crate::store::recheck::{Looked, Seen};
use crate::zoho::Zoho;

/// Entries that are looked at in one go, and recorded in one event.
const AT_ONCE: usize = 1000;

/// Pages of the list of deletions that are read for one go.
const MAX_PAGES: u32 = 100;

/// So long the list of deletions goes back for what is permanently gone (CRM v7 Get Deleted Records page: 120 days).
const LISTED_FOR: Duration = Duration::from_hours(2880);

/// Looks at these entries, once each.
pub(super) async fn look_again<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    entries: &EntryRanges,
) -> Result<(), RunError> {
    let looked = shared.journal(|reader| reader.to_look_at(entries).map_err(RunError::from))?;
    for chunk in looked.chunks(AT_ONCE) {
        let mut by_scope: BTreeMap<Arc<Scope>, Vec<Looked>> = BTreeMap::new();
        for one in chunk {
            by_scope.entry(Arc::clone(&one.scope)).or_default().push(one.clone());
        }
        for (scope, entries) in by_scope {
            if shared.is_stopping() {
                return Ok(());
            }
            let seen = see(shared, &scope, &entries).await?;
            record(shared, &scope, entries.len(), seen).await?;
        }
    }
    Ok(())
}

async fn record<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    entries: usize,
    mut seen: Vec<Seen>,
) -> Result<(), RunError> {
    let unread = entries.saturating_sub(seen.len());
    shared.state().unread += u64::try_from(unread).unwrap_or(u64::MAX);
    if seen.is_empty() {
        return Ok(());
    }
    seen.sort_by_key(|one| one.entry);
    let told: Vec<_> = seen.iter().map(|one| (one.entry, one.found)).collect();
    shared.writer.record_recheck(scope.module.clone(), seen).await?;
    let mut state = shared.state();
    for (_, found) in &told {
        *state.rechecked.entry(*found).or_default() += 1;
    }
    drop(state);
    let at = shared.clock.now();
    shared.tell(&Progress::Rechecked { module: scope.module.clone(), at, seen: told });
    Ok(())
}

/// What there is to see of the entries of one scope. Those whose sources gave no answer are left out.
async fn see<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    entries: &[Looked],
) -> Result<Vec<Seen>, RunError> {
    let looked = if scope.operation() == Operation::Delete {
        see_records(shared, scope, entries).await
    } else {
        see_things(shared, scope, entries).await
    };
    let looked = match looked {
        Ok(looked) => looked,
        Err(Unread::Forbidden { code, message } | Unread::NotThere { code, message }) => {
            shared.warn(format!("{} cannot be read: {code}: {message}", scope.module));
            return Ok(Vec::new());
        }
        Err(Unread::Silent(why)) => {
            shared.warn(format!("{} gave no answer: {why}", scope.module));
            return Ok(Vec::new());
        }
    };
    let seen = |one: &Looked| {
        let (found, facts) = looked.get(&one.entry)?;
        Some(Seen { entry: one.entry, found: *found, facts: facts.clone() })
    };
    Ok(entries.iter().filter_map(seen).collect())
}

/// Where each entry's thing is, and what decides that, as JSON.
type Places = HashMap<EntryId, (Found, String)>;

fn unwritable(error: &serde_json::Error) -> Unread {
    Unread::Silent(error.to_string())
}

async fn see_things<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    entries: &[Looked],
) -> Result<Places, Unread> {
    let version = shared.options.versions.of(scope.operation(), scope.product);
    let ids: Vec<RecordId> = entries.iter().map(|one| one.target).collect();
    let found = shared.look(scope, version, &ids, true).await?;
    // A tag that somebody made again has another id; its name tells.
    let again = if scope.operation() == Operation::DeleteTags {
        shared.look_for_definitions(Place::of(scope, version), &ids).await?
    } else {
        HashMap::new()
    };
    let mut seen = Places::new();
    for one in entries {
        let Some(facts) = found.get(&one.target) else { continue };
        let all = is_whole(facts, one.before.as_ref(), scope.tags());
        let place = Found::of_thing(facts, all);
        let (place, facts) = match (place, again.get(&one.target)) {
            (
                Some(Found::NotSeen),
                Some(ThingFacts::Comeback(ComebackFacts::Definition(again))),
            ) if matches!(again.tag, Look::Seen(_)) => {
                let lacking = lacking(shared, Place::of(scope, version), one).await?;
                let is_back = lacking.as_ref().is_none_or(Vec::is_empty);
                let again = RedefinedFacts { lacking, ..again.clone() };
                let place = if is_back { Found::Back } else { Found::NotSeen };
                (Some(place), ThingFacts::Comeback(ComebackFacts::Definition(again)))
            }
            (place, _) => (place, facts.clone()),
        };
        let Some(place) = place else { continue };
        seen.insert(one.entry, (place, facts.json().map_err(|error| unwritable(&error))?));
    }
    Ok(seen)
}

/// Whether something that is there is there as it was: of a record's tags, all that it carried before the call; where
/// that is not known, all that were to go.
fn is_whole(facts: &ThingFacts, before: Option<&ThingFacts>, asked: Option<&TagSet>) -> bool {
    let ThingFacts::Tags(TagFacts { record: Look::Seen(now), .. }) = facts else { return true };
    let asked = || asked.map(TagSet::names).unwrap_or_default().iter().map(ToString::to_string);
    let then = match before {
        Some(ThingFacts::Tags(TagFacts { record: Look::Seen(then), .. })) => then.names().to_vec(),
        _ => asked().collect(),
    };
    now.lacking(&then).is_empty()
}

/// Of the records that carried a tag that somebody made again, those that are there without it; `None` where nobody
/// knows which carried it.
async fn lacking<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    place: Place<'_>,
    one: &Looked,
) -> Result<Option<Vec<RecordId>>, Unread> {
    let Some(ThingFacts::Definition(DefinitionFacts {
        tag: Look::Seen(tag),
        records: Some(records),
    })) = &one.before
    else {
        return Ok(None);
    };
    let Some(name) = tag.name.parse().ok().and_then(|name| TagSet::new([name]).ok()) else {
        return Ok(None);
    };
    let found = shared.look_for_tags(place, records, &name).await?;
    let lacks = |record: &&RecordId| found.get(*record).is_some_and(ThingFacts::is_there);
    Ok(Some(records.iter().filter(lacks).copied().collect()))
}

async fn see_records<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    entries: &[Looked],
) -> Result<Places, Unread> {
    let version = shared.options.versions.of_product(scope.product);
    let place = Place::of(scope, version);
    let ids: Vec<RecordId> = entries.iter().map(|one| one.target).collect();
    // No call asks Bigin's bin.
    let found = shared.look_for_records(place, &ids, scope.product == Product::Crm).await?;
    let mut all: HashMap<RecordId, Facts> = HashMap::new();
    for (id, facts) in found {
        let ThingFacts::Comeback(ComebackFacts::Record(BinFacts { record, bin })) = facts else {
            continue;
        };
        all.insert(id, Facts { bin, deleted: Look::NotAsked, record });
    }
    let missing = |facts: &Facts| {
        facts.record == Look::NotThere && matches!(facts.bin, Look::NotThere | Look::Closed)
    };
    let wanted: HashSet<RecordId> =
        all.iter().filter(|(_, facts)| missing(facts)).map(|(id, _)| *id).collect();
    if !wanted.is_empty() {
        let listed = listed(shared, place, &wanted).await;
        for id in &wanted {
            if let Some(facts) = all.get_mut(id) {
                facts.deleted = match &listed {
                    Ok(listed) => listed.get(id).cloned().map_or(Look::NotThere, Look::Seen),
                    Err(Unread::Silent(_)) => Look::Silent,
                    Err(_) => Look::Closed,
                };
            }
        }
    }
    let mut seen = Places::new();
    for one in entries {
        let Some(facts) = all.get(&one.target) else { continue };
        if let Some(found) = Found::of_record(facts) {
            let facts = serde_json::to_string(facts).map_err(|error| unwritable(&error))?;
            seen.insert(one.entry, (found, facts));
        }
    }
    Ok(seen)
}

/// Which of these are listed as deleted. A list that is too long to be read to its end says nothing of the others.
async fn listed<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    place: Place<'_>,
    wanted: &HashSet<RecordId>,
) -> Result<HashMap<RecordId, SeenDeleted>, Unread> {
    let since = shared.clock.now().minus(LISTED_FOR);
    let Place { product, version, module } = place;
    let mut seen = HashMap::new();
    for page in 1..=MAX_PAGES {
        let read = shared
            .read(DELETED_PAGE, || shared.zoho.read_deleted(product, version, module, since, page))
            .await?
            .value;
        for row in read.rows.into_iter().filter(|row| wanted.contains(&row.id)) {
            let deleted =
                SeenDeleted { by: row.deleted_by, at: row.deleted_time, permanent: row.permanent };
            seen.insert(row.id, deleted);
        }
        if !read.more || seen.len() == wanted.len() {
            return Ok(seen);
        }
    }
    Err(Unread::NotThere {
        code: "TOO_LONG".to_owned(),
        message: format!("the list of deletions is longer than {MAX_PAGES} pages"),
    })
}
