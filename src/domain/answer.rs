//! What came back from Zoho, as data: the raw answer to a write, its items, and what reads show.
//!
//! Nothing here decides anything; [`crate::domain::outcome`] and [`crate::domain::evidence`] do.

use std::ops::Range;
use std::time::Duration;

use crate::domain::edition::Edition;
use crate::domain::id::RecordId;
use crate::domain::target::Environment;
use crate::domain::time::Timestamp;

/// One answer to a write call, verbatim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// The HTTP status, which decides nothing by itself.
    pub http_status: u16,
    /// The body, byte for byte, after transfer and content decoding.
    pub body: Vec<u8>,
    /// Whether the body ended early (connection cut, size cap reached): then it proves nothing.
    pub cut: bool,
    /// The answer's `Date` header, Zoho's own clock.
    pub date: Option<Timestamp>,
    /// The answer's `Retry-After`, from either of its forms, counted from the answer's arrival.
    pub retry_after: Option<Duration>,
    /// `X-API-CREDITS-REMAINING`, which Zoho sends once half of the day's credits are used.
    pub credits_remaining: Option<u64>,
    /// The last moment before the request's bytes were handed to the network.
    pub sent_at: Timestamp,
    /// When the body was complete, or given up.
    pub answered_at: Timestamp,
}

/// A write call that brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No connection came about, so not one byte of the request left. Safe to send again.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have arrived and may have been carried out. It must be read before anything is resent.
    #[error("no answer: {why}")]
    NoAnswer {
        /// What went wrong, in words, free of secrets.
        why: String,
        /// The last moment before the request's bytes were handed to the network.
        sent_at: Timestamp,
    },
}

/// Why there is no access token. No call was made with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The token was provided as it is, and Zoho refused it: nothing here can get another one.
    #[error("the access token that was provided was refused, and nothing here can renew it")]
    Fixed,
    /// There is nothing to sign in with, or Zoho refuses it for good: a person must sign in again.
    #[error("{code}: {message}")]
    NotSignedIn {
        /// Zoho's word for it, such as `invalid_code`; `NOT_SIGNED_IN` where Zoho was not asked.
        code: String,
        /// What that means, in words, free of secrets.
        message: String,
    },
    /// Zoho gives no further tokens for a while; asking again makes it longer.
    #[error("Zoho gives no access token before {until}")]
    Throttled {
        /// Nobody asks before then.
        until: Timestamp,
    },
    /// The accounts server gave no usable answer.
    #[error("no access token: {0}")]
    Unreachable(String),
}

/// A parsed answer: which items it names and whether it speaks of the whole call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsedAnswer {
    /// An envelope with one result per item (`data`, `tags`, `mass_delete`, `recycle_bin`).
    Items(Vec<AnswerItem>),
    /// One result for the call as a whole.
    Call(Verdict),
    /// Nothing that an API answer looks like: empty, HTML, cut JSON, JSON of another shape.
    Unreadable(Unreadable),
}

/// Why an answer's body says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// No body (204, or zero bytes).
    Empty,
    /// The body ended before it was complete.
    Cut,
    /// Not JSON; a gateway's HTML page, for example.
    NotJson,
    /// JSON, but of no known shape.
    Strange,
}

/// One item of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerItem {
    /// `details.id`, when it is there and is an id.
    pub id: Option<RecordId>,
    /// What is said about it.
    pub verdict: Verdict,
    /// `details.tags`: the names of the tags that the record still carries, of an untag; `None` where
    /// they are not given.
    pub tags: Option<Vec<String>>,
    /// Where the item's own bytes stand in the body.
    pub slice: Range<usize>,
}

/// Code and message, of an item or of a whole call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Zoho's code, such as `SUCCESS`; an open set. A number is taken as its digits.
    pub code: String,
    /// Zoho's message; for people, never decided upon where a code serves.
    pub message: String,
    /// `details.json_path` where given (`$.ids[3]`).
    pub json_path: Option<String>,
    /// `details.api_name`: which field is meant.
    pub api_name: Option<String>,
    /// `details.param_name` or `details.param`.
    pub param: Option<String>,
    /// `details.id`, as given.
    pub id: Option<String>,
    /// `details.resource_path_index`: which part of the path is wrong.
    pub resource_path_index: Option<u64>,
    /// `details.permissions`, what the user lacks.
    pub permissions: Vec<String>,
    /// `details.job_id`, of an accepted asynchronous job.
    pub job_id: Option<String>,
}

/// A read that did not bring what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The token is expired or wrong.
    #[error("the access token was refused: {code}: {message}")]
    Unauthorized {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
    },
    /// Scope or permission is missing, or this org's edition has no such call.
    #[error("not allowed: {code}: {message}")]
    Forbidden {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
    },
    /// This API has no such thing: the module, or the call itself in that version.
    #[error("not there: {code}: {message}")]
    NotThere {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
    },
    /// Too many calls; nothing was read.
    #[error("throttled")]
    Throttled {
        /// `Retry-After`, where given.
        retry_after: Option<Duration>,
    },
    /// No answer.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// An answer that is no use: not JSON, an unknown shape, an error of another kind.
    #[error("unusable answer: HTTP {http_status}: {why}")]
    Unusable {
        /// The HTTP status.
        http_status: u16,
        /// What is wrong with it.
        why: String,
    },
}

/// What a read brought, with what every answer tells beside its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T> {
    /// The subject.
    pub value: T,
    /// The answer's `Date` header, Zoho's own clock.
    pub date: Option<Timestamp>,
    /// `X-API-CREDITS-REMAINING`.
    pub credits_remaining: Option<u64>,
}

/// The org, from `GET org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgInfo {
    /// Zoho's id of it.
    pub id: RecordId,
    /// `license_details.paid_type`, where it is a word that is known. During a trial it is the edition that
    /// is paid for.
    pub edition: Option<Edition>,
    /// `license_details.users_license_purchased`: how many users are paid for.
    pub users: Option<u32>,
    /// `type`: which of an org's environments it is, from v6 on (CRM v6 Organization page); `None` where it is
    /// not said, and for `bigin`.
    pub environment: Option<Environment>,
}

impl OrgInfo {
    /// The API credits that its edition gives a day; `None` where it does not say which, or how many users.
    pub fn credits_a_day(&self) -> Option<u64> {
        self.edition.and_then(|edition| Some(edition.daily_credits(self.users?)))
    }
}

/// The token's user, from `GET users?type=CurrentUser`.
///
/// Only the id is ever stored; the rest is for the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// Zoho's id of the user.
    pub id: RecordId,
    /// `full_name`.
    pub name: Option<String>,
    /// `email`.
    pub email: Option<String>,
    /// `profile.name`, which says what the user may do.
    pub profile: Option<String>,
}

/// A module, from `GET settings/modules/{module}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleInfo {
    /// Zoho's id of the module.
    pub id: Option<RecordId>,
    /// Whether records of it can be deleted at all; `true` where not said.
    pub deletable: bool,
    /// Whether the API serves it; `true` where not said.
    pub api_supported: bool,
    /// `recycle_bin_on_delete`; `None` where not said, and then a bin is assumed.
    pub recycle_bin_on_delete: Option<bool>,
}

/// Who a deletion is put down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The record.
    pub id: RecordId,
    /// Zoho's id of the user; not given for purged records.
    pub deleted_by: Option<RecordId>,
    /// When, by Zoho's clock.
    pub deleted_time: Option<Timestamp>,
    /// Whether the record is beyond the recycle bin (`type` is `permanent`).
    pub permanent: bool,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether another page follows.
    pub more: bool,
}

/// A record that can still be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSeen {
    /// The record.
    pub id: RecordId,
    /// `Modified_Time`.
    pub modified_time: Option<Timestamp>,
    /// The names of its tags; `None` where they were not asked for or not given.
    pub tags: Option<Vec<String>>,
}

/// A record in another record's related list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The related record.
    pub id: RecordId,
    /// `Member_Status`, of a campaign's members.
    pub member_status: Option<String>,
    /// `list_price`, of a product in a price book, as the number stands in the answer.
    pub list_price: Option<String>,
}

/// A tag of a module, from `GET settings/tags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSeen {
    /// Zoho's id of the tag.
    pub id: RecordId,
    /// Its name.
    pub name: String,
    /// Its colour, where it has one.
    pub color: Option<String>,
}

/// How an asynchronous job goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Zoho's word for it, in capitals; an open set.
    pub status: String,
    /// How many items it has.
    pub total: Option<u64>,
    /// How many it deleted.
    pub deleted: Option<u64>,
    /// How many it could not delete.
    pub failed: Option<u64>,
}

impl JobStatus {
    /// Whether its counts leave nothing over.
    pub fn is_whole(&self) -> bool {
        let done = self.deleted.zip(self.failed).map(|(deleted, failed)| deleted + failed);
        self.total.is_some_and(|total| total > 0 && done == Some(total))
    }
}

/// What is said about a job that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobSeen {
    /// Zoho knows it.
    Known(JobStatus),
    /// Zoho does not know it, or not any more: code and message.
    Forgotten {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
    },
}
