//! What a signed approval signs: a small text that says which journal, which request, and what is in it.
//!
//! It is built anew wherever it is needed, from the log alone, so that nobody can sign one thing and approve another.

use std::fmt;

use crate::domain::event::{PolicySet, RequestRecorded};
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;
use crate::domain::signers::Signers;

/// The first line, which no other text that people sign has.
pub const HEADER: &str = "zoho-journal/approval@1";

/// The namespace of the signatures: one that was made for anything else does not count.
pub const NAMESPACE: &str = "zoho-journal-approval";

/// What is approved.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A request, with its approval before this one.
    Request(&'a RequestRecorded, Option<EventSeq>),
    /// A proposed policy, with who may sign by it where it pins that.
    Policy(&'a PolicySet, Option<&'a Signers>),
}

/// The text.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalText<'a> {
    /// The journal's id, as it is when the text is signed: an adoption gives it another one.
    pub journal: &'a str,
    /// Zoho's id of the org, once the journal has met it.
    pub org: Option<&'a str>,
    /// What is approved.
    pub subject: Subject<'a>,
    /// The leaf of the event that recorded it.
    pub content: Hash,
    /// Why it was asked for.
    pub reason: &'a str,
    /// To whom full snapshots are encrypted, where the request wants them.
    pub full_recipient: Option<&'a str>,
}

impl fmt::Display for ApprovalText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journal, org, subject, content, reason, full_recipient } = self;
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
                if let (Some(kept), Some(recipient)) = (data.full_retention_ms, full_recipient) {
                    let (kept, to) = (kept_for(kept), on_one_line(recipient));
                    writeln!(f, "full snapshots: kept for {kept}, encrypted to {to}")?;
                }
                match earlier {
                    Some(seq) => writeln!(f, "approved before: event {seq}")?,
                    None => writeln!(f, "approved before: never")?,
                }
            }
            Subject::Policy(data, signers) => {
                let approver = data.approver.map_or("named", |one| one.wire_name());
                writeln!(f, "policy: {}", data.policy)?;
                writeln!(f, "require approval: {}\napprover: {approver}", data.require_approval)?;
                data.rules.iter().try_for_each(|rule| writeln!(f, "rule: {rule}"))?;
                for signer in signers.iter().flat_map(|signers| signers.iter()) {
                    let name = on_one_line(signer.name());
                    writeln!(f, "signer: \"{name}\" {}", signer.fingerprint())?;
                }
            }
        }
        writeln!(f, "content: {content}\nreason: \"{}\"", on_one_line(reason))
    }
}

/// A span of time in the largest unit of which it is a whole number, so that it is exact: `90 d`, `90001 ms`.
fn kept_for(span_ms: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let unit = UNITS.into_iter().find(|(unit_ms, _)| span_ms.is_multiple_of(*unit_ms));
    let (unit_ms, name) = unit.unwrap_or((1, "ms"));
    format!("{} {name}", span_ms / unit_ms)
}

/// On one line, and without what would turn the line around. The standard library's own escapes follow its version
/// of Unicode, and this text must be the same in ten years.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            '\n' => line.push_str("\\n"),
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => line.extend(c.escape_unicode()),
            _ => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_stays_on_its_line_and_reads_from_left_to_right() {
        let line = on_one_line("a \"b\" \\\n\r\u{202e}é");
        assert_eq!(line, r#"a \"b\" \\\n\u{d}\u{202e}é"#);
    }

    fn told(subject: Subject<'_>, full_recipient: Option<&str>) -> String {
        let content = Hash::new([2; 32]);
        let (journal, org, reason) = ("x", None, "why");
        ApprovalText { journal, org, subject, content, reason, full_recipient }.to_string()
    }

    /// As the log holds it, without what came later.
    const REQUEST: &str = r#"{"request":3,"operation":"delete","product":"crm","module":"Leads","workflows":true,"target":{"data_center":"eu","environment":"production","api_origin":"loopback"},"first_entry":1,"entries":2,"items_root":"0101010101010101010101010101010101010101010101010101010101010101","awaiting_approval":true,"policy":"always","not_before":null,"valid_until":"2026-09-21T10:00:00.000Z","source":"arguments","source_rows":2,"duplicates":0,"rejected":0,"rejected_root":null,"program":"p","requested_by":"0101010101010101010101010101010101010101010101010101010101010101","recorded_by":"0101010101010101010101010101010101010101010101010101010101010101","reason":"0101010101010101010101010101010101010101010101010101010101010101","ticket":null,"source_name":"0101010101010101010101010101010101010101010101010101010101010101","source_sha256":"0101010101010101010101010101010101010101010101010101010101010101","source_column":null}"#;

    #[test]
    fn whoever_approves_whole_copies_signs_whose_key_opens_them_and_other_texts_stay_as_they_were()
    {
        let text = |json: &str, full_recipient: Option<&str>| {
            let request: RequestRecorded = serde_json::from_str(json).unwrap();
            let subject = Subject::Request(&request, None);
            told(subject, full_recipient)
        };
        let head = "zoho-journal/approval@1\njournal: zoho-journal/x\norg: not known yet\n\
                    environment: production (eu, loopback)\nrequest: R3\noperation: delete\nproduct: crm\n\
                    module: Leads\nworkflows: run\nentries: 2\nduplicates: 0\nrejected: 0\n";
        let content = "02".repeat(32);
        let tail = format!("approved before: never\ncontent: {content}\nreason: \"why\"\n");
        assert_eq!(text(REQUEST, None), format!("{head}{tail}"));
        let more = REQUEST.strip_suffix('}').unwrap();
        let sealed = "01".repeat(32);
        for (kept, told) in [(7_776_000_000_u64, "90 d"), (5_400_000, "90 min"), (1_001, "1001 ms")]
        {
            let full =
                format!(r#"{more},"full_retention_ms":{kept},"full_recipient":"{sealed}"}}"#);
            let line = format!("full snapshots: kept for {told}, encrypted to age1xyz\n");
            assert_eq!(text(&full, Some("age1xyz")), format!("{head}{line}{tail}"));
        }
    }

    /// As the log holds it, without rules and signers as every earlier program wrote it.
    const POLICY: &str = r#"{"policy":2,"require_approval":"never","approver":"signed","in_force":false,"program":"p","set_by":"0101010101010101010101010101010101010101010101010101010101010101","recorded_by":"0101010101010101010101010101010101010101010101010101010101010101","reason":"0101010101010101010101010101010101010101010101010101010101010101"}"#;

    #[test]
    fn a_policy_is_signed_with_its_rules_and_signers_and_without_them_as_ever() {
        let text = |json: &str, signers: Option<&Signers>| {
            let policy: PolicySet = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&policy).unwrap(), json);
            let subject = Subject::Policy(&policy, signers);
            told(subject, None)
        };
        let head = "zoho-journal/approval@1\njournal: zoho-journal/x\norg: not known yet\n\
                    policy: P2\nrequire approval: never\napprover: signed\n";
        let tail = format!("content: {}\nreason: \"why\"\n", "02".repeat(32));
        assert_eq!(text(POLICY, None), format!("{head}{tail}"));
        let sealed = "01".repeat(32);
        let more = POLICY.strip_suffix('}').unwrap();
        let more = format!(
            r#"{more},"rules":["*:Deals=50","delete:Accounts=always"],"signers":"{sealed}"}}"#
        );
        let signers = Signers::parse(&crate::domain::sshsig::testing::allowed(1, "Bert")).unwrap();
        let key = signers.iter().next().unwrap().fingerprint();
        let rules = "rule: *:Deals=50\nrule: delete:Accounts=always\n";
        let signer = format!("signer: \"Bert\" {key}\n");
        assert_eq!(text(&more, Some(&signers)), format!("{head}{rules}{signer}{tail}"));
    }
}
