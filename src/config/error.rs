//! What can be wrong with settings.

use std::path::PathBuf;

use crate::config::Origin;
use crate::platform::{FileProblem, NoHome, shell_quoted};

/// Settings that cannot be used. No text here ever repeats a value that may be a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value is wrong: mend it where it came from.
    #[error("{origin}: {why}")]
    Value {
        /// Where the value came from.
        origin: Origin,
        /// What is wrong, and what is expected.
        why: String,
    },
    /// The file has a key that nothing reads, which means that somebody's wish would be ignored.
    #[error("{}: unknown setting {key}{}", shell_quoted(.path), did_you_mean(.suggestion.as_deref()))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// The key that was probably meant.
        suggestion: Option<String>,
    },
    /// The file holds what must not lie in it.
    #[error("{}: {key} is a secret and does not belong in this file: remove it here (and renew it, if others could read it), then {place}", shell_quoted(.path))]
    Secret {
        /// The file.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// Where it belongs.
        place: &'static str,
    },
    /// Somebody wants to write a secret into the file.
    #[error("{key} is a secret and does not belong in the settings file: {place}")]
    SecretGiven {
        /// The key.
        key: String,
        /// Where it belongs.
        place: &'static str,
    },
    /// Somebody wants to write a setting that there is not.
    #[error("there is no setting {key}{}", did_you_mean(.suggestion.as_deref()))]
    UnknownSetting {
        /// The key.
        key: String,
        /// The key that was probably meant.
        suggestion: Option<String>,
    },
    /// The file is written in a form that cannot be changed in place.
    #[error("{}: the setting cannot be changed as it is written there: edit the file", shell_quoted(.0))]
    NotEditable(PathBuf),
    /// A value of another type.
    #[error("{}: {key} must be {expected}, not {found}", shell_quoted(.path))]
    WrongType {
        /// The file.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Not TOML. The text is not quoted: the line may hold a secret.
    #[error("{}: line {line}: {why}", shell_quoted(.path))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// The profile is not in the file, whose other profiles show that it should be.
    #[error("{}: no profile named {profile}{} (there are: {known})", shell_quoted(.path), did_you_mean(.suggestion.as_deref()))]
    UnknownProfile {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        profile: String,
        /// The profile that was probably meant.
        suggestion: Option<String>,
        /// The profiles there are.
        known: String,
    },
    /// The file cannot be read or may not be trusted.
    #[error("settings: {0}")]
    File(#[from] FileProblem),
    /// There is no default place for the journal or the file.
    #[error(transparent)]
    NoHome(#[from] NoHome),
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(", did you mean {name}?"))
}
