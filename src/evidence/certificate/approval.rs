//! The signature of an approval in a certificate: whether it is of what was recorded, as far as that is opened.

use crate::domain::approval_list::{ApprovalList, Part};
use crate::domain::approval_text::{ApprovalText, NAMESPACE, Subject};
use crate::domain::event::{RequestApproved, RequestRecorded};
use crate::domain::merkle::Hash;
use crate::domain::seal::Salt;
use crate::domain::sshsig::{SshSignature, Verdict};
use crate::evidence::certificate::EntryEvent;

/// What of a certificate says what was approved.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The journal's ids, each with the event that gave it: an adoption gives another one.
    pub(super) journals: Vec<(u64, String)>,
    /// Where the journal met its org, and which it is.
    pub(super) org: Option<(u64, String)>,
    /// Why the request was made, with the salt of its seal.
    pub(super) reason: Option<(Salt, String)>,
    /// To whom full snapshots are encrypted, where the request wants them.
    pub(super) full_recipient: Option<String>,
}

impl Known {
    /// Takes what approvals name from the event that recorded the request, where it is opened.
    pub(super) fn asked(&mut self, event: &EntryEvent) {
        let opened = |field: &str| event.seals.iter().find(|seal| seal.field == field);
        let reason = opened("reason");
        self.reason = reason.map(|seal| (Salt::new(*seal.salt.bytes()), seal.value.clone()));
        self.full_recipient = opened("full_recipient").map(|seal| seal.value.clone());
    }

    /// The journal's id right before an event.
    fn journal_before(&self, index: u64) -> &str {
        let named = self.journals.iter().rfind(|(from, _)| *from < index);
        named.map_or("", |(_, journal)| journal)
    }

    /// What the signature of an approval says, in words; `None` where there is none to be seen. The error says that it
    /// is of something else.
    pub(super) fn signature(
        &self,
        event: &EntryEvent,
        approved: &RequestApproved,
        recorded: (&RequestRecorded, Hash),
    ) -> Result<Option<String>, String> {
        let opened = |field: &str| event.seals.iter().find(|seal| seal.field == field);
        let Some(armoured) = opened("signature") else { return Ok(None) };
        let other = || "the signature of this approval is not of what was recorded".to_owned();
        let signature = SshSignature::parse(&armoured.value).map_err(|_| other())?;
        let key = signature.fingerprint();
        let Some((salt, reason)) = &self.reason else {
            return Ok(Some(format!("of the key {key}; not checked: the reason is not opened")));
        };
        let (request, content) = recorded;
        let full_recipient = self.full_recipient.as_deref();
        if full_recipient.is_some() != request.full_recipient.is_some() {
            return Ok(Some(format!(
                "of the key {key}; not checked: to whom full snapshots are encrypted is not opened"
            )));
        }
        let org = self.org.as_ref().filter(|(index, _)| *index < event.index);
        let text = ApprovalText {
            journal: self.journal_before(event.index),
            org: org.map(|(_, org)| org.as_str()),
            subject: Subject::Request(request, approved.earlier),
            content,
            reason,
            full_recipient,
        };
        let list = opened("signed_list").map(|seal| seal.value.as_str());
        if list.is_some() != approved.signed_list.is_some() {
            return Ok(Some(format!(
                "of the key {key}; not checked: what was signed is not opened"
            )));
        }
        let verdict = match list.map(str::parse::<ApprovalList>) {
            None => signature.check(NAMESPACE, &text.to_string()),
            Some(Ok(read)) if read.holds(approved.request, &Part { text, salt }.to_string()) => {
                signature.check(NAMESPACE, &read.to_string())
            }
            Some(_) => Verdict::Bad,
        };
        match verdict {
            Verdict::Good if list.is_some() => Ok(Some(format!(
                "of the key {key}, over a list of requests that holds exactly this one"
            ))),
            Verdict::Good => Ok(Some(format!("of the key {key}, over exactly this request"))),
            Verdict::NotChecked => {
                Ok(Some(format!("of the key {key}; not checked: only ssh-keygen knows such keys")))
            }
            // Which org the text named is not in the certificate.
            Verdict::Bad if self.org.is_none() => Ok(Some(format!(
                "of the key {key}; not checked: whose journal it is does not stand in this certificate"
            ))),
            Verdict::Bad => Err(other()),
        }
    }
}
