//! What one search covers, and the mistakes that can be planted into it.

/// How many ticks after a batch was recorded its bytes may still leave; the product's `SEND_WITHIN`, with the
/// time for connecting.
pub const SEND_WITHIN: u8 = 1;

/// For how many ticks a call without an answer may still take effect; the product's quarantine.
pub const QUARANTINE: u8 = 1;

/// How often each kind of trouble may come in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Trouble {
    /// A process dies, alone or with all of the machine; also between the write of a transaction and its sync.
    pub crashes: u8,
    /// A sync fails, and the process dies before it can tidy up.
    pub failed_syncs: u8,
    /// A request or an answer is lost, an answer comes too late, from a gateway, as an error of Zoho's own, or
    /// leaves an item out.
    pub network: u8,
    /// Zoho refuses an item for a reason of its own.
    pub refusals: u8,
    /// Somebody else deletes a record.
    pub others: u8,
    /// Somebody restores a deleted record.
    pub restores: u8,
    /// A process loses its lock and lives on.
    pub lost_locks: u8,
}

/// A mistake that is built into the model, to see that the search finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Planted {
    /// The call leaves before its batch is committed.
    SendBeforeCommit,
    /// A request is acknowledged before its commit has returned.
    AcknowledgeBeforeCommit,
    /// A run trusts rows that a killed process may have left unsynced.
    NoCheckpointAtStart,
    /// What a dead run left open is sent again without being read.
    BlindResend,
    /// A call without an answer is taken for a refused one.
    LostAnswerIsFailure,
    /// Reads decide although the call may still take effect.
    NoQuarantine,
    /// The clock that ends the quarantine is read after Zoho, not before.
    ClockReadAfterLook,
    /// Nobody checks, right before the bytes go, how long ago the batch was recorded.
    SentLate,
    /// A second run starts while one is alive.
    NoLock,
    /// A run that a newer one replaced goes on writing.
    StaleRunAccepted,
    /// The states of an answer are committed before the answer itself.
    SettledWithoutAnswer,
    /// An answer's items are taken in the order of the batch.
    MatchedByPosition,
    /// Two entries for the same record may be under way at once.
    TwoOfARecord,
}

impl Planted {
    /// Every mistake there is.
    pub const ALL: [Self; 13] = [
        Self::SendBeforeCommit,
        Self::AcknowledgeBeforeCommit,
        Self::NoCheckpointAtStart,
        Self::BlindResend,
        Self::LostAnswerIsFailure,
        Self::NoQuarantine,
        Self::ClockReadAfterLook,
        Self::SentLate,
        Self::NoLock,
        Self::StaleRunAccepted,
        Self::SettledWithoutAnswer,
        Self::MatchedByPosition,
        Self::TwoOfARecord,
    ];
}

/// One search: what is recorded, what may go wrong and how often, and what is planted.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What is shown of it.
    pub name: &'static str,
    /// The record that each entry aims at, by number.
    pub targets: Vec<u8>,
    /// The entries of each request, as sets of bits.
    pub requests: Vec<u8>,
    /// How many entries one call may carry.
    pub batch_max: u8,
    /// How many calls one run may have under way.
    pub slots: usize,
    /// What may go wrong.
    pub trouble: Trouble,
    /// Whether a run may begin under a lock that another lost while what was claimed under it can still be sent.
    /// What a dead run left open is taken not to leave after the next one began: that holds of locks that die
    /// with their process, and of no others.
    pub lock_at_once: bool,
    /// The mistake.
    pub planted: Option<Planted>,
}

impl Setup {
    /// One entry, and three crashes in every order with each of the network's faults.
    pub fn one_record() -> Self {
        Self {
            name: "one record: crashes, network, refusals, others",
            targets: vec![0],
            requests: vec![0b1],
            batch_max: 1,
            slots: 1,
            trouble: Trouble {
                crashes: 3,
                network: 1,
                refusals: 1,
                others: 1,
                ..Trouble::default()
            },
            lock_at_once: false,
            planted: None,
        }
    }

    /// One entry whose calls fail again and again.
    pub fn bad_network() -> Self {
        let trouble = Trouble { crashes: 1, network: 3, ..Trouble::default() };
        Self { name: "one record: a bad network", trouble, ..Self::one_record() }
    }

    /// One entry whose record somebody restores.
    pub fn restored() -> Self {
        let trouble = Trouble { crashes: 2, network: 1, restores: 1, ..Trouble::default() };
        Self { name: "one record: restored by somebody", trouble, ..Self::one_record() }
    }

    /// One entry, and locks that are lost while their process lives.
    pub fn lost_lock() -> Self {
        let trouble = Trouble { crashes: 1, network: 1, lost_locks: 1, ..Trouble::default() };
        Self { name: "one record: a lost lock", trouble, ..Self::one_record() }
    }

    /// Two entries that share a call.
    pub fn two_records() -> Self {
        let trouble = Trouble { crashes: 1, network: 1, others: 1, ..Trouble::default() };
        Self {
            name: "two records in one call: crash, network, others",
            targets: vec![0, 1],
            requests: vec![0b11],
            batch_max: 2,
            trouble,
            ..Self::one_record()
        }
    }

    /// The same, recorded by two requests, where a sync fails.
    pub fn failed_sync() -> Self {
        let trouble = Trouble { crashes: 2, failed_syncs: 1, ..Trouble::default() };
        let (name, requests) = ("two requests: crashes, a failed sync", vec![0b01, 0b10]);
        Self { name, requests, trouble, ..Self::two_records() }
    }

    /// Three entries of two requests, two of them for the same record, and two calls at once.
    pub fn shared_record() -> Self {
        let trouble = Trouble { crashes: 1, others: 1, ..Trouble::default() };
        Self {
            name: "three entries, two of one record, two calls at once",
            targets: vec![0, 1, 0],
            requests: vec![0b011, 0b100],
            batch_max: 2,
            slots: 2,
            trouble,
            ..Self::two_records()
        }
    }

    /// Searches of seconds.
    pub fn quick() -> Vec<Self> {
        vec![
            Self::one_record(),
            Self::bad_network(),
            Self::restored(),
            Self::lost_lock(),
            Self::two_records(),
            Self::failed_sync(),
            Self::shared_record(),
        ]
    }

    /// Searches of minutes.
    pub fn long() -> Vec<Self> {
        let trouble = Trouble { crashes: 3, network: 1, others: 1, ..Trouble::default() };
        let name = "two records in one call: three crashes, network, others";
        let two = Self { name, trouble, ..Self::two_records() };
        let trouble = Trouble { crashes: 1, network: 1, others: 1, ..Trouble::default() };
        let name = "three entries, two of one record, two calls at once: also network";
        let three = Self { name, trouble, ..Self::shared_record() };
        vec![two, three]
    }

    /// The smallest search in which a mistake shows.
    pub fn with(planted: Planted) -> Self {
        use Planted as P;
        let base = match planted {
            P::MatchedByPosition => {
                Self { trouble: Trouble { others: 1, ..Trouble::default() }, ..Self::two_records() }
            }
            P::TwoOfARecord => Self::shared_record(),
            P::NoCheckpointAtStart => Self::failed_sync(),
            P::StaleRunAccepted => Self::lost_lock(),
            P::SendBeforeCommit
            | P::AcknowledgeBeforeCommit
            | P::BlindResend
            | P::LostAnswerIsFailure
            | P::NoQuarantine
            | P::ClockReadAfterLook
            | P::SentLate
            | P::NoLock
            | P::SettledWithoutAnswer => Self::one_record(),
        };
        Self { planted: Some(planted), ..base }
    }

    /// Whether this mistake is built in.
    pub fn has(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }

    /// The entries that aim at the same record as one of them, itself left out.
    pub fn siblings(&self, entry: u8) -> impl Iterator<Item = u8> + '_ {
        let target = self.target(entry);
        entries(u8::MAX, self.targets.len())
            .filter(move |other| *other != entry && self.target(*other) == target)
    }

    /// The record that an entry aims at.
    pub fn target(&self, entry: u8) -> u8 {
        self.targets.get(usize::from(entry)).copied().unwrap_or(u8::MAX)
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = u8> + use<> {
        entries(u8::MAX, self.targets.len())
    }
}

/// The entries of a set.
pub fn entries(set: u8, among: usize) -> impl Iterator<Item = u8> {
    (0..8_u8).filter(move |entry| usize::from(*entry) < among && set & (1 << entry) != 0)
}
