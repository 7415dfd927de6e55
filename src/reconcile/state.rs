//! What a run counts and remembers while it goes on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::domain::barred::Barred;
use crate::domain::id::RequestId;
use crate::domain::offset::ClockOffset;
use crate::domain::pace::{Pace, Trouble};
use crate::domain::recheck::Found;
use crate::domain::time::Timestamp;
use crate::reconcile::budget::Budget;
use crate::reconcile::look::TagLists;
use crate::reconcile::options::{NotAllowed, Stop};
use crate::reconcile::tagged::Tagged;
use crate::zoho::token::TokenNumber;

/// Counters and switches, behind one lock that is never held across an await.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) budget: Budget,
    pub(crate) pace: Pace,
    pub(crate) sent: u64,
    pub(crate) failed: u64,
    /// Of a recheck: how many things were found where, and how many could not be read.
    pub(crate) rechecked: BTreeMap<Found, u64>,
    pub(crate) unread: u64,
    pub(crate) stop: Option<Stop>,
    /// What Zoho does not allow: it is left out from then on.
    pub(crate) barred: BTreeMap<Barred, NotAllowed>,
    /// Why no call is made before the pace allows it.
    pub(crate) setback: Setback,
    /// The last such moment that was told: once, however many calls wait for it.
    pub(crate) told: Option<Timestamp>,
    /// The newest token that Zoho refused.
    pub(crate) refused_token: Option<TokenNumber>,
    /// When tokens were refused lately, on the clock that only moves forward.
    pub(crate) refusals: VecDeque<Duration>,
    /// Connections that failed in a row.
    pub(crate) not_sent: u32,
    /// How often a read before a call had to wait for its turn.
    pub(crate) delays: u64,
    /// Code and message of the last refusal of a token.
    pub(crate) refusal: (String, String),
    /// Refusals in a row by request.
    pub(crate) streaks: BTreeMap<RequestId, u64>,
    pub(crate) parked: Vec<RequestId>,
    pub(crate) warnings: BTreeSet<String>,
    /// How far Zoho's clock is ahead, as far as answers have told.
    pub(crate) clock_offset: Option<ClockOffset>,
    /// How long this run has waited so far, and until when, on the clock that counts suspend.
    pub(crate) waited: Duration,
    pub(crate) waiting_until: Duration,
    /// Tags of modules, as they were read last.
    pub(crate) tag_lists: TagLists,
    /// Which records carried tags, as it was read before anything was sent.
    pub(crate) tagged: Tagged,
    /// How many entries are read for one claim at most, once reading more took too long.
    pub(crate) read_at_most: Option<usize>,
    /// No job is asked for before this moment: Zoho takes one at a time, and one is under way.
    pub(crate) busy_until: Option<Timestamp>,
    pub(crate) busy_times: u32,
}

impl State {
    pub(crate) fn new(budget: Budget, pace: Pace) -> Self {
        Self {
            budget,
            pace,
            sent: 0,
            failed: 0,
            rechecked: BTreeMap::new(),
            unread: 0,
            stop: None,
            barred: BTreeMap::new(),
            setback: Setback::default(),
            told: None,
            refused_token: None,
            refusals: VecDeque::new(),
            not_sent: 0,
            delays: 0,
            refusal: Default::default(),
            streaks: BTreeMap::new(),
            parked: Vec::new(),
            warnings: BTreeSet::new(),
            clock_offset: None,
            waited: Duration::ZERO,
            waiting_until: Duration::ZERO,
            tag_lists: TagLists::default(),
            tagged: Tagged::default(),
            read_at_most: None,
            busy_until: None,
            busy_times: 0,
        }
    }
}

/// Why no call is made for a while.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Setback {
    /// Zoho says to a read that there are too many calls.
    ThrottledRead,
    /// Zoho says to a write that there are too many calls.
    #[default]
    ThrottledWrite,
    /// Zoho gives no access tokens for a while.
    NoTokens,
    /// Too many calls brought nothing and must be made again.
    Repeats,
    /// Zoho could not be reached, or what it answered was no use: in words.
    Unreachable(String),
}

impl Setback {
    pub(crate) fn why(&self) -> &'static str {
        match self {
            Self::ThrottledRead | Self::ThrottledWrite => "Zoho asks for fewer calls",
            Self::NoTokens => "Zoho gives no access token",
            Self::Repeats => "too many calls had to be made again",
            Self::Unreachable(_) => "Zoho gives no usable answer",
        }
    }

    pub(crate) fn stop(self, until: Timestamp) -> Stop {
        match self {
            Self::ThrottledRead | Self::ThrottledWrite | Self::Repeats => Stop::Throttled { until },
            Self::NoTokens => Stop::NoTokens { until },
            Self::Unreachable(why) => Stop::Unreachable(why),
        }
    }

    /// What it is to the pace of the run.
    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            Self::ThrottledRead => Trouble::ThrottledRead,
            Self::ThrottledWrite => Trouble::ThrottledWrite,
            Self::NoTokens | Self::Repeats | Self::Unreachable(_) => Trouble::NoAnswer,
        }
    }
}
