//! What stays when items are forgotten: the secrets of all others, and hashes in the place of the leaves that
//! nobody can open any more.
//!
//! Both are the smallest sets of nodes that do it, so that they follow from what was forgotten and from nothing
//! else: whoever verifies knows which rows there must be.

use crate::domain::id::EntryId;
use crate::domain::merkle::NodeId;
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::{LeafPurpose, Salt, Secret, SecretTree, depth_for};

/// Positions from 0: ascending, inclusive ranges that do not touch.
pub type Spans = Vec<(u64, u64)>;

/// The largest subtree that one hash stands for has 2^14 leaves: so many items are verified at a time.
pub const HIGHEST: u32 = 14;

/// The positions of entries, counted from the first one.
pub fn spans(entries: &EntryRanges, first: EntryId) -> Spans {
    let position = |entry: EntryId| entry.get().abs_diff(first.get());
    let mut joined = EntryRanges::default();
    joined.join(entries);
    joined.ranges().map(|(first, last)| (position(first), position(last))).collect()
}

/// The positions within a set of those of its entries that another set holds, too.
pub fn positions(all: &EntryRanges, some: &EntryRanges) -> Spans {
    let (mut found, mut before) = (Spans::new(), 0);
    for (first, last) in all.ranges() {
        for (from, to) in spans(&some.part(first, last), first) {
            let (from, to) = (before + from, before + to);
            match found.last_mut() {
                Some((_, end)) if *end + 1 == from => *end = to,
                _ => found.push((from, to)),
            }
        }
        before += first.get().abs_diff(last.get()) + 1;
    }
    found
}

/// The entries that both sets hold.
pub fn common(one: &EntryRanges, other: &EntryRanges) -> EntryRanges {
    let mut both = EntryRanges::default();
    for (first, last) in one.ranges() {
        for (from, to) in other.part(first, last).ranges() {
            both.push_span(from, to);
        }
    }
    both
}

/// A node of a tree of secrets: its depth below the root, and its position there.
pub type SecretNode = (u32, u64);

/// The secrets that stay of a request's items, and of its rows that were left out.
pub fn kept_secrets(
    (items, gone_items): (u64, &[(u64, u64)]),
    (rows, gone_rows): (u64, &[(u64, u64)]),
) -> (Vec<SecretNode>, Vec<SecretNode>) {
    let mut of_items = kept(items, gone_items);
    // From the root of the items follows the one of the rows. A single item's secret is the root itself.
    if of_items == [(0, 0)] && !gone_rows.is_empty() && items > 1 {
        of_items = vec![(1, 0), (1, 1)];
    }
    (of_items, kept(rows, gone_rows))
}

fn kept(count: u64, gone: &[(u64, u64)]) -> Vec<SecretNode> {
    let mut nodes = Vec::new();
    add_kept(count, gone, depth_for(count), (0, 0), &mut nodes);
    nodes
}

fn add_kept(
    count: u64,
    gone: &[(u64, u64)],
    depth: u32,
    (level, idx): SecretNode,
    nodes: &mut Vec<SecretNode>,
) {
    let first = idx << (depth - level);
    if first >= count {
        return;
    }
    let last = (first + (1 << (depth - level))).min(count) - 1;
    let next = gone.partition_point(|(_, to)| *to < first);
    match gone.get(next) {
        Some((from, to)) if *from <= first && last <= *to => {}
        Some((from, _)) if *from <= last => {
            for child in [idx << 1, idx << 1 | 1] {
                add_kept(count, gone, depth, (level + 1, child), nodes);
            }
        }
        _ => nodes.push((level, idx)),
    }
}

/// The subtrees in whose place a hash stands: the largest ones that hold nothing but what is gone.
pub fn pruned(gone: &[(u64, u64)]) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    for (first, last) in gone {
        let mut from = *first;
        while from <= *last {
            let fits = (last - from + 1).ilog2();
            let level = from.trailing_zeros().min(fits).min(HIGHEST);
            nodes.push(NodeId { level, index: from >> level });
            from += 1 << level;
        }
    }
    nodes
}

/// The secrets of a request that are there, ready to give salts.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The first and the last item below each, in order.
    trees: Vec<(u64, u64, SecretTree)>,
}

impl Secrets {
    /// Of `count` items, from nodes of their tree.
    pub fn new(count: u64, nodes: impl IntoIterator<Item = (SecretNode, Secret)>) -> Self {
        let depth = depth_for(count);
        let mut trees: Vec<_> = nodes
            .into_iter()
            .filter(|((level, idx), _)| *level <= depth && *idx < 1 << *level)
            .map(|((level, idx), secret)| {
                let (first, width) = (idx << (depth - level), 1_u64 << (depth - level));
                (first, first + width - 1, SecretTree::new(secret, width))
            })
            .collect();
        trees.sort_unstable_by_key(|(first, ..)| *first);
        Self { trees }
    }

    /// The salt of an item's leaf in one event; `None` once it was forgotten.
    pub fn salt(&mut self, ordinal: u64, purpose: LeafPurpose) -> Option<Salt> {
        let after = self.trees.partition_point(|(first, ..)| *first <= ordinal);
        let (first, last, tree) = self.trees.get_mut(after.checked_sub(1)?)?;
        (ordinal <= *last).then(|| tree.salt(ordinal - *first, purpose))
    }
}

/// What stands in an answer in the place of bytes that were forgotten: as many, and a JSON text wherever they
/// were at least two.
pub fn filler(length: usize) -> Vec<u8> {
    let mut bytes = vec![b'*'; length];
    if let [first, .., last] = bytes.as_mut_slice() {
        (*first, *last) = (b'"', b'"');
    }
    bytes
}

/// An address for mail in a text: it names somebody, and stays until its whole request is forgotten.
pub fn holds_mail_address(text: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '%');
    text.match_indices('@').any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at + 1..));
        let host: String = after.unwrap_or_default().chars().take_while(|c| inside(*c)).collect();
        let host = host.trim_end_matches('.');
        let named = before.unwrap_or_default().chars().next_back().is_some_and(inside);
        let has_domain = host.split_once('.').is_some_and(|(name, _)| !name.is_empty());
        named && has_domain
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merkle::{Hash, Tree, node_hash};

    fn spans_of(gone: &[bool]) -> Spans {
        let numbers = (1..).zip(gone).filter(|(_, gone)| **gone);
        let set: EntryRanges = numbers.map(|(number, _)| EntryId::new(number)).collect();
        spans(&set, EntryId::new(1))
    }

    fn leaf(number: usize) -> Hash {
        Hash::of(&number.to_be_bytes())
    }

    fn node(level: u32, index: u64) -> Hash {
        match level.checked_sub(1) {
            None => leaf(usize::try_from(index).unwrap()),
            Some(below) => node_hash(&node(below, index << 1), &node(below, index << 1 | 1)),
        }
    }

    #[test]
    fn one_of_a_million_is_forgotten_by_twenty_secrets() {
        let gone = [(123_456, 123_456)];
        let (items, rows) = kept_secrets((1_000_000, &gone), (0, &[]));
        assert!(items.len() <= 20 && rows == [(0, 0)][..0], "{}", items.len());
        assert_eq!(kept_secrets((5, &[]), (3, &[])), (vec![(0, 0)], vec![(0, 0)]));
        assert_eq!(kept_secrets((5, &[(0, 4)]), (3, &[(0, 2)])), (vec![], vec![]));
        let split = kept_secrets((5, &[]), (3, &[(1, 1)])).0;
        assert_eq!(split, [(1, 0), (1, 1)], "the items' root would give the rows' root");
    }

    #[test]
    fn mail_addresses_are_seen() {
        for text in ["asked by ann@example.com", "<a.b+c@mail.example.org>.", "x@y.de, z"] {
            assert!(holds_mail_address(text), "{text}");
        }
        for text in ["", "@home", "ann @ example.com", "3 @ 5.00", "ann@localhost", "a@.b"] {
            assert!(!holds_mail_address(text), "{text}");
        }
    }

    #[test]
    fn filler_is_as_long_and_is_json() {
        assert_eq!(filler(5), b"\"***\"");
        assert_eq!((filler(0), filler(1), filler(2)), (vec![], vec![b'*'], vec![b'"'; 2]));
    }

    proptest::proptest! {
        #[test]
        fn the_others_keep_their_salts_and_nothing_else_can_be_salted(
            gone in proptest::collection::vec(proptest::bool::ANY, 1..70),
        ) {
            let count = u64::try_from(gone.len()).unwrap();
            let root = Secret::new([9; 32]);
            let (nodes, _) = kept_secrets((count, &spans_of(&gone)), (0, &[]));
            let mut secrets = Secrets::new(
                count,
                nodes.iter().map(|(level, idx)| ((*level, *idx), root.below(*level, *idx))),
            );
            let mut whole = SecretTree::new(root, count);
            for (ordinal, gone) in (0..).zip(&gone) {
                let salt = secrets.salt(ordinal, LeafPurpose::Recorded);
                let expected = (!gone).then(|| *whole.salt(ordinal, LeafPurpose::Recorded).bytes());
                proptest::prop_assert_eq!(salt.map(|salt| *salt.bytes()), expected);
            }
        }

        #[test]
        fn hashes_in_the_place_of_what_is_gone_give_the_same_root(
            gone in proptest::collection::vec(proptest::bool::ANY, 1..70),
        ) {
            let (mut whole, mut rest) = (Tree::default(), Tree::default());
            (0..gone.len()).for_each(|at| whole.append(leaf(at), |_, _| ()));
            let nodes = pruned(&spans_of(&gone));
            for (at, gone) in (0_u64..).zip(&gone) {
                if !gone {
                    rest.append(leaf(usize::try_from(at).unwrap()), |_, _| ());
                } else if let Some(one) = nodes.iter().find(|one| one.index << one.level == at) {
                    proptest::prop_assert!(rest.append_subtree(one.level, node(one.level, one.index)));
                }
            }
            proptest::prop_assert_eq!((rest.size(), rest.root()), (whole.size(), whole.root()));
        }
    }
}
