//! The ways in which the simulator misbehaves, by name, and what each can strike.

use std::fmt;
use std::str::FromStr;

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
    /// The job of this submission never ends, and nothing of it is done.
    JobStuck,
    /// The job of this submission fails: `FAILED`, nothing done.
    JobFails,
    /// The job of this submission ends with one tag still there: `COMPLETED`, `failed_count` 1.
    JobPartial,
    /// The job of this submission is done, and its status is unknown after that.
    JobForgotten,
    /// The job of this submission takes ten times as long.
    JobSlow,
    /// 429 with `Retry-After` as a date, nothing done.
    ThrottleRetryAfterDate,
    /// Done, and the answer's body unfolds from a megabyte to a gigabyte.
    GzipBomb,
    /// Done, and the answer comes byte by byte.
    SlowDrip,
    /// A read answers 429.
    ReadThrottle,
    /// A read answers 401 `INVALID_TOKEN`; the same call is struck only once.
    ReadExpiredToken,
    /// A read answers 401 `OAUTH_SCOPE_MISMATCH`.
    ReadScope,
    /// A read's answer unfolds from a megabyte to a gigabyte.
    ReadGzipBomb,
    /// A read's answer comes byte by byte.
    ReadSlowDrip,
}

/// What a fault can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Struck {
    /// A read.
    Read,
    /// A write that is answered item by item.
    Items,
    /// A write that is answered by one result.
    Flat,
    /// The submission of a job.
    Job,
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
    /// All of them. What strikes by chance depends on a fault's place, so new ones come last.
    pub const ALL: [Self; 38] = [
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
        Self::JobStuck,
        Self::JobFails,
        Self::JobPartial,
        Self::JobForgotten,
        Self::JobSlow,
        Self::ThrottleRetryAfterDate,
        Self::GzipBomb,
        Self::SlowDrip,
        Self::ReadThrottle,
        Self::ReadExpiredToken,
        Self::ReadScope,
        Self::ReadGzipBomb,
        Self::ReadSlowDrip,
    ];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// What it does, in one line for the help.
    pub const fn description(self) -> &'static str {
        self.words().1
    }

    /// Whether it strikes reads, and only those; the others strike writes.
    pub const fn strikes_reads(self) -> bool {
        matches!(
            self,
            Self::ReadForbidden
                | Self::ReadInternalError
                | Self::ReadLost
                | Self::ReadThrottle
                | Self::ReadExpiredToken
                | Self::ReadScope
                | Self::ReadGzipBomb
                | Self::ReadSlowDrip
        )
    }

    /// Whether it strikes the same call only once where it strikes by chance: a client that gets a
    /// new token and calls again would otherwise never come through.
    pub(crate) const fn strikes_once(self) -> bool {
        matches!(self, Self::ExpiredToken | Self::ReadExpiredToken)
    }

    /// Whether it strikes the submissions of jobs only.
    pub const fn strikes_jobs(self) -> bool {
        matches!(
            self,
            Self::JobStuck | Self::JobFails | Self::JobPartial | Self::JobForgotten | Self::JobSlow
        )
    }

    /// Whether it strikes only writes that are answered item by item: an answer of one result has
    /// no item to leave out.
    pub const fn needs_items(self) -> bool {
        matches!(
            self,
            Self::Refuse | Self::MissingId | Self::UnknownId | Self::DoubleId | Self::Shuffle
        )
    }

    /// Whether it makes sense there.
    pub(crate) const fn can_strike(self, what: Struck) -> bool {
        let among_items = self.needs_items();
        match what {
            Struck::Read => self.strikes_reads(),
            Struck::Items => !self.strikes_reads() && !self.strikes_jobs(),
            Struck::Flat => !self.strikes_reads() && !self.strikes_jobs() && !among_items,
            Struck::Job => !self.strikes_reads() && !among_items,
        }
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
            Self::JobStuck => ("job-stuck", "the job never ends, nothing done"),
            Self::JobFails => ("job-fails", "the job ends as FAILED, nothing done"),
            Self::JobPartial => ("job-partial", "the job ends with one tag still there"),
            Self::JobForgotten => ("job-forgotten", "the job is done, then its status unknown"),
            Self::JobSlow => ("job-slow", "the job takes ten times as long"),
            Self::ThrottleRetryAfterDate => {
                ("throttle-retry-after-date", "429 with Retry-After as a date, nothing done")
            }
            Self::GzipBomb => ("gzip-bomb", "done, the answer unfolds to a gigabyte"),
            Self::SlowDrip => ("slow-drip", "done, answered byte by byte"),
            Self::ReadThrottle => ("read-throttle", "a read answers 429"),
            Self::ReadExpiredToken => {
                ("read-expired-token", "a read answers 401 INVALID_TOKEN, once for each call")
            }
            Self::ReadScope => ("read-scope", "a read answers 401 OAUTH_SCOPE_MISMATCH"),
            Self::ReadGzipBomb => ("read-gzip-bomb", "a read's answer unfolds to a gigabyte"),
            Self::ReadSlowDrip => ("read-slow-drip", "a read is answered byte by byte"),
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

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
}
