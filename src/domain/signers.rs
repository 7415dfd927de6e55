//! Who may sign approvals with which key: what a policy keeps of a list in the form of ssh-keygen(1), ALLOWED SIGNERS.
//!
//! A list that a policy pins names each person and key. Patterns, certificate authorities and dates are refused: with
//! them nobody could say whether another list allows more, and what is allowed would change by itself.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use crate::domain::approval_text::NAMESPACE;
use crate::domain::merkle::Hash;

/// No journal has more approvers.
pub const MOST_SIGNERS: usize = 1000;

/// Begins the name of every kind of key that OpenSSH signs with.
const KINDS: &[&str] = &["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];

/// A name and a key that may sign under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signer {
    name: String,
    kind: String,
    key: Vec<u8>,
}

impl Signer {
    /// The name, as it is typed after `--as`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }
}

/// The fingerprint of a public key, as `ssh-keygen -l` prints it.
pub(crate) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// Names and keys, each pair once, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers(BTreeSet<Signer>);

/// A list that no policy can pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct SignersError {
    /// From 1; `None` for the whole list.
    line: Option<usize>,
    why: String,
}

impl Signers {
    /// Reads a list.
    pub fn parse(text: &str) -> Result<Self, SignersError> {
        let mut all = BTreeSet::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if !content.is_empty() && !content.starts_with('#') {
                let signers = signers(content);
                all.extend(signers.map_err(|why| SignersError { line: Some(line), why })?);
            }
        }
        let whole = |why: &str| Err(SignersError { line: None, why: why.to_owned() });
        match all.len() {
            0 => whole("it names nobody, so that nobody could approve anything"),
            1..=MOST_SIGNERS => Ok(Self(all)),
            _ => whole("it names more than 1,000 keys"),
        }
    }

    /// Whether a key may sign under a name.
    pub fn allows(&self, name: &str, key: &[u8]) -> bool {
        self.0.iter().any(|one| one.name == name && one.key == key)
    }

    /// Whether another list allows everything that this one does.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Signer> {
        self.0.iter()
    }

    /// The hash of the list as it is kept.
    pub fn hash(&self) -> Hash {
        Hash::of(self.to_string().as_bytes())
    }
}

/// In the form that `ssh-keygen` reads.
impl fmt::Display for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|Signer { name, kind, key }| {
            let quote = if name.contains(char::is_whitespace) { "\"" } else { "" };
            writeln!(f, "{quote}{name}{quote} {kind} {}", STANDARD.encode(key))
        })
    }
}

/// Takes the first word, which may hold blanks between quotes.
fn word(text: &str) -> Result<(&str, &str), String> {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    });
    if quoted && end.is_none() {
        return Err("a quote does not end".to_owned());
    }
    let (word, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
    Ok((word, rest.trim_start()))
}

fn is_kind(word: &str) -> bool {
    KINDS.iter().any(|kind| word.starts_with(kind))
}

/// The signers of one line: `NAME[,NAME]… [namespaces="…"] KIND KEY [comment]`.
fn signers(line: &str) -> Result<Vec<Signer>, String> {
    if line.contains("PRIVATE KEY") {
        return Err("that is a private key: give public ones, as in its .pub file".to_owned());
    }
    let (names, rest) = word(line)?;
    if is_kind(names) {
        return Err("the name of who signs is missing before the key".to_owned());
    }
    let (mut kind, mut rest) = word(rest)?;
    if kind.is_empty() {
        return Err("a name stands there, and no key after it".to_owned());
    }
    if !is_kind(kind) {
        options(kind)?;
        (kind, rest) = word(rest)?;
    }
    if !is_kind(kind) || kind.contains("-cert-") {
        return Err("after the name comes the kind of a key, as in ssh-ed25519".to_owned());
    }
    let (encoded, _) = word(rest)?;
    let key = STANDARD.decode(encoded).map_err(|_| "the key is not base64".to_owned())?;
    let inner = key
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?));
    if inner != Some(kind.as_bytes()) {
        return Err("the key is of another kind than the line says".to_owned());
    }
    let names = names.strip_prefix('"').and_then(|one| one.strip_suffix('"')).unwrap_or(names);
    let signer = |name: &str| {
        check_name(name)?;
        Ok(Signer { name: name.to_owned(), kind: kind.to_owned(), key: key.clone() })
    };
    names.split(',').map(signer).collect()
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.trim() != name {
        return Err("a name is empty, or has blanks around it".to_owned());
    }
    if name.contains(['*', '?', '!']) {
        return Err("a list that a policy pins names each person: no *, ? or !".to_owned());
    }
    if name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\' | '#')) {
        return Err("a name holds a character that none may hold".to_owned());
    }
    Ok(())
}

/// Only what limits a key to approvals of a journal.
fn options(text: &str) -> Result<(), String> {
    let namespaces = text.strip_prefix("namespaces=").map(|given| given.trim_matches('"'));
    let Some(namespaces) = namespaces.filter(|given| !given.contains('"')) else {
        return Err(
            "a list that a policy pins takes no option but namespaces=: no cert-authority, no dates"
                .to_owned(),
        );
    };
    if namespaces.split(',').any(|one| one == NAMESPACE || one == "*") {
        Ok(())
    } else {
        Err(format!("its namespaces leave {NAMESPACE} out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, seed: u8) -> String {
        let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
        STANDARD.encode([&length[..], kind.as_bytes(), &[seed; 36]].concat())
    }

    fn line(name: &str, seed: u8) -> String {
        format!("{name} ssh-ed25519 {}\n", key("ssh-ed25519", seed))
    }

    #[test]
    fn a_list_is_kept_in_one_form() {
        let text = format!(
            "# approvers\n\n{}  {}\"Bert Boss\" namespaces=\"file,zoho-journal-approval\" ssh-rsa {} his key\n",
            line("carla,anna@example.com", 1),
            line("carla", 1),
            key("ssh-rsa", 2)
        );
        let signers = Signers::parse(&text).unwrap();
        let one = key("ssh-ed25519", 1);
        let kept = format!(
            "\"Bert Boss\"|Bert Boss ssh-rsa {}\nanna@example.com ssh-ed25519 {one}\ncarla ssh-ed25519 {one}\n",
            key("ssh-rsa", 2)
        );
        let kept = kept.replace("|Bert Boss", "");
        assert_eq!(signers.to_string(), kept);
        assert_eq!(Signers::parse(&kept).unwrap(), signers);
        let blob = STANDARD.decode(&one).unwrap();
        assert!(signers.allows("carla", &blob) && !signers.allows("Carla", &blob));
        assert!(!signers.allows("Bert Boss", &blob));
    }

    #[test]
    fn a_list_that_only_leaves_signers_out_is_within_the_other() {
        let list = |text: String| Signers::parse(&text).unwrap();
        let both = list(line("anna", 1) + &line("bert", 2));
        let one = list(line("anna", 1));
        assert!(one.is_within(&both) && !both.is_within(&one) && both.is_within(&both));
        // The same person with another key is somebody else.
        assert!(!list(line("anna", 2)).is_within(&both));
        assert_ne!(one.hash(), both.hash());
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let ed25519 = key("ssh-ed25519", 1);
        for (text, why) in [
            (String::new(), "it names nobody"),
            (line("*@example.com", 1), "names each person"),
            (line("anna,!bert", 1), "names each person"),
            (line("anna,", 1), "a name is empty"),
            (format!("anna cert-authority ssh-ed25519 {ed25519}"), "no option but namespaces="),
            (format!("anna valid-before=\"20300101\" ssh-ed25519 {ed25519}"), "no option but"),
            (format!("anna namespaces=\"file\" ssh-ed25519 {ed25519}"), "leave zoho-journal"),
            (format!("anna namespaces=\"*\",cert-authority ssh-ed25519 {ed25519}"), "no option"),
            (format!("anna ssh-rsa {ed25519}"), "of another kind"),
            ("anna ssh-ed25519 ???".to_owned(), "not base64"),
            ("anna".to_owned(), "no key after it"),
            (format!("ssh-ed25519 {ed25519} anna@host"), "name of who signs is missing"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), "a private key"),
            (format!("\"anna ssh-ed25519 {ed25519}"), "a quote does not end"),
            ((0..=MOST_SIGNERS).map(|n| line(&format!("a{n}"), 1)).collect(), "more than 1,000"),
        ] {
            let told = Signers::parse(&text).unwrap_err().to_string();
            assert!(told.contains(why), "{text}: {told}");
        }
        let second = Signers::parse(&(line("anna", 1) + "bert\n")).unwrap_err();
        assert!(second.to_string().starts_with("line 2: "), "{second}");
    }
}
