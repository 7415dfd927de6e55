//! Everything there is at one moment: journal, disk, wire, Zoho, processes.

use zoho_journal::domain::state::EntryState;

use crate::rules::Seen;
use crate::setup::{QUARANTINE, SEND_WITHIN, Setup, Trouble, entries};

/// One more than the longest distance between two times that any rule looks at.
const LONGEST: u8 = SEND_WITHIN + QUARANTINE + 1;

/// A record in Zoho.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Record {
    /// It can be read.
    There {
        /// When it was changed last; `None` for long ago.
        modified: Option<u8>,
    },
    /// Our user deleted it.
    Gone {
        /// When.
        at: u8,
    },
    /// Somebody else deleted it; when decides nothing.
    GoneByOthers,
    /// Each source was read, and none had it: it moved from one to the other meanwhile.
    Unseen,
}

/// What Zoho, or something before it, says about an item or a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// Nothing at all.
    Nothing,
    /// It did it.
    Success,
    /// It knows no such record.
    NoSuchRecord,
    /// It refuses for a reason of its own.
    Locked,
    /// It does not know itself.
    OwnError,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    /// By item: record and code. Never in the order of the batch, where there are two.
    Items(Vec<(u8, Code)>),
    /// Zoho's own error for the whole call.
    OwnError,
    /// A page of something that stands before Zoho.
    Gateway,
}

/// A call that left.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    /// Its entries.
    pub set: u8,
    /// When it left.
    pub sent: u8,
    /// The process that waits for its answer.
    pub waits: Option<u8>,
    /// The answer on its way back; `None` while the call is on its way to Zoho.
    pub answer: Option<Answer>,
}

/// An attempt without a clear answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// What was said.
    pub code: Code,
    /// Whether that was Zoho's last word.
    pub complete: bool,
    /// When its batch was recorded.
    pub begun: u8,
    /// When it left, where the journal knows.
    pub sent: Option<u8>,
    /// The last moment at which it can have left, where the journal knows.
    pub sent_before: Option<u8>,
    /// Whether evidence said later that it changed nothing.
    pub closed: bool,
}

/// An entry, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Entry {
    /// Where it stands; `None` before it is recorded.
    pub state: Option<EntryState>,
    /// Attempts that evidence needs.
    pub attempts: Vec<Attempt>,
    /// How often the newest run sent it.
    pub tries: u8,
    /// When it was settled as done, while another entry of its record may need that.
    pub done_at: Option<u8>,
    /// Whether answer or evidence that settled it stands in the journal.
    pub proven: bool,
    /// Whether reads could not decide.
    pub undecided: bool,
}

/// What the journal holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Journal {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Batches without an end: entries, and when they were recorded.
    pub open: Vec<(u8, u8)>,
}

/// How far a process is with a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Recorded.
    Claimed,
    /// Its call left.
    Sent,
    /// Its answer is here.
    Answered(Answer),
    /// There will be no answer.
    Lost,
    /// Planted: its states are committed, its answer is not.
    Unproven,
}

/// A batch in a process's memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    /// Its entries.
    pub set: u8,
    /// When it was recorded.
    pub begun: u8,
    /// When its call left.
    pub sent: Option<u8>,
    /// How far it is.
    pub stage: Stage,
    /// Whether it is committed: only a planted mistake goes on before.
    pub recorded: bool,
}

/// A look at Zoho under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Looking {
    /// The entry.
    pub entry: u8,
    /// What the clock said before.
    pub now: u8,
    /// What was seen so far.
    pub seen: Seen,
}

/// A process that runs the reconciler, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Process {
    /// It is not there.
    #[default]
    Off,
    /// It has the lock, and has written nothing.
    Locked,
    /// Its run is on.
    On(Run),
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Run {
    /// Whether a newer run has started.
    pub stale: bool,
    /// Its batches.
    pub slots: Vec<Slot>,
    /// Its look at Zoho.
    pub looking: Option<Looking>,
}

/// What must never happen, noted at the moment at which it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Zoho did something whose intent was not on the disk.
    EffectBeforeIntent,
    /// A call left for an entry whose fate was not known, or that was done.
    SentAgain,
    /// The product's transition function refused a move.
    IllegalMove,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The clock.
    pub now: u8,
    /// Zoho.
    pub records: Vec<Record>,
    /// Calls and answers under way.
    pub wire: Vec<Call>,
    /// The journal, as whoever opens it sees it.
    pub seen: Journal,
    /// What a power cut leaves of it, where that is less.
    pub disk: Option<Journal>,
    /// Whether a failed sync left a gap that later syncs do not close, but a checkpoint does.
    pub gap: bool,
    /// Who holds the lock.
    pub lock: Option<u8>,
    /// Two processes.
    pub processes: [Process; 2],
    /// The requests that were acknowledged, as a set of bits.
    pub acknowledged: u8,
    /// How often our calls for each entry took effect.
    pub effects: Vec<u8>,
    /// What may still go wrong.
    pub trouble: Trouble,
    /// What went wrong that must not.
    pub wrong: Option<Wrong>,
}

impl State {
    /// Nothing is recorded, and every record is there.
    pub fn first(setup: &Setup) -> Self {
        let records = setup.targets.iter().max().map_or(0, |last| usize::from(*last) + 1);
        Self {
            now: LONGEST,
            records: vec![Record::There { modified: None }; records],
            wire: Vec::new(),
            seen: Journal {
                entries: vec![Entry::default(); setup.targets.len()],
                open: Vec::new(),
            },
            disk: None,
            gap: false,
            lock: None,
            processes: [Process::Off, Process::Off],
            acknowledged: 0,
            effects: vec![0; setup.targets.len()],
            trouble: setup.trouble,
            wrong: None,
        }
    }

    /// What a power cut leaves.
    pub fn durable(&self) -> &Journal {
        self.disk.as_ref().unwrap_or(&self.seen)
    }

    /// Where an entry stands.
    pub fn state_of(&self, entry: u8) -> Option<EntryState> {
        self.seen.state_of(entry)
    }

    /// Whether a call for an entry may still reach Zoho.
    pub fn is_travelling(&self, entry: u8) -> bool {
        self.wire.iter().any(|call| call.answer.is_none() && call.set & (1 << entry) != 0)
    }

    /// How often our calls for an entry took effect.
    pub fn effects_of(&self, entry: u8) -> u8 {
        self.effects.get(usize::from(entry)).copied().unwrap_or(0)
    }

    /// A process's run.
    pub fn run(&self, process: u8) -> Option<&Run> {
        match self.processes.get(usize::from(process)) {
            Some(Process::On(run)) => Some(run),
            Some(Process::Off | Process::Locked) | None => None,
        }
    }

    /// The same, to be changed.
    pub fn run_mut(&mut self, process: u8) -> Option<&mut Run> {
        match self.processes.get_mut(usize::from(process)) {
            Some(Process::On(run)) => Some(run),
            Some(Process::Off | Process::Locked) | None => None,
        }
    }

    /// Whether nobody has the journal open.
    pub fn is_closed(&self) -> bool {
        self.processes.iter().all(|one| *one == Process::Off)
    }

    /// Brings states that differ in nothing that matters into one form: order of what has none, and times, of
    /// which only distances up to the longest that a rule looks at count.
    #[must_use]
    pub fn canonical(mut self, setup: &Setup) -> Self {
        self.swap();
        self.wire.sort();
        for process in &mut self.processes {
            if let Process::On(run) = process {
                run.slots.sort();
            }
        }
        self.forget(setup);
        if self.disk.as_ref() == Some(&self.seen) {
            self.disk = None;
        }
        let mut times = Vec::new();
        self.each_time(&mut |time| times.push(*time));
        times.sort_unstable();
        times.dedup();
        let mut moved = [0_u8; 256];
        let (mut last, mut to) = (times.first().copied().unwrap_or(0), LONGEST);
        for time in times {
            to += (time - last).min(LONGEST);
            last = time;
            if let Some(slot) = moved.get_mut(usize::from(time)) {
                *slot = to;
            }
        }
        self.each_time(&mut |time| *time = moved.get(usize::from(*time)).copied().unwrap_or(0));
        self
    }

    /// Both processes are alike: the first is the one that is there.
    fn swap(&mut self) {
        let [first, second] = &self.processes;
        let stale = |one: &Process| matches!(one, Process::On(run) if run.stale);
        let swap = match (first, second) {
            (Process::Off, Process::Locked | Process::On(_)) => true,
            (one, other) => stale(one) && !stale(other) && *other != Process::Off,
        };
        if !swap {
            return;
        }
        self.processes.reverse();
        self.lock = self.lock.map(|holder| 1 - holder);
        for call in &mut self.wire {
            call.waits = call.waits.map(|process| 1 - process);
        }
    }

    /// Drops what nobody will look at again.
    fn forget(&mut self, setup: &Setup) {
        let unsettled = |journal: &Journal, entry: u8| {
            journal.state_of(entry).is_none_or(|state| !state.is_settled())
        };
        let wanted = |state: &Self, entry: u8| {
            unsettled(&state.seen, entry)
                || state.disk.as_ref().is_some_and(|disk| unsettled(disk, entry))
        };
        for target in 0..self.records.len() {
            let read = setup
                .entries()
                .any(|one| usize::from(setup.target(one)) == target && wanted(self, one));
            if let (false, Some(record)) = (read, self.records.get_mut(target)) {
                *record = match *record {
                    Record::Gone { .. } => Record::Gone { at: self.now },
                    Record::GoneByOthers => Record::GoneByOthers,
                    Record::There { .. } => Record::There { modified: None },
                    Record::Unseen => Record::Unseen,
                };
            }
        }
        for entry in setup.entries() {
            let siblings = setup.siblings(entry).any(|other| wanted(self, other));
            for journal in [Some(&mut self.seen), self.disk.as_mut()].into_iter().flatten() {
                let Some(row) = journal.entries.get_mut(usize::from(entry)) else { continue };
                if row.state.is_some_and(EntryState::is_settled) {
                    row.attempts.clear();
                    row.tries = 0;
                    row.undecided = false;
                }
                if setup.trouble.network < 3 {
                    // Too few in one run to count.
                    row.tries = 0;
                }
                let target = usize::from(setup.target(entry));
                if matches!(
                    self.records.get(target),
                    Some(Record::There { modified: None } | Record::GoneByOthers)
                ) {
                    row.attempts.iter_mut().for_each(|one| one.age(self.now));
                    row.attempts.dedup();
                }
                if !siblings {
                    row.done_at = None;
                }
            }
        }
    }

    fn each_time(&mut self, visit: &mut impl FnMut(&mut u8)) {
        visit(&mut self.now);
        for record in &mut self.records {
            match record {
                Record::Gone { at, .. } => visit(at),
                Record::There { modified } => modified.iter_mut().for_each(&mut *visit),
                Record::GoneByOthers | Record::Unseen => {}
            }
        }
        self.wire.iter_mut().for_each(|call| visit(&mut call.sent));
        for journal in [Some(&mut self.seen), self.disk.as_mut()].into_iter().flatten() {
            journal.each_time(visit);
        }
        for process in &mut self.processes {
            let Process::On(run) = process else { continue };
            for slot in &mut run.slots {
                visit(&mut slot.begun);
                slot.sent.iter_mut().for_each(&mut *visit);
            }
            if let Some(looking) = &mut run.looking {
                visit(&mut looking.now);
                match &mut looking.seen {
                    Seen::All(Record::Gone { at, .. }) => visit(at),
                    Seen::All(Record::There { modified: Some(at) }) => visit(at),
                    Seen::All(_) | Seen::NotDeleted => {}
                }
            }
        }
    }
}

impl Attempt {
    /// Once it cannot take effect any more, and nothing that our calls can have done is there to be compared
    /// with, its times say no more than that they are past.
    fn age(&mut self, now: u8) {
        let left = self.sent_before.or(self.sent).unwrap_or(0).max(self.begun + SEND_WITHIN);
        if now > left + QUARANTINE {
            self.begun = now - LONGEST;
            self.sent = None;
            self.sent_before = None;
        }
    }
}

impl Journal {
    /// Where an entry stands.
    pub fn state_of(&self, entry: u8) -> Option<EntryState> {
        self.entries.get(usize::from(entry)).and_then(|row| row.state)
    }

    /// Entries that may be sent now: pending, and no other of their record is under way.
    pub fn free(&self, setup: &Setup, two_of_a_record: bool) -> u8 {
        let mut set = 0;
        for entry in setup.entries() {
            let busy = setup.siblings(entry).any(|other| {
                self.state_of(other).is_some_and(EntryState::is_under_way)
                    || entries(set, setup.targets.len()).any(|taken| taken == other)
            });
            if self.state_of(entry) == Some(EntryState::Pending) && (!busy || two_of_a_record) {
                set |= 1 << entry;
            }
        }
        set
    }

    fn each_time(&mut self, visit: &mut impl FnMut(&mut u8)) {
        for entry in &mut self.entries {
            entry.done_at.iter_mut().for_each(&mut *visit);
            for attempt in &mut entry.attempts {
                visit(&mut attempt.begun);
                attempt.sent.iter_mut().for_each(&mut *visit);
                attempt.sent_before.iter_mut().for_each(&mut *visit);
            }
        }
        self.open.iter_mut().for_each(|(_, begun)| visit(begun));
    }
}
