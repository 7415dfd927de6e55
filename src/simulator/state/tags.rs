//! Tags: their definitions, and the records they are on.

use std::collections::BTreeMap;

use super::{Actor, EffectKind, Hand, Record, World};

/// The most tags of a module (Create Tags page).
pub(crate) const MOST_TAGS: usize = 100;

/// The most tags of a record (Add Tags page).
pub(crate) const MOST_ON_RECORD: usize = 10;
/// The most characters of a tag's name (Create Tags page).
pub(crate) const NAME: usize = 25;

/// Whether a tag can have this name (the same page).
pub(crate) fn is_tag_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= NAME && !name.contains(['<', '>', ','])
}

/// The colours that a tag can have (OAS tags.json).
pub(crate) const COLORS: [&str; 13] = [
    "#57B1FD", "#879BFC", "#658BA8", "#FD87BD", "#969696", "#F48435", "#1DB9B4", "#E7A826",
    "#63C57E", "#F17574", "#D297EE", "#A8C026", "#B88562",
];

/// A tag's definition.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) id: u64,
    pub(crate) module: String,
    pub(crate) name: String,
    /// One of [`COLORS`], or none.
    pub(crate) color: Option<&'static str>,
    pub(crate) created_ms: i64,
    pub(crate) created_by: Actor,
    /// Whether a workflow rule uses it, so that it cannot be deleted.
    pub(crate) used: bool,
    gone: bool,
}

/// All tags of the org.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    by_id: BTreeMap<u64, Tag>,
    by_name: BTreeMap<(String, String), u64>,
}

impl Tags {
    /// The tag of this id, while it is there.
    pub(crate) fn get(&self, id: u64) -> Option<&Tag> {
        self.by_id.get(&id).filter(|tag| !tag.gone)
    }

    /// Those that are there, by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Tag> {
        self.by_id.values().filter(|tag| !tag.gone)
    }
}

impl World {
    /// The tag of this id, while it is there.
    pub(crate) fn tag(&self, id: u64) -> Option<&Tag> {
        self.tags.get(id)
    }

    /// Whether there once was a tag of this id.
    pub(crate) fn was_tag(&self, id: u64) -> bool {
        self.tags.by_id.get(&id).is_some_and(|tag| tag.gone)
    }

    /// A module's tag of this name. Zoho says nothing of capitals: other ones are another tag.
    pub(crate) fn tag_named(&self, module: &str, name: &str) -> Option<&Tag> {
        let id = self.tags.by_name.get(&(module.to_owned(), name.to_owned()))?;
        self.tag(*id)
    }

    /// A module's tags, by id.
    pub(crate) fn tags_of_module<'a>(&'a self, module: &'a str) -> impl Iterator<Item = &'a Tag> {
        self.tags.all().filter(move |tag| tag.module == module)
    }

    /// Makes a tag; the caller has checked that there is none of this name.
    pub(crate) fn make_tag(
        &mut self,
        module: &str,
        name: &str,
        color: Option<&'static str>,
        hand: Hand,
    ) -> u64 {
        let id = self.mint();
        let tag = Tag {
            id,
            module: module.to_owned(),
            name: name.to_owned(),
            color,
            created_ms: hand.at_ms,
            created_by: hand.by,
            used: false,
            gone: false,
        };
        self.tags.by_name.insert((tag.module.clone(), tag.name.clone()), id);
        self.tags.by_id.insert(id, tag);
        id
    }

    /// Puts tags on a live record, those that it does not carry yet; whether that changed it.
    pub(crate) fn put_tags(&mut self, module: &str, id: u64, tags: &[u64], hand: Hand) -> bool {
        let put = |record: &mut Record| {
            let new: Vec<u64> =
                tags.iter().copied().filter(|tag| !record.tags.contains(tag)).collect();
            record.tags.extend(&new);
            new
        };
        self.retag(module, id, hand, put, EffectKind::Tagged)
    }

    /// Takes tags off a live record; whether it carried one of them.
    pub(crate) fn take_tags(&mut self, module: &str, id: u64, tags: &[u64], hand: Hand) -> bool {
        let take = |record: &mut Record| {
            let old = record.tags.clone();
            record.tags.retain(|tag| !tags.contains(tag));
            old.into_iter().filter(|tag| tags.contains(tag)).collect()
        };
        self.retag(module, id, hand, take, EffectKind::Untagged)
    }

    fn retag(
        &mut self,
        module: &str,
        id: u64,
        hand: Hand,
        change: impl FnOnce(&mut Record) -> Vec<u64>,
        kind: fn(u64) -> EffectKind,
    ) -> bool {
        let record = self
            .modules
            .get_mut(module)
            .and_then(|module| module.record_mut(id))
            .filter(|record| record.is_live());
        let Some(record) = record else {
            return false;
        };
        let changed = change(record);
        if !changed.is_empty() {
            record.modified_ms = hand.at_ms;
        }
        for tag in &changed {
            self.note(id, kind(*tag), hand);
        }
        !changed.is_empty()
    }

    /// Deletes a tag's definition, and with it takes the tag off all records. Their
    /// `Modified_Time` stays: no page says that it changes.
    pub(crate) fn drop_tag(&mut self, id: u64, hand: Hand) -> bool {
        let Some(tag) = self.tags.by_id.get_mut(&id).filter(|tag| !tag.gone) else {
            return false;
        };
        tag.gone = true;
        let key = (tag.module.clone(), tag.name.clone());
        self.tags.by_name.remove(&key);
        let mut carriers = Vec::new();
        if let Some(module) = self.modules.get_mut(&key.0) {
            for (record_id, record) in module.kept_mut() {
                let before = record.tags.len();
                record.tags.retain(|tag| *tag != id);
                if record.tags.len() < before {
                    carriers.push(record_id);
                }
            }
        }
        for record in carriers {
            self.note(record, EffectKind::Untagged(id), hand);
        }
        self.note(id, EffectKind::Deleted, hand);
        true
    }

    /// Gives a tag another colour, or none.
    pub(crate) fn color_tag(&mut self, id: u64, color: Option<&'static str>) -> bool {
        let tag = self.tags.by_id.get_mut(&id).filter(|tag| !tag.gone);
        tag.map(|tag| tag.color = color).is_some()
    }

    /// Lets a workflow rule use a tag.
    pub(crate) fn use_tag(&mut self, id: u64) -> bool {
        let tag = self.tags.by_id.get_mut(&id).filter(|tag| !tag.gone);
        tag.map(|tag| tag.used = true).is_some()
    }
}
