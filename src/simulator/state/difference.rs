//! Two pictures side by side, item by item.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::{ModuleSnapshot, Snapshot};

impl Snapshot {
    /// What is otherwise than in this picture in a later one, a line for each item; nothing when all
    /// was undone. Compared are where each record is, its tags by name, its parent and its marks;
    /// the definitions of tags by name and colour; links with what they carry, notes and
    /// attachments. Times, the ids of tags and the order of a record's tags are not: what is undone
    /// has others.
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(unlike("record", &self.places(), &after.places()));
        found.extend(unlike("tags of record", &self.sorted_tags(), &after.sorted_tags()));
        found.extend(unlike("tag", &self.definitions(), &after.definitions()));
        found.extend(unlike("link", &self.single_links(), &after.single_links()));
        found.extend(unlike("parent of record", &self.parents, &after.parents));
        found.extend(unlike("marks of record", &self.marks, &after.marks));
        found
    }

    fn places(&self) -> BTreeMap<u64, (&str, &'static str)> {
        let mut all = BTreeMap::new();
        for (name, module) in &self.modules {
            let ModuleSnapshot { live, binned, purged } = module;
            for (ids, place) in [(live, "live"), (binned, "binned"), (purged, "purged")] {
                all.extend(ids.iter().map(|id| (*id, (name.as_str(), place))));
            }
        }
        all
    }

    fn sorted_tags(&self) -> BTreeMap<u64, BTreeSet<&str>> {
        let records = self.record_tags.values().flatten();
        records.map(|(id, names)| (*id, names.iter().map(String::as_str).collect())).collect()
    }

    /// Colours by module and name.
    fn definitions(&self) -> BTreeMap<(&str, &str), Option<&'static str>> {
        let modules = self.tags.iter().flat_map(|(module, tags)| {
            tags.keys().map(move |name| (module.as_str(), name.as_str()))
        });
        let color = |(module, name)| self.tag_colors.get(module)?.get(name).copied();
        modules.map(|tag| (tag, color(tag))).collect()
    }

    /// What each link carries, by module, record, list and other record.
    fn single_links(&self) -> BTreeMap<(&str, u64, &str, u64), Option<String>> {
        let mut all = BTreeMap::new();
        for (module, parents) in &self.links {
            for (parent, lists) in parents {
                for (list, ids) in lists {
                    for id in ids {
                        let carried = self.link_fields.get(&(*parent, list.clone(), *id));
                        let key = (module.as_str(), *parent, list.as_str(), *id);
                        all.insert(key, carried.map(ToString::to_string));
                    }
                }
            }
        }
        all
    }
}

/// A line for each key whose value is not the same in both.
fn unlike<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<String> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let shown =
        |value: Option<&V>| value.map_or("nothing".to_owned(), |value| format!("{value:?}"));
    keys.into_iter()
        .filter(|key| before.get(key) != after.get(key))
        .map(|key| {
            let (before, after) = (shown(before.get(key)), shown(after.get(key)));
            format!("{what} {key:?}: {before} before, {after} after")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Snapshot {
        let module = ModuleSnapshot { live: vec![1, 2], ..ModuleSnapshot::default() };
        let names = ["A", "B"].map(str::to_owned).to_vec();
        let tags = [("A".to_owned(), 7), ("B".to_owned(), 8)];
        Snapshot {
            modules: [("Leads".to_owned(), module)].into(),
            record_tags: [("Leads".to_owned(), [(1, names)].into())].into(),
            tags: [("Leads".to_owned(), tags.into())].into(),
            tag_colors: [("Leads".to_owned(), [("A".to_owned(), "#57B1FD")].into())].into(),
            links: [("Leads".to_owned(), [(1, [("X".to_owned(), vec![3])].into())].into())].into(),
            link_fields: [((1, "X".to_owned(), 3), serde_json::json!("Active"))].into(),
            parents: [(2, 1)].into(),
            marks: [(2, vec!["locked"])].into(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn another_order_and_other_tag_ids_are_no_difference() {
        let mut after = picture();
        after.tags.get_mut("Leads").unwrap().insert("A".to_owned(), 9);
        after.record_tags.get_mut("Leads").unwrap().get_mut(&1).unwrap().reverse();
        after.requests = 12;
        assert_eq!(picture().differences(&after), [""; 0]);
    }

    #[test]
    fn each_kind_of_difference_has_its_line() {
        let change = |change: fn(&mut Snapshot)| {
            let mut after = picture();
            change(&mut after);
            picture().differences(&after).join("; ")
        };
        for (change, wanted) in [
            (
                change(|after| {
                    let leads = after.modules.get_mut("Leads").unwrap();
                    leads.binned = leads.live.split_off(1);
                }),
                r#"record 2: ("Leads", "live") before, ("Leads", "binned") after"#,
            ),
            (
                change(|after| after.record_tags.clear()),
                r#"tags of record 1: {"A", "B"} before, nothing after"#,
            ),
            (
                change(|after| after.tag_colors.clear()),
                r##"tag ("Leads", "A"): Some("#57B1FD") before, None after"##,
            ),
            (
                change(|after| after.link_fields.clear()),
                r#"link ("Leads", 1, "X", 3): Some("\"Active\"") before, None after"#,
            ),
            (change(|after| after.parents.clear()), "parent of record 2: 1 before, nothing after"),
            (
                change(|after| drop(after.marks.insert(1, vec!["locked"]))),
                r#"marks of record 1: nothing before, ["locked"] after"#,
            ),
        ] {
            assert_eq!(change, wanted);
        }
    }
}
