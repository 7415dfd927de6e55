//! To whom full snapshots are encrypted, as far as it can be told without any cryptography.

use std::fmt;
use std::str::FromStr;

/// What a recipient begins with.
const PREFIX: &str = "age1";
/// The 32 bytes of a key and a checksum, in the 32 characters of Bech32.
const CHARACTERS: usize = 58;
/// How many of them are the checksum.
const CHECKSUM: usize = 6;
const BECH32: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// 2^255 - 19, with the low byte first: below it lie the keys that are written in the one right way.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};
/// The points of small order on Curve25519, but for 0, 1 and -1: whatever secret is used with them, what comes out is
/// known to everybody (RFC 7748, section 6.1).
const KNOWN_TO_ALL: [[u8; 32]; 2] = [
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
];

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

    /// Whether there can be a secret key of it that one person has and others do not. What has only the form of a key
    /// may be one that no secret belongs to, or every secret.
    pub fn can_be_somebodys(&self) -> bool {
        let key = self.bytes();
        let small = |value: u8| {
            let mut bytes = [0; 32];
            bytes[0] = value;
            bytes
        };
        let mut last = PRIME;
        last[0] = 0xec;
        let known =
            [small(0), small(1), last].into_iter().chain(KNOWN_TO_ALL).any(|one| one == key);
        key.iter().rev().lt(PRIME.iter().rev()) && !known
    }

    /// The 32 bytes that it stands for.
    fn bytes(&self) -> [u8; 32] {
        let data =
            self.0.strip_prefix(PREFIX).unwrap_or_default().chars().take(CHARACTERS - CHECKSUM);
        let bits = data.flat_map(|character| {
            let value = BECH32.find(character).unwrap_or_default();
            (0..5).rev().map(move |bit| value >> bit & 1 == 1)
        });
        let mut bytes = [0; 32];
        // Four bits are left over: 52 characters hold 260 of them.
        for (bit, place) in bits.zip((0..256).map(|at| (at / 8, 7 - at % 8))) {
            if let (true, Some(byte)) = (bit, bytes.get_mut(place.0)) {
                *byte |= 1_u8 << place.1;
            }
        }
        bytes
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
    /// Such a key is none of anybody's: 0, 1, -1, the two of order 8, and what is not below the prime.
    #[test]
    fn a_key_that_belongs_to_nobody_or_to_everybody_is_told() {
        for key in [
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
            "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
            "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
            "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8",
            "age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m",
            "age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy",
            "age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv",
            "age1pyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqyr3apl",
        ] {
            assert!(!key.parse::<Recipient>().unwrap().can_be_somebodys(), "{key}");
        }
        let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        assert!(key.parse::<Recipient>().unwrap().can_be_somebodys());
    }
}
