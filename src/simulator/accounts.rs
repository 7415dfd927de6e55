//! The accounts server: who called it, and how it misbehaves.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Content};
use super::call::Call;
use super::ending::{Ending, Reply};
use super::refusal::bad_gateway;
use super::routes::oauth;
use super::shared::Shared;
use super::wire::Connection;

/// More than anybody should take for a token answer, in bytes.
const HUGE: usize = 10 * 1024 * 1024;

const SIGN_IN_PAGE: &str = "<html>\r\n<head><title>Sign in to this network</title></head>\r\n\
    <body>\r\n<h1>Sign in to this network</h1>\r\n</body>\r\n</html>\r\n";

/// One way in which the accounts server misbehaves. At most one strikes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountsFault {
    /// `Access Denied`, as after too many calls.
    Throttle,
    /// 500, nothing done.
    InternalError,
    /// A gateway's page with 502, nothing done.
    Html,
    /// Somebody else's page with 200, nothing done.
    Portal,
    /// 307 to the same URL, nothing done.
    Redirect,
    /// The connection closes, nothing done.
    LoseRequest,
    /// Nothing done, and the connection is held open until the simulator stops.
    NeverAnswers,
    /// Done, and the connection closes without an answer.
    LoseAnswer,
    /// Done, and the connection closes in the middle of the answer's body.
    CutBody,
    /// Done, and the answer has 10 MiB.
    HugeBody,
    /// Done, and the answer comes byte by byte.
    SlowDrip,
    /// Done, and the answer unfolds to a gigabyte.
    GzipBomb,
}

/// The text is no fault of the accounts server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a fault of the accounts server: {all}", all = AccountsFault::names())]
pub struct AccountsFaultError(String);

impl AccountsFault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Throttle,
        Self::InternalError,
        Self::Html,
        Self::Portal,
        Self::Redirect,
        Self::LoseRequest,
        Self::NeverAnswers,
        Self::LoseAnswer,
        Self::CutBody,
        Self::HugeBody,
        Self::SlowDrip,
        Self::GzipBomb,
    ];

    /// Its name, as in control calls.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::InternalError => "internal-error",
            Self::Html => "html",
            Self::Portal => "portal",
            Self::Redirect => "redirect",
            Self::LoseRequest => "lose-request",
            Self::NeverAnswers => "never-answers",
            Self::LoseAnswer => "lose-answer",
            Self::CutBody => "cut-body",
            Self::HugeBody => "huge-body",
            Self::SlowDrip => "slow-drip",
            Self::GzipBomb => "gzip-bomb",
        }
    }

    /// Whether the call is carried out all the same.
    pub const fn is_after_the_effect(self) -> bool {
        matches!(
            self,
            Self::LoseAnswer | Self::CutBody | Self::HugeBody | Self::SlowDrip | Self::GzipBomb
        )
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for AccountsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AccountsFault {
    type Err = AccountsFaultError;

    fn from_str(text: &str) -> Result<Self, AccountsFaultError> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == text);
        found.ok_or_else(|| AccountsFaultError(text.to_owned()))
    }
}

/// One call to the accounts server as the simulator saw it; no secret and no token is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsCallSeen {
    /// Its number, from 1.
    pub number: u64,
    /// When it arrived, in milliseconds of the simulator's clock.
    pub at_ms: i64,
    /// The HTTP method.
    pub method: String,
    /// What follows `/oauth/v2/`: `token`, or `token/revoke`.
    pub path: String,
    /// The form's `grant_type`; empty without one.
    pub grant_type: String,
    /// The status of the answer; `None` while there is none, and for ever when it was lost.
    pub status: Option<u16>,
    /// The answer's `error`.
    pub error: Option<String>,
    /// The fault that struck it.
    pub fault: Option<AccountsFault>,
}

/// What the accounts server saw, and how it behaves.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) calls: Vec<AccountsCallSeen>,
    /// Strikes every call for which no other is planned.
    pub(crate) fault: Option<AccountsFault>,
    /// Strike the next calls, in order.
    pub(crate) next: VecDeque<AccountsFault>,
    /// What good token answers say instead; null leaves the key out.
    pub(crate) answer: Map<String, Value>,
}

impl Accounts {
    /// How many calls the token endpoint got.
    pub(crate) fn token_calls(&self) -> u64 {
        let token = self.calls.iter().filter(|call| call.method == "POST" && call.path == "token");
        u64::try_from(token.count()).unwrap_or(u64::MAX)
    }

    /// Ends all faults, and lets answers say what is so.
    pub(crate) fn clear(&mut self) {
        self.fault = None;
        self.next.clear();
        self.answer.clear();
    }

    fn begin(&mut self, at_ms: i64, call: &Call, path: &[&str]) -> Option<AccountsFault> {
        let fault = self.next.pop_front().or(self.fault);
        let form = call.form();
        let grant_type = form.into_iter().find(|(key, _)| key == "grant_type");
        self.calls.push(AccountsCallSeen {
            number: u64::try_from(self.calls.len()).unwrap_or(u64::MAX) + 1,
            at_ms,
            method: call.method.clone(),
            path: path.join("/"),
            grant_type: grant_type.map(|(_, value)| value).unwrap_or_default(),
            status: None,
            error: None,
            fault,
        });
        fault
    }
}

/// Answers a call, or does not.
pub(crate) async fn serve(
    shared: &Shared,
    connection: &Connection,
    call: &Call,
    path: &[&str],
) -> Answer {
    let (index, fault) = {
        let accounts = &mut shared.lock().accounts;
        (accounts.calls.len(), accounts.begin(shared.now(), call, path))
    };
    let (answer, ending) = reply(shared, call, path, fault);
    if ending == Ending::Never {
        shared.stopped().await;
    }
    let error = error_of(&answer);
    let answer = ending.bring(answer, connection, shared.config.drip_ms);
    if let Some(seen) = shared.lock().accounts.calls.get_mut(index)
        && ending.is_told()
    {
        seen.status = Some(answer.status);
        seen.error = error;
    }
    answer
}

fn reply(shared: &Shared, call: &Call, path: &[&str], fault: Option<AccountsFault>) -> Reply {
    let done = || oauth::answer(shared, call, path);
    let nothing = Answer::nothing;
    let Some(fault) = fault else {
        return (done(), Ending::Whole);
    };
    match fault {
        AccountsFault::Throttle => (oauth::throttled(shared), Ending::Whole),
        AccountsFault::InternalError => {
            (Answer::json(500, json!({"error": "general_error"})), Ending::Whole)
        }
        AccountsFault::Html => (bad_gateway(), Ending::Whole),
        AccountsFault::Portal => (Answer::new(200, Content::Page(SIGN_IN_PAGE)), Ending::Whole),
        AccountsFault::Redirect => {
            let location = format!("{}{}", shared.api_url, call.url);
            (Answer::json(307, json!({})).with_header("location", location), Ending::Whole)
        }
        AccountsFault::LoseRequest => (nothing(), Ending::Lost),
        AccountsFault::NeverAnswers => (nothing(), Ending::Never),
        AccountsFault::LoseAnswer => (done(), Ending::Lost),
        AccountsFault::CutBody => (done(), Ending::Half),
        AccountsFault::HugeBody => (padded(done()), Ending::Whole),
        AccountsFault::SlowDrip => (done(), Ending::Drip),
        AccountsFault::GzipBomb => (done(), Ending::Bomb),
    }
}

fn padded(mut answer: Answer) -> Answer {
    if let Content::Json(Value::Object(body)) = &mut answer.content {
        body.insert("padding".to_owned(), Value::String("x".repeat(HUGE)));
    }
    answer
}

fn error_of(answer: &Answer) -> Option<String> {
    match &answer.content {
        Content::Json(body) => body.get("error").and_then(Value::as_str).map(str::to_owned),
        Content::Empty
        | Content::Items { .. }
        | Content::One { .. }
        | Content::Page(_)
        | Content::Packed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_back_from_its_name() {
        for fault in AccountsFault::ALL {
            assert_eq!(fault.name().parse(), Ok(fault));
        }
        let error = "outage".parse::<AccountsFault>().unwrap_err().to_string();
        assert!(error.contains("\"outage\" is not") && error.contains("huge-body"), "{error}");
    }
}
