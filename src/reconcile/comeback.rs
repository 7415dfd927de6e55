//! Reading what is to come back: the same reads as for what is taken away, seen from the other side.

use std::collections::HashMap;

use crate::clock::Clock;
use crate::domain::evidence::Look;
use crate::domain::evidence::comeback::{
    BinFacts, ComebackFacts, MissingTags, RedefinedFacts, RetagFacts,
};
use crate::domain::evidence::deletion::{SeenDeleted, SeenRecord};
use crate::domain::evidence::presence::ThingFacts;
use crate::domain::id::RecordId;
use crate::domain::limits::IDS_PER_READ;
use crate::domain::scope::TagSet;
use crate::domain::usage::ANY_OTHER;
use crate::reconcile::contact::Unread;
use crate::reconcile::look::{Found, Place};
use crate::reconcile::shared::Shared;
use crate::store::StoreError;
use crate::zoho::Zoho;

/// A relation that is to come back.
pub(super) fn comeback_of(facts: ThingFacts) -> ThingFacts {
    if let ThingFacts::Relation(facts) = facts {
        ThingFacts::Comeback(ComebackFacts::Relation(facts))
    } else {
        facts
    }
}

impl<Z: Zoho, C: Clock> Shared<Z, C> {
    /// Records: those that can be read are back; of the others the recycle bin is asked, where the product has one
    /// that can be.
    pub(super) async fn look_for_records(
        &self,
        place: Place<'_>,
        ids: &[RecordId],
        has_bin: bool,
    ) -> Result<Found, Unread> {
        let mut found = Found::new();
        let Place { product, version, module } = place;
        for chunk in ids.chunks(IDS_PER_READ) {
            let read = self
                .read(ANY_OTHER, || self.zoho.read_records(product, version, module, chunk, false))
                .await?;
            let there = |id: &RecordId| read.value.iter().find(|record| record.id == *id);
            let missing: Vec<RecordId> =
                chunk.iter().copied().filter(|id| there(id).is_none()).collect();
            let bin = if has_bin { self.look_into_the_bin(place, &missing).await? } else { None };
            for id in chunk {
                let record = there(id).map_or(Look::NotThere, |record| {
                    Look::Seen(SeenRecord { modified: record.modified_time })
                });
                let bin = match (&record, &bin) {
                    (Look::Seen(_), _) if has_bin => Look::NotAsked,
                    (_, None) => Look::Closed,
                    (_, Some(bin)) => bin.get(id).cloned().map_or(Look::NotThere, Look::Seen),
                };
                let facts = ComebackFacts::Record(BinFacts { record, bin });
                found.insert(*id, ThingFacts::Comeback(facts));
            }
        }
        Ok(found)
    }

    /// Which of these lie in the recycle bin; `None` where we may not look into it.
    pub(super) async fn look_into_the_bin(
        &self,
        place: Place<'_>,
        ids: &[RecordId],
    ) -> Result<Option<HashMap<RecordId, SeenDeleted>>, Unread> {
        let mut seen = HashMap::new();
        for chunk in ids.chunks(IDS_PER_READ) {
            let rows = match self.read(ANY_OTHER, || self.zoho.read_bin(place.module, chunk)).await
            {
                Ok(read) => read.value,
                Err(Unread::Forbidden { code, .. } | Unread::NotThere { code, .. }) => {
                    self.warn(format!("the recycle bin cannot be read ({code})"));
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            for row in rows {
                let deleted = SeenDeleted {
                    by: row.deleted_by,
                    at: row.deleted_time,
                    permanent: row.permanent,
                };
                seen.insert(row.id, deleted);
            }
        }
        Ok(Some(seen))
    }

    /// Tags on records.
    pub(super) async fn look_for_tags(
        &self,
        place: Place<'_>,
        ids: &[RecordId],
        wanted: &TagSet,
    ) -> Result<Found, Unread> {
        self.look_at_carried(place, ids, |record| {
            let record = record.map_or(Look::NotThere, |record| {
                let carried = record.tags.as_deref().unwrap_or_default();
                Look::Seen(MissingTags::of(wanted, carried, record.modified_time))
            });
            ThingFacts::Comeback(ComebackFacts::Tags(RetagFacts { record }))
        })
        .await
    }

    /// Definitions of tags, by the names that the deleted ones had: the journal knows them, Zoho does not any more.
    /// Always read anew, since a call of ours a moment ago may have made one.
    pub(super) async fn look_for_definitions(
        &self,
        place: Place<'_>,
        ids: &[RecordId],
    ) -> Result<Found, Unread> {
        let Place { product, module, .. } = place;
        let names = self
            .journal(|reader| reader.deleted_tags(product, module, ids))
            .map_err(|error: StoreError| Unread::Silent(error.to_string()))?;
        let tags = self.tags_of(place, true).await?;
        let facts = |id: &RecordId| {
            let name = names.get(id).map(|tag| tag.name.as_str());
            let same = name.and_then(|name| tags.iter().find(|(_, tag)| tag.name == name));
            let facts = match same {
                Some((id, tag)) => {
                    let id = Some(id.to_string());
                    RedefinedFacts { tag: Look::Seen(tag.clone()), id, lacking: None }
                }
                None => RedefinedFacts { tag: Look::NotThere, id: None, lacking: None },
            };
            (*id, ThingFacts::Comeback(ComebackFacts::Definition(facts)))
        };
        Ok(ids.iter().map(facts).collect())
    }
}
