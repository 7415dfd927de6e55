//! Inclusion proofs of the Merkle tree (RFC 9162 §2.1.3): that a leaf stands at a place of a tree of which
//! only the root is known.

use std::collections::HashMap;

use crate::domain::merkle::{Hash, NodeId, frontier_of, node_hash, root_of_frontier};

/// The leaves under each hash of an inclusion proof, `start..end`, from the leaf's sibling upwards. Empty for
/// a leaf that the tree does not have.
pub fn siblings(index: u64, size: u64) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    if index >= size {
        return found;
    }
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            found.push((middle, end));
            end = middle;
        } else {
            found.push((start, middle));
            start = middle;
        }
    }
    found.reverse();
    found
}

/// The largest power of two below a number of leaves, of which there are two at least.
const fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The complete subtrees of a range that [`siblings`] gave, the largest first.
pub fn subtrees_of((start, end): (u64, u64)) -> Vec<NodeId> {
    let within = frontier_of(end.saturating_sub(start));
    // Such a range begins at a multiple of a power of two that is no smaller than itself.
    within
        .into_iter()
        .map(|NodeId { level, index }| NodeId { level, index: index + (start >> level) })
        .collect()
}

/// The root that a leaf and its proof lead to; `None` when the proof has not the length that the place asks
/// for (RFC 9162 §2.1.3.2).
pub fn root_from(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let places = siblings(index, size);
    if index >= size || places.len() != path.len() {
        return None;
    }
    let climb = |below: Hash, (&(start, _), beside): (&(u64, u64), &Hash)| {
        if start > index { node_hash(&below, beside) } else { node_hash(beside, &below) }
    };
    Some(places.iter().zip(path).fold(leaf, climb))
}

/// A tree of which the root of every complete subtree is kept, so that each of its leaves can be proved.
#[derive(Debug, Default)]
pub struct WholeTree {
    nodes: HashMap<NodeId, Hash>,
    /// Roots of complete subtrees that wait for the one beside them, the largest first.
    open: Vec<(NodeId, Hash)>,
    size: u64,
}

impl WholeTree {
    /// The root of the complete subtree of `2^level` leaves that come next; a leaf has level 0.
    pub fn push(&mut self, level: u32, root: Hash) {
        // Where a size is none the tree stays short, and has no paths.
        let Some(width) = 1_u64.checked_shl(level) else { return };
        let (mut id, mut hash) = (NodeId { level, index: self.size >> level }, root);
        self.nodes.insert(id, hash);
        while let Some((left, beside)) = self.open.last().copied()
            && left.level == id.level
        {
            self.open.pop();
            id = NodeId { level: id.level + 1, index: id.index >> 1 };
            hash = node_hash(&beside, &hash);
            self.nodes.insert(id, hash);
        }
        self.open.push((id, hash));
        self.size = self.size.saturating_add(width);
    }

    /// How many hashes it keeps.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The hashes beside the path of the leaf at a position, from its sibling upwards; `None` where the tree has not so
    /// many leaves, or one of them was left out.
    pub fn path(&self, position: u64, size: u64) -> Option<Vec<Hash>> {
        let root = |range| {
            let roots = subtrees_of(range).into_iter().map(|id| self.nodes.get(&id).copied());
            Some(root_of_frontier(&roots.collect::<Option<Vec<Hash>>>()?))
        };
        let whole = self.size == size && position < size;
        siblings(position, size).into_iter().map(root).collect::<Option<_>>().filter(|_| whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merkle::{leaf_hash, root_of};

    fn leaves(size: u64) -> Vec<Hash> {
        (0..size).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn tree(leaves: &[Hash]) -> WholeTree {
        let mut tree = WholeTree::default();
        for leaf in leaves {
            tree.push(0, *leaf);
        }
        tree
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved_at_its_place_and_at_no_other() {
        for size in 1..70 {
            let all = leaves(size);
            let (root, tree) = (root_of(all.iter().copied()), tree(&all));
            for index in 0..size {
                let leaf = all[usize::try_from(index).unwrap()];
                let path = tree.path(index, size).unwrap();
                assert_eq!(root_from(leaf, index, size, &path), Some(root), "{index} of {size}");
                for other in (0..size).filter(|other| *other != index) {
                    assert_ne!(root_from(leaf, other, size, &path), Some(root));
                }
                assert_eq!(root_from(leaf, size, size, &path), None);
                let mut longer = path.clone();
                longer.push(root);
                assert_eq!(root_from(leaf, index, size, &longer), None);
                assert_eq!(root_from(leaf, index, size, path.get(1..).unwrap_or(&[root])), None);
            }
        }
    }

    #[test]
    fn the_stored_nodes_of_the_log_give_the_same_proof() {
        for size in 1..70 {
            let all = leaves(size);
            for index in 0..size {
                let from_nodes: Vec<Hash> = siblings(index, size)
                    .into_iter()
                    .map(|range| {
                        let roots: Vec<Hash> = subtrees_of(range)
                            .into_iter()
                            .map(|NodeId { level, index }| {
                                let first = usize::try_from(index << level).unwrap();
                                root_of(all[first..first + (1 << level)].iter().copied())
                            })
                            .collect();
                        root_of_frontier(&roots)
                    })
                    .collect();
                assert_eq!(tree(&all).path(index, size).unwrap(), from_nodes, "{index} of {size}");
            }
        }
    }

    #[test]
    fn too_few_or_too_many_leaves_prove_nothing() {
        let tree = tree(&leaves(9));
        assert!(tree.path(3, 9).is_some());
        for (index, size) in [(3, 8), (3, 10), (9, 9), (9, 10)] {
            assert_eq!(tree.path(index, size), None, "{index} of {size}");
        }
        assert_eq!(siblings(5, 5), []);
    }

    #[test]
    fn a_hash_may_stand_in_the_place_of_forgotten_leaves() {
        let leaves = leaves(11);
        let (whole, mut pruned) = (tree(&leaves), WholeTree::default());
        for leaf in &leaves[..4] {
            pruned.push(0, *leaf);
        }
        pruned.push(2, whole.nodes[&NodeId { level: 2, index: 1 }]);
        for leaf in &leaves[8..] {
            pruned.push(0, *leaf);
        }
        for at in [0, 1, 2, 3, 8, 9, 10] {
            assert_eq!(pruned.path(at, 11), whole.path(at, 11), "{at}");
        }
        assert_eq!(pruned.path(5, 11), None);
    }

    /// RFC 9162 §2.1.5: the tree over seven leaves, and the proofs that it gives.
    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(siblings(0, 7), [(1, 2), (2, 4), (4, 7)]);
        assert_eq!(siblings(3, 7), [(2, 3), (0, 2), (4, 7)]);
        assert_eq!(siblings(4, 7), [(5, 6), (6, 7), (0, 4)]);
        assert_eq!(siblings(6, 7), [(4, 6), (0, 4)]);
    }
}
