//! To whom full snapshots are encrypted, as far as it can be told without any cryptography.

use std::fmt;
use std::str::FromStr;

/// What a recipient begins with.
const PREFIX: &str = "age1";
/// The 32 bytes of a key and a checksum, in the 32 characters of Bech32.
const CHARACTERS: usize = 58;
const BECH32: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// A public key in the age format, `age1…`: the one that `age-keygen` prints.
///
/// It has the form of one. Whether it is one is told by who encrypts to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient(String);

impl Recipient {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("AGE-SECRET-KEY-") {
            // Never shown again, nor kept.
            return Err("that is a secret key: give the public one, age1…, that `age-keygen -y` prints of it"
                .to_owned());
        }
        let key = text.strip_prefix(PREFIX);
        if key.is_some_and(|key| {
            key.len() == CHARACTERS && key.chars().all(|character| BECH32.contains(character))
        }) {
            Ok(Self(text.to_owned()))
        } else {
            Err("not an age recipient: age1 and 58 more lower-case letters and digits, as `age-keygen` prints \
                 it (keys of SSH, of plug-ins and post-quantum ones are not taken)"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_of_a_public_key_is_taken_and_a_secret_one_is_never_shown() {
        let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        assert_eq!(key.parse::<Recipient>().unwrap().to_string(), key);
        for bad in
            ["", "age1", "ssh-ed25519 AAAA", &key.to_uppercase(), &key[..61], &format!("{key}q")]
        {
            assert!(
                bad.parse::<Recipient>().unwrap_err().starts_with("not an age recipient"),
                "{bad}"
            );
        }
        let secret = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
        let error = secret.parse::<Recipient>().unwrap_err();
        assert!(error.contains("secret key") && !error.contains("GFPYY"), "{error}");
    }
}
