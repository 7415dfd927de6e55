//! What can happen next.

use zoho_journal::domain::state::EntryState;

use crate::rules::Seen;
use crate::setup::{Planted, QUARANTINE, SEND_WITHIN, Setup};
use crate::state::{Call, Process, Record, Run, Stage, State};
use crate::step::TRIES;

/// A transaction of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// A short writer records a request.
    Record {
        /// Which.
        request: u8,
    },
    /// A run starts: what a dead run left open becomes unknown.
    Begin {
        /// Whose.
        process: u8,
    },
    /// A batch is recorded.
    Claim {
        /// By whom.
        process: u8,
    },
    /// What became of a batch is recorded.
    Finish {
        /// By whom.
        process: u8,
        /// Its place among the process's batches.
        slot: usize,
    },
    /// Evidence is recorded.
    Evidence {
        /// By whom.
        process: u8,
    },
    /// A person decides.
    Person {
        /// About which entry.
        entry: u8,
    },
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// COMMIT returned.
    Returned,
    /// The process died when all was written and nothing synced.
    Killed,
    /// The sync failed, and the process died over it.
    SyncFailed,
}

/// How Zoho takes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// It does what it is told, and says of each item what came of it.
    Plain,
    /// The same, but it refuses the first item.
    Locks,
    /// The same, but its answer leaves an item out.
    LeavesOut,
    /// It answers with an error of its own, with or without having done it.
    OwnError {
        /// Whether it had.
        done: bool,
    },
}

/// What becomes of the way between us and Zoho.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The request never arrives, and we learn that there is no answer.
    Request,
    /// The answer never arrives.
    Answer,
    /// We wait no longer; the request is on its way still.
    Patience,
    /// Something before Zoho answers; the request is on its way still.
    Gateway,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A transaction.
    Commit(Write, Ending),
    /// Planted: a request is acknowledged.
    Acknowledge {
        /// Which.
        request: u8,
    },
    /// Planted: a batch is put together, and not yet recorded.
    Pick {
        /// By whom.
        process: u8,
    },
    /// A process takes the lock.
    Lock {
        /// Which.
        process: u8,
    },
    /// A call leaves.
    Send {
        /// From whom.
        process: u8,
        /// Its place among the process's batches.
        slot: usize,
    },
    /// A call reaches Zoho.
    Arrive {
        /// Its place on the wire.
        call: usize,
        /// How Zoho takes it.
        how: Arrival,
    },
    /// An answer reaches whoever waits for it.
    Deliver {
        /// Its place on the wire.
        call: usize,
    },
    /// The network fails.
    Lose {
        /// The call's place on the wire.
        call: usize,
        /// How.
        what: Loss,
    },
    /// Recycle bin and list of deletions are read.
    Look {
        /// By whom.
        process: u8,
        /// For which entry.
        entry: u8,
    },
    /// The record itself is read.
    LookOn {
        /// By whom.
        process: u8,
    },
    /// What was read decides nothing yet.
    LookAway {
        /// By whom.
        process: u8,
    },
    /// A run ends.
    End {
        /// Whose.
        process: u8,
    },
    /// Time passes.
    Tick,
    /// Somebody else deletes a record.
    OthersDelete {
        /// Which.
        target: u8,
    },
    /// Somebody restores a record.
    OthersRestore {
        /// Which.
        target: u8,
    },
    /// A process dies.
    Kill {
        /// Which.
        process: u8,
    },
    /// The machine dies.
    PowerCut {
        /// Whether what was written and not synced reached the disk all the same.
        flushed: bool,
    },
    /// A process loses its lock without noticing.
    LoseLock {
        /// Which.
        process: u8,
    },
}

impl State {
    /// Everything that can happen now.
    pub fn enabled(&self, setup: &Setup, actions: &mut Vec<Action>) {
        self.short_writers(setup, actions);
        for process in [0, 1] {
            match self.processes.get(usize::from(process)) {
                Some(Process::Off) if self.may_lock(setup) => {
                    actions.push(Action::Lock { process });
                }
                Some(Process::Locked) if self.may_begin(setup, process) => {
                    self.commit(Write::Begin { process }, actions);
                }
                Some(Process::On(run)) => self.of_run(setup, process, run, actions),
                Some(Process::Off | Process::Locked) | None => {}
            }
        }
        self.of_wire(actions);
        self.of_fate(actions);
    }

    fn commit(&self, write: Write, actions: &mut Vec<Action>) {
        actions.push(Action::Commit(write, Ending::Returned));
        // What a dying process wrote is seen only once everybody has left: until then, the others go by
        // what was committed last, and write over the rest.
        let others = |writer: Option<u8>| {
            [0, 1].into_iter().any(|one| {
                Some(one) != writer && self.processes.get(usize::from(one)) != Some(&Process::Off)
            })
        };
        if others(write.process()) {
            return;
        }
        if self.trouble.crashes > 0 {
            actions.push(Action::Commit(write, Ending::Killed));
        }
        if self.trouble.failed_syncs > 0 {
            actions.push(Action::Commit(write, Ending::SyncFailed));
        }
    }

    fn short_writers(&self, setup: &Setup, actions: &mut Vec<Action>) {
        for request in 0..8_u8 {
            let Some(set) = setup.requests.get(usize::from(request)) else { break };
            let first = u8::try_from(set.trailing_zeros()).unwrap_or(0);
            if self.state_of(first).is_none() {
                let early = setup.has(Planted::AcknowledgeBeforeCommit)
                    && self.acknowledged & (1 << request) == 0;
                if early {
                    actions.push(Action::Acknowledge { request });
                } else {
                    self.commit(Write::Record { request }, actions);
                }
                // Requests are recorded in their order: another one says nothing new.
                break;
            }
        }
        for entry in setup.entries() {
            let row = self.seen.entries.get(usize::from(entry));
            if row.is_some_and(|row| row.undecided && row.state == Some(EntryState::Unknown)) {
                self.commit(Write::Person { entry }, actions);
            }
        }
    }

    /// Whether a process finds the lock free, and something to do.
    fn may_lock(&self, setup: &Setup) -> bool {
        if self.lock.is_some() && !setup.has(Planted::NoLock) {
            return false;
        }
        !self.seen.open.is_empty() || self.has_work(setup, u8::MAX)
    }

    /// Whether nobody can send any more what was claimed under the same lock: see [`Setup::lock_at_once`].
    fn may_begin(&self, setup: &Setup, process: u8) -> bool {
        let can_send = self.run(1 - process).is_some_and(|run| {
            run.slots
                .iter()
                .any(|slot| slot.stage == Stage::Claimed && self.now <= slot.begun + SEND_WITHIN)
        });
        !can_send || setup.lock_at_once || setup.has(Planted::NoLock)
    }

    /// Whether there is something to send or to read that was not sent so often in this run already.
    fn has_work(&self, setup: &Setup, tries: u8) -> bool {
        setup.entries().any(|entry| {
            self.seen.entries.get(usize::from(entry)).is_some_and(|row| match row.state {
                Some(EntryState::Unknown) => !row.undecided && row.tries < tries,
                Some(EntryState::Pending) => self.seen.free(setup, false) & (1 << entry) != 0,
                _ => false,
            })
        })
    }

    fn of_run(&self, setup: &Setup, process: u8, run: &Run, actions: &mut Vec<Action>) {
        if let Some(looking) = &run.looking {
            self.of_look(setup, process, looking.seen, actions);
            return;
        }
        for (slot, one) in run.slots.iter().enumerate() {
            let finish = Write::Finish { process, slot };
            let late = self.now > one.begun + SEND_WITHIN;
            match &one.stage {
                Stage::Claimed => {
                    if !late || setup.has(Planted::SentLate) {
                        actions.push(Action::Send { process, slot });
                    }
                    if late && one.recorded {
                        self.commit(finish, actions);
                    }
                }
                Stage::Sent => {}
                Stage::Answered(_) | Stage::Lost | Stage::Unproven if one.recorded => {
                    self.commit(finish, actions);
                }
                Stage::Answered(_) | Stage::Lost | Stage::Unproven => {}
            }
            if !one.recorded && one.stage != Stage::Claimed {
                self.commit(Write::Claim { process }, actions);
            }
        }
        let two = setup.has(Planted::TwoOfARecord);
        if run.slots.len() < setup.slots && self.seen.free(setup, two) != 0 {
            if setup.has(Planted::SendBeforeCommit) {
                actions.push(Action::Pick { process });
            } else {
                self.commit(Write::Claim { process }, actions);
            }
        }
        if run.slots.is_empty() {
            for entry in setup.entries() {
                let row = self.seen.entries.get(usize::from(entry));
                let unknown =
                    row.is_some_and(|row| row.state == Some(EntryState::Unknown) && !row.undecided);
                if unknown {
                    actions.push(Action::Look { process, entry });
                }
            }
            if !self.has_work(setup, TRIES) {
                actions.push(Action::End { process });
            }
        }
    }

    fn of_look(&self, setup: &Setup, process: u8, seen: Seen, actions: &mut Vec<Action>) {
        use crate::rules::Follows;
        if seen == Seen::NotDeleted {
            actions.push(Action::LookOn { process });
            return;
        }
        match self.follows(setup, process) {
            Some((_, Follows::Settled(_))) => self.commit(Write::Evidence { process }, actions),
            Some((_, Follows::Nothing | Follows::Asks)) | None => {
                actions.push(Action::LookAway { process });
            }
        }
    }

    fn of_wire(&self, actions: &mut Vec<Action>) {
        for (call, one) in self.wire.iter().enumerate() {
            if self.wire.iter().take(call).any(|earlier| earlier == one) {
                continue;
            }
            if one.answer.is_some() {
                actions.push(Action::Deliver { call });
                if self.trouble.network > 0 {
                    actions.push(Action::Lose { call, what: Loss::Answer });
                }
                continue;
            }
            actions.push(Action::Arrive { call, how: Arrival::Plain });
            if self.trouble.refusals > 0 {
                actions.push(Action::Arrive { call, how: Arrival::Locks });
            }
            if one.waits.is_none() || self.trouble.network == 0 {
                continue;
            }
            for what in [Loss::Request, Loss::Patience, Loss::Gateway] {
                actions.push(Action::Lose { call, what });
            }
            actions.push(Action::Arrive { call, how: Arrival::LeavesOut });
            for done in [true, false] {
                actions.push(Action::Arrive { call, how: Arrival::OwnError { done } });
            }
        }
    }

    /// What nobody of us does.
    fn of_fate(&self, actions: &mut Vec<Action>) {
        // Whoever waits gives up before the time within which a call can take effect is over.
        let over = |call: &Call| call.answer.is_none() && self.now + 1 >= call.sent + QUARANTINE;
        if !self.wire.iter().any(|call| call.waits.is_some() && over(call)) {
            actions.push(Action::Tick);
        }
        for (target, record) in (0..8_u8).zip(&self.records) {
            match record {
                Record::There { .. } if self.trouble.others > 0 => {
                    actions.push(Action::OthersDelete { target });
                }
                // That nobody restores what a call of ours may still delete anew is an assumption.
                Record::Gone { .. } | Record::GoneByOthers
                    if self.trouble.restores > 0
                        && !self.wire.iter().any(|call| call.answer.is_none()) =>
                {
                    actions.push(Action::OthersRestore { target });
                }
                Record::There { .. }
                | Record::Gone { .. }
                | Record::GoneByOthers
                | Record::Unseen => {}
            }
        }
        for process in [0, 1] {
            let alive = self.processes.get(usize::from(process)) != Some(&Process::Off);
            if alive && self.trouble.crashes > 0 {
                actions.push(Action::Kill { process });
            }
            if alive && self.lock == Some(process) && self.trouble.lost_locks > 0 {
                actions.push(Action::LoseLock { process });
            }
        }
        if self.trouble.crashes > 0 {
            actions.push(Action::PowerCut { flushed: false });
            if self.disk.is_some() && !self.gap {
                actions.push(Action::PowerCut { flushed: true });
            }
        }
    }
}

impl Write {
    /// The process that runs the reconciler, where it is its transaction.
    pub fn process(self) -> Option<u8> {
        match self {
            Self::Begin { process }
            | Self::Claim { process }
            | Self::Finish { process, .. }
            | Self::Evidence { process } => Some(process),
            Self::Record { .. } | Self::Person { .. } => None,
        }
    }
}
