use super::check::{Checked, Trust, check, check_tlog_proof};
use super::issue::{events_of, issue};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

use super::story::{About, chapter, conclusion, label};
use crate::domain::event::{Event, LoggedEvent};
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::state::{Change, EntryState};
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::evidence::note::{Checkpoint, VerifierKey};
use crate::evidence::verify::eventful::{Journal, eventful, signing_key};
use crate::evidence::verify::seals_of;
use crate::store::query::EntryFilter;
use crate::store::{Reader, StoreError};

struct World {
    _journal: Journal,
    reader: Reader,
    given: SignedCheckpoint,
}

impl World {
    fn new() -> Self {
        let journal = eventful();
        let reader = journal.reader();
        let key = signing_key(2);
        let note = key.sign(reader.head().unwrap()).unwrap();
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        let given = SignedCheckpoint { note, checkpoint, signed_by: key.verifier().clone() };
        Self { _journal: journal, reader, given }
    }

    /// Every entry.
    fn entries(&self) -> impl Iterator<Item = i64> + use<> {
        let mut entries = Vec::new();
        let all = EntryFilter::default();
        let read = self.reader.entries(&all, |entry| {
            entries.push(entry.entry.get());
            Ok::<_, StoreError>(())
        });
        read.unwrap();
        entries.into_iter()
    }

    fn certificate(&self, entry: i64, receipt: bool) -> Certificate {
        let entry = EntryId::new(entry);
        let view = self.reader.entry(entry).unwrap();
        let decisions = self.reader.decisions().unwrap();
        let events = events_of(&self.reader, &view, &decisions, receipt).unwrap();
        issue(&self.reader, &self.given, entry, &events, receipt).unwrap()
    }
}

fn public(number: u8) -> VerifierKey {
    signing_key(number).verifier().clone()
}

fn checked(certificate: &Certificate) -> Result<Checked, String> {
    check(certificate.to_json().as_bytes(), Some(&public(2)))
}

#[test]
fn every_entry_of_every_operation_and_state_has_a_certificate_that_says_where_it_stands() {
    let world = World::new();
    let mut kinds = BTreeSet::new();
    for entry in world.entries() {
        for receipt in [false, true] {
            let checked = checked(&world.certificate(entry, receipt)).unwrap();
            let view = world.reader.entry(EntryId::new(entry)).unwrap();
            assert_eq!((checked.entry, checked.state), (view.entry, view.state), "{entry}");
            kinds.extend(checked.story.iter().map(|chapter| chapter.kind));
        }
    }
    let expected = [
        "approval_needed",
        "batch_answered",
        "batch_begun",
        "batch_returned",
        "batch_unanswered",
        "bound",
        "entries_cancelled",
        "entries_held",
        "entries_rechecked",
        "entries_reopened",
        "entries_settled",
        "evidence_read",
        "hold_placed",
        "hold_released",
        "job_ended",
        "request_approved",
        "request_recorded",
        "request_rejected",
        "snapshot_taken",
        "user_seen",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_receipt_names_no_staff_and_opens_nothing_that_somebody_typed() {
    let world = World::new();
    for entry in world.entries() {
        let whole = world.certificate(entry, false).to_json();
        let receipt = world.certificate(entry, true);
        assert!(whole.contains("\"requested_by\"") && whole.contains("\"reason\""));
        for event in &receipt.events {
            assert!(event.item.as_ref().is_none_or(|item| item.bytes.is_none()));
            let fields: Vec<&str> = event.seals.iter().map(|seal| seal.field.as_str()).collect();
            assert!(fields.iter().all(|field| ["org", "job"].contains(field)), "{fields:?}");
        }
    }
}

#[test]
fn a_certificate_names_no_other_item() {
    let world = World::new();
    let text = world.certificate(1, false).to_json();
    let record =
        |entry| world.reader.entry(EntryId::new(entry)).unwrap().target.unwrap().to_string();
    assert!(text.contains(&record(1)));
    for other in 2..=9 {
        assert!(!text.contains(&record(other)), "{other}");
    }
}

#[test]
fn no_byte_of_a_certificate_can_be_changed() {
    let world = World::new();
    // An answer with all that was typed; a relation that was read before and after, as a receipt.
    // One that was held, approved, let go, needed another approval, got it, and was withdrawn; one looked at again.
    for (entry, receipt) in [(1, false), (25, true), (31, false), (18, false)] {
        let text = world.certificate(entry, receipt).to_json().into_bytes();
        check(&text, None).unwrap();
        let mut changed = text.clone();
        for at in 0..text.len() {
            // The case of letters, and the last bit, in turn.
            let bit = if at % 2 == 0 { 0x20 } else { 0x01 };
            changed[at] ^= bit;
            assert!(check(&changed, None).is_err(), "E{entry}: byte {at} ^ {bit:#x}");
            changed[at] ^= bit;
        }
        for (more, less) in [("\n", 0), (" ", 0), ("{}", 0), ("", 1), ("", 40)] {
            let mut other = text[..text.len() - less].to_vec();
            other.extend_from_slice(more.as_bytes());
            assert!(check(&other, None).is_err(), "{more:?} {less}");
        }
    }
}

#[test]
fn other_forms_of_the_same_content_are_refused() {
    let world = World::new();
    let text = world.certificate(1, false).to_json();
    let twice = text.replacen("\"entry\": \"E1\",", "\"entry\": \"E1\",\n  \"entry\": \"E1\",", 1);
    let unknown = text.replacen("\"entry\": \"E1\",", "\"entry\": \"E1\",\n  \"note\": 1,", 1);
    let compact = serde_json::to_string(&world.certificate(1, false)).unwrap();
    let escaped = text.replacen("\"E1\"", "\"\\u00451\"", 1);
    for other in [twice, unknown, compact, escaped, format!("\u{feff}{text}"), String::new()] {
        assert_ne!(other, text);
        assert!(check(other.as_bytes(), None).is_err(), "{other}");
    }
}

#[test]
fn nothing_can_be_left_out_exchanged_or_put_in() {
    let world = World::new();
    // Entry 2: refused, taken up again, and its call without an answer.
    let whole = world.certificate(2, false);
    let moving = checked(&whole).unwrap().story;
    for (at, chapter) in moving.iter().enumerate() {
        let mut less = whole.clone();
        less.events.remove(at);
        let context = ["bound", "user_seen"].contains(&chapter.kind);
        // Without its last event a certificate is that of an earlier moment.
        let last = at + 1 == moving.len();
        assert_eq!(checked(&less).is_ok(), context || last, "{chapter:?}");
        let mut twice = whole.clone();
        twice.events.insert(at, whole.events[at].clone());
        assert!(checked(&twice).is_err());
    }
    let other = world.certificate(1, false);
    for (at, event) in whole.events.iter().enumerate().filter(|(_, event)| event.item.is_some()) {
        let same = other.events.iter().find(|one| one.index == event.index);
        let foreign = same.and_then(|one| one.item.clone());
        for item in [None, foreign.or_else(|| other.events[0].item.clone())] {
            let mut exchanged = whole.clone();
            exchanged.events[at].item = item;
            assert!(checked(&exchanged).is_err(), "{at}");
        }
    }
    let mut renamed = whole.clone();
    renamed.entry = "E3".to_owned();
    assert!(checked(&renamed).is_err());
    let mut more = whole;
    more.events.push(EntryEvent {
        index: more.keys[0].index,
        body: more.keys[0].body.clone(),
        path: more.keys[0].path.clone(),
        seals: Vec::new(),
        item: None,
    });
    more.events.rotate_right(1);
    assert!(checked(&more).unwrap_err().contains("does not tell of this entry"));
}

#[test]
fn trust_follows_a_rotated_key_and_ends_at_a_lost_one() {
    let world = World::new();
    let certificate = world.certificate(1, false);
    let text = certificate.to_json();
    let trust =
        |key: Option<&VerifierKey>| check(text.as_bytes(), key).map(|checked| checked.trust);
    assert_eq!(trust(None), Ok(Trust::NotAuthenticated));
    assert_eq!(trust(Some(&public(2))), Ok(Trust::Given));
    assert_eq!(trust(Some(&public(1))), Ok(Trust::HandedOver));
    for stranger in [3, 4] {
        let why = trust(Some(&public(stranger))).unwrap_err();
        assert!(why.contains("neither is that the key that was given"), "{why}");
    }
    // The keys in between cannot be left out.
    for at in 0..certificate.keys.len() {
        let mut less = certificate.clone();
        less.keys.remove(at);
        assert!(checked(&less).is_err(), "{at}");
    }
    // Who signs the same log with a key that the log does not name is refused, also without a key.
    let thief = signing_key(9);
    let mut stolen = certificate;
    stolen.checkpoint = thief.sign(world.given.checkpoint.head).unwrap().to_string();
    stolen.key = thief.verifier().to_string();
    let why = check(stolen.to_json().as_bytes(), None).unwrap_err();
    assert!(why.contains("does not name the key"), "{why}");
}

#[test]
fn the_proof_of_each_event_stands_on_its_own() {
    let world = World::new();
    let certificate = world.certificate(15, false);
    for event in &certificate.events {
        let proof = certificate.tlog_proof(&event.proven());
        let seen = check_tlog_proof(proof.as_bytes(), &public(2)).unwrap();
        assert_eq!(seen.index, event.index);
        assert!(check_tlog_proof(proof.as_bytes(), &public(1)).is_err());
    }
    let proof = certificate.tlog_proof(&certificate.events[0].proven()).into_bytes();
    let mut changed = proof.clone();
    for at in 0..proof.len() {
        changed[at] ^= 1;
        assert!(check_tlog_proof(&changed, &public(2)).is_err(), "byte {at}");
        changed[at] ^= 1;
    }
    assert!(proof.starts_with(b"c2sp.org/tlog-proof@v1\nextra "));
}

/// What the events of an entry say, each with its kind.
fn told(world: &World, entry: i64) -> Vec<String> {
    let story = checked(&world.certificate(entry, false)).unwrap().story;
    story.iter().map(|chapter| format!("{}: {}", chapter.kind, chapter.what)).collect()
}

#[test]
fn dump() {
    let world = World::new();
    for entry in world.entries().filter(|entry| *entry > 30 || [1, 2, 15, 18].contains(entry)) {
        eprintln!("E{entry} {:#?}", told(&world, entry));
    }
}
