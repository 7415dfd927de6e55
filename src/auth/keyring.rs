//! The platform's keyring: macOS Keychain, or the Secret Service of a Linux desktop.
//!
//! Read only. An entry's service is `zoho-journal PROFILE ACCOUNTS_URL`, so that no secret goes to another
//! accounts server than the one it is meant for; its user name is that of the item, `zoho_refresh_token`.

use keyring::Error;
use keyring::v1::Entry;

use crate::auth::sources::Item;
use crate::zoho::secret::WipedText;

/// Reads an item; `None` where the keyring has none, or where there is no keyring. The errors of a keyring
/// may hold what it stores, and are not repeated.
pub(super) fn read(
    profile: &str,
    accounts_url: &str,
    item: Item,
) -> Result<Option<WipedText>, String> {
    let service = format!("zoho-journal {profile} {accounts_url}");
    // A service or a bare console has no keyring, which is no reason to stop: it is the last place.
    let Ok(entry) = Entry::new(&service, item.credential()) else {
        return Ok(None);
    };
    match entry.get_password() {
        Ok(text) => Ok(Some(WipedText::new(text))),
        Err(Error::NoEntry | Error::NoStorageAccess(_)) => Ok(None),
        Err(Error::Ambiguous(_)) => Err(format!("{} stands in it twice", item.credential())),
        Err(_) => Err(format!("{} cannot be read", item.credential())),
    }
}
