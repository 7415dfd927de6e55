//! Inclusion proofs of the Merkle tree (RFC 9162 §2.1.3): that a leaf stands at a place of a tree of which
//! only the root is known.

use crate::domain::merkle::{Hash, NodeId, Tree, frontier_of, node_hash};

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

/// Makes the inclusion proof of one leaf out of all leaves, handed over in order. Keeps a few hashes only.
#[derive(Debug)]
pub struct ProofMaker {
    index: u64,
    next: u64,
    /// Ranges beside the path in the order of leaves: their place in the proof, where they end, their tree.
    ranges: Vec<(usize, (u64, u64), Tree)>,
    leaf: Option<Hash>,
}

impl ProofMaker {
    /// The proof of the leaf at `index` in a tree of `size` leaves.
    pub fn new(index: u64, size: u64) -> Self {
        let mut ranges: Vec<_> = siblings(index, size)
            .into_iter()
            .enumerate()
            .map(|(place, range)| (place, range, Tree::default()))
            .collect();
        ranges.sort_by_key(|(_, (start, _), _)| *start);
        Self { index, next: 0, ranges, leaf: None }
    }

    /// The next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let at = self.next;
        self.next += 1;
        if at == self.index {
            self.leaf = Some(leaf);
            return;
        }
        let range = self.ranges.partition_point(|(_, (_, end), _)| *end <= at);
        if let Some((_, _, tree)) = self.ranges.get_mut(range) {
            tree.append(leaf, |_, _| ());
        }
    }

    /// The root of the complete subtree of `2^level` leaves that come next, none of which is the one to be proved.
    pub fn push_subtree(&mut self, level: u32, root: Hash) {
        let at = self.next;
        self.next += 1 << level;
        let range = self.ranges.partition_point(|(_, (_, end), _)| *end <= at);
        if let Some((_, _, tree)) = self.ranges.get_mut(range) {
            // Where it does not fit the proof is not made: the range stays short.
            tree.append_subtree(level, root);
        }
    }

    /// The leaf and its proof; `None` when not all leaves were handed over, or too many.
    pub fn finish(mut self) -> Option<(Hash, Vec<Hash>)> {
        let whole = self.ranges.iter().all(|(_, (start, end), tree)| tree.size() == end - start);
        let leaves = self.ranges.iter().map(|(_, (_, end), _)| *end).max().unwrap_or(0);
        if !whole || self.next != leaves.max(self.index + 1) {
            return None;
        }
        self.ranges.sort_by_key(|(place, ..)| *place);
        let path = self.ranges.iter().map(|(_, _, tree)| tree.root()).collect();
        self.leaf.map(|leaf| (leaf, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merkle::{leaf_hash, root_of, root_of_frontier};

    fn leaves(size: u64) -> Vec<Hash> {
        (0..size).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn proof(leaves: &[Hash], index: u64) -> Option<(Hash, Vec<Hash>)> {
        let mut maker = ProofMaker::new(index, u64::try_from(leaves.len()).unwrap());
        for leaf in leaves {
            maker.push(*leaf);
        }
        maker.finish()
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved_at_its_place_and_at_no_other() {
        for size in 1..70 {
            let all = leaves(size);
            let root = root_of(all.iter().copied());
            for index in 0..size {
                let (leaf, path) = proof(&all, index).unwrap();
                assert_eq!(leaf, all[usize::try_from(index).unwrap()]);
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
                assert_eq!(proof(&all, index).unwrap().1, from_nodes, "{index} of {size}");
            }
        }
    }

    #[test]
    fn too_few_or_too_many_leaves_prove_nothing() {
        let all = leaves(9);
        for wrong in [8, 10] {
            let mut maker = ProofMaker::new(3, wrong);
            for leaf in &all {
                maker.push(*leaf);
            }
            assert_eq!(maker.finish(), None, "{wrong}");
        }
        let mut last = ProofMaker::new(9, 9);
        for leaf in &all {
            last.push(*leaf);
        }
        assert_eq!(last.finish(), None);
        assert_eq!(siblings(5, 5), []);
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
