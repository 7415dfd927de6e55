//! Flag over environment over file over default, for every setting in the same way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::ConfigError;
use super::file::{ConfigFile, FILE_VARIABLE};
use super::key::Key;
use super::setting::{Origin, Setting};
use super::value::{self, BaseUrl, ServiceUser};
use crate::domain::approval_rules::ApprovalRules;
use crate::domain::calls::{Limits, Versions};
use crate::domain::policy::{ApprovalPolicy, ApprovalPolicyError, Approver};
use crate::domain::recipient::Recipient;
use crate::domain::target::{ApiVersion, DataCenter, Environment, Product};
use crate::domain::usage::{DailyBudget, DailyBudgetError};
use crate::platform::{Directories, NoHome};

/// The profile of those who need only one.
pub(super) const DEFAULT_PROFILE: &str = "default";
const PROFILE_FLAG: &str = "--profile";
const PROFILE_VARIABLE: &str = "JOURNAL_PROFILE";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// A call that never ends would hold a batch for ever.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(10);
const DEFAULT_QUARANTINE: Duration = Duration::from_mins(2);
const LONGEST_QUARANTINE: Duration = Duration::from_hours(24);
const DEFAULT_MAX_ENTRIES: u64 = 10_000;
/// What every edition allows at once ("API Limits" page: Free has 5).
const DEFAULT_CONCURRENCY: usize = 5;
/// More than any edition allows at once (25, "API Limits" page).
const MOST_CONCURRENCY: usize = 64;
const DEFAULT_MAX_FAILURES: u64 = 100;

/// What the command line said, as text. `None` is a flag that was not given.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is the flag of its name; see Key")]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub profile: Option<String>,
    pub db: Option<PathBuf>,
    pub product: Option<String>,
    pub data_center: Option<String>,
    pub environment: Option<String>,
    pub api_version: Option<String>,
    pub api_url: Option<String>,
    pub accounts_url: Option<String>,
    pub timeout: Option<String>,
    pub quarantine: Option<String>,
    pub require_approval: Option<String>,
    pub approval_rules: Option<String>,
    pub max_entries: Option<String>,
    pub max_calls: Option<String>,
    pub max_credits: Option<String>,
    pub daily_credits: Option<String>,
    pub concurrency: Option<String>,
    pub max_failures: Option<String>,
    pub tags_per_job: Option<String>,
    pub service_user: Option<String>,
    pub snapshot_recipient: Option<String>,
}

impl Flags {
    pub(super) fn text(&self, key: Key) -> Option<&str> {
        match key {
            Key::Product => self.product.as_deref(),
            Key::DataCenter => self.data_center.as_deref(),
            Key::Environment => self.environment.as_deref(),
            Key::ApiVersion => self.api_version.as_deref(),
            Key::ApiUrl => self.api_url.as_deref(),
            Key::AccountsUrl => self.accounts_url.as_deref(),
            // A path need not be text; it is taken as it is.
            Key::Db => None,
            Key::Timeout => self.timeout.as_deref(),
            Key::Quarantine => self.quarantine.as_deref(),
            Key::RequireApproval => self.require_approval.as_deref(),
            Key::ApprovalRules => self.approval_rules.as_deref(),
            Key::MaxEntries => self.max_entries.as_deref(),
            Key::MaxCalls => self.max_calls.as_deref(),
            Key::MaxCredits => self.max_credits.as_deref(),
            Key::DailyCredits => self.daily_credits.as_deref(),
            Key::Concurrency => self.concurrency.as_deref(),
            Key::MaxFailures => self.max_failures.as_deref(),
            Key::TagsPerJob => self.tags_per_job.as_deref(),
            Key::Approver
            | Key::AllowedSigners
            | Key::ClientId
            | Key::ClientSecretCommand
            | Key::RefreshTokenCommand
            | Key::AccessTokenCommand
            | Key::CredentialsFile => None,
            Key::ServiceUser => self.service_user.as_deref(),
            Key::SnapshotRecipient => self.snapshot_recipient.as_deref(),
        }
    }
}

/// Every setting in force, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The profile: which table of the file counts, and the journal's default name.
    pub profile: Setting<String>,
    /// The settings file that was read, if any.
    pub config: Setting<Option<PathBuf>>,
    /// The journal.
    pub db: Setting<PathBuf>,
    /// The product for commands that do not say.
    pub product: Setting<Product>,
    /// The data centre.
    pub data_center: Setting<DataCenter>,
    /// The org's environment.
    pub environment: Setting<Environment>,
    /// The API version for [`Settings::product`]; see [`Settings::api_version_for`].
    pub api_version: Setting<ApiVersion>,
    /// Replaces the data centre's API host.
    pub api_url: Setting<Option<BaseUrl>>,
    /// Replaces the data centre's accounts host.
    pub accounts_url: Setting<Option<BaseUrl>>,
    /// How long a whole HTTP call may take.
    pub timeout: Setting<Duration>,
    /// How long a call without an answer may still take effect.
    pub quarantine: Setting<Duration>,
    /// Which requests need a second person; the journal's own policy may ask for more.
    pub require_approval: Setting<ApprovalPolicy>,
    /// Which more requests need one, by each place that has rules: they all count, since a rule only tightens.
    pub rules: Vec<Setting<ApprovalRules>>,
    /// How a second person approves; the journal's own policy may ask for more.
    pub approver: Setting<Approver>,
    /// Whose SSH keys may sign approvals, in the format of `ssh-keygen`.
    pub allowed_signers: Setting<Option<PathBuf>>,
    /// How many entries a run may send.
    pub max_entries: Setting<u64>,
    /// How many API calls a run may make, reads included.
    pub max_calls: Setting<Option<u64>>,
    /// How many API credits a run may use, reads included.
    pub max_credits: Setting<Option<u64>>,
    /// How many API credits the journal may use in any 24 hours.
    pub daily_credits: Setting<Option<DailyBudget>>,
    /// How many calls a run may have under way.
    pub concurrency: Setting<usize>,
    /// After how many refusals in a row a request is parked.
    pub max_failures: Setting<u64>,
    /// How many tags one job deletes.
    pub tags_per_job: Setting<usize>,
    /// The OAuth client's id.
    pub client_id: Setting<Option<String>>,
    /// Commands that print secrets. The secrets themselves are no settings.
    pub commands: SecretCommands,
    /// Where the stored sign-in lies; `None` without a home directory.
    pub credentials_file: Setting<Option<PathBuf>>,
    /// The Zoho user that the token ought to belong to.
    pub service_user: Setting<Option<ServiceUser>>,
    /// Whose key full snapshots are encrypted to.
    pub snapshot_recipient: Setting<Option<Recipient>>,
}

/// Commands that print secrets, such as those of a password manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretCommands {
    /// Prints the client's secret.
    pub client_secret: Setting<Option<String>>,
    /// Prints the refresh token.
    pub refresh_token: Setting<Option<String>>,
    /// Prints a ready access token.
    pub access_token: Setting<Option<String>>,
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The setting's name.
    pub key: &'static str,
    /// Its value as text; empty where there is none.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Settings {
    /// Resolves every setting. An empty environment variable counts as not set.
    pub fn resolve(
        flags: &Flags,
        env: &dyn Fn(&str) -> Option<String>,
        file: Option<&ConfigFile>,
    ) -> Result<Self, ConfigError> {
        Self::resolve_in(flags, env, file, Directories::of_account)
    }

    /// As [`Settings::resolve`], with the directories asked for only when a default needs them.
    pub fn resolve_in(
        flags: &Flags,
        env: &dyn Fn(&str) -> Option<String>,
        file: Option<&ConfigFile>,
        directories: impl Fn() -> Result<Directories, NoHome>,
    ) -> Result<Self, ConfigError> {
        let profile = profile(flags, env, file)?;
        let sources = Sources { flags, env, file, profile: &profile.value };
        let product = sources.name(Key::Product, Product::Crm)?;
        let number = |key, default, least, most| {
            sources.read(key, default, |text| value::number(text, least, most))
        };
        let bound =
            |key| sources.read(key, None, |text| value::number(text, 0, u64::MAX).map(Some));
        let span = |key, default, least, most| {
            sources.read(key, default, |text| value::duration(text, least, most))
        };
        let size = |key, default, most| -> Result<Setting<usize>, ConfigError> {
            let wide = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
            let Setting { value, origin } = number(key, wide(default), 1, wide(most))?;
            Ok(Setting { value: usize::try_from(value).unwrap_or(default), origin })
        };
        Ok(Self {
            config: config_origin(flags, env, file),
            db: sources.db(&directories)?,
            data_center: sources.name(Key::DataCenter, DataCenter::Us)?,
            environment: sources.name(Key::Environment, Environment::Production)?,
            api_version: sources.api_version(product.value)?,
            api_url: sources.read(Key::ApiUrl, None, |text| text.parse().map(Some))?,
            accounts_url: sources.read(Key::AccountsUrl, None, |text| text.parse().map(Some))?,
            timeout: span(
                Key::Timeout,
                DEFAULT_TIMEOUT,
                Duration::from_millis(1),
                LONGEST_TIMEOUT,
            )?,
            quarantine: span(
                Key::Quarantine,
                DEFAULT_QUARANTINE,
                Duration::ZERO,
                LONGEST_QUARANTINE,
            )?,
            require_approval: sources.read(
                Key::RequireApproval,
                ApprovalPolicy::Never,
                |text| text.parse().map_err(|error: ApprovalPolicyError| error.to_string()),
            )?,
            rules: sources.rules()?,
            approver: sources.name(Key::Approver, Approver::Named)?,
            allowed_signers: sources.some_path(Key::AllowedSigners)?,
            max_entries: number(Key::MaxEntries, DEFAULT_MAX_ENTRIES, 0, u64::MAX)?,
            max_calls: bound(Key::MaxCalls)?,
            max_credits: bound(Key::MaxCredits)?,
            daily_credits: sources.read(Key::DailyCredits, None, |text| {
                text.parse().map(Some).map_err(|error: DailyBudgetError| error.to_string())
            })?,
            concurrency: size(Key::Concurrency, DEFAULT_CONCURRENCY, MOST_CONCURRENCY)?,
            max_failures: number(Key::MaxFailures, DEFAULT_MAX_FAILURES, 1, u64::MAX)?,
            tags_per_job: size(
                Key::TagsPerJob,
                Limits::default().tags_per_job,
                Limits::MOST_TAGS_PER_JOB,
            )?,
            client_id: sources.optional(Key::ClientId)?,
            commands: SecretCommands {
                client_secret: sources.optional(Key::ClientSecretCommand)?,
                refresh_token: sources.optional(Key::RefreshTokenCommand)?,
                access_token: sources.optional(Key::AccessTokenCommand)?,
            },
            credentials_file: sources.credentials_file(&directories)?,
            service_user: sources.read(Key::ServiceUser, None, |text| text.parse().map(Some))?,
            snapshot_recipient: sources
                .read(Key::SnapshotRecipient, None, |text| text.parse().map(Some))?,
            product,
            profile,
        })
    }

    /// The API version for a product: the one that was set, where the product has it, else the
    /// product's own default.
    pub fn api_version_for(&self, product: Product) -> ApiVersion {
        if self.api_version.is_explicit() && self.api_version.value.is_offered_by(product) {
            self.api_version.value
        } else {
            default_version(product)
        }
    }

    /// The API versions for all products.
    pub fn versions(&self) -> Versions {
        Versions {
            crm: self.api_version_for(Product::Crm),
            bigin: self.api_version_for(Product::Bigin),
        }
    }

    /// The approval rules of all places together.
    pub fn approval_rules(&self) -> ApprovalRules {
        let none = ApprovalRules::default();
        self.rules.iter().fold(none, |all, place| all.stricter(&place.value))
    }

    /// What the user may set where Zoho's own sources differ.
    pub fn limits(&self) -> Limits {
        Limits { tags_per_job: self.tags_per_job.value, ..Limits::default() }
    }

    /// Every setting as text, for `config show`. There is no secret among them.
    pub fn rows(&self) -> Vec<Row> {
        fn row<T>(key: &'static str, setting: &Setting<T>, show: impl Fn(&T) -> String) -> Row {
            Row { key, value: show(&setting.value), origin: setting.origin.clone() }
        }
        let own = |key: Key| key.wire_name();
        let path = |path: &PathBuf| path.display().to_string();
        let span = |span: &Duration| humantime::format_duration(*span).to_string();
        let url = |url: &Option<BaseUrl>| url.as_ref().map(BaseUrl::to_string).unwrap_or_default();
        let bound = |bound: &Option<u64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let none = Setting::default_of(ApprovalRules::default());
        let places = if self.rules.is_empty() { std::slice::from_ref(&none) } else { &self.rules };
        let rules =
            places.iter().map(|place| row(own(Key::ApprovalRules), place, ToString::to_string));
        let mut rows = vec![
            row("profile", &self.profile, String::clone),
            row("config", &self.config, |file| file.as_ref().map(path).unwrap_or_default()),
            row(own(Key::Db), &self.db, path),
            row(own(Key::Product), &self.product, ToString::to_string),
            row(own(Key::DataCenter), &self.data_center, ToString::to_string),
            row(own(Key::Environment), &self.environment, ToString::to_string),
            row(own(Key::ApiVersion), &self.api_version, ToString::to_string),
            row(own(Key::ApiUrl), &self.api_url, url),
            row(own(Key::AccountsUrl), &self.accounts_url, url),
            row(own(Key::Timeout), &self.timeout, span),
            row(own(Key::Quarantine), &self.quarantine, span),
            row(own(Key::RequireApproval), &self.require_approval, ToString::to_string),
            row(own(Key::Approver), &self.approver, ToString::to_string),
            row(own(Key::AllowedSigners), &self.allowed_signers, |file| {
                file.as_ref().map(path).unwrap_or_default()
            }),
            row(own(Key::MaxEntries), &self.max_entries, ToString::to_string),
            row(own(Key::MaxCalls), &self.max_calls, bound),
            row(own(Key::MaxCredits), &self.max_credits, bound),
            row(own(Key::DailyCredits), &self.daily_credits, |budget| {
                budget.map(|budget| budget.to_string()).unwrap_or_default()
            }),
            row(own(Key::Concurrency), &self.concurrency, ToString::to_string),
            row(own(Key::MaxFailures), &self.max_failures, ToString::to_string),
            row(own(Key::TagsPerJob), &self.tags_per_job, ToString::to_string),
            row(own(Key::ClientId), &self.client_id, text),
            row(own(Key::ClientSecretCommand), &self.commands.client_secret, text),
            row(own(Key::RefreshTokenCommand), &self.commands.refresh_token, text),
            row(own(Key::AccessTokenCommand), &self.commands.access_token, text),
            row(own(Key::CredentialsFile), &self.credentials_file, |file| {
                file.as_ref().map(path).unwrap_or_default()
            }),
            row(own(Key::ServiceUser), &self.service_user, |user| {
                user.as_ref().map(ServiceUser::to_string).unwrap_or_default()
            }),
            row(own(Key::SnapshotRecipient), &self.snapshot_recipient, |recipient| {
                recipient.as_ref().map(Recipient::to_string).unwrap_or_default()
            }),
        ];
        let after = rows.iter().position(|row| row.key == own(Key::Approver)).unwrap_or(rows.len());
        rows.splice(after..after, rules);
        rows
    }
}

/// Where to look for a key.
struct Sources<'a> {
    flags: &'a Flags,
    env: &'a dyn Fn(&str) -> Option<String>,
    file: Option<&'a ConfigFile>,
    profile: &'a str,
}

impl Sources<'_> {
    /// The text of the first source that has the key.
    fn text(&self, key: Key) -> Option<(String, Origin)> {
        if let Some((text, flag)) = self.flags.text(key).zip(key.flag()) {
            return Some((text.to_owned(), Origin::Flag(flag)));
        }
        if let Some(text) = variable(self.env, key.variable()) {
            return Some((text, Origin::Environment(key.variable())));
        }
        let (text, origin) = self.file?.get(self.profile, key)?;
        Some((text.to_owned(), origin))
    }

    fn read<T>(
        &self,
        key: Key,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Setting<T>, ConfigError> {
        match self.text(key) {
            None => Ok(Setting::default_of(default)),
            Some((text, origin)) => match parse(&text) {
                Ok(value) => Ok(Setting { value, origin }),
                Err(why) => Err(ConfigError::Value { origin, why }),
            },
        }
    }

    /// The rules of each place that has some: flags, environment, profile, the file's common part.
    fn rules(&self) -> Result<Vec<Setting<ApprovalRules>>, ConfigError> {
        let key = Key::ApprovalRules;
        let flag = self.flags.text(key).zip(key.flag());
        let flag = flag.map(|(text, flag)| (text.to_owned(), Origin::Flag(flag)));
        let name = key.variable();
        let env = variable(self.env, name).map(|text| (text, Origin::Environment(name)));
        let file = self.file.map(|file| file.all(self.profile, key)).unwrap_or_default();
        let places = flag.into_iter().chain(env).chain(file);
        let read = |(text, origin): (String, Origin)| match text.parse::<ApprovalRules>() {
            Ok(value) => Ok(Setting { value, origin }),
            Err(why) => Err(ConfigError::Value { origin, why: why.to_string() }),
        };
        places.map(read).collect()
    }

    /// A value out of a closed set of names.
    fn name<T>(&self, key: Key, default: T) -> Result<Setting<T>, ConfigError>
    where
        T: std::str::FromStr,
        T::Err: ToString,
    {
        self.read(key, default, |text| text.parse().map_err(|error: T::Err| error.to_string()))
    }

    fn api_version(&self, product: Product) -> Result<Setting<ApiVersion>, ConfigError> {
        let setting = self.name(Key::ApiVersion, default_version(product))?;
        if setting.value.is_offered_by(product) {
            return Ok(setting);
        }
        Err(ConfigError::Value {
            why: format!("{product} has no API version {}", setting.value),
            origin: setting.origin,
        })
    }

    /// A text that nobody need give.
    fn optional(&self, key: Key) -> Result<Setting<Option<String>>, ConfigError> {
        self.read(key, None, |text| Ok(Some(text.to_owned())))
    }

    fn db(
        &self,
        directories: impl Fn() -> Result<Directories, NoHome>,
    ) -> Result<Setting<PathBuf>, ConfigError> {
        if let Some(path) = &self.flags.db {
            return Ok(Setting { value: path.clone(), origin: Origin::Flag("--db") });
        }
        match self.path(Key::Db)? {
            Some(setting) => Ok(setting),
            None => Ok(Setting::default_of(directories()?.journal(self.profile))),
        }
    }

    fn credentials_file(
        &self,
        directories: impl Fn() -> Result<Directories, NoHome>,
    ) -> Result<Setting<Option<PathBuf>>, ConfigError> {
        if let Some(Setting { value, origin }) = self.path(Key::CredentialsFile)? {
            return Ok(Setting { value: Some(value), origin });
        }
        let directories = directories().ok();
        Ok(Setting::default_of(directories.map(|all| all.credentials(self.profile))))
    }

    /// A path that nobody need give.
    fn some_path(&self, key: Key) -> Result<Setting<Option<PathBuf>>, ConfigError> {
        Ok(match self.path(key)? {
            Some(Setting { value, origin }) => Setting { value: Some(value), origin },
            None => Setting::default_of(None),
        })
    }

    /// A relative path in the file counts from the file's directory: it must mean the same
    /// journal whatever directory the command is run in.
    fn path(&self, key: Key) -> Result<Option<Setting<PathBuf>>, ConfigError> {
        let Some((text, origin)) = self.text(key) else {
            return Ok(None);
        };
        match (value::path(&text), &origin) {
            (Ok(path), Origin::File { path: file, .. }) => {
                let value = file.parent().unwrap_or(Path::new("")).join(path);
                Ok(Some(Setting { value, origin }))
            }
            (Ok(value), _) => Ok(Some(Setting { value, origin })),
            (Err(why), _) => Err(ConfigError::Value { origin, why }),
        }
    }
}

const fn default_version(product: Product) -> ApiVersion {
    match product {
        Product::Crm => ApiVersion::V8,
        Product::Bigin => ApiVersion::V2,
    }
}

pub(super) fn variable(env: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    env(name).filter(|text| !text.is_empty())
}

pub(super) fn profile(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    file: Option<&ConfigFile>,
) -> Result<Setting<String>, ConfigError> {
    let from_flag = || {
        let text = flags.profile.clone()?;
        Some((text, Origin::Flag(PROFILE_FLAG)))
    };
    let from_env = || {
        let text = variable(env, PROFILE_VARIABLE)?;
        Some((text, Origin::Environment(PROFILE_VARIABLE)))
    };
    let Some((text, origin)) = from_flag().or_else(from_env) else {
        return Ok(Setting::default_of(DEFAULT_PROFILE.to_owned()));
    };
    match value::profile(&text) {
        Err(why) => Err(ConfigError::Value { origin, why }),
        Ok(value) => {
            if let Some(file) = file {
                file.check_profile(&value, DEFAULT_PROFILE)?;
            }
            Ok(Setting { value, origin })
        }
    }
}

fn config_origin(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    file: Option<&ConfigFile>,
) -> Setting<Option<PathBuf>> {
    let origin = if flags.config.is_some() {
        Origin::Flag("--config")
    } else if variable(env, FILE_VARIABLE).is_some() {
        Origin::Environment(FILE_VARIABLE)
    } else {
        Origin::Default
    };
    Setting { value: file.map(|file| file.path().to_owned()), origin }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
