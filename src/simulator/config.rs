//! What a simulator is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::accounts::AccountsFault;
use super::edition::Edition;
use super::fault::Fault;

/// The simulator's time: milliseconds since 1970-01-01T00:00:00Z.
pub type SimulatorClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Called with every write call that arrives, before it has any effect. It must not panic (the
/// connection would only look lost) and must not call back into the simulator.
pub type WriteHook = Arc<dyn Fn(&WriteSeen) + Send + Sync>;

/// A write call as it arrived, before it was checked or carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteSeen {
    /// Its number among all API calls, from 1.
    pub number: u64,
    /// The HTTP method.
    pub method: String,
    /// Path and query, exactly as sent.
    pub url: String,
    /// The body, as text; empty where there is none.
    pub body: String,
    /// The module's API name, exactly as sent; empty where the call names none, as the deletion of
    /// a tag does.
    pub module: String,
    /// The ids of the records, related records or tags that it names, as sent, in the order sent.
    pub ids: Vec<String>,
}

/// Records that are on a related list of the first record of a module from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinksAtStart {
    /// The API name of the module whose first record has the list.
    pub module: String,
    /// The API name of the related list. Where it shows records, these are the first ones of their
    /// module; notes and attachments are made.
    pub list: String,
    /// How many records the list shows.
    pub count: usize,
}

/// Records that are children of the first record of a module from the start: who deletes it deletes
/// them with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildrenAtStart {
    /// The API name of the module whose first record is the parent.
    pub parent: String,
    /// The API name of the module whose first records are its children.
    pub module: String,
    /// How many children it has.
    pub count: usize,
}

/// The code, with status 401, for an access token that is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BadTokenCode {
    /// `INVALID_TOKEN` (CRM status codes page).
    InvalidToken,
    /// `INVALID_OAUTHTOKEN` (OAuth Token Validity page).
    InvalidOauthToken,
    /// `AUTHENTICATION_FAILURE`, which a call without any token always gets.
    AuthenticationFailure,
}

/// The body of an answer with 429, of which Zoho's callers report two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThrottleBody {
    /// [`ThrottleBody::Flat`] for too many calls at once, [`ThrottleBody::Older`] for a day's
    /// credits used up.
    ByCause,
    /// As all errors: `code` is a text.
    Flat,
    /// The older one: `code` is the number 429.
    Older,
}

/// Seed, contents, limits and faults of a simulator.
#[expect(clippy::struct_excessive_bools, reason = "switches, each on its own")]
#[derive(Clone)]
pub struct Config {
    /// Where to listen. Loopback only; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Ids, names, tokens and chance follow from it.
    pub seed: u64,
    /// How many records of which module to begin with. A name that Zoho does not have becomes a
    /// custom module.
    pub records: Vec<(String, usize)>,
    /// Tags to begin with, each by its module and name. A tag is on every record of its module.
    pub tags: Vec<(String, String)>,
    /// Links to begin with.
    pub links: Vec<LinksAtStart>,
    /// Children to begin with.
    pub children: Vec<ChildrenAtStart>,
    /// Faults by chance, each with its rate from 0 to 1.
    pub faults: Vec<(Fault, f64)>,
    /// The scopes of the ready-made token, and of what the first grant code gives. `None`:
    /// everything. A call that needs another one gets 401 `OAUTH_SCOPE_MISMATCH`.
    pub scopes: Option<Vec<String>>,
    /// How long an access token that the token endpoint gives lives, in seconds: an hour (OAuth
    /// Token Validity page).
    pub token_seconds: u32,
    /// Whether token answers tell the scopes; Zoho's do so sometimes.
    pub scope_in_answer: bool,
    /// Whether token answers tell the life in the older form: `expires_in_sec` in seconds and
    /// `expires_in` in milliseconds, as Zoho's SDKs still expect of some.
    pub legacy_expiry: bool,
    /// What token answers give as `api_domain`, if not the simulator's own URL.
    pub api_domain: Option<String>,
    /// The status of a token call too many: 200 (Zoho's Kaizen 43) or 400 (what callers report).
    pub token_throttle_status: u16,
    /// A fault that strikes every call to the accounts server.
    pub accounts_fault: Option<AccountsFault>,
    /// What is said of an access token that is unknown, expired or revoked.
    pub bad_token_code: BadTokenCode,
    /// The status when some items failed and some did not: 207 (Zoho's newer `OpenAPI` files) or
    /// 200 (OAS record.json declares no other).
    pub mixed_status: u16,
    /// The org's edition, of which limits follow.
    pub edition: Edition,
    /// How many users the org pays for, of which credits follow.
    pub users: u32,
    /// How many API calls may be under way at once, if not as many as the edition allows; one more
    /// gets 429.
    pub concurrency_limit: Option<usize>,
    /// API credits of 24 hours, if not those of edition and users; beyond them every call gets 429.
    pub daily_credits: Option<u64>,
    /// The body of answers with 429.
    pub throttle_body: ThrottleBody,
    /// How far Zoho's clock is ahead of [`Config::now`], in milliseconds: in the `Date` header and
    /// in all times of the org.
    pub clock_skew_ms: i64,
    /// How far the `Date` header alone is ahead of Zoho's clock, in milliseconds, as if somebody
    /// in between had written it.
    pub date_skew_ms: i64,
    /// How long each API call takes, in milliseconds, half of it before the effect.
    pub latency_ms: u64,
    /// How long [`Fault::Delay`] keeps an answer back, in milliseconds.
    pub delay_ms: u64,
    /// How long after its arrival a call under [`Fault::Late`] takes effect, in milliseconds of
    /// the simulator's clock.
    pub late_ms: i64,
    /// How long a dripping answer waits before each byte, in milliseconds.
    pub drip_ms: u64,
    /// What [`Fault::ThrottleRetryAfter`] asks for, in seconds.
    pub retry_after_s: u64,
    /// The longest path and query, in bytes; longer ones get 414. The 500 ids that the CRM v2 and
    /// Bigin Remove Tags pages allow in a query come to some 10,000.
    pub max_url_bytes: usize,
    /// The most tags in a mass deletion of tags: 200 (Mass Delete Tags page) or 100 (Zoho's newer
    /// `OpenAPI` files).
    pub mass_delete_tags_limit: usize,
    /// The most tags in a call that tags or untags records. One sample of Zoho's newer `OpenAPI`
    /// files refuses more than 1; the pages have several, and name no most.
    pub tags_per_call_limit: usize,
    /// Whether a mass deletion of tags is refused while another one waits or runs, as the Mass
    /// Delete Records page says of its own jobs.
    pub one_tag_job_at_a_time: bool,
    /// Whether CRM v8 tells of an unknown mass deletion of tags in an array within the array, as OAS
    /// `mass_delete_tags.json` alone has it. Zoho's SDKs for v8 cannot read that.
    pub nested_unknown_job: bool,
    /// How long a mass deletion of tags waits before it runs, in milliseconds of the simulator's
    /// clock.
    pub job_scheduled_ms: i64,
    /// How long it then runs, in milliseconds of the simulator's clock. Its tags go one by one
    /// meanwhile, the last one at the end.
    pub job_running_ms: i64,
    /// How many records, notes and attachments a call brings back from the recycle bin at once; more
    /// are brought back later (Restore pages).
    pub restore_at_once: usize,
    /// How long a restore that is done later waits, in milliseconds of the simulator's clock.
    pub restore_scheduled_ms: i64,
    /// The time.
    pub now: SimulatorClock,
    /// Sees each write before its effect.
    pub on_write: Option<WriteHook>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            records: Vec::new(),
            tags: Vec::new(),
            links: Vec::new(),
            children: Vec::new(),
            faults: Vec::new(),
            scopes: None,
            token_seconds: 3600,
            scope_in_answer: true,
            legacy_expiry: false,
            api_domain: None,
            token_throttle_status: 200,
            accounts_fault: None,
            bad_token_code: BadTokenCode::InvalidToken,
            mixed_status: 207,
            edition: Edition::Enterprise,
            users: 2,
            concurrency_limit: None,
            daily_credits: None,
            throttle_body: ThrottleBody::ByCause,
            clock_skew_ms: 0,
            date_skew_ms: 0,
            latency_ms: 0,
            delay_ms: 1000,
            late_ms: 5000,
            drip_ms: 1000,
            retry_after_s: 2,
            max_url_bytes: 16_384,
            mass_delete_tags_limit: 200,
            tags_per_call_limit: 100,
            one_tag_job_at_a_time: true,
            nested_unknown_job: false,
            job_scheduled_ms: 500,
            job_running_ms: 1000,
            restore_at_once: 1000,
            restore_scheduled_ms: 500,
            now: system_clock(),
            on_write: None,
        }
    }
}

/// The part of a configuration that decides what calls do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) mixed_status: u16,
    pub(crate) mass_delete_tags_limit: usize,
    pub(crate) tags_per_call_limit: usize,
    pub(crate) one_tag_job_at_a_time: bool,
    pub(crate) nested_unknown_job: bool,
    pub(crate) job_scheduled_ms: i64,
    pub(crate) job_running_ms: i64,
    pub(crate) restore_at_once: usize,
    pub(crate) restore_scheduled_ms: i64,
    pub(crate) edition: Edition,
    pub(crate) users: u32,
}

impl Config {
    pub(crate) const fn rules(&self) -> Rules {
        Rules {
            mixed_status: self.mixed_status,
            mass_delete_tags_limit: self.mass_delete_tags_limit,
            tags_per_call_limit: self.tags_per_call_limit,
            one_tag_job_at_a_time: self.one_tag_job_at_a_time,
            nested_unknown_job: self.nested_unknown_job,
            job_scheduled_ms: self.job_scheduled_ms,
            job_running_ms: self.job_running_ms,
            restore_at_once: self.restore_at_once,
            restore_scheduled_ms: self.restore_scheduled_ms,
            edition: self.edition,
            users: self.users,
        }
    }

    /// The time by Zoho's clock.
    pub(crate) fn time(&self) -> i64 {
        (self.now)().saturating_add(self.clock_skew_ms)
    }

    /// How many API calls may be under way at once.
    pub(crate) fn calls_at_once(&self) -> usize {
        self.concurrency_limit.unwrap_or_else(|| self.edition.concurrency_limit())
    }

    /// The API credits of 24 hours.
    pub(crate) fn credits(&self) -> u64 {
        self.daily_credits.unwrap_or_else(|| self.edition.daily_credits(self.users))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("seed", &self.seed)
            .field("records", &self.records)
            .field("tags", &self.tags)
            .field("links", &self.links)
            .field("children", &self.children)
            .field("faults", &self.faults)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one real clock of the simulator, which takes nothing from the rest of the crate"
)]
fn system_clock() -> SimulatorClock {
    Arc::new(|| chrono::Utc::now().timestamp_millis())
}
