//! Reading tags and relations: for a snapshot before a call, and as evidence afterwards.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::answer::{RecordSeen, Related};
use crate::domain::evidence::Look;
use crate::domain::evidence::deletion::SeenRecord;
use crate::domain::evidence::presence::{
    CarriedTags, DefinitionFacts, Membership, RelationFacts, SeenTag, TagFacts, ThingFacts,
};
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::limits::IDS_PER_READ;
use crate::domain::relations::{Standing, standing};
use crate::domain::scope::{Action, RelatedList, Scope, TagName, TagSet};
use crate::domain::target::{ApiVersion, Product};
use crate::domain::usage::ANY_OTHER;
use crate::reconcile::comeback::comeback_of;
use crate::reconcile::contact::Unread;
use crate::reconcile::shared::Shared;
use crate::zoho::{ListAsked, Zoho};

/// Pages of a related list that are read for one go.
const MAX_PAGES: u32 = 50;

/// How long a list of a module's tags serves the next batch of the same module.
const TAGS_KEPT: Duration = Duration::from_secs(10);

/// All tags of a module by id.
pub(super) type Tags = Arc<HashMap<RecordId, SeenTag>>;

/// Tags of modules, and when they were read, on the clock that counts suspend. A list from before a call of ours
/// was settled would show what that call deleted: then all are forgotten, and what is being read is not kept.
#[derive(Debug, Default)]
pub(crate) struct TagLists {
    lists: HashMap<(Product, ModuleName), (Duration, Tags)>,
    generation: u64,
}

impl TagLists {
    pub(crate) fn forget(&mut self) {
        self.lists.clear();
        self.generation += 1;
    }
}

/// What was read about each id that was asked for.
pub(crate) type Found = HashMap<RecordId, ThingFacts>;

/// What is read, and where.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) product: Product,
    pub(crate) version: ApiVersion,
    pub(crate) module: &'a ModuleName,
}

impl<'a> Place<'a> {
    pub(crate) fn of(scope: &'a Scope, version: ApiVersion) -> Self {
        Self { product: scope.product, version, module: &scope.module }
    }
}

impl<Z: Zoho, C: Clock> Shared<Z, C> {
    /// Reads whether the things of one scope are there; nothing for a deletion, whose sources are others. A
    /// list that was read a moment ago serves again unless it must be `fresh`.
    pub(crate) async fn look(
        &self,
        scope: &Scope,
        version: ApiVersion,
        ids: &[RecordId],
        fresh: bool,
    ) -> Result<Found, Unread> {
        let place = Place::of(scope, version);
        match &scope.action {
            Action::Delete => Ok(Found::new()),
            Action::Untag(tags) => self.look_at_tags(place, ids, tags).await,
            Action::Unlink { parent, list } => {
                self.look_at_relations(place, *parent, list, ids).await
            }
            Action::DeleteTags => self.look_at_definitions(place, ids, fresh).await,
            Action::Restore => self.look_for_records(place, ids, true).await,
            Action::Retag(tags) => self.look_for_tags(place, ids, tags).await,
            Action::Relink { parent, list } => {
                let found = self.look_at_relations(place, *parent, list, ids).await?;
                Ok(found.into_iter().map(|(id, facts)| (id, comeback_of(facts))).collect())
            }
            Action::RecreateTags => self.look_for_definitions(place, ids).await,
        }
    }

    async fn look_at_tags(
        &self,
        place: Place<'_>,
        ids: &[RecordId],
        asked: &TagSet,
    ) -> Result<Found, Unread> {
        self.look_at_carried(place, ids, |record| {
            let record = record.map_or(Look::NotThere, |record| {
                let carried = record.tags.as_deref().unwrap_or_default();
                Look::Seen(CarriedTags::of(asked, carried, record.modified_time))
            });
            ThingFacts::Tags(TagFacts { record, defined: Look::NotAsked })
        })
        .await
    }

    /// Records with their tags, and what each of them shows; `None` for one that is not there.
    pub(super) async fn look_at_carried(
        &self,
        place: Place<'_>,
        ids: &[RecordId],
        shows: impl Fn(Option<&RecordSeen>) -> ThingFacts,
    ) -> Result<Found, Unread> {
        let mut found = Found::new();
        for chunk in ids.chunks(IDS_PER_READ) {
            let Place { product, version, module } = place;
            let read = self
                .read(ANY_OTHER, || self.zoho.read_records(product, version, module, chunk, true))
                .await?;
            for id in chunk {
                let record = read.value.iter().find(|record| record.id == *id);
                found.insert(*id, shows(record));
            }
        }
        Ok(found)
    }

    pub(super) async fn look_at_relations(
        &self,
        place: Place<'_>,
        parent: RecordId,
        list: &RelatedList,
        ids: &[RecordId],
    ) -> Result<Found, Unread> {
        let standing = standing(place.product, place.version, place.module, list);
        let field = match &standing {
            Standing::Listed { field, .. } => *field,
            Standing::DeletesRecords | Standing::Unlisted => None,
        };
        let Place { product, version, module } = place;
        let asked = ListAsked { product, version, module, parent, list, field };
        let mut found = Found::new();
        for chunk in ids.chunks(IDS_PER_READ) {
            let members = self.members(&asked, chunk).await?;
            for id in chunk {
                let list = match &members {
                    None => Look::NotThere,
                    Some(members) => Look::Seen(membership(members, *id)),
                };
                let facts = RelationFacts { list, related: Look::NotAsked };
                found.insert(*id, ThingFacts::Relation(facts));
            }
        }
        if let Standing::Listed { related, .. } = &standing {
            self.look_at_related(Place { module: related, ..place }, &mut found).await?;
        } else {
            // Which module the list's records belong to is not known.
            for facts in found.values_mut() {
                if let ThingFacts::Relation(facts) = facts {
                    facts.related = Look::Closed;
                }
            }
        }
        Ok(found)
    }

    /// Those of the records that stand in the list; `None` when the parent is not there.
    async fn members(
        &self,
        asked: &ListAsked<'_>,
        ids: &[RecordId],
    ) -> Result<Option<Vec<Related>>, Unread> {
        let mut members: Vec<Related> = Vec::new();
        for page in 1..=MAX_PAGES {
            let read = self.read(ANY_OTHER, || self.zoho.read_related(asked, ids, page)).await?;
            let Some(read) = read.value else { return Ok(None) };
            // A row may come again on the next page, when somebody adds one meanwhile.
            for row in read.rows {
                if members.iter().all(|known| known.id != row.id) {
                    members.push(row);
                }
            }
            if !read.more || members.len() >= ids.len() {
                return Ok(Some(members));
            }
        }
        Err(Unread::NotThere {
            code: "TOO_LONG".to_owned(),
            message: format!("{} of {} is longer than {MAX_PAGES} pages", asked.list, asked.parent),
        })
    }

    /// Whether the records that do not stand in the list are records at all.
    async fn look_at_related(&self, place: Place<'_>, found: &mut Found) -> Result<(), Unread> {
        let missing = |facts: &ThingFacts| {
            matches!(facts, ThingFacts::Relation(RelationFacts { list: Look::Seen(one), .. })
                if !one.member)
        };
        let mut ids: Vec<RecordId> =
            found.iter().filter(|(_, facts)| missing(facts)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        for chunk in ids.chunks(IDS_PER_READ) {
            let Place { product, version, module } = place;
            let read = self
                .read(ANY_OTHER, || self.zoho.read_records(product, version, module, chunk, false))
                .await;
            let records = match read {
                Ok(read) => Some(read.value),
                Err(Unread::Forbidden { .. } | Unread::NotThere { .. }) => None,
                Err(error) => return Err(error),
            };
            for id in chunk {
                if let Some(ThingFacts::Relation(facts)) = found.get_mut(id) {
                    facts.related = match &records {
                        None => Look::Closed,
                        Some(records) => {
                            records.iter().find(|one| one.id == *id).map_or(Look::NotThere, |one| {
                                Look::Seen(SeenRecord { modified: one.modified_time })
                            })
                        }
                    };
                }
            }
        }
        Ok(())
    }

    async fn look_at_definitions(
        &self,
        place: Place<'_>,
        ids: &[RecordId],
        fresh: bool,
    ) -> Result<Found, Unread> {
        let tags = self.tags_of(place, fresh).await?;
        let facts = |id: &RecordId| {
            let tag = tags.get(id).map_or(Look::NotThere, |tag| Look::Seen(tag.clone()));
            (*id, ThingFacts::Definition(DefinitionFacts { tag, records: None }))
        };
        Ok(ids.iter().map(facts).collect())
    }

    /// The tags of a module. Several batches of it are claimed with one read, a `fresh` one is made anew.
    pub(super) async fn tags_of(&self, place: Place<'_>, fresh: bool) -> Result<Tags, Unread> {
        let key = (place.product, place.module.clone());
        let now = self.clock.elapsed();
        let generation = {
            let state = self.state();
            if !fresh
                && let Some((at, tags)) = state.tag_lists.lists.get(&key)
                && now.saturating_sub(*at) < TAGS_KEPT
            {
                return Ok(Arc::clone(tags));
            }
            state.tag_lists.generation
        };
        let Place { product, version, module } = place;
        let read = self.read(ANY_OTHER, || self.zoho.read_tags(product, version, module)).await?;
        let seen = |tag: crate::domain::answer::TagSeen| {
            (tag.id, SeenTag { name: tag.name, color: tag.color })
        };
        let tags: Tags = Arc::new(read.value.into_iter().map(seen).collect());
        let mut state = self.state();
        if state.tag_lists.generation == generation {
            state.tag_lists.lists.insert(key, (now, Arc::clone(&tags)));
        }
        drop(state);
        Ok(tags)
    }

    /// Whether all of these tags are still defined in the module.
    pub(crate) async fn are_defined(
        &self,
        place: Place<'_>,
        asked: &TagSet,
    ) -> Result<bool, Unread> {
        let tags = self.tags_of(place, true).await?;
        let is = |name: &TagName| tags.values().any(|tag| name.may_be(&tag.name));
        Ok(asked.names().iter().all(is))
    }
}

fn membership(members: &[Related], id: RecordId) -> Membership {
    members.iter().find(|one| one.id == id).map_or_else(Membership::default, |one| Membership {
        member: true,
        member_status: one.member_status.clone(),
        list_price: one.list_price.clone(),
    })
}
