//! The ways in which the simulator misbehaves, by name, and the plan that says when.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::str::FromStr;

use super::dice;

/// One way of misbehaving. At most one strikes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// One item of the call is `RECORD_LOCKED`.
    Refuse,
    /// 429, nothing done.
    Throttle,
    /// 429 with `Retry-After`, nothing done.
    ThrottleRetryAfter,
    /// Done at once, answered late.
    Delay,
    /// The connection closes, nothing done.
    LoseRequest,
    /// Done, and the connection closes without an answer.
    LoseAnswer,
    /// Done, and the connection closes in the middle of the answer's body.
    CutBody,
    /// A gateway's page with 502, nothing done.
    Html,
    /// A gateway's page with 502, but done.
    HtmlApplied,
    /// 500 `INTERNAL_ERROR`, nothing done.
    InternalError,
    /// 500 `INTERNAL_ERROR`, but done.
    InternalErrorApplied,
    /// Done, and one item is left out of the answer.
    MissingId,
    /// Done, and the answer has an item more, for an id that nobody asked about.
    UnknownId,
    /// Done, and one item stands in the answer twice.
    DoubleId,
    /// Done, and one item's `details` are empty.
    Anonymous,
    /// Done, and the items come in another order.
    Shuffle,
    /// 401 `INVALID_TOKEN`, nothing done; the same call is struck only once.
    ExpiredToken,
    /// Nothing done, and the connection is held open until the simulator stops.
    NeverAnswers,
    /// The answer is lost, and the call takes effect only after a while.
    Late,
    /// 307 to the same URL, nothing done.
    Redirect,
    /// 401 `OAUTH_SCOPE_MISMATCH`, nothing done.
    Scope,
    /// 403 `NO_PERMISSION`, nothing done.
    NoPermission,
    /// A read answers 403 `NO_PERMISSION`.
    ReadForbidden,
    /// A read answers 500 `INTERNAL_ERROR`.
    ReadInternalError,
    /// A read's connection closes without an answer.
    ReadLost,
}

/// The text is no fault, or its rate is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No fault has this name.
    #[error("\"{0}\" is not a fault: the names are in the help of `journal simulate`")]
    Name(String),
    /// The rate is not a number from 0 to 1.
    #[error("\"{0}\" is not a rate: write a number from 0 to 1, such as 0.1")]
    Rate(String),
}

impl Fault {
    /// All of them: those of writes, then those of reads.
    pub const ALL: [Self; 25] = [
        Self::Refuse,
        Self::Throttle,
        Self::ThrottleRetryAfter,
        Self::Delay,
        Self::LoseRequest,
        Self::LoseAnswer,
        Self::CutBody,
        Self::Html,
        Self::HtmlApplied,
        Self::InternalError,
        Self::InternalErrorApplied,
        Self::MissingId,
        Self::UnknownId,
        Self::DoubleId,
        Self::Anonymous,
        Self::Shuffle,
        Self::ExpiredToken,
        Self::NeverAnswers,
        Self::Late,
        Self::Redirect,
        Self::Scope,
        Self::NoPermission,
        Self::ReadForbidden,
        Self::ReadInternalError,
        Self::ReadLost,
    ];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// What it does, in one line for the help.
    pub const fn description(self) -> &'static str {
        self.words().1
    }

    /// Whether it strikes reads; the others strike writes.
    pub const fn strikes_reads(self) -> bool {
        matches!(self, Self::ReadForbidden | Self::ReadInternalError | Self::ReadLost)
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Refuse => ("refuse", "one item is refused as RECORD_LOCKED"),
            Self::Throttle => ("throttle", "429, nothing done"),
            Self::ThrottleRetryAfter => {
                ("throttle-retry-after", "429 with Retry-After, nothing done")
            }
            Self::Delay => ("delay", "done at once, answered after a delay"),
            Self::LoseRequest => ("lose-request", "connection closed, nothing done"),
            Self::LoseAnswer => ("lose-answer", "done, connection closed without an answer"),
            Self::CutBody => ("cut-body", "done, connection closed amid the answer"),
            Self::Html => ("html", "502 with a web page, nothing done"),
            Self::HtmlApplied => ("html-applied", "502 with a web page, but done"),
            Self::InternalError => ("internal-error", "500 INTERNAL_ERROR, nothing done"),
            Self::InternalErrorApplied => {
                ("internal-error-applied", "500 INTERNAL_ERROR, but done")
            }
            Self::MissingId => ("missing-id", "done, one item left out of the answer"),
            Self::UnknownId => ("unknown-id", "done, an item more that nobody asked about"),
            Self::DoubleId => ("double-id", "done, one item answered twice"),
            Self::Anonymous => ("anonymous", "done, one item without its id"),
            Self::Shuffle => ("shuffle", "done, items answered in another order"),
            Self::ExpiredToken => {
                ("expired-token", "401 INVALID_TOKEN, nothing done, once for each call")
            }
            Self::NeverAnswers => ("never-answers", "nothing done, and no answer ever"),
            Self::Late => ("late", "answer lost, done only after a while"),
            Self::Redirect => ("redirect", "307 to the same URL, nothing done"),
            Self::Scope => ("scope", "401 OAUTH_SCOPE_MISMATCH, nothing done"),
            Self::NoPermission => ("no-permission", "403 NO_PERMISSION, nothing done"),
            Self::ReadForbidden => ("read-forbidden", "a read answers 403 NO_PERMISSION"),
            Self::ReadInternalError => ("read-internal-error", "a read answers 500 INTERNAL_ERROR"),
            Self::ReadLost => ("read-lost", "a read's connection is closed"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.name() == text)
            .ok_or_else(|| FaultError::Name(text.to_owned()))
    }
}

/// Reads `NAME` or `NAME=RATE`; without a rate the fault strikes every call it can strike.
pub fn parse_fault(text: &str) -> Result<(Fault, f64), FaultError> {
    let Some((name, rate)) = text.split_once('=') else {
        return Ok((text.parse()?, 1.0));
    };
    let fault = name.parse()?;
    match rate.parse::<f64>() {
        Ok(number) if is_rate(number) => Ok((fault, number)),
        _ => Err(FaultError::Rate(rate.to_owned())),
    }
}

/// Whether a number can be a rate.
pub(crate) fn is_rate(rate: f64) -> bool {
    (0.0..=1.0).contains(&rate)
}

/// Which fault strikes which call: planned ones first, in order, then by chance.
#[derive(Debug)]
pub(crate) struct FaultPlan {
    seed: u64,
    rates: BTreeMap<Fault, f64>,
    next_writes: VecDeque<Fault>,
    next_reads: VecDeque<Fault>,
    writes: u64,
    reads: u64,
    /// Calls whose token was once called expired, by a hash of the call.
    expired: HashSet<u64>,
}

/// A fault that strikes, with bits for the choices it has to make (which item, for example).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) bits: u64,
}

impl FaultPlan {
    pub(crate) fn new(seed: u64, rates: &[(Fault, f64)]) -> Self {
        let mut plan = Self {
            seed,
            rates: BTreeMap::new(),
            next_writes: VecDeque::new(),
            next_reads: VecDeque::new(),
            writes: 0,
            reads: 0,
            expired: HashSet::new(),
        };
        for (fault, rate) in rates {
            plan.set_rate(*fault, *rate);
        }
        plan
    }

    /// Sets a rate; what is no number from 0 to 1 is brought to the nearer end, NaN to 0.
    pub(crate) fn set_rate(&mut self, fault: Fault, rate: f64) {
        let rate = if rate.is_nan() { 0.0 } else { rate.clamp(0.0, 1.0) };
        self.rates.insert(fault, rate);
    }

    /// Adds faults for the next calls: write faults for writes, read faults for reads.
    pub(crate) fn plan(&mut self, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            if fault.strikes_reads() {
                self.next_reads.push_back(fault);
            } else {
                self.next_writes.push_back(fault);
            }
        }
    }

    /// Forgets rates and planned faults alike.
    pub(crate) fn clear(&mut self) {
        self.rates.clear();
        self.next_writes.clear();
        self.next_reads.clear();
    }

    /// The fault for a call. Reads and writes are counted apart, so that how often somebody reads
    /// does not change what happens to the writes.
    pub(crate) fn strike(&mut self, is_write: bool, call: u64) -> Option<Strike> {
        let (counter, planned) = if is_write {
            (&mut self.writes, &mut self.next_writes)
        } else {
            (&mut self.reads, &mut self.next_reads)
        };
        *counter += 1;
        let count = *counter;
        let side = u64::from(is_write);
        let bits = dice::draw(self.seed, count, 1000 + side);
        let planned = planned.pop_front();
        let fault = planned.or_else(|| self.by_chance(is_write, count, bits))?;
        let spent = planned.is_none() && fault == Fault::ExpiredToken && !self.expired.insert(call);
        (!spent).then_some(Strike { fault, bits })
    }

    /// Each fault is drawn by itself; of several that hit, one is picked.
    fn by_chance(&self, is_write: bool, count: u64, bits: u64) -> Option<Fault> {
        let hit: Vec<Fault> = (0..)
            .zip(Fault::ALL)
            .filter(|(_, fault)| fault.strikes_reads() != is_write)
            .filter(|(salt, fault)| {
                let rate = self.rates.get(fault).copied().unwrap_or(0.0);
                dice::hits(dice::draw(self.seed, count, *salt), rate)
            })
            .map(|(_, fault)| fault)
            .collect();
        hit.get(dice::position(bits, hit.len())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_back_from_its_name_and_has_a_line_for_the_help() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse(), Ok(fault));
            assert!(!fault.description().is_empty());
            assert_eq!(parse_fault(fault.name()), Ok((fault, 1.0)));
        }
        let names: HashSet<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), Fault::ALL.len());
    }

    #[test]
    fn a_rate_is_a_number_from_zero_to_one() {
        assert_eq!(parse_fault("late=0.25"), Ok((Fault::Late, 0.25)));
        for bad in ["1.1", "-0.1", "NaN", "inf", "", "ten"] {
            assert_eq!(parse_fault(&format!("late={bad}")), Err(FaultError::Rate(bad.to_owned())));
        }
        assert_eq!(parse_fault("lat=1"), Err(FaultError::Name("lat".to_owned())));
    }

    #[test]
    fn the_same_seed_strikes_the_same_calls_however_often_somebody_reads() {
        let rates = [(Fault::LoseAnswer, 0.2), (Fault::Html, 0.2), (Fault::ReadLost, 0.5)];
        let run = |seed, reads_between: usize| -> Vec<Option<Strike>> {
            let mut plan = FaultPlan::new(seed, &rates);
            (0..200)
                .map(|call| {
                    for _ in 0..reads_between {
                        plan.strike(false, call);
                    }
                    plan.strike(true, call)
                })
                .collect()
        };
        assert_eq!(run(1, 0), run(1, 3));
        assert_ne!(run(1, 0), run(2, 0));
        let struck: HashSet<_> = run(1, 0).into_iter().flatten().map(|s| s.fault).collect();
        assert_eq!(struck, HashSet::from([Fault::LoseAnswer, Fault::Html]));
    }

    #[test]
    fn planned_faults_strike_in_order_and_each_kind_waits_for_its_own_calls() {
        let mut plan = FaultPlan::new(1, &[]);
        plan.plan([Fault::Html, Fault::ReadLost, Fault::Late]);
        let fault = |strike: Option<Strike>| strike.map(|s| s.fault);
        assert_eq!(fault(plan.strike(true, 1)), Some(Fault::Html));
        assert_eq!(fault(plan.strike(false, 2)), Some(Fault::ReadLost));
        assert_eq!(fault(plan.strike(false, 3)), None);
        assert_eq!(fault(plan.strike(true, 4)), Some(Fault::Late));
        assert_eq!(fault(plan.strike(true, 5)), None);
    }

    #[test]
    fn a_token_is_called_expired_once_for_each_call() {
        let mut plan = FaultPlan::new(1, &[(Fault::ExpiredToken, 1.0)]);
        assert!(plan.strike(true, 1).is_some());
        assert!(plan.strike(true, 1).is_none());
        assert!(plan.strike(true, 2).is_some());
    }

    #[test]
    fn nothing_strikes_after_faults_are_cleared() {
        let mut plan = FaultPlan::new(1, &[(Fault::Late, 1.0)]);
        plan.plan([Fault::Html]);
        plan.clear();
        assert!(plan.strike(true, 1).is_none());
    }
}
