//! The settings file: TOML, common settings at the top and a table for each profile.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::ConfigError;
use super::key::{Key, Shape};
use super::setting::Origin;
use super::suggest::nearest;
use super::value;
use crate::platform::{self, Directories};

/// Settings are a page of text; anything longer was not meant.
pub(super) const SIZE_LIMIT: u64 = 256 * 1024;

/// The environment variable that names the file.
pub(super) const FILE_VARIABLE: &str = "JOURNAL_CONFIG";

/// A settings file that was read and found sound as a whole: also the profiles that are not used.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    top: Vec<Entry>,
    profiles: Vec<(String, Vec<Entry>)>,
}

/// One key with its value as text.
#[derive(Debug, Clone)]
struct Entry {
    key: Key,
    text: String,
}

impl ConfigFile {
    /// Finds and reads the file: the one named by the flag or by `JOURNAL_CONFIG`, which must then
    /// exist, else the account's own, if there is one.
    pub fn find(
        flag: Option<&Path>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConfigError> {
        let named = flag
            .map(Path::to_owned)
            .or_else(|| env(FILE_VARIABLE).filter(|text| !text.is_empty()).map(PathBuf::from));
        if let Some(path) = named {
            return Self::read(&path).map(Some);
        }
        // Without a home directory there is no default file, and nothing is missing.
        let Ok(directories) = Directories::of_account() else {
            return Ok(None);
        };
        match Self::read(&directories.config_file()) {
            Err(ConfigError::File(problem)) if problem.is_missing() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Reads a file, which must be ours or root's and not open to others' changes: whoever can
    /// write it decides where tokens are sent.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let bytes = platform::read_configuration(path, SIZE_LIMIT)?;
        Self::parse(path, &Self::text(path, bytes)?)
    }

    /// The bytes of a file as text.
    pub(super) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, ConfigError> {
        String::from_utf8(bytes).map_err(|error| {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to());
            ConfigError::Syntax {
                path: path.to_owned(),
                line: line_of(valid.unwrap_or_default()),
                why: "not UTF-8".to_owned(),
            }
        })
    }

    /// The names of its profiles.
    pub(super) fn profile_names(self) -> Vec<String> {
        self.profiles.into_iter().map(|(name, _)| name).collect()
    }

    /// Reads settings from text; `path` is only for messages and for relative paths.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let table: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
            // Its Display quotes the line, and the line may hold a secret.
            let before = error.span().and_then(|span| text.get(..span.start));
            ConfigError::Syntax {
                path: path.to_owned(),
                line: line_of(before.unwrap_or_default().as_bytes()),
                why: plain_reason(error.message()),
            }
        })?;
        let mut file = Self { path: path.to_owned(), top: Vec::new(), profiles: Vec::new() };
        for (name, value) in table {
            match (name.as_str(), value) {
                ("profile", Value::Table(profiles)) => file.take_profiles(profiles)?,
                ("profile", other) => {
                    return Err(file.wrong_type(
                        "profile",
                        "a table, as in [profile.NAME]",
                        &other,
                    ));
                }
                (name, value) => {
                    let entry = file.entry("", name, &value)?;
                    file.top.push(entry);
                }
            }
        }
        Ok(file)
    }

    fn take_profiles(&mut self, profiles: Table) -> Result<(), ConfigError> {
        for (profile, value) in profiles {
            let prefix = format!("profile.{}.", shortened(&profile));
            value::profile(&profile).map_err(|why| ConfigError::Value {
                origin: self.origin(prefix.trim_end_matches('.').to_owned()),
                why,
            })?;
            let Value::Table(table) = value else {
                let key = prefix.trim_end_matches('.');
                return Err(self.wrong_type(key, "a table, as in [profile.NAME]", &value));
            };
            let entries = table
                .iter()
                .map(|(name, value)| self.entry(&prefix, name, value))
                .collect::<Result<_, _>>()?;
            self.profiles.push((profile, entries));
        }
        Ok(())
    }

    fn entry(&self, prefix: &str, name: &str, value: &Value) -> Result<Entry, ConfigError> {
        let full = format!("{prefix}{}", shortened(name));
        let Ok(key) = name.parse::<Key>() else {
            let names = Key::ALL.iter().map(|key| key.wire_name());
            let suggestion = nearest(name, names);
            // `client_secret_comand` is a slip; `client_secret` is a secret.
            let means_command = suggestion.is_some_and(|key| key.ends_with("_command"));
            if let Some(place) = place_of_secret(name).filter(|_| !means_command) {
                return Err(ConfigError::Secret { path: self.path.clone(), key: full, place });
            }
            return Err(ConfigError::UnknownKey {
                path: self.path.clone(),
                key: full,
                suggestion: suggestion.map(str::to_owned),
            });
        };
        let expected = match (key.shape(), value) {
            (Shape::Text | Shape::TextOrNumber, Value::String(text)) => {
                return Ok(Entry { key, text: text.clone() });
            }
            (Shape::Number | Shape::TextOrNumber, Value::Integer(number)) => {
                return Ok(Entry { key, text: number.to_string() });
            }
            (Shape::Rules, Value::String(text)) => return Ok(Entry { key, text: text.clone() }),
            (Shape::Rules, Value::Table(rules)) => {
                return Ok(Entry { key, text: self.rules(&full, rules)? });
            }
            (Shape::Rules, _) => "a table, as in [approval_rules]",
            (Shape::Text, _) => "text in quotes",
            (Shape::Number, _) => "a whole number without quotes",
            (Shape::TextOrNumber, _) => "text in quotes or a whole number",
        };
        Err(self.wrong_type(&full, expected, value))
    }

    /// A table of rules in the form that the environment has: `delete:Accounts=always, *:Deals=50`.
    fn rules(&self, full: &str, rules: &Table) -> Result<String, ConfigError> {
        let rule = |(scope, wants): (&String, &Value)| match wants {
            Value::String(text) => Ok(format!("{scope}={text}")),
            Value::Integer(number) => Ok(format!("{scope}={number}")),
            other @ (Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)
            | Value::Table(_)) => {
                let key = format!("{full}.{}", shortened(scope));
                Err(self.wrong_type(&key, "text in quotes or a whole number", other))
            }
        };
        Ok(rules.iter().map(rule).collect::<Result<Vec<_>, _>>()?.join(", "))
    }

    /// The values of a key that adds up: the profile's and the common one.
    pub(super) fn all(&self, profile: &str, key: Key) -> Vec<(String, Origin)> {
        let common = self.get("", key).map(|(text, origin)| (text.to_owned(), origin));
        let first = self.get(profile, key).map(|(text, origin)| (text.to_owned(), origin));
        let only_common = first == common;
        first.into_iter().chain(common.filter(|_| !only_common)).collect()
    }

    /// The value of a key: the profile's, else the common one.
    pub(super) fn get(&self, profile: &str, key: Key) -> Option<(&str, Origin)> {
        let find = |entries: &'_ [Entry]| entries.iter().position(|entry| entry.key == key);
        let own = self.profiles.iter().find(|(name, _)| name == profile);
        if let Some((name, entries)) = own
            && let Some(entry) = find(entries).and_then(|at| entries.get(at))
        {
            let origin = self.origin(format!("profile.{name}.{key}"));
            return Some((&entry.text, origin));
        }
        let entry = find(&self.top).and_then(|at| self.top.get(at))?;
        Some((&entry.text, self.origin(key.to_string())))
    }

    /// Refuses a profile that the file ought to have. Were it ignored, a slip in `sandbox` would
    /// quietly mean production. A file without any profiles but the default one
    /// says nothing about them.
    pub(super) fn check_profile(&self, profile: &str, default: &str) -> Result<(), ConfigError> {
        let mut names: Vec<&str> = self.profiles.iter().map(|(name, _)| name.as_str()).collect();
        let says_nothing = names.iter().all(|name| *name == default);
        if says_nothing || profile == default || names.contains(&profile) {
            return Ok(());
        }
        names.sort_unstable();
        Err(ConfigError::UnknownProfile {
            path: self.path.clone(),
            profile: profile.to_owned(),
            suggestion: nearest(profile, names.iter().copied()).map(str::to_owned),
            known: names.join(", "),
        })
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn origin(&self, key: String) -> Origin {
        Origin::File { path: self.path.clone(), key }
    }

    fn wrong_type(&self, key: &str, expected: &'static str, found: &Value) -> ConfigError {
        ConfigError::WrongType {
            path: self.path.clone(),
            key: key.to_owned(),
            expected,
            found: match found {
                Value::String(_) => "text",
                Value::Integer(_) => "a whole number",
                Value::Float(_) => "a number with a fraction",
                Value::Boolean(_) => "true or false",
                Value::Datetime(_) => "a date",
                Value::Array(_) => "a list",
                Value::Table(_) => "a table",
            },
        }
    }
}

/// A key as it is shown: harmless, and not pages long.
pub(super) fn shortened(name: &str) -> String {
    name.escape_debug().take(60).collect()
}

/// The line, from 1, on which the text after this begins.
fn line_of(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// The parser's reason without what it quotes from the file.
fn plain_reason(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let unquoted = first.split(['`', '"']).next().unwrap_or_default().trim();
    if unquoted.is_empty() { "not TOML".to_owned() } else { format!("not TOML: {unquoted}") }
}

/// Where a key's value belongs, if by its name it is a secret.
pub(super) fn place_of_secret(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    match name.as_str() {
        "client_secret" => Some(
            "run journal auth login, set ZOHO_CLIENT_SECRET, or name a command that prints it in client_secret_command",
        ),
        "refresh_token" => Some(
            "run journal auth login, set ZOHO_REFRESH_TOKEN, or name a command that prints it in refresh_token_command",
        ),
        "access_token" => {
            Some("set ZOHO_ACCESS_TOKEN, or name a command that prints it in access_token_command")
        }
        other if ["secret", "token", "password"].iter().any(|word| other.contains(word)) => {
            Some("set it in the environment")
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
