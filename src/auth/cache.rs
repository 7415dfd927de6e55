//! Access tokens between runs: a file for each sign-in, 0600, in a directory of ours.
//!
//! Zoho gives ten access tokens in ten minutes for a refresh token, and locks out who asks for more; who
//! asks again prolongs that (CRM v8 token validity page). So a token is kept for its hour, and so is the
//! time before which nobody asks. A refusal for good is not kept: a person may have mended it.
//!
//! The file's name is a hash over accounts server, client and refresh token. It tells nothing about them:
//! a refresh token has 256 random bits, so that nobody finds it by trying.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::platform::{
    FileProblem, Holder, OsLock, Sharing, create_directory_private, read_secret, shell_quoted,
    write_atomically,
};
use crate::zoho::secret::{AccessSecret, ClientId, RefreshToken};

const VERSION: &str = "zoho-journal/token@1";
/// How long forgetting a token waits for a process that renews it; a token call takes seconds.
const CLEAR_PATIENCE: Duration = Duration::from_secs(10);
/// It holds one token and some scopes.
const FILE_MAX: u64 = 64 * 1024;

/// The directory of all cached tokens.
#[derive(Debug, Clone)]
pub struct TokenCache {
    directory: PathBuf,
}

/// The place of one sign-in's token.
#[derive(Debug, Clone)]
pub struct Slot {
    file: PathBuf,
}

/// What is kept.
#[derive(Debug, Clone, Default)]
pub struct Cached {
    /// The token, where there is one.
    pub token: Option<CachedToken>,
    /// Nobody asks for a token before this.
    pub not_before: Option<Timestamp>,
    /// How often in a row Zoho asked to wait.
    pub throttled: u32,
}

/// A token as it is kept.
#[derive(Debug, Clone)]
pub struct CachedToken {
    /// The token.
    pub secret: AccessSecret,
    /// When it was asked for.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Where it is good, as Zoho said.
    pub api_domain: Option<String>,
    /// What it may do, where Zoho said it.
    pub scopes: Option<Vec<String>>,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    v: String,
    access_token: Option<String>,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    api_domain: Option<String>,
    scopes: Option<Vec<String>>,
    not_before: Option<Timestamp>,
    throttled: u32,
}

impl Drop for Form {
    fn drop(&mut self) {
        drop(self.access_token.take().map(Zeroizing::new));
    }
}

impl TokenCache {
    /// Makes the directory where it is missing, and checks it.
    pub fn open(directory: &Path) -> Result<Self, FileProblem> {
        create_directory_private(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// The place of a sign-in's token.
    pub fn slot(&self, accounts_url: &str, client: &ClientId, refresh: &RefreshToken) -> Slot {
        let mut hash = Sha256::new();
        // With lengths, so that no two sign-ins come to the same bytes.
        for part in [VERSION, accounts_url, client.as_str(), refresh.expose()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let hash: [u8; 32] = hash.finalize().into();
        Slot { file: self.directory.join(format!("{}.json", Hash::new(hash))) }
    }
}

impl Slot {
    /// The lock that whoever asks Zoho for a token holds. It is never removed.
    pub fn lock(&self) -> PathBuf {
        self.file.with_extension("lock")
    }

    /// What is kept; `Err` is a warning, and the file is replaced by the next token.
    pub fn read(&self) -> Result<Cached, String> {
        let place = shell_quoted(&self.file);
        let bytes = match read_secret(&self.file, Sharing::OwnerOnly, FILE_MAX) {
            Err(problem) if problem.is_missing() => return Ok(Cached::default()),
            Err(problem) => return Err(format!("the cached token is not used: {problem}")),
            Ok(bytes) => Zeroizing::new(bytes),
        };
        // The parser's own words quote the file.
        parse(&bytes).ok_or_else(|| format!("the cached token {place} is damaged and not used"))
    }

    /// Keeps it, in one step. *Crash before:* the token is lost, and the next run asks for another one.
    pub fn write(&self, cached: &Cached) -> Result<(), String> {
        let not_kept = |why: &str| format!("the access token is not kept for the next run: {why}");
        let form = form(cached);
        let bytes = serde_json::to_vec(&form).map_err(|_| not_kept("it has no form"))?;
        let bytes = Zeroizing::new(bytes);
        write_atomically(&self.file, &bytes, Sharing::OwnerOnly)
            .map_err(|error| not_kept(&format!("{}: {error}", shell_quoted(&self.file))))
    }

    /// Forgets it; `Err` is a warning. Under the lock, since whoever asks Zoho just now would put a token
    /// back; but not for ever: a stopped process may hold it.
    pub fn clear(&self, holder: &Holder) -> Result<(), String> {
        self.clear_within(CLEAR_PATIENCE, holder)
    }

    fn clear_within(&self, patience: Duration, holder: &Holder) -> Result<(), String> {
        let lock = self.locked_within(patience, holder);
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("remove {}: {error}", shell_quoted(&self.file)))
            }
            Ok(()) | Err(_) => lock.map(drop),
        }
    }

    /// The lock, waited for on a thread of its own: nothing can interrupt the system call.
    fn locked_within(&self, patience: Duration, holder: &Holder) -> Result<OsLock, String> {
        let (sender, receiver) = mpsc::channel();
        let (path, holder) = (self.lock(), holder.clone());
        // When nobody waits any more the lock goes with the value that comes back.
        let wait = move || drop(sender.send(OsLock::acquire(&path, &holder)));
        let started = std::thread::Builder::new().name("token-lock".to_owned()).spawn(wait);
        started.map_err(|error| format!("the token cache is used without its lock: {error}"))?;
        match receiver.recv_timeout(patience) {
            Ok(locked) => locked
                .map_err(|problem| format!("the token cache is used without its lock: {problem}")),
            Err(_) => Err(format!(
                "another process holds the token cache, and may put a token into it again: {}",
                shell_quoted(&self.file)
            )),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Cached> {
    let mut form: Form = serde_json::from_slice(bytes).ok()?;
    if form.v != VERSION {
        return None;
    }
    let text = form.access_token.take().map(Zeroizing::new);
    let token = match (text, form.issued_at, form.expires_at) {
        (Some(text), Some(issued_at), Some(expires_at)) => Some(CachedToken {
            secret: AccessSecret::new(&text).ok()?,
            issued_at,
            expires_at,
            api_domain: form.api_domain.take(),
            scopes: form.scopes.take(),
        }),
        (None, None, None) => None,
        _ => return None,
    };
    Some(Cached { token, not_before: form.not_before, throttled: form.throttled })
}

fn form(cached: &Cached) -> Form {
    let token = cached.token.as_ref();
    Form {
        v: VERSION.to_owned(),
        access_token: token.map(|token| token.secret.expose().to_owned()),
        issued_at: token.map(|token| token.issued_at),
        expires_at: token.map(|token| token.expires_at),
        api_domain: token.and_then(|token| token.api_domain.clone()),
        scopes: token.and_then(|token| token.scopes.clone()),
        not_before: cached.not_before,
        throttled: cached.throttled,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn slot_of(cache: &TokenCache, accounts: &str, client: &str, refresh: &str) -> Slot {
        let client = ClientId::new(client).unwrap();
        cache.slot(accounts, &client, &RefreshToken::new(refresh).unwrap())
    }

    fn cache() -> (tempfile::TempDir, TokenCache, Slot) {
        let place = tempfile::tempdir().unwrap();
        let cache = TokenCache::open(&place.path().join("tokens")).unwrap();
        let slot = slot_of(&cache, "https://accounts.zoho.eu", "1000.ID", "1000.canary");
        (place, cache, slot)
    }

    fn kept() -> Cached {
        let token = CachedToken {
            secret: AccessSecret::new("1000.token").unwrap(),
            issued_at: Timestamp::from_millis(1_000),
            expires_at: Timestamp::from_millis(3_601_000),
            api_domain: Some("https://www.zohoapis.eu".to_owned()),
            scopes: Some(vec!["ZohoCRM.org.READ".to_owned()]),
        };
        Cached { token: Some(token), not_before: Some(Timestamp::from_millis(7)), throttled: 2 }
    }

    #[test]
    fn what_is_kept_is_read_back_by_its_owner_only() {
        let (place, _cache, slot) = cache();
        assert!(slot.read().unwrap().token.is_none());
        slot.write(&kept()).unwrap();
        let read = slot.read().unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", kept()));
        assert_eq!(read.token.unwrap().secret.expose(), "1000.token");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&slot.file), 0o600);
        assert_eq!(mode(&place.path().join("tokens")), 0o700);
        slot.clear(&holder()).unwrap();
        slot.clear(&holder()).unwrap();
        assert!(slot.read().unwrap().token.is_none());
    }

    fn holder() -> Holder {
        Holder::this_process("sign in", Timestamp::from_millis(0))
    }

    #[test]
    fn a_token_is_forgotten_under_the_lock_of_whoever_renews_it() {
        let (_place, _cache, slot) = cache();
        slot.write(&kept()).unwrap();
        let held = OsLock::acquire(&slot.lock(), &holder()).unwrap();
        let warning = slot.clear_within(Duration::ZERO, &holder()).unwrap_err();
        assert!(warning.contains("another process holds the token cache"), "{warning}");
        assert!(slot.read().unwrap().token.is_none());
        drop(held);
        slot.clear(&holder()).unwrap();
    }

    #[test]
    fn each_sign_in_has_a_place_of_its_own_that_does_not_name_it() {
        let (_place, cache, slot) = cache();
        let name = slot.file.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(name.len(), 64 + ".json".len());
        let other = |accounts: &str, client: &str, refresh: &str| {
            slot_of(&cache, accounts, client, refresh).file != slot.file
        };
        assert!(other("https://accounts.zoho.com", "1000.ID", "1000.canary"));
        assert!(other("https://accounts.zoho.eu", "1000.I", "D1000.canary"));
        assert!(other("https://accounts.zoho.eu", "1000.ID", "1000.other"));
    }

    #[test]
    fn a_damaged_or_open_file_is_not_used_and_then_replaced() {
        let (_place, _cache, slot) = cache();
        for damaged in [
            "",
            "{",
            "[]",
            "{\"v\":\"zoho-journal/token@2\",\"throttled\":0}",
            "{\"v\":\"zoho-journal/token@1\",\"throttled\":0,\"access_token\":\"canary\"}",
            "{\"v\":\"zoho-journal/token@1\",\"throttled\":0,\"canary\":1}",
            "{\"v\":\"zoho-journal/token@1\",\"throttled\":0,\"access_token\":\"can\\nary\",\
             \"issued_at\":\"2026-08-22T10:00:00Z\",\"expires_at\":\"2026-08-22T11:00:00Z\"}",
        ] {
            write_atomically(&slot.file, damaged.as_bytes(), Sharing::OwnerOnly).unwrap();
            let warning = slot.read().unwrap_err();
            assert!(warning.contains("damaged") && !warning.contains("canary"), "{warning}");
        }
        slot.write(&kept()).unwrap();
        fs::set_permissions(&slot.file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(slot.read().unwrap_err().contains("can be read by others"));
        slot.write(&kept()).unwrap();
        assert!(slot.read().unwrap().token.is_some());
    }
}
