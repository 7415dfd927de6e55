//! Looking again at what settled entries took away. Nothing is sent, and no entry changes its state.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::evidence::Look;
use crate::domain::evidence::comeback::{BinFacts, ComebackFacts};
use crate::domain::evidence::deletion::{Facts, SeenDeleted};
use crate::domain::evidence::presence::ThingFacts;
use crate::domain::id::RecordId;
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::scope::{Operation, Scope};
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
    let ids: Vec<RecordId> = entries.iter().map(|one| one.target).collect();
    let looked = if scope.operation() == Operation::Delete {
        see_records(shared, scope, &ids).await
    } else {
        see_things(shared, scope, &ids).await
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
        let (found, facts) = looked.get(&one.target)?;
        Some(Seen { entry: one.entry, found: *found, facts: facts.clone() })
    };
    Ok(entries.iter().filter_map(seen).collect())
}

/// Where each thing is, and what decides that, as JSON.
type Places = HashMap<RecordId, (Found, String)>;

fn unwritable(error: &serde_json::Error) -> Unread {
    Unread::Silent(error.to_string())
}

async fn see_things<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    ids: &[RecordId],
) -> Result<Places, Unread> {
    let version = shared.options.versions.of(scope.operation(), scope.product);
    let mut seen = Places::new();
    let found = shared.look(scope, version, ids, true).await?;
    // A tag that somebody made again has another id; its name tells.
    let again = if scope.operation() == Operation::DeleteTags {
        shared.look_for_definitions(Place::of(scope, version), ids).await?
    } else {
        HashMap::new()
    };
    for (id, facts) in found {
        let made_again = again.get(&id).filter(|again| again.never_there(false));
        let (place, facts) = match (Found::of_thing(&facts), made_again) {
            (Some(Found::NotSeen), Some(again)) => (Some(Found::Back), again),
            (place, _) => (place, &facts),
        };
        let Some(place) = place else { continue };
        seen.insert(id, (place, facts.json().map_err(|error| unwritable(&error))?));
    }
    Ok(seen)
}

async fn see_records<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    scope: &Scope,
    ids: &[RecordId],
) -> Result<Places, Unread> {
    let version = shared.options.versions.of_product(scope.product);
    let place = Place::of(scope, version);
    // No call asks Bigin's bin.
    let found = shared.look_for_records(place, ids, scope.product == Product::Crm).await?;
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
    for (id, facts) in all {
        if let Some(found) = Found::of_record(&facts) {
            let facts = serde_json::to_string(&facts).map_err(|error| unwritable(&error))?;
            seen.insert(id, (found, facts));
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
