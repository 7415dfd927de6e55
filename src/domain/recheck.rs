//! What a later look shows of something that an entry took away.

use serde::{Deserialize, Serialize};

use crate::domain::evidence::Look;
use crate::domain::evidence::deletion::Facts;
use crate::domain::evidence::presence::{Presence, ThingFacts};
use crate::domain::target::named_set;

named_set!(
    /// Where something that was taken away is now.
    Found, "finding", {
        /// In the recycle bin.
        InBin = "in_bin",
        /// Neither in the recycle bin nor listed as something that can be restored.
        Erased = "erased",
        /// There again: somebody restored it, put it back, or imported it anew.
        Back = "back",
        /// Not seen, and nothing says that it is gone for good.
        NotSeen = "not_seen",
    }
);

impl Found {
    /// Where a deleted record is; `None` when a source that could tell gave no answer.
    ///
    /// It is erased only by the word of a source that would show it: the recycle bin, asked by its id, together with
    /// the list of deletions. A source that is closed to us says nothing.
    pub fn of_record(facts: &Facts) -> Option<Self> {
        match (&facts.record, &facts.bin, &facts.deleted) {
            (Look::Seen(_), _, _) => Some(Self::Back),
            (_, Look::Seen(_), _) => Some(Self::InBin),
            (_, _, Look::Seen(deletion)) if deletion.permanent => Some(Self::Erased),
            (_, _, Look::Seen(_)) => Some(Self::InBin),
            (Look::Silent, _, _) | (_, Look::Silent, _) | (_, _, Look::Silent) => None,
            (Look::NotThere, Look::NotThere, Look::NotThere) => Some(Self::Erased),
            _ => Some(Self::NotSeen),
        }
    }

    /// Where tags, a relation or a tag's definition are; `None` when the source gave no answer. What is there again
    /// only in part is not back: `all` says whether it is there as it was.
    pub fn of_thing(facts: &ThingFacts, all: bool) -> Option<Self> {
        match facts.presence(true) {
            Look::Silent | Look::NotAsked => None,
            Look::Seen(Presence::There { .. }) if all => Some(Self::Back),
            Look::Seen(Presence::There { .. }) => Some(Self::NotSeen),
            Look::Seen(Presence::Gone | Presence::NoHolder) | Look::NotThere | Look::Closed => {
                Some(Self::NotSeen)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::deletion::{SeenDeleted, SeenRecord};
    use crate::domain::evidence::presence::{CarriedTags, TagFacts};

    fn deleted(permanent: bool) -> Look<SeenDeleted> {
        Look::Seen(SeenDeleted { by: None, at: None, permanent })
    }

    #[test]
    fn a_record_is_erased_only_where_a_source_would_show_it() {
        use Look::{Closed, NotThere, Silent};
        let there = || Look::Seen(SeenRecord { modified: None });
        let cases = [
            (there(), NotThere, NotThere, Some(Found::Back)),
            (NotThere, deleted(false), Look::NotAsked, Some(Found::InBin)),
            (NotThere, NotThere, deleted(true), Some(Found::Erased)),
            // Listed as something that can be restored: Bigin, or a bin that may not be read.
            (NotThere, Closed, deleted(false), Some(Found::InBin)),
            (NotThere, NotThere, NotThere, Some(Found::Erased)),
            (NotThere, Closed, NotThere, Some(Found::NotSeen)),
            (NotThere, NotThere, Closed, Some(Found::NotSeen)),
            (Closed, NotThere, NotThere, Some(Found::NotSeen)),
            (NotThere, Silent, NotThere, None),
            (Silent, NotThere, NotThere, None),
        ];
        for (record, bin, deleted, expected) in cases {
            let facts = Facts { bin, deleted, record };
            assert_eq!(Found::of_record(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn a_tag_is_back_or_not_seen() {
        let of = |record| {
            let facts = TagFacts { record, defined: Look::NotAsked };
            Found::of_thing(&ThingFacts::Tags(facts), true)
        };
        let carries = |tags: &[&str]| {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            Look::Seen(CarriedTags { tags, similar: Vec::new(), modified: None })
        };
        assert_eq!(of(carries(&["Prime"])), Some(Found::Back));
        assert_eq!(of(carries(&[])), Some(Found::NotSeen));
        assert_eq!(of(Look::NotThere), Some(Found::NotSeen));
        assert_eq!(of(Look::Silent), None);
        let facts = TagFacts { record: carries(&["Prime"]), defined: Look::NotAsked };
        assert_eq!(Found::of_thing(&ThingFacts::Tags(facts), false), Some(Found::NotSeen));
    }
}
