//! The Merkle tree of RFC 6962 (RFC 9162 §2.1): hashes of leaves and nodes, the frontier of a growing
//! tree, and its root. The log and the items inside an event use the same tree.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 hash. Shown and read as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// The text is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 lower-case hexadecimal digits")]
pub struct HashError;

impl Hash {
    /// Wraps 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits. Leaves hold one for each item; formatting byte by byte costs more than hashing.
    pub(crate) fn hex(&self) -> [u8; 64] {
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
        }
        hex
    }

    /// The hash of some bytes, without any prefix.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let mut bytes = [0; 32];
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        if text.len() != 64 {
            return Err(HashError);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else {
                return Err(HashError);
            };
            *byte = digit(high).ok_or(HashError)? << 4 | digit(low).ok_or(HashError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The hash of a leaf: `SHA-256(0x00 ‖ body)`.
pub fn leaf_hash(body: &[u8]) -> Hash {
    leaf_hash_of(&[body])
}

/// The hash of a leaf whose body is given in parts: `SHA-256(0x00 ‖ part ‖ part …)`.
pub fn leaf_hash_of(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut block = [0x01; 65];
    let (_, children) = block.split_at_mut(1);
    let (first, second) = children.split_at_mut(32);
    first.copy_from_slice(&left.0);
    second.copy_from_slice(&right.0);
    Hash(Sha256::digest(block).into())
}

/// The root of the empty tree: the hash of nothing.
pub fn empty_root() -> Hash {
    Hash::of(b"")
}

/// A complete subtree of `2^level` leaves, the `index`-th of its level counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Height above the leaves; a leaf has 0.
    pub level: u32,
    /// Position within the level.
    pub index: u64,
}

/// The complete subtrees whose roots together make the root of a tree of `size` leaves, the largest first.
pub fn frontier_of(size: u64) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    let mut start = 0;
    for level in (0..64).rev() {
        let width = 1_u64 << level;
        if size & width != 0 {
            nodes.push(NodeId { level, index: start >> level });
            start += width;
        }
    }
    nodes
}

/// Folds the roots of a frontier, the largest subtree first, into the root of the tree.
pub fn root_of_frontier(roots: &[Hash]) -> Hash {
    let mut from_the_right = roots.iter().rev();
    let Some(last) = from_the_right.next() else {
        return empty_root();
    };
    from_the_right.fold(*last, |right, left| node_hash(left, &right))
}

/// A tree that grows leaf by leaf and remembers its frontier only.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    /// Roots of the complete subtrees, the largest first, with their level.
    frontier: Vec<(u32, Hash)>,
}

impl Tree {
    /// Continues a tree from the roots that [`frontier_of`] names for its size.
    /// `None` when their number does not fit the size.
    pub fn resume(size: u64, roots: &[Hash]) -> Option<Self> {
        let nodes = frontier_of(size);
        if nodes.len() != roots.len() {
            return None;
        }
        let frontier = nodes.iter().map(|node| node.level).zip(roots.iter().copied()).collect();
        Some(Self { size, frontier })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf's hash. Reports each inner node that this completes, the lowest first.
    pub fn append(&mut self, leaf: Hash, mut completed: impl FnMut(NodeId, Hash)) {
        let (mut level, mut hash) = (0, leaf);
        while let Some((top, left)) = self.frontier.last().copied()
            && top == level
        {
            self.frontier.pop();
            hash = node_hash(&left, &hash);
            level += 1;
            completed(NodeId { level, index: self.size >> level }, hash);
        }
        self.frontier.push((level, hash));
        self.size += 1;
    }

    /// Appends the root of a complete subtree of `2^level` leaves. `false`, and nothing was done, where none of
    /// that size can begin.
    pub fn append_subtree(&mut self, level: u32, root: Hash) -> bool {
        let Some(width) = 1_u64.checked_shl(level) else { return false };
        if !self.size.is_multiple_of(width) {
            return false;
        }
        let (mut level, mut hash) = (level, root);
        while let Some((top, left)) = self.frontier.last().copied()
            && top == level
        {
            self.frontier.pop();
            hash = node_hash(&left, &hash);
            level += 1;
        }
        self.frontier.push((level, hash));
        self.size += width;
        true
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let roots: Vec<Hash> = self.frontier.iter().map(|(_, hash)| *hash).collect();
        root_of_frontier(&roots)
    }
}

/// The root over a sequence of leaf hashes.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut tree = Tree::default();
    for leaf in leaves {
        tree.append(leaf, |_, _| ());
    }
    tree.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1, written down as it stands there: split at the largest power of two below n.
    fn reference_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            many => {
                let split = many.len().next_power_of_two() / 2;
                node_hash(&reference_root(&many[..split]), &reference_root(&many[split..]))
            }
        }
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    #[test]
    fn the_growing_tree_has_the_root_of_the_rfc_at_every_size() {
        let all = leaves(300);
        let mut tree = Tree::default();
        let mut stored = std::collections::HashMap::new();
        for (index, leaf) in (0..).zip(&all) {
            stored.insert(NodeId { level: 0, index }, *leaf);
            tree.append(*leaf, |node, hash| {
                stored.insert(node, hash);
            });
            let size = tree.size();
            let so_far = &all[..usize::try_from(size).unwrap()];
            assert_eq!(tree.root(), reference_root(so_far), "size {size}");
            let roots: Vec<Hash> = frontier_of(size).iter().map(|node| stored[node]).collect();
            assert_eq!(Tree::resume(size, &roots).unwrap().root(), tree.root(), "size {size}");
        }
    }

    #[test]
    fn known_hashes() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(empty_root().to_string(), empty);
        // RFC 6962's own test vector for a leaf of no bytes.
        let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), leaf);
        assert_eq!(leaf.parse::<Hash>().unwrap(), leaf_hash(b""));
        assert!(leaf.to_uppercase().parse::<Hash>().is_err());
    }
}
