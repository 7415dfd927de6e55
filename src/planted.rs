//! Mistakes made on purpose, one at a time, to prove that the simulation finds them.
//!
//! Without the feature `planted` every switch is off for good and costs nothing: no program that people use
//! is built with it.

/// A mistake, named after what is left out or done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mistake {
    /// A batch is handed out for sending before its commit is synced.
    SendsBeforeSync,
    /// A request is acknowledged before its commit is synced.
    AcknowledgesBeforeSync,
    /// The anchor follows before the commit.
    PublishesBeforeCommit,
    /// `synchronous=NORMAL`.
    SyncsTooLittle,
    /// Rows that a killed process left behind are trusted without syncing them. Seen only where failed syncs
    /// forget.
    TrustsUnsyncedRows,
    /// What a dead run left open, or got no answer for, is sent again at once.
    ResendsBlindly,
    /// A call without an answer counts as refused.
    TakesSilenceForRefusal,
    /// A server's error counts as nothing done.
    TakesErrorForNothingDone,
    /// Answers go to items by their place.
    MatchesByPosition,
    /// An answer's body is not kept.
    ForgetsAnswers,
    /// A job's id is not kept with the answer that gave it.
    ForgetsJobs,
    /// Evidence that a thing is still there counts at once, though the call may be on its way.
    ForgetsQuarantine,
    /// Whoever deleted a record while our call was open is taken for us.
    TakesAnybodyForUs,
    /// What another entry of the same journal did to a thing is not considered.
    ForgetsOtherEntries,
    /// Two entries for the same thing are under way at once.
    SendsTheSameTwice,
    /// A batch is sent however late.
    SendsLate,
    /// The reconciler does not look whether another one is on.
    IgnoresTheLock,
    /// A run that a newer one has replaced goes on writing.
    IgnoresTheEpoch,
    /// Holds keep nothing back.
    IgnoresHolds,
    /// Nobody looks for a pause.
    IgnoresPauses,
    /// Once a batch is claimed nobody looks again for a hold or a pause.
    LooksOnlyAtClaim,
    /// What waits for a second person can be sent.
    SendsUnapproved,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::SendsBeforeSync,
        Self::AcknowledgesBeforeSync,
        Self::PublishesBeforeCommit,
        Self::SyncsTooLittle,
        Self::TrustsUnsyncedRows,
        Self::ResendsBlindly,
        Self::TakesSilenceForRefusal,
        Self::TakesErrorForNothingDone,
        Self::MatchesByPosition,
        Self::ForgetsAnswers,
        Self::ForgetsJobs,
        Self::ForgetsQuarantine,
        Self::TakesAnybodyForUs,
        Self::ForgetsOtherEntries,
        Self::SendsTheSameTwice,
        Self::SendsLate,
        Self::IgnoresTheLock,
        Self::IgnoresTheEpoch,
        Self::IgnoresHolds,
        Self::IgnoresPauses,
        Self::LooksOnlyAtClaim,
        Self::SendsUnapproved,
    ];

    /// Whether the code is to make it.
    #[cfg(not(feature = "planted"))]
    pub(crate) const fn is_made(self) -> bool {
        // The switches' places name them all the same.
        let _ = self;
        false
    }

    /// Whether the code is to make it.
    #[cfg(feature = "planted")]
    pub fn is_made(self) -> bool {
        PLANTED.get() == Some(self)
    }
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Mistake>> = const { std::cell::Cell::new(None) };
}

/// Plants a mistake in all that this thread does from now on, or none.
#[cfg(feature = "planted")]
pub fn plant(mistake: Option<Mistake>) {
    PLANTED.set(mistake);
}
