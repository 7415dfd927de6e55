//! What every command is given: settings, output, clock, and the journal's path.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::output::Out;
use crate::cli::signing::OwnSession;
use crate::clock::{Clock, CommandClock};
use crate::config::{Origin, Settings};
use crate::domain::entropy::SystemEntropy;
use crate::domain::target::{ApiOrigin, Target};
use crate::domain::time::Timestamp;
use crate::evidence::keeper::{Keeper, KeeperError, Operator, check_reader};
use crate::platform::{self, Account, OsLock, shell_quoted};
use crate::store::{Reader, StoreError};
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
    pub clock: CommandClock,
    /// Whether questions may be asked.
    pub input_allowed: bool,
    /// A ready access token, from `ZOHO_ACCESS_TOKEN`.
    pub token: Option<SecretString>,
    /// The session of this command, once a client was built with one.
    pub(crate) session: Option<Arc<OwnSession>>,
}

impl Context {
    /// Tells what signing in met and went on in spite of.
    pub(crate) fn tell_warnings(&mut self) {
        let warnings = self.session.as_ref().map(|session| session.take_warnings());
        for warning in warnings.unwrap_or_default() {
            self.out.warn(&warning);
        }
    }

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
        let (db, now) = (self.db(), self.now());
        self.keeper_by(|by| Keeper::open(&db, Box::new(SystemEntropy), by, now))
    }

    /// The same for a run, which holds its lock already.
    pub fn keeper_of_run(&mut self, lock: &OsLock) -> Result<Keeper, CliError> {
        let (db, now) = (self.db(), self.now());
        self.keeper_by(|by| Keeper::open_for_run(&db, lock, Box::new(SystemEntropy), by, now))
    }

    /// Says that the journal was an older program's, and where it lies as it was.
    pub fn tell_upgrade(&mut self, from: u32, to: u32, backup: &Path) {
        self.out.say(format!(
            "The journal was upgraded from schema {from} to {to}; a verified copy of it as it was lies in {}.",
            shell_quoted(backup)
        ));
    }

    fn keeper_by(
        &mut self,
        open: impl FnOnce(Operator<'_>) -> Result<Keeper, KeeperError>,
    ) -> Result<Keeper, CliError> {
        let account = self.operator()?;
        let keeper = open(Operator { account: &account, program: PROGRAM })?;
        if let Some(upgraded) = keeper.upgraded() {
            self.tell_upgrade(upgraded.from, upgraded.to, &upgraded.backup);
        }
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

    /// Whose journal this is: as it is bound, and before its first request as the settings say.
    pub fn whereabouts(&self) -> Result<Whereabouts, CliError> {
        Whereabouts::of(&self.reader()?, &self.target()?)
    }

    /// Refuses settings that lead anywhere else than the journal is bound to.
    pub fn check_target(&self) -> Result<(), CliError> {
        let (bound, given) = (self.whereabouts()?, self.target()?);
        let given = Whereabouts::unbound(&given);
        if bound.same_target(&given) {
            return Ok(());
        }
        Err(StoreError::OtherTarget { bound: bound.target(), given: given.target() }.into())
    }

    /// A command as it must be typed to reach this journal again: with the flags that this one needed.
    pub fn command(&self, words: &str) -> String {
        /// Settings that say which journal and which Zoho.
        const WHERE: [&str; 9] = [
            "config",
            "profile",
            "db",
            "product",
            "data_center",
            "environment",
            "api_version",
            "api_url",
            "accounts_url",
        ];
        let mut command = format!("journal {words}");
        for row in self.settings.rows().iter().filter(|row| WHERE.contains(&row.key)) {
            if let Origin::Flag(flag) = row.origin {
                let value = shell_quoted(Path::new(&row.value));
                for word in [flag, value.as_str()] {
                    command.push(' ');
                    command.push_str(word);
                }
            }
        }
        command
    }

    /// The OS account by its real user id, as records name it.
    pub fn account(&self) -> Result<Account, CliError> {
        Ok(Account::current()?)
    }
}

/// Whose journal it is. Its keys are part of every JSON document that plans, records or sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Whereabouts {
    /// Zoho's id of the org; `None` until the first run has met it.
    pub org: Option<String>,
    /// The environment.
    pub environment: String,
    /// The data centre.
    pub data_center: String,
    /// Scheme, host and port, or `loopback`.
    pub api_origin: String,
}

impl Whereabouts {
    fn of(reader: &Reader, target: &Target) -> Result<Self, CliError> {
        Ok(match reader.binding()? {
            None => Self::unbound(target),
            Some(bound) => Self {
                org: bound.org,
                environment: bound.environment,
                data_center: bound.data_center,
                api_origin: bound.api_origin,
            },
        })
    }

    fn unbound(target: &Target) -> Self {
        Self {
            org: None,
            environment: target.environment.to_string(),
            data_center: target.data_center.to_string(),
            api_origin: target.api_origin.to_string(),
        }
    }

    fn same_target(&self, other: &Self) -> bool {
        self.target() == other.target()
    }

    /// Environment, data centre, and whether it is only a rehearsal.
    pub fn target(&self) -> String {
        let origin = if self.api_origin == ApiOrigin::loopback().as_str() {
            "a simulator on this machine"
        } else {
            &self.api_origin
        };
        format!("{} ({}, {origin})", self.environment, self.data_center)
    }
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.org {
            Some(org) => write!(f, "org {org}, {}", self.target()),
            None => write!(f, "{}, org not known before the first sync", self.target()),
        }
    }
}
