//! How the log speaks of people and records without naming them.
//!
//! An event never holds an id, a person or free text. A *sealed field* is a salted hash of its value;
//! value and salt lie in tables that can be erased. An *item leaf* is the same for one item of a
//! request: its salt comes from a tree of a pseudo-random function under one secret of the request, so
//! nothing is stored per item, and forgetting one of a million items replaces the secret by at most
//! twenty sub-secrets.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::id::{BatchId, EntryId, HoldId, RecordId};
use crate::domain::merkle::{Hash, leaf_hash_of};
use crate::domain::scope::Scope;

/// 32 random bytes that keep a hash of something guessable from being guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Wraps 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The commitment to one field of one event:
/// `SHA-256(0x00 ‖ salt ‖ ["zoho-journal/sealed@1", field, value])`.
pub fn seal(salt: &Salt, field: &str, value: &str) -> Hash {
    let opened = canonical(&("zoho-journal/sealed@1", field, value));
    leaf_hash_of(&[&salt.0, &opened])
}

/// JSON without blanks, keys in declaration order: the one text form that is hashed.
fn canonical(value: &impl Serialize) -> Vec<u8> {
    // Tuples of strings and numbers always serialise; an empty text would only make a hash that
    // verification then reports.
    serde_json::to_vec(value).unwrap_or_default()
}

/// The same as text.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The prefixes keep these hashes apart from each other and from the 0x00 and 0x01 of the Merkle tree.
const LEFT: u8 = 0x10;
const RIGHT: u8 = 0x11;
const SALT: u8 = 0x12;
const REJECTED: u8 = 0x13;

/// A node of a request's tree of secrets. Who has it can derive the salts of every item below it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Wraps 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn child(&self, side: u8) -> Self {
        // 33 bytes fit one block of SHA-256, so a child costs one compression.
        let mut input = [side; 33];
        let (_, parent) = input.split_at_mut(1);
        parent.copy_from_slice(&self.0);
        Self(Sha256::digest(input).into())
    }

    /// The secret of a node below this one: so many levels down, the `idx`-th there.
    #[must_use]
    pub fn below(&self, levels: u32, idx: u64) -> Self {
        (0..levels)
            .rev()
            .fold(*self, |node, level| node.child(if idx >> level & 1 == 0 { LEFT } else { RIGHT }))
    }

    /// The secret under which the rejected rows of the same request are salted.
    #[must_use]
    pub fn for_rejected_rows(&self) -> Self {
        self.child(REJECTED)
    }

    /// The salt of one item's leaf in one event.
    fn salt(&self, purpose: LeafPurpose) -> Salt {
        let (tag, number) = purpose.parts();
        let mut input = [SALT; 42];
        let (_, rest) = input.split_at_mut(1);
        let (key, rest) = rest.split_at_mut(32);
        key.copy_from_slice(&self.0);
        let (kind, counter) = rest.split_at_mut(1);
        kind.fill(tag);
        counter.copy_from_slice(&number.to_be_bytes());
        Salt(Sha256::digest(input).into())
    }
}

/// Which event a leaf stands in; part of the derivation of its salt, so that no two events share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafPurpose {
    /// The request's recording.
    Recorded,
    /// The answer to a batch.
    Answered(BatchId),
    /// A reading of evidence, by its number.
    Evidence(i64),
    /// A row of the source that was not recorded.
    Rejected,
    /// What was read before a call, by the reading's number.
    Snapshot(i64),
    /// What a person decided, by the decision's number, which is counted with the readings.
    Settled(i64),
    /// What a later look showed, by the reading's number.
    Recheck(i64),
    /// An id under a hold. Each hold has secrets of its own.
    Held,
    /// A full snapshot that was kept before a call, by the reading's number.
    Full(i64),
}

impl LeafPurpose {
    fn parts(self) -> (u8, i64) {
        match self {
            Self::Recorded => (1, 0),
            Self::Answered(batch) => (2, batch.get()),
            Self::Evidence(number) => (3, number),
            Self::Rejected => (4, 0),
            Self::Snapshot(number) => (5, number),
            Self::Settled(number) => (6, number),
            Self::Recheck(number) => (7, number),
            Self::Held => (8, 0),
            Self::Full(number) => (9, number),
        }
    }
}

/// The depth of the tree of secrets over so many items: the smallest with `2^depth ≥ count`.
pub fn depth_for(count: u64) -> u32 {
    count.max(1).next_power_of_two().trailing_zeros()
}

/// Derives the secrets of items from one node of the tree, cheaply for items in ascending order: the
/// path to the last item is kept, so that a step costs about two hashes.
#[derive(Debug, Clone)]
pub struct SecretTree {
    depth: u32,
    /// Secrets from the root down to the last leaf that was derived.
    path: Vec<Secret>,
    last: Option<u64>,
}

impl SecretTree {
    /// The tree over `count` items under its root.
    pub fn new(root: Secret, count: u64) -> Self {
        Self { depth: depth_for(count), path: vec![root], last: None }
    }

    /// The salt of the `ordinal`-th item (from 0) in one event.
    pub fn salt(&mut self, ordinal: u64, purpose: LeafPurpose) -> Salt {
        self.leaf(ordinal).salt(purpose)
    }

    fn leaf(&mut self, ordinal: u64) -> Secret {
        // Levels whose branch differs from the last path are derived anew.
        let shared = match self.last {
            Some(last) if last == ordinal => self.depth,
            Some(last) => self.depth.saturating_sub(64 - (last ^ ordinal).leading_zeros()),
            None => 0,
        };
        self.path.truncate(usize::try_from(shared).unwrap_or(0) + 1);
        for level in shared..self.depth {
            let side = if ordinal >> (self.depth - 1 - level) & 1 == 0 { LEFT } else { RIGHT };
            let Some(parent) = self.path.last() else {
                break;
            };
            self.path.push(parent.child(side));
        }
        self.last = Some(ordinal);
        // The path always holds its root.
        self.path.last().copied().unwrap_or(Secret([0; 32]))
    }
}

/// An item as its leaves name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemIdentity {
    /// The entry.
    pub entry: EntryId,
    /// The record.
    pub target: RecordId,
    /// The row of the source that named it.
    pub row: i64,
}

/// Makes the leaves of many items of one scope without allocating for each.
#[derive(Debug, Clone)]
pub struct LeafMaker {
    /// `,"delete","Leads","`
    before_target: String,
    /// `",null,null,null,`
    after_target: String,
    buffer: Vec<u8>,
}

impl LeafMaker {
    /// Leaves of items of this scope.
    pub fn new(scope: &Scope) -> Self {
        Self {
            before_target: format!(",{},{},\"", json(&scope.operation()), json(&scope.module)),
            after_target: format!(
                "\",{},{},{},",
                json(&scope.parent()),
                json(&scope.list()),
                json(&scope.tags())
            ),
            buffer: Vec::with_capacity(256),
        }
    }

    /// The opened form of a recorded item: `["zoho-journal/recorded@1",entry,operation,module,id,parent,list,tags,row]`.
    pub fn recorded(&mut self, item: &ItemIdentity) -> &[u8] {
        self.begin("recorded", item);
        self.buffer.push(b']');
        &self.buffer
    }

    /// The opened form of an answered item: as recorded, then `batch,outcome,code,sha256(slice)`.
    pub fn answered(
        &mut self,
        item: &ItemIdentity,
        batch: BatchId,
        outcome: &str,
        code: &str,
        slice: Option<&[u8]>,
    ) -> &[u8] {
        self.begin("answered", item);
        self.end_with_result(batch.get(), outcome, code, slice)
    }

    /// The opened form of an item that evidence was read for: as recorded, then `evidence,verdict,code,sha256(facts)`.
    pub fn evidence(
        &mut self,
        item: &ItemIdentity,
        number: i64,
        verdict: &str,
        code: &str,
        facts: &[u8],
    ) -> &[u8] {
        self.begin("evidence", item);
        self.end_with_result(number, verdict, code, Some(facts))
    }

    /// The opened form of an item that was read before its call: as recorded, then
    /// `reading,sha256(facts)`.
    pub fn snapshot(&mut self, item: &ItemIdentity, number: i64, facts: &[u8]) -> &[u8] {
        self.begin("snapshot", item);
        self.buffer.push(b',');
        push_number(&mut self.buffer, number);
        self.buffer.extend_from_slice(b",\"");
        self.buffer.extend_from_slice(&Hash::of(facts).hex());
        self.buffer.extend_from_slice(b"\"]");
        &self.buffer
    }

    /// The opened form of an item that a full snapshot was kept of: as recorded, then
    /// `reading,sha256(file)`.
    pub fn full(&mut self, item: &ItemIdentity, number: i64, file: &Hash) -> &[u8] {
        self.begin("full", item);
        self.buffer.push(b',');
        push_number(&mut self.buffer, number);
        self.buffer.extend_from_slice(b",\"");
        self.buffer.extend_from_slice(&file.hex());
        self.buffer.extend_from_slice(b"\"]");
        &self.buffer
    }

    /// The opened form of an item that a person settled: as recorded, then `reading,verdict`.
    pub fn settled(&mut self, item: &ItemIdentity, number: i64, verdict: &str) -> &[u8] {
        self.begin("settled", item);
        self.buffer.push(b',');
        push_number(&mut self.buffer, number);
        self.buffer.push(b',');
        push_text(&mut self.buffer, verdict);
        self.buffer.push(b']');
        &self.buffer
    }

    /// The opened form of an item that was looked at again: as recorded, then
    /// `reading,found,sha256(facts)`.
    pub fn rechecked(
        &mut self,
        item: &ItemIdentity,
        number: i64,
        found: &str,
        facts: &[u8],
    ) -> &[u8] {
        self.begin("rechecked", item);
        self.buffer.push(b',');
        push_number(&mut self.buffer, number);
        self.buffer.push(b',');
        push_text(&mut self.buffer, found);
        self.buffer.extend_from_slice(b",\"");
        self.buffer.extend_from_slice(&Hash::of(facts).hex());
        self.buffer.extend_from_slice(b"\"]");
        &self.buffer
    }

    fn begin(&mut self, kind: &str, item: &ItemIdentity) {
        self.buffer.clear();
        self.buffer.extend_from_slice(b"[\"zoho-journal/");
        self.buffer.extend_from_slice(kind.as_bytes());
        self.buffer.extend_from_slice(b"@1\",");
        push_number(&mut self.buffer, item.entry.get());
        self.buffer.extend_from_slice(self.before_target.as_bytes());
        push_number(&mut self.buffer, item.target.get());
        self.buffer.extend_from_slice(self.after_target.as_bytes());
        push_number(&mut self.buffer, item.row);
    }

    fn end_with_result(
        &mut self,
        number: i64,
        outcome: &str,
        code: &str,
        slice: Option<&[u8]>,
    ) -> &[u8] {
        self.buffer.push(b',');
        push_number(&mut self.buffer, number);
        for text in [outcome, code] {
            self.buffer.push(b',');
            push_text(&mut self.buffer, text);
        }
        self.buffer.push(b',');
        match slice {
            Some(bytes) => {
                self.buffer.push(b'"');
                self.buffer.extend_from_slice(&Hash::of(bytes).hex());
                self.buffer.push(b'"');
            }
            None => self.buffer.extend_from_slice(b"null"),
        }
        self.buffer.push(b']');
        &self.buffer
    }
}

/// Writes a text as JSON does.
fn push_text(buffer: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        buffer.push(b'"');
        buffer.extend_from_slice(text.as_bytes());
        buffer.push(b'"');
    } else {
        buffer.extend_from_slice(&canonical(&text));
    }
}

/// Writes a number in decimal. `write!` would cost more than the hash of the leaf.
fn push_number(buffer: &mut Vec<u8>, number: i64) {
    let mut digits = [0_u8; 20];
    let mut rest = number.unsigned_abs();
    let mut start = digits.len();
    while let Some(slot) = start.checked_sub(1).and_then(|at| digits.get_mut(at)) {
        *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        start -= 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        buffer.push(b'-');
    }
    buffer.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// The opened form of a row that was not recorded: `["zoho-journal/rejected@1",ordinal,line,value,reason]`.
pub fn rejected_row(ordinal: u64, line: u64, value: &str, reason: &str) -> Vec<u8> {
    canonical(&("zoho-journal/rejected@1", ordinal, line, value, reason))
}

/// The opened form of an id under a hold: `["zoho-journal/hold@1",hold,place,id]`, places counted from 1.
pub fn held_id(hold: HoldId, place: u64, id: RecordId) -> Vec<u8> {
    canonical(&("zoho-journal/hold@1", hold, place, id))
}

/// The leaf hash, which is the commitment: `SHA-256(0x00 ‖ salt ‖ opened form)`.
pub fn item_leaf(salt: &Salt, opened: &[u8]) -> Hash {
    leaf_hash_of(&[&salt.0, opened])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::{Action, TagSet};
    use crate::domain::target::Product;

    fn scope(action: Action) -> Scope {
        Scope { product: Product::Crm, module: "Leads".parse().unwrap(), action }
    }

    #[test]
    fn the_opened_forms_are_pinned() {
        let item = ItemIdentity {
            entry: EntryId::new(7),
            target: "410405000002264040".parse().unwrap(),
            row: 12,
        };
        let mut maker = LeafMaker::new(&scope(Action::Delete));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(
            text(maker.recorded(&item)),
            r#"["zoho-journal/recorded@1",7,"delete","Leads","410405000002264040",null,null,null,12]"#
        );
        let slice = Hash::of(b"{}");
        assert_eq!(
            text(maker.answered(&item, BatchId::new(3), "failed", "RECORD_LOCKED", Some(b"{}"))),
            format!(
                r#"["zoho-journal/answered@1",7,"delete","Leads","410405000002264040",null,null,null,12,3,"failed","RECORD_LOCKED","{slice}"]"#
            )
        );
        assert_eq!(
            text(maker.answered(&item, BatchId::new(3), "unknown", "", None)),
            r#"["zoho-journal/answered@1",7,"delete","Leads","410405000002264040",null,null,null,12,3,"unknown","",null]"#
        );
        assert_eq!(
            text(maker.settled(&item, 9, "absent")),
            r#"["zoho-journal/settled@1",7,"delete","Leads","410405000002264040",null,null,null,12,9,"absent"]"#
        );
    }

    #[test]
    fn what_an_operation_needs_stands_in_every_leaf() {
        let item = ItemIdentity {
            entry: EntryId::new(7),
            target: "410405000002264040".parse().unwrap(),
            row: 12,
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let tags = TagSet::new(["b \"x\"", "a"].map(|name| name.parse().unwrap())).unwrap();
        assert_eq!(
            text(LeafMaker::new(&scope(Action::Untag(tags))).recorded(&item)),
            r#"["zoho-journal/recorded@1",7,"untag","Leads","410405000002264040",null,null,["a","b \"x\""],12]"#
        );
        let parent = "410405000001000001".parse().unwrap();
        let list = "Contacts".parse().unwrap();
        let facts = Hash::of(b"{}");
        assert_eq!(
            text(LeafMaker::new(&scope(Action::Unlink { parent, list })).snapshot(&item, 4, b"{}")),
            format!(
                r#"["zoho-journal/snapshot@1",7,"unlink","Leads","410405000002264040","410405000001000001","Contacts",null,12,4,"{facts}"]"#
            )
        );
    }

    #[test]
    fn secrets_do_not_depend_on_the_order_in_which_they_are_asked_for() {
        let root = Secret::new([7; 32]);
        let mut ascending = SecretTree::new(root, 1000);
        let all: Vec<[u8; 32]> = (0..1000)
            .map(|ordinal| *ascending.salt(ordinal, LeafPurpose::Recorded).bytes())
            .collect();
        let mut jumping = SecretTree::new(root, 1000);
        for ordinal in [999, 0, 1, 512, 511, 3, 3, 998] {
            let salt = jumping.salt(ordinal, LeafPurpose::Recorded);
            assert_eq!(salt.bytes(), &all[usize::try_from(ordinal).unwrap()], "item {ordinal}");
        }
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 1000);
        assert_ne!(
            jumping.salt(5, LeafPurpose::Answered(BatchId::new(1))).bytes(),
            jumping.salt(5, LeafPurpose::Evidence(1)).bytes()
        );
    }

    #[test]
    fn depths() {
        let depths: Vec<u32> = [0, 1, 2, 3, 4, 5, 1_000_000].map(depth_for).to_vec();
        assert_eq!(depths, [0, 0, 1, 2, 2, 3, 20]);
    }
}
