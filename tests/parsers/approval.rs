//! What approvers bring: signatures, lists of who may sign, lists of what is signed, rules, recipients.

use zoho_journal::domain::approval_list::ApprovalList;
use zoho_journal::domain::approval_rules::ApprovalRules;
use zoho_journal::domain::approval_text::NAMESPACE;
use zoho_journal::domain::recipient::Recipient;
use zoho_journal::domain::signers::{MOST_SIGNERS, Signers};
use zoho_journal::domain::sshsig::{SshSignature, Verdict};

/// What the corpus's good signatures are of.
const SIGNED: &str = "a text that was signed\n";

pub fn approval(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    signers(text);
    signature(text);
    if let Ok(list) = text.parse::<ApprovalList>() {
        assert_eq!(list.to_string(), text, "printing gives the same bytes");
        assert!(list.parts().is_sorted_by(|(one, _), (other, _)| one < other));
    }
    rules(text);
    match text.parse::<Recipient>() {
        Ok(recipient) => assert_eq!(recipient.as_str(), text),
        Err(why) => assert!(!why.contains("AGE-SECRET-KEY-"), "a secret is shown"),
    }
}

fn signers(text: &str) {
    match Signers::parse(text) {
        Ok(signers) => {
            let kept = signers.to_string();
            assert_eq!(Signers::parse(&kept).as_ref(), Ok(&signers), "{kept:?}");
            assert!(signers.is_within(&signers));
            assert!((1..=MOST_SIGNERS).contains(&signers.iter().count()));
            for signer in signers.iter() {
                assert!(!signer.name().is_empty());
                assert!(!signer.name().contains(|c: char| c.is_control() || "*?!,\"".contains(c)));
            }
        }
        Err(why) => {
            let why = why.to_string();
            assert!(!why.contains(|c: char| c.is_control()), "{why:?}");
        }
    }
}

fn signature(text: &str) {
    let Ok(signature) = SshSignature::parse(text) else { return };
    // Nobody but the corpus's own key signed anything, and that one text alone.
    assert_ne!(signature.check(NAMESPACE, "a text that nobody signed\n"), Verdict::Good);
    assert_ne!(signature.check("another-purpose", SIGNED), Verdict::Good);
    assert!(signature.fingerprint().starts_with("SHA256:"));
}

fn rules(text: &str) {
    match text.parse::<ApprovalRules>() {
        Ok(rules) => {
            let kept = rules.to_string();
            assert_eq!(kept.parse::<ApprovalRules>().as_ref(), Ok(&rules), "{kept:?}");
            assert_eq!(rules.stricter(&rules), rules);
        }
        Err(why) => {
            let why = why.to_string();
            assert!(!why.contains(|c: char| c.is_control()), "{why:?}");
        }
    }
}

#[test]
fn the_corpus_holds_signatures_that_are_good_for_their_text() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/approval");
    for name in ["signature-ed25519", "signature-sha256"] {
        let armour = std::fs::read_to_string(folder.join(name)).unwrap();
        let signature = SshSignature::parse(&armour).unwrap();
        assert_eq!(signature.check(NAMESPACE, SIGNED), Verdict::Good, "{name}");
    }
}
