//! Claiming within the writing of a run: what must be read first, and what may be sent then.

use std::collections::{HashMap, HashSet};

use crate::domain::barred::Without;
use crate::domain::call::PreparedBatch;
use crate::domain::evidence::presence::ThingFacts;
use crate::domain::id::EntryId;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Operation;
use crate::store::WriteTx;
use crate::store::batch::BegunBatch;
use crate::store::error::{Result, StoreError};
use crate::store::full_snapshot;
use crate::store::pausing::{self, PauseView};
use crate::store::queue::{Picked, Rules, is_blocked};
use crate::store::sending::NotAsRecorded;
use crate::store::snapshot::{self, Snapshot};
use crate::store::writer::{ClaimRules, Jobs, Pending, Reply};

/// What the queue gives.
#[derive(Debug)]
pub enum Claimed {
    /// A batch, durably recorded.
    Batch(PreparedBatch),
    /// These entries must be read before they are claimed. Nobody else is given them meanwhile: they must be
    /// claimed with what was read, or put back.
    ReadFirst(ReadFirst),
    /// What was read settled all of them: there is nothing to send.
    Settled,
    /// Nothing is due.
    Nothing,
    /// Somebody paused: nothing may be claimed.
    Paused(Box<PauseView>),
    /// What is next is not what the log says was recorded: nothing may be sent before somebody has looked.
    NotAsRecorded(Box<NotAsRecorded>),
}

/// Entries that must be read before they are claimed.
#[derive(Debug)]
#[must_use = "they are kept from everybody else until they are claimed or put back"]
pub struct ReadFirst {
    /// The entries.
    pub picked: Picked,
    /// Those of them without a snapshot that may stand. All of them when records of a module without a recycle bin are
    /// deleted, since only a read before the call can later prove that the call took effect; else none of a deletion.
    pub unread: Vec<EntryId>,
    /// What the snapshots of the others showed, which may stand.
    pub known: HashMap<EntryId, ThingFacts>,
    /// Those of them whose request wants a full snapshot, and that have none of this run.
    pub lacking: Vec<EntryId>,
}

/// What was read before a claim.
#[derive(Debug, Clone, Default)]
pub struct ReadBefore {
    /// Entries whose records were there, of a module without a recycle bin.
    pub seen: Option<EntryRanges>,
    /// What was there before the call, ascending by entry.
    pub snapshots: Vec<Snapshot>,
    /// Entries whose records were not there, so that no full snapshot could be kept: nothing but Zoho's refusal can
    /// come of their call.
    pub gone: HashSet<EntryId>,
}

impl Jobs<'_> {
    /// What was picked and not claimed is pending still: the next look must find it again.
    pub(super) fn found_again(&mut self, result: Result<Claim>) -> Result<Claim> {
        if result.is_err() {
            self.cursors.rewind();
        }
        result
    }

    pub(super) fn claim(
        &mut self,
        tx: &mut WriteTx<'_>,
        at_most: usize,
        without: &Without,
    ) -> Result<Claim> {
        let ClaimRules { run, versions, limits, requests, policy, .. } = self.rules;
        if let Some(pause) = pausing::pause(&tx.tx)? {
            return Ok(Claim::Paused(Box::new(pause)));
        }
        tx.withhold(*run, |request| requests.contains(&request), policy.clone())?;
        let rules = Rules { versions: *versions, limits: *limits, requests, without, now: tx.now };
        let Some(picked) = tx.pick_free(*run, self.cursors, rules, at_most)? else {
            return Ok(Claim::Nothing);
        };
        if let Some(refusal) = tx.not_as_recorded(self.compared, &picked)? {
            self.cursors.rewind();
            return Ok(Claim::NotAsRecorded(Box::new(refusal)));
        }
        let scope = &picked.kind.scope;
        if scope.operation() == Operation::Delete {
            let look = self.read_first.contains(&(scope.product, scope.module.clone()));
            let lacking = full_snapshot::lacking(&tx.tx, *run, &picked.items)?;
            if look || !lacking.is_empty() {
                let all = picked.items.iter().map(|item| item.entry);
                let (unread, known) = (all.filter(|_| look).collect(), HashMap::new());
                return Ok(self.read_before_claim(ReadFirst { picked, unread, known, lacking }));
            }
        } else if picked.kind.reads_first() {
            let (unread, known) = snapshot::split(&tx.tx, scope.operation(), &picked.items)?;
            if !unread.is_empty() {
                let lacking = Vec::new();
                return Ok(self.read_before_claim(ReadFirst { picked, unread, known, lacking }));
            }
            let picked = snapshot::apart(picked, &known);
            return tx.begin_batch(self.rules.run, picked, None).map(Claim::Begun);
        }
        tx.begin_batch(self.rules.run, picked, None).map(Claim::Begun)
    }

    /// Nobody else is given these entries until they come back.
    fn read_before_claim(&mut self, first: ReadFirst) -> Claim {
        self.cursors.reserve(&first.picked.kind.scope, &first.picked.items);
        Claim::ReadFirst(first)
    }

    pub(super) fn claim_read(
        &mut self,
        tx: &mut WriteTx<'_>,
        first: ReadFirst,
        read: ReadBefore,
    ) -> Result<Claim> {
        let ReadFirst { mut picked, mut known, .. } = first;
        let ReadBefore { seen, mut snapshots, gone } = read;
        if let Some(pause) = pausing::pause(&tx.tx)? {
            self.cursors.rewind();
            return Ok(Claim::Paused(Box::new(pause)));
        }
        let held = tx.held_of(&picked.kind.scope, &picked.items)?;
        if !held.is_empty() {
            // A hold came in between: what was read counts for nothing, and the others are read anew.
            self.cursors.rewind();
            tx.hold_back(self.rules.run, held)?;
            return Ok(Claim::Settled);
        }
        // What was read before must be what was recorded, too.
        if let Some(refusal) = tx.not_as_recorded(self.compared, &picked)? {
            self.cursors.rewind();
            return Ok(Claim::NotAsRecorded(Box::new(refusal)));
        }
        if picked.kind.scope.operation() == Operation::Delete {
            let mut lacking = full_snapshot::lacking(&tx.tx, self.rules.run, &picked.items)?;
            lacking.retain(|entry| !gone.contains(entry));
            if let Some(entry) = lacking.first() {
                // Whoever read has to have kept them: nothing is sent without.
                let what = format!("{entry} has none, and its request wants one");
                return Err(StoreError::corrupt("full_snapshot", what));
            }
            return tx.begin_batch(self.rules.run, picked, seen).map(Claim::Begun);
        }
        let operation = picked.kind.scope.operation();
        let (product, module) = (picked.kind.scope.product, &picked.kind.scope.module);
        if is_blocked(&tx.tx, operation, product, module)? {
            return Ok(Claim::Nothing);
        }
        let fresh = snapshots.iter().map(|one| (one.entry, one.facts.clone()));
        known.extend(fresh);
        let absent: HashSet<EntryId> =
            snapshots.iter().filter(|one| one.settles).map(|one| one.entry).collect();
        picked.items.retain(|item| !absent.contains(&item.entry));
        let picked = snapshot::apart(picked, &known);
        // What is not claimed now is read anew when it is: a snapshot is made for good.
        let claimed: HashSet<EntryId> = picked.items.iter().map(|item| item.entry).collect();
        snapshots.retain(|one| absent.contains(&one.entry) || claimed.contains(&one.entry));
        if !snapshots.is_empty() {
            tx.take_snapshot(self.rules.run, &picked.kind.scope.module, &snapshots)?;
        }
        if picked.items.is_empty() {
            self.cursors.rewind();
            return Ok(Claim::Settled);
        }
        tx.begin_batch(self.rules.run, picked, seen).map(Claim::Begun)
    }
}

pub(super) enum Claim {
    Paused(Box<PauseView>),
    NotAsRecorded(Box<NotAsRecorded>),
    Begun(BegunBatch),
    ReadFirst(ReadFirst),
    Settled,
    Nothing,
}

/// Hands a batch out as sendable only once its commit returned.
pub(super) fn claimed(reply: Reply<Claimed>, result: Result<Claim>) -> Pending {
    Box::new(move |committed| {
        let result = match result {
            _ if !committed => Err(StoreError::WriterGone),
            Ok(Claim::Begun(begun)) => Ok(Claimed::Batch(begun.committed())),
            Ok(Claim::ReadFirst(first)) => Ok(Claimed::ReadFirst(first)),
            Ok(Claim::Settled) => Ok(Claimed::Settled),
            Ok(Claim::Nothing) => Ok(Claimed::Nothing),
            Ok(Claim::Paused(pause)) => Ok(Claimed::Paused(pause)),
            Ok(Claim::NotAsRecorded(refusal)) => Ok(Claimed::NotAsRecorded(refusal)),
            Err(error) => Err(error),
        };
        drop(reply.send(result));
    })
}
