//! Signed approvals: what is to be signed, and whether what was signed is that.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::approval_list::{ApprovalList, HEADER, Part};
use crate::domain::approval_text::{ApprovalText, NAMESPACE, Subject};
use crate::domain::event::{Event, RequestApproved};
use crate::domain::id::{EventSeq, PolicyId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::seal::{Salt, seal};
use crate::domain::signers::Signers;
use crate::domain::sshsig::{SshSignature, Verdict};
use crate::store::audit::Audit;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::{Reader, adopting, log, policy};

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

impl Signed<'_> {
    /// Whether it was held against this list, which allows its key to this name.
    pub(crate) fn is_allowed_by(&self, pinned: &Signers, who: &str) -> bool {
        pinned.hash().to_string() == self.allowed_signers && allows(pinned, who, self.armoured)
    }

    /// Whether it is of a list of requests.
    pub(crate) fn is_list(&self) -> bool {
        self.text.starts_with(HEADER)
    }
}

/// Whether a list allows the key of a signature to somebody.
pub(crate) fn allows(pinned: &Signers, who: &str, armoured: &str) -> bool {
    SshSignature::parse(armoured).is_ok_and(|one| pinned.allows(who, one.key()))
}

/// What whoever approves requests signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToSign {
    /// The text that is signed.
    pub signed: String,
    /// Where that is a list: each request with the text whose hash it holds.
    pub parts: Vec<(RequestId, String)>,
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
    /// The list that was signed does not hold what was approved.
    OfOthers,
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
            Self::OfOthers => Some(Verdict::Bad),
            Self::Erased => None,
        }
    }
}

/// A signed approval of a request, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedApproval {
    /// The request.
    pub request: RequestId,
    /// The event.
    pub seq: EventSeq,
    /// Who approved.
    pub who: String,
    /// The signature in its armour.
    pub armoured: String,
    /// What it is of.
    pub text: String,
    /// The fingerprint of its key.
    pub key: String,
}

impl SignedApproval {
    /// Whether a list allows its key to who approved.
    pub fn is_allowed_by(&self, list: &Signers) -> bool {
        allows(list, &self.who, &self.armoured)
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

/// An approval with its signature; `None` where it has none, or something of it was erased.
fn signed_approval(
    conn: &Connection,
    asked: EventSeq,
    seq: EventSeq,
    event: &RequestApproved,
) -> Result<Option<SignedApproval>> {
    let who = log::opened(conn, seq, "approved_by")?;
    let signature = kept(conn, asked, seq, event)?;
    let (KeptSignature::Whole { armoured, text }, Some(who)) = (signature, who) else {
        return Ok(None);
    };
    Ok(SshSignature::parse(&armoured).ok().map(|parsed| {
        let (request, key) = (event.request, parsed.fingerprint());
        SignedApproval { request, seq, who, armoured, text, key }
    }))
}

/// Which event is approved, and after which approval.
#[derive(Debug, Clone, Copy)]
struct About {
    asked: EventSeq,
    earlier: Option<EventSeq>,
}

/// Hands on what is to be signed, with the salt of the reason; `None` once something that it names is erased.
/// `before` bounds what was known then.
fn with_text<T>(
    conn: &Connection,
    about: About,
    before: Option<EventSeq>,
    make: impl FnOnce(ApprovalText<'_>, &Salt) -> T,
) -> Result<Option<T>> {
    let org = match bound_before(conn, before)? {
        Some(seq) => match log::opened(conn, seq, "org")? {
            Some(org) => Some(org),
            None => return Ok(None),
        },
        None => None,
    };
    let Some((salt, reason)) = kept_seal(conn, about.asked, "reason")? else { return Ok(None) };
    let stored = log::event(conn, about.asked)?;
    let asked = stored.decode()?.event;
    let full_recipient = log::opened(conn, about.asked, "full_recipient")?;
    if let (Event::RequestRecorded(data), None) = (&asked, &full_recipient)
        && data.full_recipient.is_some()
    {
        return Ok(None);
    }
    let signers = log::opened(conn, about.asked, "signers")?;
    let signers = signers.and_then(|list| Signers::parse(&list).ok());
    let subject = if let Event::RequestRecorded(data) = &asked {
        Subject::Request(data, about.earlier)
    } else if let Event::PolicySet(data) = &asked {
        Subject::Policy(data, signers.as_ref())
    } else {
        return Err(StoreError::corrupt("event", "it asks for nothing".to_owned()));
    };
    let (journal, org) = (journal_id(conn, before)?, org.as_deref());
    let content = stored.leaf;
    let (journal, reason, full_recipient) = (&journal, &reason, full_recipient.as_deref());
    let text = ApprovalText { journal, org, subject, content, reason, full_recipient };
    Ok(Some(make(text, &salt)))
}

/// The journal's id as it was then: an adopted journal is another one, and what was signed for one does not count in
/// the other.
fn journal_id(conn: &Connection, before: Option<EventSeq>) -> Result<String> {
    let mut adoptions = adopting::adoptions(conn)?.into_iter();
    let adopted = adoptions.rfind(|seq| before.is_none_or(|before| *seq < before));
    let named = log::event(conn, adopted.unwrap_or(EventSeq::new(0)))?.decode()?.event;
    if let Event::JournalCreated(created) = named {
        Ok(created.journal)
    } else if let Event::Adopted(adopted) = named {
        Ok(adopted.journal)
    } else {
        Err(StoreError::corrupt("event", "it does not make a journal".to_owned()))
    }
}

/// Where the journal met its org, if it had by then.
fn bound_before(conn: &Connection, before: Option<EventSeq>) -> Result<Option<EventSeq>> {
    conn.prepare_cached("-- bound_before\nSELECT bound_seq FROM binding WHERE bound_seq < :before")
        .and_then(|mut statement| {
            let before = before.map_or(i64::MAX, EventSeq::get);
            statement
                .query_row(named_params! {":before": before}, |row| row.get(0))
                .optional()
                .map(|seq| seq.map(EventSeq::new))
        })
        .doing("reading whom the journal belongs to")
}

/// Where a request was recorded, and its newest approval.
fn about_request(conn: &Connection, request: RequestId) -> Result<About> {
    conn.prepare_cached("-- signed_request\nSELECT seq, approved_seq FROM request WHERE id = :id")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":id": Sql(request)}, |row| {
                    let earlier = row.get::<_, Option<Sql<_>>>(1)?.map(|Sql(seq)| seq);
                    Ok(About { asked: row.get::<_, Sql<_>>(0)?.0, earlier })
                })
                .optional()
        })
        .doing("reading a request")?
        .ok_or_else(|| StoreError::NotFound(request.to_string()))
}

/// What is to be signed for requests as they stand: of one its text, of several the list of theirs.
pub(crate) fn text_to_sign(conn: &Connection, requests: &[RequestId]) -> Result<Option<ToSign>> {
    if let [request] = requests {
        let about = about_request(conn, *request)?;
        let text = with_text(conn, about, None, |text, _| text.to_string())?;
        return Ok(text.map(|signed| ToSign { signed, parts: Vec::new() }));
    }
    let mut parts = Vec::new();
    for request in requests {
        let about = about_request(conn, *request)?;
        let part = with_text(conn, about, None, |text, salt| Part { text, salt }.to_string())?;
        let Some(part) = part else { return Ok(None) };
        parts.push((*request, part));
    }
    parts.sort_unstable_by_key(|(request, _)| *request);
    let signed = ApprovalList::new(&journal_id(conn, None)?, &parts).to_string();
    Ok(Some(ToSign { signed, parts }))
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
    with_text(conn, About { asked, earlier: None }, None, |text, _| text.to_string())
}

/// What the journal keeps of the signature of a request's approval.
fn kept(
    conn: &Connection,
    asked: EventSeq,
    seq: EventSeq,
    event: &RequestApproved,
) -> Result<KeptSignature> {
    let about = About { asked, earlier: event.earlier };
    if event.signed_list.is_none() {
        return kept_alone(conn, about, seq);
    }
    let armoured = log::opened(conn, seq, "signature")?;
    let list = log::opened(conn, seq, "signed_list")?;
    let part = with_text(conn, about, Some(seq), |text, salt| Part { text, salt }.to_string())?;
    let (Some(armoured), Some(text), Some(part)) = (armoured, list, part) else {
        return Ok(KeptSignature::Erased);
    };
    let holds = |list: ApprovalList| list.holds(event.request, &part);
    Ok(if text.parse().is_ok_and(holds) {
        KeptSignature::Whole { armoured, text }
    } else {
        KeptSignature::OfOthers
    })
}

/// The same of one that was signed alone, or of a policy's.
fn kept_alone(conn: &Connection, about: About, seq: EventSeq) -> Result<KeptSignature> {
    let armoured = log::opened(conn, seq, "signature")?;
    let text = with_text(conn, about, Some(seq), |text, _| text.to_string())?;
    Ok(armoured
        .zip(text)
        .map_or(KeptSignature::Erased, |(armoured, text)| KeptSignature::Whole { armoured, text }))
}

/// The salt and value of a sealed field, while they are there.
fn kept_seal(conn: &Connection, seq: EventSeq, field: &str) -> Result<Option<(Salt, String)>> {
    let kept: Option<(Option<[u8; 32]>, Option<String>)> = conn
        .prepare_cached(
            "-- kept_seal\nSELECT salt, value FROM sealed WHERE seq = :seq AND field = :field",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":seq": Sql(seq), ":field": field}, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing("reading a sealed field")?;
    Ok(kept.and_then(|(salt, value)| Some((Salt::new(salt?), value?))))
}

/// The value of a sealed field, if it is the one that the event sealed.
pub(crate) fn whole(
    conn: &Connection,
    seq: EventSeq,
    field: &str,
    sealed: Hash,
) -> Result<Option<String>> {
    let kept = kept_seal(conn, seq, field)?;
    let whole = kept.filter(|(salt, value)| sealed == seal(salt, field, value));
    Ok(whole.map(|(_, value)| value))
}

/// Whether an approval is signed, the signature is of what is approved, and the list that is pinned now, if one is,
/// still allows its key to who approved. Of a key that only `ssh-keygen` checks, what counts is that it was checked
/// before it was recorded. What is erased cannot be held against anything.
pub(crate) fn is_signed(
    conn: &Connection,
    asked: EventSeq,
    approved: EventSeq,
    pinned: Option<&Signers>,
) -> Result<bool> {
    let Event::RequestApproved(event) = log::event(conn, approved)?.decode()?.event else {
        return Err(StoreError::corrupt("request", format!("event {approved} approves nothing")));
    };
    let sealed = |field, hash: Option<Hash>| match hash {
        Some(hash) => whole(conn, approved, field, hash),
        None => Ok(None),
    };
    let signature = sealed("signature", event.signature)?;
    let list = sealed("signed_list", event.signed_list)?;
    let who = sealed("approved_by", Some(event.approved_by))?;
    let Some(signature) = signature.filter(|_| list.is_some() == event.signed_list.is_some())
    else {
        return Ok(false);
    };
    let allowed =
        pinned.is_none_or(|pinned| who.is_some_and(|who| allows(pinned, &who, &signature)));
    let verdict = kept(conn, asked, approved, &event)?.verdict();
    Ok(allowed && matches!(verdict, Some(Verdict::Good | Verdict::NotChecked)))
}

impl Reader {
    /// What whoever approves requests signs; `None` once something that it names is erased.
    pub fn text_to_sign(&self, requests: &[RequestId]) -> Result<Option<ToSign>> {
        text_to_sign(&self.conn, requests)
    }

    /// The same for a proposed policy.
    pub fn policy_to_sign(&self, policy: PolicyId) -> Result<Option<String>> {
        policy_text(&self.conn, policy)
    }

    /// The newest approvals of these requests that are signed, and whole.
    pub fn signed_approvals(&self, requests: &[RequestId]) -> Result<Vec<SignedApproval>> {
        let mut found = Vec::new();
        for request in requests {
            let About { asked, earlier: Some(seq) } = about_request(&self.conn, *request)? else {
                continue;
            };
            let Event::RequestApproved(event) = log::event(&self.conn, seq)?.decode()?.event else {
                continue;
            };
            found.extend(signed_approval(&self.conn, asked, seq, &event)?);
        }
        Ok(found)
    }

    /// All approvals of requests that are signed, and whole. Looks through the whole log.
    pub fn all_signed_approvals(&self) -> Result<Vec<SignedApproval>> {
        let mut found = Vec::new();
        for (seq, event) in self.decisions()? {
            if let Event::RequestApproved(event) = event
                && event.signature.is_some()
            {
                let About { asked, .. } = about_request(&self.conn, event.request)?;
                found.extend(signed_approval(&self.conn, asked, seq, &event)?);
            }
        }
        Ok(found)
    }

    /// Whether a request's newest approval is signed, by somebody who may still.
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
        let Some((Sql(asked), Sql(seq))) = found else { return Ok(false) };
        let pinned = policy::terms_in_force(&self.conn)?.signers;
        is_signed(&self.conn, asked, seq, pinned.as_ref())
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
        kept(self.conn, asked, seq, event)
    }

    /// The same of a policy's.
    pub fn signature_of_policy(&self, asked: EventSeq, seq: EventSeq) -> Result<KeptSignature> {
        kept_alone(self.conn, About { asked, earlier: None }, seq)
    }
}
