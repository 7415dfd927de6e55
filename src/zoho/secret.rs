//! Secrets, a type each: none can be shown, written down or taken for another by mistake.
//!
//! They are wiped from memory when they are dropped. That is best effort: what an HTTP library copied
//! while sending is its own.

use std::fmt;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// Longer than any credential of Zoho's, which have some 70 characters.
pub const SECRET_MAX: usize = 4096;

/// The text cannot be such a secret. It is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing but blanks.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// Blanks, line ends, control characters or other alphabets within it.
    #[error(
        "the {0} holds blanks or characters that no credential has: was it copied whole, and alone?"
    )]
    Characters(&'static str),
    /// Longer than [`SECRET_MAX`].
    #[error("the {0} is longer than {SECRET_MAX} characters: that is something else")]
    TooLong(&'static str),
}

/// The text without the blanks around it, when it can stand in a header or a form.
fn checked<'a>(text: &'a str, what: &'static str) -> Result<&'a str, SecretError> {
    let text = text.trim();
    if text.is_empty() {
        Err(SecretError::Empty(what))
    } else if text.len() > SECRET_MAX {
        Err(SecretError::TooLong(what))
    } else if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(SecretError::Characters(what))
    }
}

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes a text, without the blanks around it.
            pub fn new(text: &str) -> Result<Self, SecretError> {
                checked(text, $what).map(|text| Self(SecretString::from(text)))
            }

            /// The secret itself, for the one place that sends or stores it.
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// The same, still wrapped.
            pub const fn as_secret(&self) -> &SecretString {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            /// Without the secret.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

secrets! {
    /// The secret of the OAuth client. It may differ from data centre to data centre (accounts page
    /// "Multi-DC support").
    ClientSecret, "client secret";
    /// What gives access tokens until it is revoked (CRM v8 token validity page).
    RefreshToken, "refresh token";
    /// What gives a refresh token, once and within minutes (Self Client page).
    GrantCode, "grant code";
    /// What calls carry, for an hour (CRM v8 token validity page).
    AccessSecret, "access token";
}

/// Who the program is to Zoho. Not secret, but nobody's business either.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// Takes a text, without the blanks around it.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        checked(text, "client id").map(|text| Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientId {
    /// Without the id, so that a client secret that was pasted in its place does not show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientId(…)")
    }
}

/// An OAuth client: who, and the proof of it.
#[derive(Debug, Clone)]
pub struct ClientKey {
    /// Who.
    pub id: ClientId,
    /// The proof.
    pub secret: ClientSecret,
}

/// Text that is wiped when it is dropped, for what holds a secret among other things.
pub type WipedText = Zeroizing<String>;
/// Bytes that are wiped when they are dropped.
pub type WipedBytes = Zeroizing<Vec<u8>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_ever_shown() {
        let key = ClientKey {
            id: ClientId::new("1000.canary").unwrap(),
            secret: ClientSecret::new("canary").unwrap(),
        };
        let all = (
            key,
            RefreshToken::new("canary").unwrap(),
            GrantCode::new("canary").unwrap(),
            AccessSecret::new("canary").unwrap(),
        );
        assert!(!format!("{all:?} {all:#?}").contains("canary"));
    }

    #[test]
    fn what_cannot_be_a_credential_is_refused_without_being_shown() {
        assert_eq!(RefreshToken::new(" 1000.a\n").unwrap().expose(), "1000.a");
        for (text, error) in [
            ("", SecretError::Empty("refresh token")),
            (" \n", SecretError::Empty("refresh token")),
            ("canary canary", SecretError::Characters("refresh token")),
            ("canary\r\nx-header: 1", SecretError::Characters("refresh token")),
            ("canäry", SecretError::Characters("refresh token")),
            ("canary\0", SecretError::Characters("refresh token")),
        ] {
            let found = RefreshToken::new(text).unwrap_err();
            assert_eq!(found, error);
            assert!(!found.to_string().contains("canary"));
        }
        let long = "a".repeat(SECRET_MAX + 1);
        assert_eq!(GrantCode::new(&long).unwrap_err(), SecretError::TooLong("grant code"));
    }
}
