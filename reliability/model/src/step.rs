//! One step: what follows from an action.

use zoho_journal::domain::state::{Change, EntryState, Outcome, Verdict};

use crate::action::{Action, Arrival, Ending, Loss, Write};
use crate::rules::{Follows, Seen, follows, judged};
use crate::setup::{Planted, QUARANTINE, SEND_WITHIN, Setup, entries};
use crate::state::{
    Answer, Attempt, Call, Code, Entry, Journal, Looking, Process, Record, Run, Slot, Stage, State,
    Wrong,
};

/// The product sends an entry so often in one run when Zoho answers with errors of its own; more is not counted.
pub const TRIES: u8 = 3;

impl State {
    /// The state after an action; `None` where it cannot be.
    pub fn after(&self, setup: &Setup, action: Action) -> Option<Self> {
        let mut next = self.clone();
        match action {
            Action::Commit(write, ending) => next.write(setup, write, ending)?,
            Action::Acknowledge { request } => next.acknowledged |= 1 << request,
            Action::Pick { process } => next.pick(setup, process, false)?,
            Action::Lock { process } => {
                next.lock = Some(process);
                *next.processes.get_mut(usize::from(process))? = Process::Locked;
            }
            Action::Send { process, slot } => next.send(setup, process, slot)?,
            Action::Arrive { call, how } => next.arrive(setup, call, how)?,
            Action::Deliver { call } => {
                let call = next.take_call(call)?;
                let stage = Stage::Answered(call.answer.clone()?);
                next.tell(&call, stage);
            }
            Action::Lose { call, what } => next.lose(call, what)?,
            Action::Look { process, entry } => next.look(setup, process, entry)?,
            Action::LookOn { process } => next.look_on(setup, process)?,
            Action::LookAway { process } => next.run_mut(process)?.looking = None,
            Action::End { process } => next.close(process),
            Action::Tick => {
                next.now += 1;
                let now = next.now;
                next.wire.retain(|call| call.answer.is_some() || now < call.sent + QUARANTINE);
            }
            Action::OthersDelete { target } => {
                next.trouble.others -= 1;
                *next.records.get_mut(usize::from(target))? = Record::GoneByOthers;
            }
            Action::OthersRestore { target } => {
                next.trouble.restores -= 1;
                *next.records.get_mut(usize::from(target))? =
                    Record::There { modified: Some(next.now) };
            }
            Action::Kill { process } => {
                next.trouble.crashes -= 1;
                next.die(process);
            }
            Action::PowerCut { flushed } => next.power_cut(flushed),
            Action::LoseLock { .. } => {
                next.trouble.lost_locks -= 1;
                next.lock = None;
            }
        }
        Some(next.canonical(setup))
    }

    /// A process is gone. What waited for an answer waits no more.
    fn die(&mut self, process: u8) {
        if let Some(slot) = self.processes.get_mut(usize::from(process)) {
            *slot = Process::Off;
        }
        if self.lock == Some(process) {
            self.lock = None;
        }
        self.wire.retain(|call| call.waits != Some(process) || call.answer.is_none());
        for call in self.wire.iter_mut().filter(|call| call.waits == Some(process)) {
            call.waits = None;
        }
    }

    /// A process ends in good order. SQLite checkpoints when the last one closes the journal.
    fn close(&mut self, process: u8) {
        self.die(process);
        if self.is_closed() {
            self.checkpoint();
        }
    }

    /// Everything that is seen is on the disk.
    fn checkpoint(&mut self) {
        self.disk = None;
        self.gap = false;
    }

    fn power_cut(&mut self, flushed: bool) {
        self.trouble.crashes -= 1;
        self.die(0);
        self.die(1);
        self.lock = None;
        if let (false, Some(disk)) = (flushed, self.disk.take()) {
            self.seen = disk;
        }
        self.checkpoint();
    }

    /// A transaction: what it does to the journal, how it ends, what whoever made it goes on with.
    fn write(&mut self, setup: &Setup, write: Write, ending: Ending) -> Option<()> {
        let accepted = setup.has(Planted::StaleRunAccepted);
        let process = write.process();
        if let Some(run) = process.and_then(|process| self.run(process))
            && run.stale
            && !accepted
        {
            // The epoch: the run ends with an error.
            self.close(process?);
            return Some(());
        }
        // Whoever opens the journal makes durable what it is about to trust or to build upon.
        let opens =
            matches!(write, Write::Begin { .. } | Write::Record { .. } | Write::Person { .. });
        if opens && !setup.has(Planted::NoCheckpointAtStart) {
            self.checkpoint();
        }
        let before = self.durable().clone();
        let journal = self.written(setup, write)?;
        self.seen = journal;
        match ending {
            // A sync after one that failed writes only what came later: nothing behind the gap can be read back.
            Ending::Returned if self.gap => self.disk = Some(before),
            Ending::Returned => self.disk = None,
            Ending::Killed => {
                self.trouble.crashes -= 1;
                self.disk = Some(before);
            }
            Ending::SyncFailed => {
                self.trouble.failed_syncs -= 1;
                self.disk = Some(before);
                self.gap = true;
            }
        }
        match (ending, process) {
            (Ending::Returned, _) => self.go_on(setup, write),
            (Ending::Killed | Ending::SyncFailed, Some(process)) => {
                self.die(process);
                Some(())
            }
            (Ending::Killed | Ending::SyncFailed, None) => Some(()),
        }
    }

    /// The journal after a transaction.
    fn written(&mut self, setup: &Setup, write: Write) -> Option<Journal> {
        let mut moves = Moves { journal: self.seen.clone(), wrong: None };
        let now = self.now;
        match write {
            Write::Record { request } => {
                let set = *setup.requests.get(usize::from(request))?;
                for entry in entries(set, setup.targets.len()) {
                    moves.row(entry)?.state = Some(EntryState::Pending);
                }
            }
            Write::Begin { .. } => moves.begin(setup, now),
            Write::Claim { process } => {
                let late = self.run(process)?.slots.iter().find(|slot| !slot.recorded);
                let (set, begun) = match late {
                    Some(slot) => (slot.set, slot.begun),
                    None => (self.batch(setup), now),
                };
                moves.each(setup, set, Change::Claimed);
                moves.journal.open.push((set, begun));
                moves.journal.open.sort_unstable();
            }
            Write::Finish { process, slot } => {
                let slot = self.run(process)?.slots.get(slot)?.clone();
                moves.finish(setup, &slot, now);
            }
            Write::Evidence { process } => {
                let (entry, Follows::Settled(verdict)) = self.follows(setup, process)? else {
                    return None;
                };
                moves.step(entry, Change::Evidence(verdict));
                let row = moves.row(entry)?;
                row.undecided = verdict == Verdict::Undecided;
                match verdict {
                    Verdict::Pending => row.attempts.iter_mut().for_each(|one| one.closed = true),
                    Verdict::Done => row.done_at = Some(now),
                    Verdict::Absent | Verdict::Failed | Verdict::Undecided => {}
                }
                row.proven = true;
            }
            Write::Person { entry } => {
                // Somebody who looked it up.
                let gone = self.records.get(usize::from(setup.target(entry)));
                let verdict = match gone {
                    _ if self.effects_of(entry) > 0 => Verdict::Done,
                    Some(Record::Gone { .. } | Record::GoneByOthers) => Verdict::Absent,
                    Some(Record::There { .. } | Record::Unseen) | None => Verdict::Failed,
                };
                moves.step(entry, Change::SettledByPerson(verdict));
                let row = moves.row(entry)?;
                row.proven = true;
                row.undecided = false;
            }
        }
        self.wrong = self.wrong.or(moves.wrong);
        Some(moves.journal)
    }

    /// What whoever made a transaction does once it returned.
    fn go_on(&mut self, setup: &Setup, write: Write) -> Option<()> {
        match write {
            Write::Record { request } => {
                self.acknowledged |= 1 << request;
            }
            Write::Begin { process } => {
                if let Some(other) = self.run_mut(1 - process) {
                    other.stale = true;
                }
                *self.processes.get_mut(usize::from(process))? = Process::On(Run::default());
            }
            Write::Claim { process } => {
                let run = self.run_mut(process)?;
                match run.slots.iter_mut().find(|slot| !slot.recorded) {
                    Some(slot) => slot.recorded = true,
                    None => self.claimed(process)?,
                }
            }
            Write::Finish { process, slot } => {
                let run = self.run_mut(process)?;
                let answered = matches!(run.slots.get(slot)?.stage, Stage::Answered(_));
                if answered && setup.has(Planted::SettledWithoutAnswer) {
                    run.slots.get_mut(slot)?.stage = Stage::Unproven;
                } else {
                    let _finished = run.slots.remove(slot);
                }
            }
            Write::Evidence { process } => self.run_mut(process)?.looking = None,
            Write::Person { .. } => {}
        }
        Some(())
    }

    /// The entries of the next batch, none of a record twice.
    fn batch(&self, setup: &Setup) -> u8 {
        let free = self.seen.free(setup, setup.has(Planted::TwoOfARecord));
        let (mut set, mut size) = (0, 0);
        for entry in entries(free, setup.targets.len()) {
            if size < setup.batch_max && !setup.siblings(entry).any(|one| set & (1 << one) != 0) {
                set |= 1 << entry;
                size += 1;
            }
        }
        set
    }

    /// The batch that was recorded last goes into its process's memory.
    fn claimed(&mut self, process: u8) -> Option<()> {
        let now = self.now;
        let held: Vec<u8> = self.run(process)?.slots.iter().map(|slot| slot.set).collect();
        let &(set, begun) =
            self.seen.open.iter().find(|(set, begun)| *begun == now && !held.contains(set))?;
        let slot = Slot { set, begun, sent: None, stage: Stage::Claimed, recorded: true };
        self.run_mut(process)?.slots.push(slot);
        Some(())
    }

    fn pick(&mut self, setup: &Setup, process: u8, recorded: bool) -> Option<()> {
        let (set, begun) = (self.batch(setup), self.now);
        let slot = Slot { set, begun, sent: None, stage: Stage::Claimed, recorded };
        self.run_mut(process)?.slots.push(slot);
        Some(())
    }

    fn send(&mut self, setup: &Setup, process: u8, slot: usize) -> Option<()> {
        let now = self.now;
        let slot = self.run_mut(process)?.slots.get_mut(slot)?;
        slot.stage = Stage::Sent;
        slot.sent = Some(now);
        let set = slot.set;
        for entry in entries(set, setup.targets.len()) {
            let record = self.records.get(usize::from(setup.target(entry)));
            let sibling = matches!(record, Some(Record::There { .. }))
                && setup.siblings(entry).any(|one| self.is_travelling(one));
            if self.is_travelling(entry) || sibling || self.effects_of(entry) > 0 {
                self.wrong = self.wrong.or(Some(Wrong::SentAgain));
            }
        }
        self.wire.push(Call { set, sent: now, waits: Some(process), answer: None });
        Some(())
    }

    fn take_call(&mut self, call: usize) -> Option<Call> {
        (call < self.wire.len()).then(|| self.wire.remove(call))
    }

    /// Tells the batch that waits for a call what came of it.
    fn tell(&mut self, call: &Call, stage: Stage) {
        let Some(run) = call.waits.and_then(|process| self.run_mut(process)) else { return };
        let waiting = |slot: &&mut Slot| slot.set == call.set && slot.stage == Stage::Sent;
        if let Some(slot) = run.slots.iter_mut().find(waiting) {
            slot.stage = stage;
        }
    }

    fn arrive(&mut self, setup: &Setup, call: usize, how: Arrival) -> Option<()> {
        let mut call = self.take_call(call)?;
        match how {
            Arrival::Plain => {}
            Arrival::Locks => self.trouble.refusals -= 1,
            Arrival::LeavesOut | Arrival::OwnError { .. } => self.trouble.network -= 1,
        }
        let mut results = Vec::new();
        let carried: Vec<u8> = entries(call.set, setup.targets.len()).collect();
        for (position, entry) in carried.into_iter().enumerate() {
            let locked = how == Arrival::Locks && position == 0;
            let code = match how {
                _ if locked => Code::Locked,
                Arrival::OwnError { done: false } => Code::OwnError,
                Arrival::Plain
                | Arrival::Locks
                | Arrival::LeavesOut
                | Arrival::OwnError { done: true } => self.delete(setup, entry)?,
            };
            results.push((setup.target(entry), code));
        }
        if how == Arrival::LeavesOut {
            let _left_out = results.remove(0);
        }
        // Nothing promises that Zoho keeps the order.
        results.reverse();
        call.answer = Some(match how {
            Arrival::OwnError { .. } => Answer::OwnError,
            Arrival::Plain | Arrival::Locks | Arrival::LeavesOut => Answer::Items(results),
        });
        if call.waits.is_some() {
            self.wire.push(call);
        }
        Some(())
    }

    /// Zoho deletes the record of an entry, if it is there.
    fn delete(&mut self, setup: &Setup, entry: u8) -> Option<Code> {
        let now = self.now;
        let record = self.records.get_mut(usize::from(setup.target(entry)))?;
        let Record::There { .. } = record else { return Some(Code::NoSuchRecord) };
        *record = Record::Gone { at: now };
        *self.effects.get_mut(usize::from(entry))? += 1;
        // At this very moment, and not only in the end: a recovery would hide it.
        let intended = self
            .durable()
            .state_of(entry)
            .is_some_and(|state| state.is_under_way() || state.is_settled());
        if !intended {
            self.wrong = self.wrong.or(Some(Wrong::EffectBeforeIntent));
        }
        Some(Code::Success)
    }

    fn lose(&mut self, call: usize, what: Loss) -> Option<()> {
        self.trouble.network -= 1;
        let mut call = self.take_call(call)?;
        match what {
            Loss::Request | Loss::Answer => self.tell(&call, Stage::Lost),
            Loss::Patience | Loss::Gateway => {
                let stage = match what {
                    Loss::Gateway => Stage::Answered(Answer::Gateway),
                    Loss::Request | Loss::Answer | Loss::Patience => Stage::Lost,
                };
                self.tell(&call, stage);
                call.waits = None;
                self.wire.push(call);
            }
        }
        Some(())
    }

    fn look(&mut self, setup: &Setup, process: u8, entry: u8) -> Option<()> {
        let record = *self.records.get(usize::from(setup.target(entry)))?;
        let seen = match record {
            Record::Gone { .. } | Record::GoneByOthers => Seen::All(record),
            Record::There { .. } | Record::Unseen => Seen::NotDeleted,
        };
        let now = self.now;
        self.run_mut(process)?.looking = Some(Looking { entry, now, seen });
        Some(())
    }

    fn look_on(&mut self, setup: &Setup, process: u8) -> Option<()> {
        let entry = self.run(process)?.looking.as_ref()?.entry;
        let record = *self.records.get(usize::from(setup.target(entry)))?;
        let seen = match record {
            Record::There { .. } => record,
            Record::Gone { .. } | Record::GoneByOthers | Record::Unseen => Record::Unseen,
        };
        self.run_mut(process)?.looking.as_mut()?.seen = Seen::All(seen);
        Some(())
    }

    /// The entry that a process looks at, and what follows from what it saw.
    pub fn follows(&self, setup: &Setup, process: u8) -> Option<(u8, Follows)> {
        let looking = self.run(process)?.looking.as_ref()?;
        let row = self.seen.entries.get(usize::from(looking.entry))?;
        let now = if setup.has(Planted::ClockReadAfterLook) { self.now } else { looking.now };
        let earlier = setup
            .siblings(looking.entry)
            .filter_map(|one| self.seen.entries.get(usize::from(one))?.done_at)
            .max();
        let quarantine = !setup.has(Planted::NoQuarantine);
        let follows = follows(&row.attempts, row.tries, earlier, looking.seen, (now, quarantine));
        Some((looking.entry, follows))
    }
}

/// A journal while a transaction changes it.
struct Moves {
    journal: Journal,
    wrong: Option<Wrong>,
}

impl Moves {
    fn row(&mut self, entry: u8) -> Option<&mut Entry> {
        self.journal.entries.get_mut(usize::from(entry))
    }

    /// Moves an entry as the product would.
    fn step(&mut self, entry: u8, change: Change) {
        let Some(row) = self.row(entry) else { return };
        match row.state.map(|state| state.next(change)) {
            Some(Ok(next)) => row.state = Some(next),
            Some(Err(_)) | None => self.wrong = Some(Wrong::IllegalMove),
        }
    }

    fn each(&mut self, setup: &Setup, set: u8, change: Change) {
        for entry in entries(set, setup.targets.len()) {
            self.step(entry, change);
        }
    }

    /// What a dead run left open is unknown from now on.
    fn begin(&mut self, setup: &Setup, now: u8) {
        for row in &mut self.journal.entries {
            row.tries = 0;
        }
        for (set, begun) in std::mem::take(&mut self.journal.open) {
            let outcome =
                if setup.has(Planted::BlindResend) { Outcome::Returned } else { Outcome::Unknown };
            for entry in entries(set, setup.targets.len()) {
                self.step(entry, Change::Answered(outcome));
                // Nothing left after this run took the lock.
                let sent_before = Some((begun + SEND_WITHIN).min(now));
                let attempt = Attempt {
                    code: Code::Nothing,
                    complete: false,
                    begun,
                    sent: None,
                    sent_before,
                    closed: false,
                };
                if let Some(row) = self.row(entry) {
                    row.attempts.push(attempt);
                }
            }
        }
    }

    /// What became of a batch.
    fn finish(&mut self, setup: &Setup, slot: &Slot, now: u8) {
        let batch: Vec<(u8, u8)> = entries(slot.set, setup.targets.len())
            .map(|entry| (entry, setup.target(entry)))
            .collect();
        let same = |outcome| (vec![(outcome, Code::Nothing); batch.len()], false);
        let by_position = setup.has(Planted::MatchedByPosition);
        let (results, complete) = match &slot.stage {
            Stage::Claimed => same(Outcome::Returned),
            Stage::Lost if setup.has(Planted::LostAnswerIsFailure) => same(Outcome::Failed),
            Stage::Lost | Stage::Sent => same(Outcome::Unknown),
            Stage::Answered(answer) => judged(&batch, answer, by_position),
            Stage::Unproven => {
                for (entry, _) in &batch {
                    if let Some(row) = self.row(*entry) {
                        row.proven = true;
                    }
                }
                return;
            }
        };
        self.journal.open.retain(|(set, begun)| (*set, *begun) != (slot.set, slot.begun));
        let answered = matches!(slot.stage, Stage::Answered(_));
        for ((entry, _), (outcome, code)) in batch.into_iter().zip(results) {
            self.step(entry, Change::Answered(outcome));
            let Some(row) = self.row(entry) else { continue };
            row.proven = !(answered && setup.has(Planted::SettledWithoutAnswer));
            if outcome != Outcome::Returned {
                row.tries = (row.tries + 1).min(TRIES);
            }
            if outcome == Outcome::Done {
                row.done_at = Some(now);
            }
            if outcome == Outcome::Unknown {
                row.attempts.push(Attempt {
                    code,
                    complete,
                    begun: slot.begun,
                    sent: slot.sent,
                    sent_before: (!complete).then_some(now),
                    closed: false,
                });
            }
        }
    }
}
