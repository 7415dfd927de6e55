use ed25519_dalek::{Signer, SigningKey};

use super::*;
use crate::domain::merkle::empty_root;

/// The example of c2sp.org/signed-note.
const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\
— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The example of the documentation of Go's golang.org/x/mod/sumdb/note.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_SEED: &str = "PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
then you don't know what your problem is.\n\n\
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn parse(text: &str) -> Result<SignedNote, NoteError> {
    SignedNote::parse(text.as_bytes())
}

#[test]
fn the_examples_of_the_specification_and_of_go_are_verified() {
    for (known, note) in [(SPEC_KEY, SPEC_NOTE), (GO_KEY, GO_NOTE)] {
        let keys = [key(known)];
        let signed = parse(note).unwrap();
        assert_eq!(signed.verify(&keys), Ok(&keys[0]));
        assert_eq!(keys[0].to_string(), known);
        assert_eq!(signed.to_string(), note);
    }
}

#[test]
fn the_same_key_makes_the_same_note_as_go() {
    let (_, _, seed) = key_parts(GO_SEED).unwrap();
    let signer = SigningKey::from_bytes(&seed);
    let verifier = VerifierKey::new("PeterNeumann", signer.verifying_key()).unwrap();
    assert_eq!(verifier.to_string(), GO_KEY);
    let text = parse(GO_NOTE).unwrap().text().to_owned();
    let signature = signer.sign(text.as_bytes());
    assert_eq!(SignedNote::new(text, &verifier, &signature).unwrap().to_string(), GO_NOTE);
}

#[test]
fn signatures_of_strangers_are_passed_over_and_forged_ones_are_not() {
    let both = format!("{GO_NOTE}— example.com/foo Uw2QOkn8srU=\n");
    assert_eq!(parse(&both).unwrap().verify(&[key(GO_KEY)]), Ok(&key(GO_KEY)));
    assert_eq!(parse(GO_NOTE).unwrap().verify(&[key(SPEC_KEY)]), Err(NoteError::Unknown));
    assert_eq!(parse(GO_NOTE).unwrap().verify(&[]), Err(NoteError::Unknown));
    let forged = NoteError::Forged("example.com/foo".to_owned());
    assert_eq!(parse(&both).unwrap().verify(&[key(GO_KEY), key(SPEC_KEY)]), Err(forged));
}

/// Also the bits of base64 that a lenient decoder drops.
#[test]
fn no_changed_byte_is_accepted() {
    let keys = [key(GO_KEY)];
    for at in 0..GO_NOTE.len() {
        // Every bit at the end, where base64 has bits to spare; elsewhere one each, for time's sake.
        let last = at + 8 > GO_NOTE.len();
        for bit in if last { 0..8 } else { at % 8..at % 8 + 1 } {
            let mut bytes = GO_NOTE.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let accepted = SignedNote::parse(&bytes).is_ok_and(|note| note.verify(&keys).is_ok());
            assert!(!accepted, "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn damaged_notes_are_refused() {
    let signature = GO_NOTE.lines().last().unwrap();
    let many = format!("text\n\n{}", format!("{signature}\n").repeat(SIGNATURES_MAX + 1));
    let long = format!("{}\n\n{signature}\n", "a".repeat(NOTE_LIMIT));
    for damaged in [
        "",
        "\n",
        "\n\n",
        "text\n\n",
        "text\n\n\n",
        "text\n",
        &format!("text\n{signature}\n"),
        &format!("text\n\n{signature}"),
        &format!("text\r\n\n{signature}\n"),
        &format!("te\u{1b}xt\n\n{signature}\n"),
        &format!("text\n\n{signature}\n\n"),
        &format!("text\n\n{signature} \n"),
        "text\n\n— name x08g\n",
        "text\n\n— name x08gow==\n",
        "text\n\n— na+me x08go/ZJkuA=\n",
        "text\n\n—  x08go/ZJkuA=\n",
        "text\n\n- name x08go/ZJkuA=\n",
        &many,
        &long,
    ] {
        assert!(parse(damaged).is_err(), "{damaged:.80?}");
    }
    assert!(SignedNote::parse(b"text\n\n\xff\n").is_err());
    // The text itself may hold blank lines.
    assert_eq!(parse(&format!("a\n\nb\n\n{signature}\n")).unwrap().text(), "a\n\nb\n");
}

#[test]
fn damaged_keys_are_refused() {
    for damaged in [
        "",
        "+",
        "++",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a3+",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        // A type that is not Ed25519's.
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(damaged.parse::<VerifierKey>().is_err(), "{damaged}");
    }
    // The neutral point of the curve: one signature would fit every text.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let weak = VerifierKey::new("weak", VerifyingKey::from_bytes(&neutral).unwrap()).unwrap();
    assert!(weak.to_string().parse::<VerifierKey>().is_err());
}

#[test]
fn the_text_of_a_checkpoint_is_pinned() {
    let checkpoint = Checkpoint {
        origin: "zoho-journal/0123".to_owned(),
        head: Head { size: 0, root: empty_root() },
    };
    let text = "zoho-journal/0123\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    assert_eq!(checkpoint.to_string(), text);
    assert_eq!(Checkpoint::parse(text), Ok(checkpoint.clone()));
    assert_eq!(Checkpoint::parse(&format!("{text}an extension\n")), Ok(checkpoint));
}

#[test]
fn damaged_checkpoints_are_refused() {
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    for damaged in [
        String::new(),
        "\n".to_owned(),
        "origin\n1\n".to_owned(),
        format!("origin\n1\n{root}"),
        format!("\n1\n{root}\n"),
        format!("origin\n01\n{root}\n"),
        format!("origin\n+1\n{root}\n"),
        format!("origin\n-1\n{root}\n"),
        format!("origin\n1 \n{root}\n"),
        format!("origin\n18446744073709551616\n{root}\n"),
        format!("origin\n1\n{root}\n\n"),
        "origin\n1\n47DE\n".to_owned(),
        // The last letter before the padding holds bits that nobody decodes.
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n".to_owned(),
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n".to_owned(),
    ] {
        assert!(Checkpoint::parse(&damaged).is_err(), "{damaged:?}");
    }
}
