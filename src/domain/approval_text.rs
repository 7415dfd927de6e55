//! What a signed approval signs: a small text that says which journal, which request, and what is in it.
//!
//! It is built anew wherever it is needed, from the log alone, so that nobody can sign one thing and approve another.

use std::fmt;

use crate::domain::event::{PolicySet, RequestRecorded};
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;

/// The first line, which no other text that people sign has.
pub const HEADER: &str = "zoho-journal/approval@1";

/// The namespace of the signatures: one that was made for anything else does not count.
pub const NAMESPACE: &str = "zoho-journal-approval";

/// What is approved.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A request, with its approval before this one.
    Request(&'a RequestRecorded, Option<EventSeq>),
    /// A proposed policy.
    Policy(&'a PolicySet),
}

/// The text.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalText<'a> {
    /// The journal's id.
    pub journal: &'a str,
    /// Zoho's id of the org, once the journal has met it.
    pub org: Option<&'a str>,
    /// What is approved.
    pub subject: Subject<'a>,
    /// The leaf of the event that recorded it.
    pub content: Hash,
    /// Why it was asked for.
    pub reason: &'a str,
}

impl fmt::Display for ApprovalText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journal, org, subject, content, reason } = self;
        writeln!(f, "{HEADER}\njournal: zoho-journal/{journal}")?;
        writeln!(f, "org: {}", org.unwrap_or("not known yet"))?;
        match subject {
            Subject::Request(data, earlier) => {
                let target = &data.target;
                let (zone, origin) = (target.data_center, &target.api_origin);
                writeln!(f, "environment: {} ({zone}, {origin})", target.environment)?;
                writeln!(f, "request: {}", data.request)?;
                writeln!(f, "operation: {}", data.operation)?;
                writeln!(f, "product: {}\nmodule: {}", data.product, data.module)?;
                writeln!(f, "workflows: {}", if data.workflows { "run" } else { "do not run" })?;
                writeln!(f, "entries: {}", data.entries)?;
                writeln!(f, "duplicates: {}\nrejected: {}", data.duplicates, data.rejected)?;
                match earlier {
                    Some(seq) => writeln!(f, "approved before: event {seq}")?,
                    None => writeln!(f, "approved before: never")?,
                }
            }
            Subject::Policy(data) => {
                let approver = data.approver.map_or("named", |one| one.wire_name());
                writeln!(f, "policy: {}", data.policy)?;
                writeln!(f, "require approval: {}\napprover: {approver}", data.require_approval)?;
            }
        }
        // One line, whatever it holds.
        writeln!(f, "content: {content}\nreason: \"{}\"", reason.escape_debug())
    }
}
