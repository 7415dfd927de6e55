//! Certificates, proofs of single events, bundles.

use std::io::Cursor;

use zoho_journal::evidence::bundle::check_bundle;
use zoho_journal::evidence::certificate::Certificate;
use zoho_journal::evidence::certificate::check::{check, check_tlog_proof};
use zoho_journal::evidence::note::VerifierKey;

/// Whose files lie in the corpus. Nobody has the private half any more.
const KEY: &str = "zoho-journal/71b65421991081cd774682fea15f6b52+f9aad242+AU1Gnp/Ee+S7FH2RLojSdVLa+cFxfw6sGx+IY2tsHT8Y";

pub fn certificate(data: &[u8]) {
    let key: VerifierKey = KEY.parse().unwrap();
    if let Ok(certificate) = Certificate::parse(data) {
        assert_eq!(certificate.to_json().as_bytes(), data, "there is one form only");
    }
    if let Ok(checked) = check(data, None) {
        assert!(!checked.story.is_empty());
        let with_key = check(data, Some(&key)).map(|again| (again.entry, again.state));
        assert!(with_key.is_ok_and(|again| again == (checked.entry, checked.state)), "only ours");
        one_bit(data, |changed| check(changed, None).is_ok());
    }
    if check_tlog_proof(data, &key).is_ok() {
        one_bit(data, |changed| check_tlog_proof(changed, &key).is_ok());
    }
    // Of bundles there are only such as do not hold, and no change makes one hold.
    assert!(check_bundle(Cursor::new(data), None).is_err());
}

/// With a bit changed that the data decides it does not hold any more.
fn one_bit(data: &[u8], holds: impl Fn(&[u8]) -> bool) {
    let sum =
        data.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    for step in 0..16 {
        let bit = sum.wrapping_add(step * 7919) % (data.len() * 8);
        let mut changed = data.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&changed), "bit {bit} was changed, and it holds");
    }
}
