//! The stored sign-in of a profile: one file, 0600, that `journal auth login` writes.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::platform::{
    FileProblem, Sharing, create_directory_private, read_secret, shell_quoted, sync_directory,
    write_atomically,
};
use crate::zoho::endpoint::is_on_this_machine;
use crate::zoho::secret::{ClientId, ClientKey, ClientSecret, RefreshToken, WipedText};

/// It holds four short lines.
const FILE_MAX: u64 = 64 * 1024;

/// Why the stored sign-in cannot be used. Nothing that it holds is repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// It may not be trusted, or cannot be read or written.
    #[error("the stored sign-in: {0}")]
    File(#[from] FileProblem),
    /// It is not what `journal auth login` writes.
    #[error(
        "the stored sign-in {} is damaged: sign in again with journal auth login --replace",
        shell_quoted(.0)
    )]
    Damaged(PathBuf),
    /// It belongs to another accounts server, to which its secrets must go and nowhere else.
    #[error(
        "the stored sign-in {} is for {found}, and the settings lead to {wanted}: give the right data centre, or sign in there under another --profile",
        shell_quoted(.path)
    )]
    Elsewhere {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Where the settings lead.
        wanted: String,
    },
}

/// What the file holds. Everything in it may be left out by who writes it by hand.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    accounts_url: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<WipedField>,
    pub(super) refresh_token: Option<WipedField>,
    pub(super) access_token: Option<WipedField>,
}

impl std::fmt::Debug for Stored {
    /// Without what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stored").finish_non_exhaustive()
    }
}

impl Stored {
    /// The client, where both its parts are there and can be such.
    pub fn client(&self) -> Option<ClientKey> {
        let id = ClientId::new(self.client_id.as_deref()?).ok()?;
        let secret = ClientSecret::new(&self.client_secret.as_ref()?.0).ok()?;
        Some(ClientKey { id, secret })
    }

    /// The refresh token, where it is there and can be one.
    pub fn refresh_token(&self) -> Option<RefreshToken> {
        RefreshToken::new(&self.refresh_token.as_ref()?.0).ok()
    }
}

/// A text that is wiped when it is dropped.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct WipedField(pub(super) WipedText);

impl From<String> for WipedField {
    fn from(text: String) -> Self {
        Self(WipedText::new(text))
    }
}

/// Reads the file; `None` where there is none. `accounts_url` is where its secrets would be sent.
pub fn read(path: &Path, accounts_url: &str) -> Result<Option<Stored>, StoredError> {
    let bytes = match read_secret(path, Sharing::OwnerOnly, FILE_MAX) {
        Err(problem) if problem.is_missing() => return Ok(None),
        read => secrecy::zeroize::Zeroizing::new(read?),
    };
    let damaged = || StoredError::Damaged(path.to_owned());
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged())?;
    // The parser's own words quote the line.
    let stored: Stored = toml::from_str(text).map_err(|_| damaged())?;
    match &stored.accounts_url {
        Some(found) if !same_server(found, accounts_url) => Err(StoredError::Elsewhere {
            path: path.to_owned(),
            found: found.escape_debug().take(80).collect(),
            wanted: accounts_url.to_owned(),
        }),
        // Written by hand, and for Zoho: a rehearsal's sign-in says where it belongs.
        None if is_on_this_machine(accounts_url) => Err(StoredError::Elsewhere {
            path: path.to_owned(),
            found: "Zoho (it names no accounts_url)".to_owned(),
            wanted: accounts_url.to_owned(),
        }),
        Some(_) | None => Ok(Some(stored)),
    }
}

/// Whether anything stands at the path, be it unreadable.
pub fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A simulator takes another port with each start; to its own machine nothing leaks.
fn same_server(one: &str, other: &str) -> bool {
    one == other || (is_on_this_machine(one) && is_on_this_machine(other))
}

/// Makes the directory, 0700, and sees whether the file can be written: a grant code is used up by the
/// call that comes next, and must not be lost to a directory that is read-only.
pub fn prepare(path: &Path) -> Result<(), StoredError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    create_directory_private(directory)?;
    let probe = crate::platform::PendingFile::beside(path, Sharing::OwnerOnly);
    probe.map(drop).map_err(|source| problem(path, source))
}

/// Writes the sign-in, durably and in one step: after a crash the old one is there, or the new one.
pub fn write(
    path: &Path,
    accounts_url: &str,
    client: &ClientKey,
    refresh_token: &RefreshToken,
) -> Result<(), StoredError> {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let text = WipedText::new(format!(
        "# Written by journal auth login. Whoever reads this file can sign in as you.\n\
         accounts_url = {}\nclient_id = {}\nclient_secret = {}\nrefresh_token = {}\n",
        quoted(accounts_url),
        quoted(client.id.as_str()),
        quoted(client.secret.expose()),
        quoted(refresh_token.expose()),
    ));
    write_atomically(path, text.as_bytes(), Sharing::OwnerOnly)
        .map_err(|source| problem(path, source))
}

/// Removes it, durably. That it is gone already is fine.
pub fn remove(path: &Path) -> Result<(), StoredError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed.map_err(|source| problem(path, source))?,
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    sync_directory(directory).map_err(|source| problem(directory, source))
}

fn problem(path: &Path, source: io::Error) -> StoredError {
    StoredError::File(FileProblem::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const EU: &str = "https://accounts.zoho.eu";

    fn key() -> ClientKey {
        ClientKey {
            id: ClientId::new("1000.ID").unwrap(),
            secret: ClientSecret::new("can\"ary\\").unwrap(),
        }
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("credentials/acme.toml");
        prepare(&path).unwrap();
        write(&path, EU, &key(), &RefreshToken::new("1000.canary").unwrap()).unwrap();
        (place, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_was_written_is_read_back_and_only_by_us() {
        let (_place, path) = written();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let stored = read(&path, EU).unwrap().unwrap();
        assert_eq!(stored.client_id.as_deref(), Some("1000.ID"));
        assert_eq!(*stored.client_secret.as_ref().unwrap().0, "can\"ary\\");
        assert_eq!(*stored.refresh_token.as_ref().unwrap().0, "1000.canary");
        assert!(!format!("{stored:?}").contains("canary"));
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(read(&path, EU).unwrap().is_none());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_so_is_a_link() {
        let (_place, path) = written();
        for open in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let error = read(&path, EU).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let link = path.with_file_name("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(read(&link, EU), Err(StoredError::File(FileProblem::Link(_)))));
    }

    #[test]
    fn secrets_go_to_the_accounts_server_that_gave_them_and_nowhere_else() {
        let (_place, path) = written();
        for other in ["https://accounts.zoho.com", "http://127.0.0.1:4711", "https://evil.example"]
        {
            let error = read(&path, other).unwrap_err();
            assert!(matches!(error, StoredError::Elsewhere { .. }), "{error}");
        }
        let refresh = RefreshToken::new("1000.r").unwrap();
        write(&path, "http://127.0.0.1:1", &key(), &refresh).unwrap();
        assert!(read(&path, "http://localhost:2").unwrap().is_some());
        assert!(read(&path, EU).is_err());
        // Without a word of it, it is Zoho's.
        write_atomically(&path, b"refresh_token = \"canary\"\n", Sharing::OwnerOnly).unwrap();
        assert!(read(&path, EU).unwrap().is_some());
        for local in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:2"] {
            assert!(matches!(read(&path, local), Err(StoredError::Elsewhere { .. })), "{local}");
        }
    }

    #[test]
    fn a_damaged_file_is_not_quoted() {
        let (_place, path) = written();
        for text in ["refresh_token = canary", "canary = 1", "refresh_token = 7", "\u{0}canary"] {
            write_atomically(&path, text.as_bytes(), Sharing::OwnerOnly).unwrap();
            let error = read(&path, EU).unwrap_err();
            assert!(matches!(error, StoredError::Damaged(_)));
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
