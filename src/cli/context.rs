//! What every command is given: settings, output, clock, and the journal's path.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::cli::error::CliError;
use crate::cli::output::Out;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::domain::entropy::SystemEntropy;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;
use crate::evidence::keeper::{Keeper, Operator, check_reader};
use crate::platform::{self, Account};
use crate::store::Reader;
use crate::zoho::Endpoint;

/// Name and version, as events record them.
pub const PROGRAM: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// Settings in force, and where each came from.
    pub settings: Settings,
    /// Where data and talk go.
    pub out: Out,
    /// The real clock.
    pub clock: SystemClock,
    /// Whether questions may be asked.
    pub input_allowed: bool,
    /// A ready access token, from `ZOHO_ACCESS_TOKEN`.
    pub token: Option<SecretString>,
}

impl Context {
    /// The journal's file.
    pub fn db(&self) -> PathBuf {
        self.settings.db.value.clone()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Opens the journal for looking.
    pub fn reader(&self) -> Result<Reader, CliError> {
        let db = self.db();
        check_reader(&db)?;
        Ok(Reader::open(&db)?)
    }

    /// Opens the journal for writing, with its key and anchor, and warns of what should be known.
    pub fn keeper(&mut self) -> Result<Keeper, CliError> {
        let account = self.operator()?;
        let by = Operator { account: &account, program: PROGRAM };
        let keeper = Keeper::open(&self.db(), Box::new(SystemEntropy), by, self.now())?;
        for warning in keeper.warnings() {
            self.out.warn(warning);
        }
        Ok(keeper)
    }

    /// OS account and host, as events seal them: `ann (uid 1000) on laptop`.
    pub fn operator(&self) -> Result<String, CliError> {
        let Account { uid, name } = self.account()?;
        Ok(format!("{name} (uid {uid}) on {}", platform::host_name()))
    }

    /// Where calls go.
    pub fn endpoint(&self) -> Result<Endpoint, CliError> {
        let settings = &self.settings;
        let url = |setting: &Option<crate::config::BaseUrl>| {
            setting.as_ref().map(|url| url.as_str().to_owned())
        };
        Endpoint::new(
            settings.data_center.value,
            settings.environment.value,
            url(&settings.api_url.value).as_deref(),
            url(&settings.accounts_url.value).as_deref(),
        )
        .map_err(|error| CliError::new(crate::cli::exit::Exit::Usage, error))
    }

    /// Data centre, environment and origin.
    pub fn target(&self) -> Result<Target, CliError> {
        Ok(Target {
            data_center: self.settings.data_center.value,
            environment: self.settings.environment.value,
            api_origin: self.endpoint()?.origin().clone(),
        })
    }

    /// The OS account by its real user id, as records name it.
    pub fn account(&self) -> Result<Account, CliError> {
        Ok(Account::current()?)
    }
}
