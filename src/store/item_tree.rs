//! The trees over the items of events, each made once however many of its items are to be proved.

use std::collections::HashMap;

use crate::domain::id::EventSeq;
use crate::domain::proof::WholeTree;

/// Hashes that are kept: as many take some 400 MB. A single larger tree is kept all the same.
const MOST_NODES: usize = 4_000_000;

/// Trees that were needed, by event.
#[derive(Debug, Default)]
pub struct ItemTrees {
    trees: HashMap<EventSeq, WholeTree>,
    nodes: usize,
}

impl ItemTrees {
    /// The tree of an event, made if it is needed for the first time.
    pub(super) fn of<E>(
        &mut self,
        seq: EventSeq,
        make: impl FnOnce() -> Result<WholeTree, E>,
    ) -> Result<&WholeTree, E> {
        if !self.trees.contains_key(&seq) {
            let tree = make()?;
            if self.nodes > MOST_NODES {
                self.trees.clear();
                self.nodes = 0;
            }
            self.nodes += tree.nodes();
            self.trees.insert(seq, tree);
        }
        Ok(self.trees.entry(seq).or_default())
    }
}
