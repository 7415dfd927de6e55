//! Encrypting a whole record to somebody's key, in memory: the only place that names the crate `age`.
//!
//! It is in the program only where it was built with the feature `full-snapshot`; without it nothing can be
//! encrypted, and whoever wants a full snapshot is refused.

use secrecy::SecretString;

use crate::domain::recipient::Recipient;

/// Whether this program can encrypt at all.
pub const AVAILABLE: bool = cfg!(feature = "full-snapshot");

/// How to build one that can.
pub const HOW_TO_BUILD: &str = "build it with: cargo install --path . --features full-snapshot";

/// Why nothing was encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// It was built without.
    #[error("this program was built without full snapshots")]
    NotBuilt,
    /// The key has the form of one, and is none.
    #[error("\"{0}\" is no age recipient: a character of it is wrong or missing")]
    BadRecipient(Recipient),
    /// The key is a number that is no person's: what is encrypted to it could be read by everybody, or by nobody.
    #[error("\"{0}\" is no age recipient: nobody has a secret key to it, or everybody has")]
    NobodysKey(Recipient),
    /// The crate says so. Its words name the key at most.
    #[error("encrypting failed: {0}")]
    Failed(String),
}

/// Whether a key is one.
pub fn check(recipient: &Recipient) -> Result<(), SealingError> {
    age::key(recipient).map(drop)
}

/// One age file that holds this text, for nobody but who has the recipient's secret key.
pub fn seal(recipient: &Recipient, text: &SecretString) -> Result<Vec<u8>, SealingError> {
    age::encrypt(recipient, text)
}

#[cfg(feature = "full-snapshot")]
mod age {
    use ::age::x25519;
    use secrecy::{ExposeSecret, SecretString};

    use crate::domain::recipient::Recipient;
    use crate::sealing::SealingError;

    pub(crate) fn key(recipient: &Recipient) -> Result<x25519::Recipient, SealingError> {
        let key = recipient.as_str().parse();
        let key = key.map_err(|_: &str| SealingError::BadRecipient(recipient.clone()))?;
        // The crate panics at some of them.
        if recipient.can_be_somebodys() {
            Ok(key)
        } else {
            Err(SealingError::NobodysKey(recipient.clone()))
        }
    }

    pub(crate) fn encrypt(
        recipient: &Recipient,
        text: &SecretString,
    ) -> Result<Vec<u8>, SealingError> {
        ::age::encrypt(&key(recipient)?, text.expose_secret().as_bytes())
            .map_err(|error| SealingError::Failed(error.to_string()))
    }
}

#[cfg(not(feature = "full-snapshot"))]
mod age {
    use secrecy::SecretString;

    use crate::domain::recipient::Recipient;
    use crate::sealing::SealingError;

    pub(crate) fn key(_: &Recipient) -> Result<(), SealingError> {
        Err(SealingError::NotBuilt)
    }

    pub(crate) fn encrypt(_: &Recipient, _: &SecretString) -> Result<Vec<u8>, SealingError> {
        Err(SealingError::NotBuilt)
    }
}

#[cfg(all(test, feature = "full-snapshot"))]
mod tests {
    use secrecy::SecretString;

    use crate::domain::recipient::Recipient;
    use crate::sealing::{SealingError, check, seal};

    #[test]
    fn what_is_encrypted_is_read_by_the_one_key_and_by_no_other() {
        let (mine, other) =
            (::age::x25519::Identity::generate(), ::age::x25519::Identity::generate());
        let recipient: Recipient = mine.to_public().to_string().parse().unwrap();
        check(&recipient).unwrap();
        let text = r#"{"id":"1","Email":"ann@example.com"}"#;
        let file = seal(&recipient, &SecretString::from(text)).unwrap();
        assert!(file.starts_with(b"age-encryption.org/v1\n-> X25519 "));
        assert!(!file.windows(7).any(|part| part == b"example"));
        assert_eq!(::age::decrypt(&mine, &file).unwrap(), text.as_bytes());
        assert!(::age::decrypt(&other, &file).is_err());
        // The same text never gives the same file.
        assert_ne!(seal(&recipient, &SecretString::from(text)).unwrap(), file);
    }

    #[test]
    fn a_key_with_a_wrong_character_is_refused() {
        let wrong: Recipient =
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8q".parse().unwrap();
        assert_eq!(check(&wrong), Err(SealingError::BadRecipient(wrong.clone())));
        assert_eq!(seal(&wrong, &SecretString::from("{}")), Err(SealingError::BadRecipient(wrong)));
    }

    #[test]
    fn nothing_is_encrypted_to_a_key_that_is_nobodys() {
        let zero: Recipient =
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z".parse().unwrap();
        assert_eq!(check(&zero), Err(SealingError::NobodysKey(zero.clone())));
        assert_eq!(seal(&zero, &SecretString::from("{}")), Err(SealingError::NobodysKey(zero)));
    }
}
