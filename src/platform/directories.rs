//! Where data, settings and caches lie: the XDG base directories, on macOS too.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, Xdg};

/// The name of our directory in each base directory.
const OWN: &str = "zoho-journal";

/// No home directory, so there is no default place for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this account has no home directory: give --db and --config, or set HOME")]
pub struct NoHome;

/// The program's own directories. Nothing is created by asking for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Journals and their keys: `$XDG_DATA_HOME/zoho-journal`.
    pub data: PathBuf,
    /// Settings: `$XDG_CONFIG_HOME/zoho-journal`.
    pub config: PathBuf,
    /// What can be fetched again, such as access tokens: `$XDG_CACHE_HOME/zoho-journal`.
    pub cache: PathBuf,
}

impl Directories {
    /// The directories of the account that runs the program.
    pub fn of_account() -> Result<Self, NoHome> {
        let base = Xdg::new().map_err(|_| NoHome)?;
        Ok(Self {
            data: base.data_dir().join(OWN),
            config: base.config_dir().join(OWN),
            cache: base.cache_dir().join(OWN),
        })
    }

    /// The journal of a profile, whose name must already have been checked to be a plain word.
    pub fn journal(&self, profile: &str) -> PathBuf {
        self.data.join(format!("{profile}.db"))
    }

    /// The stored sign-in of a profile, whose name must already have been checked to be a plain word.
    pub fn credentials(&self, profile: &str) -> PathBuf {
        self.config.join("credentials").join(format!("{profile}.toml"))
    }

    /// Where access tokens are kept between runs.
    pub fn tokens(&self) -> PathBuf {
        self.cache.join("tokens")
    }

    /// The settings file.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directory_is_absolute_and_ours() {
        let directories = Directories::of_account().unwrap();
        for path in [&directories.data, &directories.config, &directories.cache] {
            assert!(path.is_absolute() && path.ends_with("zoho-journal"));
        }
        assert!(directories.journal("acme").ends_with("zoho-journal/acme.db"));
        assert!(directories.config_file().ends_with("zoho-journal/config.toml"));
    }
}
