//! What is signed where one signature approves several requests: a list of hashes, one a request.
//!
//! Each is the SHA-256 of a text of its own, which says what is approved as it does where one request is signed
//! alone, and ends with a salt. So whoever checks one of the requests needs the list and that request's text, and
//! learns nothing of the others; and what is erased of one leaves the others' approvals whole.

use std::fmt;
use std::str::FromStr;

use crate::domain::approval_text::ApprovalText;
use crate::domain::id::RequestId;
use crate::domain::merkle::Hash;
use crate::domain::seal::Salt;

/// The first line, which no other text that people sign has.
pub const HEADER: &str = "zoho-journal/approvals@1";

/// One signature is for so many requests at most.
pub const MOST_REQUESTS: usize = 1000;

/// What is approved of one request.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// As where it is signed alone.
    pub text: ApprovalText<'a>,
    /// The salt of the sealed reason: random, kept beside the log, erased with the reason.
    pub salt: &'a Salt,
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}salt: {}", self.text, Hash::new(*self.salt.bytes()))
    }
}

/// The list, which is what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalList {
    journal: String,
    /// Ascending by request.
    parts: Vec<(RequestId, Hash)>,
}

impl ApprovalList {
    /// The list of these requests, each with its text.
    pub fn new(journal: &str, texts: &[(RequestId, String)]) -> Self {
        let hash = |(request, text): &(RequestId, String)| (*request, Hash::of(text.as_bytes()));
        let mut parts: Vec<(RequestId, Hash)> = texts.iter().map(hash).collect();
        parts.sort_unstable_by_key(|(request, _)| *request);
        Self { journal: journal.to_owned(), parts }
    }

    /// Whether it approves this request with this text.
    pub fn holds(&self, request: RequestId, text: &str) -> bool {
        self.parts.contains(&(request, Hash::of(text.as_bytes())))
    }

    /// The requests with the hashes of their texts.
    pub fn parts(&self) -> &[(RequestId, Hash)] {
        &self.parts
    }
}

impl fmt::Display for ApprovalList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journal, parts } = self;
        writeln!(f, "{HEADER}\njournal: zoho-journal/{journal}\nrequests: {}", parts.len())?;
        parts.iter().try_for_each(|(request, hash)| writeln!(f, "{request}: sha256 {hash}"))
    }
}

/// A text is no such list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no list of requests to approve")]
pub struct NoList;

impl FromStr for ApprovalList {
    type Err = NoList;

    /// Exactly what is written, and nothing else.
    fn from_str(text: &str) -> Result<Self, NoList> {
        let mut lines = text.lines().skip(1);
        let journal = lines.next().and_then(|line| line.strip_prefix("journal: zoho-journal/"));
        let journal = journal.ok_or(NoList)?.to_owned();
        let part = |line: &str| {
            let (request, hash) = line.split_once(": sha256 ")?;
            Some((request.parse().ok()?, hash.parse().ok()?))
        };
        let parts = lines.skip(1).map(part).collect::<Option<Vec<_>>>().ok_or(NoList)?;
        let list = Self { journal, parts };
        let ascending = list.parts.is_sorted_by(|(one, _), (other, _)| one < other);
        if ascending && list.to_string() == text { Ok(list) } else { Err(NoList) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> ApprovalList {
        let texts = [(RequestId::new(12), "b".to_owned()), (RequestId::new(3), "a".to_owned())];
        ApprovalList::new("x", &texts)
    }

    #[test]
    fn a_list_is_pinned_and_reads_back() {
        let text = "zoho-journal/approvals@1\njournal: zoho-journal/x\nrequests: 2\n\
            R3: sha256 ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\n\
            R12: sha256 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\n";
        assert_eq!(list().to_string(), text);
        assert_eq!(text.parse(), Ok(list()));
        assert!(list().holds(RequestId::new(3), "a") && !list().holds(RequestId::new(12), "a"));
    }

    #[test]
    fn what_says_more_or_less_is_no_list() {
        let text = list().to_string();
        for other in [
            text.replace("requests: 2", "requests: 3"),
            text.replace("approvals@1", "approval@1"),
            text.replace("R3", "r3"),
            text.replace("ca97", "CA97"),
            text.replace("R12", "R3"),
            text.replace("R12", "R2"),
            format!("{text}\n"),
            text.trim_end().to_owned(),
            String::new(),
        ] {
            assert_eq!(other.parse::<ApprovalList>(), Err(NoList), "{other}");
        }
    }
}
