//! What can go wrong, and when it is to.

use std::collections::BTreeMap;

use rusqlite::ffi;

use crate::trace::Kind;

/// A process that uses the disk. One that died stays dead: the next life is a new process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub(crate) u32);

impl ProcessId {
    /// Who uses the disk without having entered a process: a test that looks. It cannot be killed,
    /// and only its open files die in a power cut.
    pub const OUTSIDE: Self = Self(0);

    /// One that is no process any more.
    pub(crate) const NOBODY: Self = Self(u32::MAX);
}

impl std::fmt::Display for ProcessId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// When, in the operation that a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// The operation has no effect.
    Before,
    /// A write is torn; any other operation has its effect, or has not.
    Middle,
    /// The operation has its effect, and nobody is told.
    After,
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Times {
    /// One operation.
    Once,
    /// Every operation that it suits, until [`Disk::clear`](crate::Disk::clear).
    ForEver,
}

/// Something that goes wrong at an operation. One that does not suit the operation whose turn it is
/// (a failing sync, and it is a write) waits for the next that it suits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The process is killed. What it wrote stays, unsynced.
    Kill(Moment),
    /// The power fails: see [`Disk::power_cut`](crate::Disk::power_cut).
    PowerCut(Moment),
    /// `EIO`. The operation has no effect; what a sync was to write stays dirty.
    Error(Times),
    /// `ENOSPC` at a write or at the creation of a file. A part of the write may have come.
    Full(Times),
    /// A part of a write comes, then `EIO`.
    ShortWrite,
    /// A sync fails with `EIO`, and, as on Linux, its pages count as clean afterwards: they stay
    /// visible, some may have arrived, and no later sync writes them until they are written again.
    SyncFails(Times),
    /// A sync that does nothing and says that it did. No disk is allowed to: for planted bugs.
    LyingSync(Times),
}

impl Fault {
    fn suits(self, kind: Kind) -> bool {
        match self {
            Self::Kill(_) | Self::PowerCut(_) | Self::Error(_) => true,
            Self::Full(_) => matches!(kind, Kind::Write | Kind::Create),
            Self::ShortWrite => kind == Kind::Write,
            Self::SyncFails(_) | Self::LyingSync(_) => kind == Kind::Sync,
        }
    }

    fn stays(self) -> bool {
        matches!(
            self,
            Self::Error(Times::ForEver)
                | Self::Full(Times::ForEver)
                | Self::SyncFails(Times::ForEver)
                | Self::LyingSync(Times::ForEver)
        )
    }

    pub(crate) fn course(self, kind: Kind) -> Course {
        match self {
            Self::Kill(moment) => Course { extent: moment.extent(), end: End::Kill },
            Self::PowerCut(moment) => Course { extent: moment.extent(), end: End::PowerCut },
            Self::Error(_) => Course { extent: Extent::None, end: End::Report(kind.error()) },
            Self::Full(_) if kind == Kind::Write => {
                Course { extent: Extent::Part, end: End::Report(ffi::SQLITE_FULL) }
            }
            // SQLite's unix VFS has no other word for a file that cannot be created.
            Self::Full(_) => Course { extent: Extent::None, end: End::Report(kind.error()) },
            Self::ShortWrite => Course { extent: Extent::Part, end: End::Report(kind.error()) },
            Self::SyncFails(_) => {
                Course { extent: Extent::Forgotten, end: End::Report(kind.error()) }
            }
            Self::LyingSync(_) => Course { extent: Extent::None, end: End::Report(ffi::SQLITE_OK) },
        }
    }
}

impl Moment {
    fn extent(self) -> Extent {
        match self {
            Self::Before => Extent::None,
            Self::Middle => Extent::Part,
            Self::After => Extent::Whole,
        }
    }
}

/// How much of an operation happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    None,
    Part,
    Whole,
    /// A sync whose pages count as clean and were not written.
    Forgotten,
}

/// What comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Report(i32),
    Kill,
    PowerCut,
}

/// What an operation comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    pub(crate) extent: Extent,
    pub(crate) end: End,
}

impl Course {
    pub(crate) const GOOD: Self = Self { extent: Extent::Whole, end: End::Report(ffi::SQLITE_OK) };
}

/// A fault to come.
#[derive(Debug)]
struct Planned {
    process: ProcessId,
    due: Due,
    fault: Fault,
}

/// When it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Due {
    /// At this operation of the process, by number, or the next that suits.
    At(u64),
    /// After so many more operations of a kind, at one of that kind.
    Kind(Kind, u64),
}

impl Due {
    /// Whether it is now; counts down otherwise.
    fn comes(&mut self, number: u64, kind: Kind) -> bool {
        match self {
            Self::At(at) => *at <= number,
            Self::Kind(of, _) if *of != kind => false,
            Self::Kind(_, 0) => true,
            Self::Kind(_, left) => {
                *left -= 1;
                false
            }
        }
    }
}

/// The faults to come, and those that came.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// In the order of planning.
    planned: Vec<Planned>,
    standing: Vec<(ProcessId, Fault)>,
    struck: BTreeMap<Fault, u64>,
}

impl Faults {
    pub(crate) fn plan(&mut self, process: ProcessId, due: Due, fault: Fault) {
        self.planned.push(Planned { process, due, fault });
    }

    /// Forgets what was planned for a process, and what stands.
    pub(crate) fn clear(&mut self, process: ProcessId) {
        self.planned.retain(|planned| planned.process != process);
        self.standing.retain(|(standing, _)| *standing != process);
    }

    pub(crate) fn struck(&self) -> &BTreeMap<Fault, u64> {
        &self.struck
    }

    /// The fault of this operation. What was planned for now goes before what stands.
    pub(crate) fn strike(&mut self, process: ProcessId, number: u64, kind: Kind) -> Option<Fault> {
        if self.planned.is_empty() && self.standing.is_empty() {
            return None;
        }
        let mut due = None;
        // All count this operation, also those that another goes before.
        for (index, planned) in self.planned.iter_mut().enumerate() {
            let of_it = planned.process == process && planned.fault.suits(kind);
            if of_it && planned.due.comes(number, kind) && due.is_none() {
                due = Some(index);
            }
        }
        let fault = if let Some(index) = due {
            let fault = self.planned.remove(index).fault;
            if fault.stays() {
                self.standing.push((process, fault));
            }
            fault
        } else {
            let mut standing = self.standing.iter().filter(|(standing, _)| *standing == process);
            standing.find(|(_, fault)| fault.suits(kind))?.1
        };
        *self.struck.entry(fault).or_default() += 1;
        Some(fault)
    }
}
