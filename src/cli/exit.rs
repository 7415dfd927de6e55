//! Exit codes: part of the contract.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done,
    /// An error, also in the data given.
    Error,
    /// The command line was not understood.
    Usage,
    /// Settled, but some entries failed, or something is not as it should be.
    SomeFailed,
    /// Entries are left unknown, queued or pending: run it again.
    Unfinished,
    /// Not signed in, or scope or permission missing; entries stay pending.
    NotAllowed,
    /// Stopped by a budget, by throttling or by too many refusals; resumable.
    Stopped,
    /// Refused by a cap, a pause, a policy, or a target other than the bound one; nothing was done.
    Refused,
    /// Confirmation is missing, or all that could be sent awaits approval.
    NotConfirmed,
    /// There is no journal.
    NoJournal,
    /// Another sync or replay runs.
    AlreadyRunning,
    /// Verification failed.
    NotVerified,
    /// Interrupted; resumable.
    Interrupted,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::SomeFailed => 3,
            Self::Unfinished => 4,
            Self::NotAllowed => 5,
            Self::Stopped => 6,
            Self::Refused => 7,
            Self::NotConfirmed => 8,
            Self::NoJournal => 10,
            Self::AlreadyRunning => 11,
            Self::NotVerified => 12,
            Self::Interrupted => 130,
        }
    }

    /// What it means, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "all done",
            Self::Error => "an error",
            Self::Usage => "the command line was not understood",
            Self::SomeFailed => "settled, but some entries failed",
            Self::Unfinished => "some entries are not settled yet: run it again",
            Self::NotAllowed => "not signed in, or a scope or permission is missing",
            Self::Stopped => {
                "stopped by a budget, by throttling or by too many refusals: it can go on later"
            }
            Self::Refused => "refused: nothing, or nothing more, was done",
            Self::NotConfirmed => "not confirmed, or waiting for approval: nothing was sent",
            Self::NoJournal => "there is no journal",
            Self::AlreadyRunning => "another sync or replay is running",
            Self::NotVerified => "verification failed",
            Self::Interrupted => "interrupted: it can go on later",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
