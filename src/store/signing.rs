//! Signed approvals: what is to be signed, and whether what was signed is that.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::approval_text::{ApprovalText, NAMESPACE, Subject};
use crate::domain::event::{Event, RequestApproved};
use crate::domain::id::{EventSeq, PolicyId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::seal::{Salt, seal};
use crate::domain::sshsig::{SshSignature, Verdict};
use crate::store::audit::Audit;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::{Reader, log};

/// A signature that was held against a list of allowed signers.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The text that it was checked with.
    pub text: &'a str,
    /// The signature in its armour.
    pub armoured: &'a str,
    /// SHA-256 in hex of the list.
    pub allowed_signers: &'a str,
}

/// What the journal keeps of a signed approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptSignature {
    /// The signature and the text that it must be of.
    Whole {
        /// The signature in its armour.
        armoured: String,
        /// The text, as the log gives it.
        text: String,
    },
    /// The signature, or something that its text names, was erased.
    Erased,
}

impl KeptSignature {
    /// What the signature says about its text; `None` once either is erased.
    pub fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Whole { armoured, text } => {
                let parsed = SshSignature::parse(armoured);
                Some(parsed.map_or(Verdict::Bad, |one| one.check(NAMESPACE, text)))
            }
            Self::Erased => None,
        }
    }
}

/// The key that signed an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedWith {
    /// Its fingerprint.
    Key(String),
    /// The signature, and with it the key, was erased.
    Erased,
}

impl SignedWith {
    /// The fingerprint, while it is there.
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Erased => None,
        }
    }
}

impl fmt::Display for SignedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fingerprint().unwrap_or("a key that was erased"))
    }
}

/// The key that signed an approval; `None` for one that is not signed.
pub(crate) fn signed_with(
    conn: &Connection,
    seq: EventSeq,
    signed: bool,
) -> Result<Option<SignedWith>> {
    if !signed {
        return Ok(None);
    }
    let armoured = log::opened(conn, seq, "signature")?;
    let key = armoured.and_then(|one| SshSignature::parse(&one).ok());
    Ok(Some(key.map_or(SignedWith::Erased, |key| SignedWith::Key(key.fingerprint()))))
}

/// Which event is approved, and after which approval.
#[derive(Debug, Clone, Copy)]
struct About {
    asked: EventSeq,
    earlier: Option<EventSeq>,
}

/// The text to sign; `None` once something that it names is erased. `before` bounds what was known then.
fn text_of(conn: &Connection, about: About, before: Option<EventSeq>) -> Result<Option<String>> {
    let created = log::event(conn, EventSeq::new(0))?.decode()?;
    let Event::JournalCreated(created) = created.event else {
        return Err(StoreError::corrupt("event", "the first does not make a journal".to_owned()));
    };
    let bound: Option<i64> = conn
        .prepare_cached("-- bound_before\nSELECT bound_seq FROM binding WHERE bound_seq < :before")
        .and_then(|mut statement| {
            let before = before.map_or(i64::MAX, EventSeq::get);
            statement.query_row(named_params! {":before": before}, |row| row.get(0)).optional()
        })
        .doing("reading whom the journal belongs to")?;
    let org = match bound {
        Some(seq) => match log::opened(conn, EventSeq::new(seq), "org")? {
            Some(org) => Some(org),
            None => return Ok(None),
        },
        None => None,
    };
    let Some(reason) = log::opened(conn, about.asked, "reason")? else { return Ok(None) };
    let stored = log::event(conn, about.asked)?;
    let asked = stored.decode()?.event;
    let subject = if let Event::RequestRecorded(data) = &asked {
        Subject::Request(data, about.earlier)
    } else if let Event::PolicySet(data) = &asked {
        Subject::Policy(data)
    } else {
        return Err(StoreError::corrupt("event", "it asks for nothing".to_owned()));
    };
    let (journal, org) = (created.journal.as_str(), org.as_deref());
    let text = ApprovalText { journal, org, subject, content: stored.leaf, reason: &reason };
    Ok(Some(text.to_string()))
}

/// The text to sign for a request as it stands.
pub(crate) fn request_text(conn: &Connection, request: RequestId) -> Result<Option<String>> {
    let (asked, earlier) = conn
        .prepare_cached("-- signed_request\nSELECT seq, approved_seq FROM request WHERE id = :id")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":id": Sql(request)}, |row| {
                    let earlier = row.get::<_, Option<Sql<_>>>(1)?.map(|Sql(seq)| seq);
                    Ok((row.get::<_, Sql<_>>(0)?.0, earlier))
                })
                .optional()
        })
        .doing("reading a request")?
        .ok_or_else(|| StoreError::NotFound(request.to_string()))?;
    text_of(conn, About { asked, earlier }, None)
}

/// The text to sign for a proposed policy.
pub(crate) fn policy_text(conn: &Connection, policy: PolicyId) -> Result<Option<String>> {
    let Sql(asked) = conn
        .prepare_cached("-- signed_policy\nSELECT seq FROM policy WHERE id = :id")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":id": Sql(policy)}, |row| row.get(0)).optional()
        })
        .doing("reading a policy")?
        .ok_or_else(|| StoreError::NotFound(policy.to_string()))?;
    text_of(conn, About { asked, earlier: None }, None)
}

/// What the journal keeps of an approval's signature.
fn kept(conn: &Connection, about: About, seq: EventSeq) -> Result<KeptSignature> {
    let armoured = log::opened(conn, seq, "signature")?;
    let text = text_of(conn, about, Some(seq))?;
    Ok(armoured
        .zip(text)
        .map_or(KeptSignature::Erased, |(armoured, text)| KeptSignature::Whole { armoured, text }))
}

/// Whether the signature that is kept is the one that the event sealed.
fn is_whole(conn: &Connection, seq: EventSeq, sealed: Option<Hash>) -> Result<bool> {
    let kept: Option<(Option<[u8; 32]>, Option<String>)> = conn
        .prepare_cached(
            "-- kept_signature\nSELECT salt, value FROM sealed
             WHERE seq = :seq AND field = 'signature'",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":seq": Sql(seq)}, |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .doing("reading a signature")?;
    let Some((Some(salt), Some(armoured))) = kept else { return Ok(false) };
    Ok(sealed == Some(seal(&Salt::new(salt), "signature", &armoured)))
}

/// Whether an approval is signed, and the signature is of what is approved. Of a key that only `ssh-keygen` checks,
/// what counts is that it was checked before it was recorded. What is erased cannot be held against anything.
pub(crate) fn is_signed(conn: &Connection, asked: EventSeq, approved: EventSeq) -> Result<bool> {
    let Event::RequestApproved(event) = log::event(conn, approved)?.decode()?.event else {
        return Err(StoreError::corrupt("request", format!("event {approved} approves nothing")));
    };
    if !is_whole(conn, approved, event.signature)? {
        return Ok(false);
    }
    let verdict = kept(conn, About { asked, earlier: event.earlier }, approved)?.verdict();
    Ok(matches!(verdict, Some(Verdict::Good | Verdict::NotChecked)))
}

impl Reader {
    /// What whoever approves a request signs; `None` once something that it names is erased.
    pub fn text_to_sign(&self, request: RequestId) -> Result<Option<String>> {
        request_text(&self.conn, request)
    }

    /// The same for a proposed policy.
    pub fn policy_to_sign(&self, policy: PolicyId) -> Result<Option<String>> {
        policy_text(&self.conn, policy)
    }

    /// Whether a request's newest approval is signed.
    pub fn has_signed_approval(&self, request: RequestId) -> Result<bool> {
        let found: Option<(Sql<EventSeq>, Sql<EventSeq>)> = self
            .conn
            .prepare_cached(
                "-- signed_approval\nSELECT seq, approved_seq FROM request
                 WHERE id = :id AND approved_seq IS NOT NULL",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":id": Sql(request)}, |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()
            })
            .doing("reading a request")?;
        found.map_or(Ok(false), |(Sql(asked), Sql(seq))| is_signed(&self.conn, asked, seq))
    }
}

impl Audit<'_> {
    /// What the journal keeps of the signature of a request's approval.
    pub fn signature_of_request(
        &self,
        asked: EventSeq,
        seq: EventSeq,
        event: &RequestApproved,
    ) -> Result<KeptSignature> {
        kept(self.conn, About { asked, earlier: event.earlier }, seq)
    }

    /// The same of a policy's.
    pub fn signature_of_policy(&self, asked: EventSeq, seq: EventSeq) -> Result<KeptSignature> {
        kept(self.conn, About { asked, earlier: None }, seq)
    }
}
