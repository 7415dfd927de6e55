//! Where each secret comes from: environment, service manager, command, stored sign-in, keyring; in this
//! order, each item by itself.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::auth::command::{self, COMMAND_TIMEOUT, CommandError};
use crate::auth::stored::{self, StoredError};
use crate::config::{Origin, SecretCommands, Setting, Settings};
use crate::platform::{FileProblem, read_handed_secret};
use crate::zoho::endpoint::is_on_this_machine;
use crate::zoho::secret::{
    AccessSecret, ClientId, ClientSecret, RefreshToken, SECRET_MAX, SecretError, WipedText,
};

/// What signing in takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Who the program is to Zoho.
    ClientId,
    /// The proof of it.
    ClientSecret,
    /// What gives access tokens.
    RefreshToken,
    /// A ready access token.
    AccessToken,
}

impl Item {
    const ALL: [Self; 4] =
        [Self::ClientId, Self::ClientSecret, Self::RefreshToken, Self::AccessToken];

    /// The environment variable that holds it.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::ClientId => "ZOHO_CLIENT_ID",
            Self::ClientSecret => "ZOHO_CLIENT_SECRET",
            Self::RefreshToken => "ZOHO_REFRESH_TOKEN",
            Self::AccessToken => "ZOHO_ACCESS_TOKEN",
        }
    }

    /// Its name below `$CREDENTIALS_DIRECTORY`, as in `LoadCredential=zoho_refresh_token:…`, and in a
    /// keyring.
    pub const fn credential(self) -> &'static str {
        match self {
            Self::ClientId => "zoho_client_id",
            Self::ClientSecret => "zoho_client_secret",
            Self::RefreshToken => "zoho_refresh_token",
            Self::AccessToken => "zoho_access_token",
        }
    }

    /// In words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ClientId => "client id",
            Self::ClientSecret => "client secret",
            Self::RefreshToken => "refresh token",
            Self::AccessToken => "access token",
        }
    }
}

/// Where something came from. Shown to people; never with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An environment variable.
    Environment(&'static str),
    /// A file below `$CREDENTIALS_DIRECTORY`.
    ServiceManager(&'static str),
    /// A command, by the setting that names it, and where that comes from.
    Command(&'static str, Origin),
    /// A plain setting.
    Setting(Origin),
    /// The stored sign-in.
    Stored(PathBuf),
    /// The platform's keyring.
    Keyring,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::ServiceManager(name) => write!(f, "service manager's credential {name}"),
            Self::Command(key, origin) => write!(f, "{key} ({origin})"),
            Self::Setting(origin) => write!(f, "{origin}"),
            Self::Stored(path) => write!(f, "stored sign-in {}", path.display()),
            Self::Keyring => f.write_str("keyring"),
        }
    }
}

/// Something with where it came from.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The thing.
    pub value: T,
    /// Where it came from.
    pub place: Place,
}

/// What there is to sign in with.
#[derive(Debug)]
pub enum Means {
    /// A ready access token. It wins over a refresh token from the same place or a later one.
    Ready(Given<AccessSecret>),
    /// A refresh token, and whose it is. The client's secret is looked for when it is needed.
    Refresh {
        /// The client.
        client_id: Given<ClientId>,
        /// Its refresh token.
        refresh_token: Given<RefreshToken>,
    },
    /// Nothing.
    Nothing,
}

/// Where each of what there is to sign in with comes from.
#[derive(Debug, Default)]
pub struct Places {
    /// The client's id.
    pub client_id: Option<Place>,
    /// The client's secret.
    pub client_secret: Option<Place>,
    /// The refresh token.
    pub refresh_token: Option<Place>,
    /// A ready access token, which wins alone.
    pub access_token: Option<Place>,
}

/// Why something could not be had. Nothing was sent anywhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// What a place holds is no credential.
    #[error("{place}: {error}")]
    Text {
        /// The place.
        place: Place,
        /// What is wrong.
        error: SecretError,
    },
    /// The stored sign-in.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// A command.
    #[error("{key}: {error}")]
    Command {
        /// The setting.
        key: &'static str,
        /// What is wrong.
        error: CommandError,
    },
    /// The service manager's file.
    #[error("service manager's credential: {0}")]
    Handed(#[from] FileProblem),
    /// The keyring.
    #[error("keyring: {0}")]
    Keyring(String),
    /// Meant for Zoho, and the accounts server is whoever listens on this machine.
    #[error(
        "{place} is for Zoho, and {leads} leads to {accounts_url} on this machine: nothing goes there; give the rehearsal's own ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN, or ZOHO_ACCESS_TOKEN, in the environment"
    )]
    Rehearsal {
        /// Where the secret is.
        place: Place,
        /// What says where the accounts server is.
        leads: Origin,
        /// The accounts server.
        accounts_url: String,
    },
    /// One is there and the other is not.
    #[error("there is a {have} ({place}), but no {lack}")]
    Incomplete {
        /// What is there.
        have: &'static str,
        /// Where.
        place: Place,
        /// What is not.
        lack: &'static str,
    },
}

/// The places to look, with what the environment holds.
#[derive(Clone)]
pub struct Sources {
    environment: [Option<WipedText>; 4],
    credentials_directory: Option<PathBuf>,
    client_id: Setting<Option<String>>,
    commands: SecretCommands,
    stored: Option<PathBuf>,
    accounts_url: String,
    /// What leads to an accounts server on this machine, where something does.
    rehearsal: Option<Origin>,
    #[cfg_attr(
        not(feature = "keyring"),
        expect(dead_code, reason = "names the keyring's entries")
    )]
    profile: String,
}

impl fmt::Debug for Sources {
    /// Without what the environment holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("stored", &self.stored).finish_non_exhaustive()
    }
}

/// The places, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Environment,
    ServiceManager,
    Settings,
    Stored,
    Keyring,
}

impl Level {
    const ALL: [Self; 5] =
        [Self::Environment, Self::ServiceManager, Self::Settings, Self::Stored, Self::Keyring];
}

type Found = Option<(WipedText, Place)>;

impl Sources {
    /// The places that settings and environment name. `accounts_url` is where the secrets will be sent.
    /// Nothing is read yet but the environment.
    pub fn new(
        settings: &Settings,
        environment: impl Fn(&str) -> Option<String>,
        accounts_url: &str,
    ) -> Self {
        let value = |name: &str| environment(name).filter(|text| !text.is_empty());
        Self {
            environment: Item::ALL.map(|item| value(item.variable()).map(WipedText::new)),
            credentials_directory: value("CREDENTIALS_DIRECTORY").map(PathBuf::from),
            client_id: settings.client_id.clone(),
            commands: settings.commands.clone(),
            stored: settings.credentials_file.value.clone(),
            accounts_url: accounts_url.to_owned(),
            rehearsal: is_on_this_machine(accounts_url).then(|| leads(settings)),
            profile: settings.profile.value.clone(),
        }
    }

    /// Where the stored sign-in lies.
    pub const fn stored(&self) -> Option<&PathBuf> {
        self.stored.as_ref()
    }

    /// Whether there is anything to sign in with, as far as can be seen without running a command.
    pub fn is_configured(&self) -> bool {
        let tokens = [Item::AccessToken, Item::RefreshToken];
        tokens.iter().any(|item| {
            self.of_environment(*item).is_some()
                || self.handed(*item).is_some_and(|path| stored::is_there(&path))
                || self.command(*item).is_some()
        }) || self.stored.as_deref().is_some_and(stored::is_there)
            || cfg!(feature = "keyring")
    }

    /// Finds what there is to sign in with. May run commands.
    pub async fn find(&self) -> Result<Means, SourceError> {
        for level in Level::ALL {
            if let Some((text, place)) = self.at(level, Item::AccessToken).await? {
                let value = AccessSecret::new(&text);
                return given(value, place).map(Means::Ready);
            }
            if let Some((text, place)) = self.at(level, Item::RefreshToken).await? {
                let refresh_token = given(RefreshToken::new(&text), place)?;
                let client_id = self.client_id().await?.ok_or_else(|| {
                    incomplete(Item::RefreshToken, &refresh_token.place, Item::ClientId)
                })?;
                return Ok(Means::Refresh { client_id, refresh_token });
            }
        }
        Ok(Means::Nothing)
    }

    /// Where [`Sources::find`] finds each item. Commands are named and not run: somebody may have to unlock
    /// a password manager for each.
    pub fn places(&self) -> Result<Places, SourceError> {
        for level in Level::ALL {
            if let Some(place) = self.place_at(level, Item::AccessToken)? {
                return Ok(Places { access_token: Some(place), ..Places::default() });
            }
            if let Some(place) = self.place_at(level, Item::RefreshToken)? {
                return Ok(Places {
                    client_id: self.first_place(Item::ClientId)?,
                    client_secret: self.first_place(Item::ClientSecret)?,
                    refresh_token: Some(place),
                    access_token: None,
                });
            }
        }
        Ok(Places::default())
    }

    fn first_place(&self, item: Item) -> Result<Option<Place>, SourceError> {
        for level in Level::ALL {
            if let Some(place) = self.place_at(level, item)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn place_at(&self, level: Level, item: Item) -> Result<Option<Place>, SourceError> {
        if level == Level::Settings
            && let Some((key, _, origin)) = self.command(item)
        {
            let place = Place::Command(key, origin.clone());
            self.check_not_a_rehearsal(item, &place)?;
            return Ok(Some(place));
        }
        Ok(self.without_command(level, item)?.map(|(_, place)| place))
    }

    /// The client's id.
    pub async fn client_id(&self) -> Result<Option<Given<ClientId>>, SourceError> {
        let found = self.first(Item::ClientId, &Level::ALL).await?;
        found.map(|(text, place)| given(ClientId::new(&text), place)).transpose()
    }

    /// The client's secret. May run a command.
    pub async fn client_secret(&self) -> Result<Option<Given<ClientSecret>>, SourceError> {
        let found = self.first(Item::ClientSecret, &Level::ALL).await?;
        found.map(|(text, place)| given(ClientSecret::new(&text), place)).transpose()
    }

    /// The client's id and secret for a new sign-in: from anywhere but an earlier one.
    pub async fn client_for_login(
        &self,
    ) -> Result<(Option<Given<ClientId>>, Option<Given<ClientSecret>>), SourceError> {
        let levels = [Level::Environment, Level::ServiceManager, Level::Settings];
        let id = self.first(Item::ClientId, &levels).await?;
        let secret = self.first(Item::ClientSecret, &levels).await?;
        Ok((
            id.map(|(text, place)| given(ClientId::new(&text), place)).transpose()?,
            secret.map(|(text, place)| given(ClientSecret::new(&text), place)).transpose()?,
        ))
    }

    async fn first(&self, item: Item, levels: &[Level]) -> Result<Found, SourceError> {
        for level in levels {
            if let Some(found) = self.at(*level, item).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn at(&self, level: Level, item: Item) -> Result<Found, SourceError> {
        if level == Level::Settings
            && let Some((key, command, origin)) = self.command(item)
        {
            let place = Place::Command(key, origin.clone());
            self.check_not_a_rehearsal(item, &place)?;
            let printed = command::secret_of(command, COMMAND_TIMEOUT).await;
            let printed = printed.map_err(|error| SourceError::Command { key, error })?;
            return Ok(Some((printed, place)));
        }
        self.without_command(level, item)
    }

    /// What is there without a command having to run.
    fn without_command(&self, level: Level, item: Item) -> Result<Found, SourceError> {
        match level {
            Level::Environment => Ok(self
                .of_environment(item)
                .map(|text| (text.clone(), Place::Environment(item.variable())))),
            Level::ServiceManager => self.of_service_manager(item),
            Level::Settings => Ok(self.of_settings(item)),
            Level::Stored => self.of_stored(item),
            Level::Keyring => self.of_keyring(item),
        }
    }

    fn of_environment(&self, item: Item) -> Option<&WipedText> {
        let at = Item::ALL.iter().position(|one| *one == item)?;
        self.environment.get(at)?.as_ref()
    }

    fn handed(&self, item: Item) -> Option<PathBuf> {
        self.credentials_directory.as_ref().map(|directory| directory.join(item.credential()))
    }

    /// Refuses a secret that is meant for Zoho where the accounts server is a port of this machine, which
    /// anybody here may hold. Who set both in one part of the settings file meant it.
    fn check_not_a_rehearsal(&self, item: Item, place: &Place) -> Result<(), SourceError> {
        let Some(leads) = self.rehearsal.as_ref().filter(|_| item != Item::ClientId) else {
            return Ok(());
        };
        let meant = match place {
            Place::ServiceManager(_) => matches!(leads, Origin::File { .. }),
            Place::Command(_, origin @ Origin::File { .. }) => part(origin) == part(leads),
            Place::Command(..)
            | Place::Environment(_)
            | Place::Setting(_)
            | Place::Stored(_)
            | Place::Keyring => true,
        };
        if meant {
            return Ok(());
        }
        let (place, leads) = (place.clone(), leads.clone());
        Err(SourceError::Rehearsal { place, leads, accounts_url: self.accounts_url.clone() })
    }

    fn of_service_manager(&self, item: Item) -> Result<Found, SourceError> {
        let Some(path) = self.handed(item) else {
            return Ok(None);
        };
        let limit = u64::try_from(SECRET_MAX + 16).unwrap_or(u64::MAX);
        let bytes = match read_handed_secret(&path, limit) {
            Err(problem) if problem.is_missing() => return Ok(None),
            read => secrecy::zeroize::Zeroizing::new(read?),
        };
        let place = Place::ServiceManager(item.credential());
        self.check_not_a_rehearsal(item, &place)?;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            return Ok(Some((WipedText::new(text.to_owned()), place)));
        }
        let error = SecretError::Characters(item.in_words());
        Err(SourceError::Text { place, error })
    }

    /// The setting that names the command for an item.
    fn command(&self, item: Item) -> Option<(&'static str, &str, &Origin)> {
        let (key, setting) = match item {
            Item::ClientId => return None,
            Item::ClientSecret => ("client_secret_command", &self.commands.client_secret),
            Item::RefreshToken => ("refresh_token_command", &self.commands.refresh_token),
            Item::AccessToken => ("access_token_command", &self.commands.access_token),
        };
        Some((key, setting.value.as_deref()?, &setting.origin))
    }

    /// The client's id alone is a plain setting.
    fn of_settings(&self, item: Item) -> Found {
        let id = self.client_id.value.clone().filter(|_| item == Item::ClientId)?;
        Some((WipedText::new(id), Place::Setting(self.client_id.origin.clone())))
    }

    fn of_stored(&self, item: Item) -> Result<Found, SourceError> {
        let Some(path) = &self.stored else {
            return Ok(None);
        };
        let Some(stored) = stored::read(path, &self.accounts_url)? else {
            return Ok(None);
        };
        let text = match item {
            Item::ClientId => stored.client_id.map(WipedText::new),
            Item::ClientSecret => stored.client_secret.map(|field| field.0),
            Item::RefreshToken => stored.refresh_token.map(|field| field.0),
            Item::AccessToken => stored.access_token.map(|field| field.0),
        };
        Ok(text.map(|text| (text, Place::Stored(path.clone()))))
    }

    #[cfg(feature = "keyring")]
    fn of_keyring(&self, item: Item) -> Result<Found, SourceError> {
        let found = crate::auth::keyring::read(&self.profile, &self.accounts_url, item);
        Ok(found.map_err(SourceError::Keyring)?.map(|text| (text, Place::Keyring)))
    }

    #[cfg(not(feature = "keyring"))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "stands in for the one of the feature"
    )]
    const fn of_keyring(&self, _item: Item) -> Result<Found, SourceError> {
        Ok(None)
    }
}

/// What says where the accounts server is.
fn leads(settings: &Settings) -> Origin {
    if settings.accounts_url.value.is_some() {
        settings.accounts_url.origin.clone()
    } else {
        settings.api_url.origin.clone()
    }
}

/// The part of a settings file that something stands in: a profile, or what is for all.
fn part(origin: &Origin) -> Option<(&Path, &str)> {
    match origin {
        Origin::File { path, key } => {
            Some((path.as_path(), key.rsplit_once('.').map_or("", |(part, _)| part)))
        }
        Origin::Flag(_) | Origin::Environment(_) | Origin::Default => None,
    }
}

fn given<T>(value: Result<T, SecretError>, place: Place) -> Result<Given<T>, SourceError> {
    match value {
        Ok(value) => Ok(Given { value, place }),
        Err(error) => Err(SourceError::Text { place, error }),
    }
}

/// One is there and the other is not.
pub(super) fn incomplete(have: Item, place: &Place, lack: Item) -> SourceError {
    SourceError::Incomplete { have: have.in_words(), place: place.clone(), lack: lack.in_words() }
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
