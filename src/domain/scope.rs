//! What is done to an item, and what many items have in common: operation, product, module, and what the
//! operation needs beside the item itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::id::{ModuleName, ModuleNameError, RecordId};
use crate::domain::target::{Product, named_set};

named_set!(
    /// What is done to an item.
    Operation, "operation", {
        /// Delete records.
        Delete = "delete",
        /// Remove tags from records.
        Untag = "untag",
        /// Remove related records from a record's related list; the records themselves stay.
        Unlink = "unlink",
        /// Delete the definitions of tags, and with them the tags on all records.
        DeleteTags = "delete-tags",
        /// Take records out of the recycle bin: the opposite of a deletion.
        Restore = "restore",
        /// Put tags back on records.
        Retag = "retag",
        /// Put records back into a related list.
        Relink = "relink",
        /// Define deleted tags anew, under new ids.
        RecreateTags = "recreate-tags",
    }
);

impl Operation {
    /// What brings back what this one took away; `None` for what itself brings something back.
    pub const fn opposite(self) -> Option<Self> {
        match self {
            Self::Delete => Some(Self::Restore),
            Self::Untag => Some(Self::Retag),
            Self::Unlink => Some(Self::Relink),
            Self::DeleteTags => Some(Self::RecreateTags),
            Self::Restore | Self::Retag | Self::Relink | Self::RecreateTags => None,
        }
    }

    /// Whether Zoho may begin with it after its answer: a job, or a restore of more than 1,000 records with all that
    /// belongs to them (CRM v8 Mass Delete Tags and Restore Recycle Bin Records pages).
    pub const fn may_begin_later(self) -> bool {
        matches!(self, Self::DeleteTags | Self::Restore)
    }

    /// Whether it brings back what an earlier entry took away.
    pub const fn is_undo(self) -> bool {
        self.opposite().is_none()
    }
}

/// The API name of a related list, such as `Leads` or `Price_Books`. Like a module's name it becomes a
/// segment of the path of a destructive call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RelatedList(ModuleName);

impl RelatedList {
    /// The API name.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for RelatedList {
    type Err = ModuleNameError;

    fn from_str(text: &str) -> Result<Self, ModuleNameError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for RelatedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The longest name of a tag, in characters (CRM v8 Create Tags page; one schema of the OAS YAML says 26).
pub const TAG_NAME_MAX: usize = 25;

/// A tag's name, exactly as it was given: whether Zoho tells capitals apart is documented nowhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagName(String);

/// The text is no tag's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a tag's name: 1 to {TAG_NAME_MAX} characters, without comma, < or > and without \
     blanks around it"
)]
pub struct TagNameError(String);

impl TagName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether another spelling may be the same tag.
    pub fn may_be(&self, other: &str) -> bool {
        self.0 == other || self.0.to_lowercase() == other.to_lowercase()
    }
}

impl FromStr for TagName {
    type Err = TagNameError;

    fn from_str(text: &str) -> Result<Self, TagNameError> {
        let fits = (1..=TAG_NAME_MAX).contains(&text.chars().count()) && text.trim() == text;
        // A comma would make two names of one where names go by the query (CRM v2, Bigin).
        if fits && !text.contains([',', '<', '>']) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TagNameError(text.escape_debug().take(60).collect()))
        }
    }
}

impl TryFrom<String> for TagName {
    type Error = TagNameError;

    fn try_from(text: String) -> Result<Self, TagNameError> {
        text.parse()
    }
}

impl From<TagName> for String {
    fn from(name: TagName) -> Self {
        name.0
    }
}

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names of tags, each once, in order: the same tags are one set, however they were given. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<TagName>", into = "Vec<TagName>")]
pub struct TagSet(Vec<TagName>);

/// A set of tags without any tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no tag is named")]
pub struct NoTags;

impl TagSet {
    /// The set of these names.
    pub fn new(names: impl IntoIterator<Item = TagName>) -> Result<Self, NoTags> {
        let mut names: Vec<TagName> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() { Err(NoTags) } else { Ok(Self(names)) }
    }

    /// The names, in order.
    pub fn names(&self) -> &[TagName] {
        &self.0
    }

    /// The set as the journal keeps it: a JSON array.
    pub fn json(&self) -> String {
        // Strings always serialise.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// Takes the stored text back; `None` for what no set of ours was written as.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl TryFrom<Vec<TagName>> for TagSet {
    type Error = NoTags;

    fn try_from(names: Vec<TagName>) -> Result<Self, NoTags> {
        Self::new(names)
    }
}

impl From<TagSet> for Vec<TagName> {
    fn from(set: TagSet) -> Self {
        set.0
    }
}

impl fmt::Display for TagSet {
    /// Joined by `;`, as CSV shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ";" };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

/// What is done to items, with all that one call needs beside their ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The records are deleted.
    Delete,
    /// These tags are removed from the records.
    Untag(TagSet),
    /// The records are taken out of a record's related list.
    Unlink {
        /// The record whose list it is.
        parent: RecordId,
        /// The list.
        list: RelatedList,
    },
    /// The tags are deleted.
    DeleteTags,
    /// The records are taken out of the recycle bin.
    Restore,
    /// These tags are put back on the records.
    Retag(TagSet),
    /// The records are put back into a record's related list.
    Relink {
        /// The record whose list it is.
        parent: RecordId,
        /// The list.
        list: RelatedList,
    },
    /// The tags, named by the ids that they had, are defined anew.
    RecreateTags,
}

/// What a request asks for, apart from its items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Delete the records.
    Delete,
    /// Remove these tags from the records.
    Untag(TagSet),
    /// Take the records out of this related list, of one parent or of many.
    Unlink(RelatedList),
    /// Delete the tags.
    DeleteTags,
    /// Restore the records.
    Restore,
    /// Put these tags back.
    Retag(TagSet),
    /// Put the records back into this related list, of one parent or of many.
    Relink(RelatedList),
    /// Define the tags anew.
    RecreateTags,
}

impl Task {
    /// The operation.
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Delete => Operation::Delete,
            Self::Untag(_) => Operation::Untag,
            Self::Unlink(_) => Operation::Unlink,
            Self::DeleteTags => Operation::DeleteTags,
            Self::Restore => Operation::Restore,
            Self::Retag(_) => Operation::Retag,
            Self::Relink(_) => Operation::Relink,
            Self::RecreateTags => Operation::RecreateTags,
        }
    }

    /// The related list of relations.
    pub const fn list(&self) -> Option<&RelatedList> {
        match self {
            Self::Unlink(list) | Self::Relink(list) => Some(list),
            Self::Delete
            | Self::Untag(_)
            | Self::DeleteTags
            | Self::Restore
            | Self::Retag(_)
            | Self::RecreateTags => None,
        }
    }

    /// The tags of records.
    pub const fn tags(&self) -> Option<&TagSet> {
        match self {
            Self::Untag(tags) | Self::Retag(tags) => Some(tags),
            Self::Delete
            | Self::Unlink(_)
            | Self::DeleteTags
            | Self::Restore
            | Self::Relink(_)
            | Self::RecreateTags => None,
        }
    }

    /// What is done to the items of one parent; `None` for relations without one.
    pub fn action(&self, parent: Option<RecordId>) -> Option<Action> {
        Some(match self {
            Self::Delete => Action::Delete,
            Self::Untag(tags) => Action::Untag(tags.clone()),
            Self::Unlink(list) => Action::Unlink { parent: parent?, list: list.clone() },
            Self::DeleteTags => Action::DeleteTags,
            Self::Restore => Action::Restore,
            Self::Retag(tags) => Action::Retag(tags.clone()),
            Self::Relink(list) => Action::Relink { parent: parent?, list: list.clone() },
            Self::RecreateTags => Action::RecreateTags,
        })
    }
}

/// What many items have in common. Items share a call only when all of this is equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The product.
    pub product: Product,
    /// The module; of an unlink, the parent's.
    pub module: ModuleName,
    /// What is done.
    pub action: Action,
}

impl Scope {
    /// The operation.
    pub const fn operation(&self) -> Operation {
        match self.action {
            Action::Delete => Operation::Delete,
            Action::Untag(_) => Operation::Untag,
            Action::Unlink { .. } => Operation::Unlink,
            Action::DeleteTags => Operation::DeleteTags,
            Action::Restore => Operation::Restore,
            Action::Retag(_) => Operation::Retag,
            Action::Relink { .. } => Operation::Relink,
            Action::RecreateTags => Operation::RecreateTags,
        }
    }

    /// The tags of records.
    pub const fn tags(&self) -> Option<&TagSet> {
        match &self.action {
            Action::Untag(tags) | Action::Retag(tags) => Some(tags),
            Action::Delete
            | Action::Unlink { .. }
            | Action::DeleteTags
            | Action::Restore
            | Action::Relink { .. }
            | Action::RecreateTags => None,
        }
    }

    /// The parent record of relations.
    pub const fn parent(&self) -> Option<RecordId> {
        match &self.action {
            Action::Unlink { parent, .. } | Action::Relink { parent, .. } => Some(*parent),
            Action::Delete
            | Action::Untag(_)
            | Action::DeleteTags
            | Action::Restore
            | Action::Retag(_)
            | Action::RecreateTags => None,
        }
    }

    /// The related list of relations.
    pub const fn list(&self) -> Option<&RelatedList> {
        match &self.action {
            Action::Unlink { list, .. } | Action::Relink { list, .. } => Some(list),
            Action::Delete
            | Action::Untag(_)
            | Action::DeleteTags
            | Action::Restore
            | Action::Retag(_)
            | Action::RecreateTags => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> TagSet {
        TagSet::new(names.iter().map(|name| name.parse().unwrap())).unwrap()
    }

    #[test]
    fn the_same_tags_are_one_set_in_whatever_order() {
        assert_eq!(tags(&["Prime", "Attend First", "Prime"]), tags(&["Attend First", "Prime"]));
        assert_eq!(tags(&["b", "a"]).json(), r#"["a","b"]"#);
        assert_eq!(tags(&["b", "a"]).to_string(), "a;b");
        assert_eq!(TagSet::from_json(r#"["b","a"]"#), Some(tags(&["a", "b"])));
        assert_eq!(TagSet::from_json("[]"), None);
        assert_eq!(TagSet::new([]), Err(NoTags));
    }

    /// CRM v8 Create Tags page: at most 25 characters; < > and comma are not allowed.
    #[test]
    fn tag_names_follow_the_rules_of_the_page() {
        for good in ["Prime", "Attend First", "é", &"x".repeat(25), "a&b=c%d"] {
            assert!(good.parse::<TagName>().is_ok(), "{good}");
        }
        for bad in ["", " ", " Prime", "a,b", "<b>", &"x".repeat(26), "a\nb"] {
            assert!(bad.parse::<TagName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn operations_keep_their_names() {
        let names: Vec<&str> = Operation::ALL.iter().map(|one| one.wire_name()).collect();
        assert_eq!(
            names.join(" "),
            "delete untag unlink delete-tags restore retag relink recreate-tags"
        );
    }
}
