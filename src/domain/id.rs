//! Identifiers. Each is its own type, so that a batch number can never stand where an entry number belongs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a piece of text is not the id it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing, or blanks only.
    #[error("empty")]
    Empty,
    /// A spreadsheet turned the number into scientific notation, and with it lost digits.
    #[error("a spreadsheet turned this id into a rounded number; export it again as text")]
    Scientific,
    /// Something that is not a decimal digit.
    #[error("not a record id: only digits are allowed, with an optional zcrm_ before them")]
    NotDigits,
    /// Zoho's ids never begin with a zero, so a padded one was damaged on its way.
    #[error("not a record id: it begins with a zero")]
    LeadingZero,
    /// Fewer than 10 or more than 19 digits.
    #[error("not a record id: {0} digits, expected 10 to 19")]
    Length(usize),
    /// Nineteen digits, but above 2^63−1.
    #[error("not a record id: larger than 9223372036854775807")]
    TooLarge,
    /// A number of the journal's own (`E1`, `R1`, `B1`) that does not read as one.
    #[error("expected {0} and a number, as in {0}12")]
    Own(&'static str),
}

/// Zoho's id of a record, a tag or a user: 10–19 digits, no leading zero, at most 2^63−1.
///
/// JSON and CSV always carry it as text, since it exceeds what a double can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(i64);

impl RecordId {
    /// The smallest id: ten digits.
    const MIN: i64 = 1_000_000_000;

    /// Takes the stored number back; `None` when it is outside of what [`FromStr`] accepts.
    pub fn from_stored(value: i64) -> Option<Self> {
        (value >= Self::MIN).then_some(Self(value))
    }

    /// The number as SQLite stores it.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl FromStr for RecordId {
    type Err = IdError;

    /// Reads bare digits or Zoho's own export form, `zcrm_` before the digits. Blanks around it are
    /// ignored; nothing else is repaired.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let trimmed = text.trim();
        let digits = trimmed.strip_prefix("zcrm_").unwrap_or(trimmed);
        if digits.is_empty() {
            return Err(IdError::Empty);
        }
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(if is_scientific(digits) {
                IdError::Scientific
            } else {
                IdError::NotDigits
            });
        }
        if digits.starts_with('0') {
            return Err(IdError::LeadingZero);
        }
        if !(10..=19).contains(&digits.len()) {
            return Err(IdError::Length(digits.len()));
        }
        digits.parse().map(Self).map_err(|_| IdError::TooLarge)
    }
}

/// Whether the text reads as a number in scientific notation, as spreadsheets write long ids
/// (`4.10405E+17`, in some locales `4,10405E+17`).
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let number = |part: &str, extra: &[u8]| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || extra.contains(&b))
    };
    number(mantissa, b".,") && number(exponent, b"")
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Declares a number of the journal's own, shown and taken with its letter (`E1337`).
macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number; the first one is 1.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The bare number.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The one after it.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let lower = $letter.to_ascii_lowercase();
                text.strip_prefix($letter)
                    .or_else(|| text.strip_prefix(lower.as_str()))
                    .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                    .and_then(|digits| digits.parse().ok())
                    .filter(|number| *number >= 1)
                    .map(Self)
                    .ok_or(IdError::Own($letter))
            }
        }
    };
}

own_id!(
    /// The number of an entry: one item of a request. A request owns one contiguous range of them.
    EntryId,
    "E"
);
own_id!(
    /// The number of a request.
    RequestId,
    "R"
);
own_id!(
    /// The number of a batch: one write call.
    BatchId,
    "B"
);
own_id!(
    /// The number of a hold.
    HoldId,
    "H"
);
own_id!(
    /// The number of an approval policy that the journal itself sets, or that was proposed.
    PolicyId,
    "P"
);
own_id!(
    /// The number of a run of the reconciler; it is also the epoch that fences off a stale process.
    RunId,
    "run "
);

/// The position of an event in the log, counted from 0: the leaf index of RFC 6962.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventSeq(i64);

impl EventSeq {
    /// Wraps a leaf index.
    pub const fn new(index: i64) -> Self {
        Self(index)
    }

    /// The leaf index.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for EventSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The API name of a module, such as `Leads` or `Price_Books`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModuleName(String);

/// The text is no module's API name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a module's API name: letters, digits and _ only, as in Leads or Price_Books"
)]
pub struct ModuleNameError(String);

impl ModuleName {
    /// The API name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModuleName {
    type Err = ModuleNameError;

    /// The name becomes a path segment of a destructive call, so nothing but `[A-Za-z][A-Za-z0-9_]*`
    /// of at most 100 characters passes: no slash, no dot, no percent sign.
    fn from_str(text: &str) -> Result<Self, ModuleNameError> {
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if starts && plain && text.len() <= 100 {
            Ok(Self(text.to_owned()))
        } else {
            Err(ModuleNameError(text.escape_debug().take(60).collect()))
        }
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_are_read_strictly() {
        let read = |text: &str| text.parse::<RecordId>();
        assert_eq!(read("zcrm_410405000002264040").unwrap().get(), 410_405_000_002_264_040);
        assert_eq!(read(" 410405000002264040 ").unwrap().to_string(), "410405000002264040");
        assert_eq!(read("4.10405E+17"), Err(IdError::Scientific));
        assert_eq!(read("4,10405E+17"), Err(IdError::Scientific));
        assert_eq!(read(""), Err(IdError::Empty));
        assert_eq!(read("zcrm_"), Err(IdError::Empty));
        assert_eq!(read("Record Id"), Err(IdError::NotDigits));
        assert_eq!(read("-41040500000226"), Err(IdError::NotDigits));
        assert_eq!(read("0410405000002264040"), Err(IdError::LeadingZero));
        assert_eq!(read("123456789"), Err(IdError::Length(9)));
        assert_eq!(read("12345678901234567890"), Err(IdError::Length(20)));
        assert_eq!(read("9223372036854775807").unwrap().get(), i64::MAX);
        assert_eq!(read("9223372036854775808"), Err(IdError::TooLarge));
        assert_eq!(read("４１０４０５００００"), Err(IdError::NotDigits));
    }

    #[test]
    fn own_numbers_carry_their_letter() {
        assert_eq!("E1337".parse::<EntryId>().unwrap().get(), 1337);
        assert_eq!("r12".parse::<RequestId>().unwrap().to_string(), "R12");
        for wrong in ["1337", "E", "E0", "E-1", "E+1", "R12", "E1 "] {
            assert!(wrong.parse::<EntryId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn module_names_cannot_leave_their_path_segment() {
        assert!("Price_Books".parse::<ModuleName>().is_ok());
        for wrong in ["", "Leads/1", "../org", "Leads?x=1", "Le%61ds", "1Leads", "Léads", "a b"] {
            assert!(wrong.parse::<ModuleName>().is_err(), "{wrong}");
        }
    }
}
