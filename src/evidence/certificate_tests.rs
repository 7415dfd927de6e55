use super::check::{Checked, Trust, check, check_tlog_proof};
use super::issue::{Issuer, events_of};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

use super::story::{About, chapter, conclusion, label};
use crate::domain::event::{Event, LoggedEvent};
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{Change, EntryState};
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::evidence::note::{Checkpoint, VerifierKey};
use crate::evidence::verify::eventful::{
    FORGOTTEN, Journal, eventful, forgotten, signing_key, unforgotten,
};
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
        Self::of(unforgotten())
    }

    fn of(journal: Journal) -> Self {
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
        let mut issuer = Issuer::new(&self.reader, &self.given).unwrap();
        issuer.issue(entry, &events, receipt).unwrap()
    }
}

fn public(number: u8) -> VerifierKey {
    signing_key(number).verifier().clone()
}

fn checked(certificate: &Certificate) -> Result<Checked, String> {
    check(certificate.to_json().as_bytes(), Some(&public(2)))
}

#[test]
fn what_others_were_forgotten_of_leaves_the_certificates_of_the_rest_as_they_are() {
    let before = World::new();
    let gone: EntryRanges = FORGOTTEN.parse().unwrap();
    let kept: Vec<i64> =
        before.entries().filter(|one| !gone.contains(EntryId::new(*one))).collect();
    let given: Vec<Certificate> = kept.iter().map(|one| before.certificate(*one, false)).collect();
    let after = World::of(forgotten());
    for (entry, old) in kept.iter().zip(given) {
        let new = after.certificate(*entry, false);
        checked(&new).unwrap();
        let items = |one: &Certificate| -> Vec<_> {
            one.events.iter().filter_map(|event| event.item.clone()).collect()
        };
        assert_eq!(items(&new), items(&old), "{entry}");
        // What was handed out before still verifies by itself.
        checked(&old).unwrap();
    }
    let erased = after.reader.entry(EntryId::new(1)).unwrap();
    let decisions = after.reader.decisions().unwrap();
    let events = events_of(&after.reader, &erased, &decisions, false).unwrap();
    let mut issuer = Issuer::new(&after.reader, &after.given).unwrap();
    issuer.issue(EntryId::new(1), &events, false).unwrap_err();
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
        "full_snapshot_taken",
        "full_snapshots_shredded",
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

/// Before, at and after an adoption; what a person or a hold kept back, and what a replay took up.
#[test]
fn every_entry_of_an_adopted_journal_has_a_certificate_that_tells_of_the_adoption() {
    let world = World::of(eventful());
    let gone: EntryRanges = FORGOTTEN.parse().unwrap();
    let mut told = BTreeSet::new();
    for entry in world.entries().filter(|one| !gone.contains(EntryId::new(*one))) {
        let certificate = world.certificate(entry, false);
        let checked = checked(&certificate).unwrap();
        let view = world.reader.entry(EntryId::new(entry)).unwrap();
        assert_eq!((checked.entry, checked.state), (view.entry, view.state), "{entry}");
        assert!(certificate.keys.iter().any(|event| event.body.contains(r#""kind":"adopted""#)));
        let read_first = |chapter: &&super::story::Chapter| chapter.what.contains("read first");
        told.extend(checked.story.iter().filter(read_first).map(|chapter| chapter.kind));
    }
    let kinds = ["adopted", "entries_reopened", "hold_released", "request_approved"];
    assert_eq!(told.into_iter().collect::<Vec<_>>(), kinds);
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

/// Every so many-th byte of a certificate changed, on its own: the case of letters, and the last bit, in turn.
fn refuses_every_flip(text: &[u8], places: impl Iterator<Item = usize>) {
    let mut changed = text.to_vec();
    for at in places {
        let bit = if at % 2 == 0 { 0x20 } else { 0x01 };
        changed[at] ^= bit;
        let shown = String::from_utf8_lossy(&text[at.saturating_sub(20)..=at]);
        assert!(check(&changed, None).is_err(), "byte {at} ^ {bit:#x}, after {shown}");
        changed[at] ^= bit;
    }
}

#[test]
fn no_byte_of_a_certificate_can_be_changed() {
    let world = World::new();
    // An answer with all that was typed; a relation that was read before and after, as a receipt.
    // One that was held, approved, let go, needed another approval, got it, and was withdrawn; one looked at again.
    let all = [(1, false, 1), (25, true, 1), (31, false, 7), (18, true, 5)];
    let all = all.map(|(entry, receipt, step)| {
        (world.certificate(entry, receipt).to_json().into_bytes(), step)
    });
    let events = |text: &[u8]| text.windows(11).position(|at| at == b"\n  \"events\"").unwrap();
    // But for the line that names the entry.
    let front = |text: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(&text[..events(text)]);
        text.lines().filter(|line| !line.starts_with("  \"entry\"")).map(str::to_owned).collect()
    };
    std::thread::scope(|scope| {
        for (at, (text, step)) in all.iter().enumerate() {
            check(text, None).unwrap();
            // Key, checkpoint and the events that name keys are the same in all of them: changed in the first.
            assert_eq!(front(text), front(&all[0].0));
            let start = if at == 0 { 0 } else { events(text) };
            for share in 0..2 {
                let places = (start..text.len()).step_by(*step).skip(share).step_by(2);
                scope.spawn(move || refuses_every_flip(text, places));
            }
            for (more, less) in [("\n", 0), (" ", 0), ("{}", 0), ("", 1), ("", 40)] {
                let mut other = text[..text.len() - less].to_vec();
                other.extend_from_slice(more.as_bytes());
                assert!(check(&other, None).is_err(), "{more:?} {less}");
            }
        }
    });
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
        let last = !chapter.moved || moving[at + 1..].iter().all(|later| !later.moved);
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

fn count(told: &[String], kind: &str) -> usize {
    told.iter().filter(|one| one.starts_with(kind)).count()
}

#[test]
fn what_was_decided_is_told_also_where_the_story_holds_without_it() {
    let world = World::new();
    // Held while its request was approved, which did not move it.
    let first = told(&world, 31);
    assert_eq!((count(&first, "request_approved"), count(&first, "hold_")), (2, 2), "{first:#?}");
    assert!(first[3].contains("R8 was approved by somebody of another name than who asked"));
    assert!(first[3].contains("the same OS account recorded both"), "{first:#?}");
    assert!(
        first[3].ends_with("The entry was not moved by that: it was held, or waited for nothing.")
    );
    assert!(first[4].contains("(H1, H2): it could be sent from then on"), "{first:#?}");
    assert!(first[6].ends_with("The entry had waited for that."), "{first:#?}");
    let second = told(&world, 32);
    assert!(second.iter().any(|one| one.ends_with("(H1): it still needed an approval.")));
    // Pending, taken back by a policy, approved: it stands where it began.
    let loose = told(&world, 46);
    assert_eq!((count(&loose, "approval_needed"), count(&loose, "request_approved")), (1, 1));
    // Held from its recording on.
    let held = checked(&world.certificate(41, false)).unwrap();
    assert_eq!((held.state, held.story.len()), (EntryState::Held, 2));
    let says = &held.story[1].says;
    assert!(says.iter().any(|(name, text)| *name == "hold" && text.contains("held from then on")));
    let names = |entry, receipt| -> Vec<(&'static str, String)> {
        let story = checked(&world.certificate(entry, receipt)).unwrap().story;
        story.into_iter().flat_map(|chapter| chapter.says).collect()
    };
    for (entry, name, text) in [
        (31, "approved by", "Bert"),
        (31, "put on hold by", "Carla"),
        (31, "hold released by", "Carla"),
        (31, "withdrawn by", "ann"),
        (53, "rejected by", "Bert"),
    ] {
        let said = |receipt| names(entry, receipt).contains(&(name, text.to_owned()));
        assert!(said(false) && !said(true), "E{entry} {name}");
    }
}

#[test]
fn a_later_look_is_told_as_what_was_seen_and_settles_nothing() {
    let world = World::new();
    for (entry, state, seen) in [
        (1, EntryState::Done, "it lay in the recycle bin, or was listed as something"),
        (2, EntryState::Unknown, "it was there again"),
        (15, EntryState::Done, "it was neither in the recycle bin nor listed as something"),
        (18, EntryState::Failed, "it was not seen, and nothing that was read says where it is"),
    ] {
        let whole = world.certificate(entry, false);
        let Checked { operation, state: is, story, .. } = checked(&whole).unwrap();
        assert_eq!(is, state);
        let (last, before) = story.split_last().unwrap();
        assert_eq!((last.kind, last.moved), ("entries_rechecked", false));
        let told = conclusion(operation, is, &story);
        assert!(told.contains(&format!("Looked at again at {}: {seen}", last.at)), "{told}");
        let stood = before.iter().rev().find(|chapter| chapter.moved).unwrap();
        assert!(told.contains(&format!("at {}", stood.at)), "{told}");
        // What was seen is sealed for this entry, by what was read.
        for (from, to) in [("in_bin", "erased"), ("erased", "in_bin"), ("{\\\"", "{ \\\"")] {
            let mut other = whole.clone();
            let event = other.events.last_mut().unwrap();
            let item = event.item.as_mut().unwrap();
            let (opened, bytes) = (item.opened.clone(), item.bytes.clone().unwrap());
            item.opened = opened.replace(from, to);
            item.bytes = Some(bytes.replace("{\"", "{ \""));
            assert!(checked(&other).is_err(), "{from}");
        }
    }
}

#[test]
fn an_approval_is_of_what_was_recorded_and_of_nothing_else() {
    let world = World::new();
    let whole = world.certificate(31, false);
    // What the later moves need cannot be left out: the recording, the hold, its release, the expiry. A withdrawal fits
    // what waits and what is pending, so the approval before it can be.
    let found = |at: &usize| {
        let mut less = whole.clone();
        less.events.remove(*at);
        checked(&less).is_err()
    };
    let needed: Vec<usize> = (0..whole.events.len()).filter(found).collect();
    assert_eq!(needed, [1, 2, 4, 5]);
    // Another request's approval, and another entry's hold.
    let approval = world.certificate(46, false).events.pop().unwrap();
    let later = whole.events.iter().position(|event| event.index > approval.index).unwrap();
    let mut more = whole.clone();
    more.events.insert(later, approval);
    assert!(checked(&more).unwrap_err().contains("does not tell of this entry"));
    let held = world.certificate(52, false).events.pop().unwrap();
    let later = whole.events.iter().position(|event| event.index > held.index).unwrap();
    let mut more = whole;
    more.events.insert(later, held);
    assert!(checked(&more).unwrap_err().contains("does not tell of this entry"));
}

/// Of each kind the event with the most seals.
fn samples(world: &World) -> BTreeMap<&'static str, LoggedEvent> {
    let mut fullest: BTreeMap<&'static str, (usize, LoggedEvent)> = BTreeMap::new();
    let read = world.reader.events_from(EventSeq::new(0), |stored| {
        let logged = stored.decode()?;
        let seals = seals_of(&logged.event).iter().filter(|(_, hash)| hash.is_some()).count();
        let kind = logged.event.kind();
        if fullest.get(kind).is_none_or(|(most, _)| seals > *most) {
            fullest.insert(kind, (seals, logged));
        }
        Ok::<_, StoreError>(())
    });
    read.unwrap();
    fullest.into_iter().map(|(kind, (_, logged))| (kind, logged)).collect()
}

/// Kinds of events that tell of no entry.
const UNTOLD: [&str; 17] = [
    "arrived",
    "forgotten",
    "journal_created",
    "key_replaced",
    "module_seen",
    "moved",
    "nothing_recorded",
    "paused",
    "policy_approved",
    "policy_rejected",
    "policy_set",
    "request_parked",
    "request_unparked",
    "resumed",
    "run_ended",
    "run_started",
    "schema_upgraded",
];

const PYTHON: &str = include_str!("../../contrib/verify_certificate.py");
const GO: &str = include_str!("../../contrib/go/story.go");

/// The lines of a table in a program, its blanks made single ones.
fn table<'p>(program: &'p str, begin: &str) -> impl Iterator<Item = String> + use<'p> {
    let (_, table) = program.split_once(begin).unwrap();
    let (table, _) = table.split_once("\n}\n").unwrap();
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn every_kind_of_event_is_worded_and_known_to_the_other_programs_or_tells_of_no_entry() {
    let samples = samples(&World::of(eventful()));
    assert_eq!(
        samples.keys().copied().collect::<BTreeSet<_>>(),
        Event::KINDS.iter().copied().collect()
    );
    let mut sealed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (kind, logged) in &samples {
        let empty = EntryEvent {
            index: 0,
            body: String::new(),
            path: Vec::new(),
            seals: Vec::new(),
            item: None,
        };
        // Entry 1 is one of those that were looked at again.
        let entry = EntryId::new(1);
        let about = About { entry, operation: None, moved: true, opened: None, signature: None };
        let told = chapter(&empty, logged, &about);
        assert_eq!(told.is_none(), UNTOLD.contains(kind), "{kind}");
        let Some(told) = told else { continue };
        assert!(told.what.ends_with('.') && told.what.len() > 20, "{}", told.what);
        let fields: Vec<&str> =
            seals_of(&logged.event).into_iter().map(|(field, _)| field).collect();
        // The hash of an answer without its items' bytes says nothing to people.
        assert!(
            fields.iter().all(|field| *field == "envelope" || label(field).is_some()),
            "{kind}"
        );
        if !fields.is_empty() {
            sealed.insert(kind, fields);
        }
    }
    let python: String = table(PYTHON, "SEALED = {\n").collect();
    let python = format!("{{{}}}", python.trim_end_matches(','));
    let known: BTreeMap<&str, Vec<&str>> = serde_json::from_str(&python).unwrap();
    assert_eq!(known, sealed);
    let go: String = table(GO, "var sealed = map[string][]string{\n").collect();
    let go = go.replace('{', "[").replace('}', "]");
    let go = format!("{{{}}}", go.trim_end_matches(','));
    assert_eq!(serde_json::from_str::<BTreeMap<&str, Vec<&str>>>(&go).unwrap(), sealed);
}

#[test]
fn whatever_moves_an_entry_is_looked_for() {
    let world = World::new();
    let moving = samples(&world).into_values().filter(|logged| !logged.event.steps().is_empty());
    let mut moving: BTreeSet<&str> = moving.map(|logged| logged.event.kind()).collect();
    for (_, event) in world.reader.decisions().unwrap() {
        moving.remove(event.kind());
    }
    // What the story of an entry names by itself.
    let by_story = [
        "batch_answered",
        "batch_begun",
        "batch_returned",
        "batch_unanswered",
        "entries_settled",
        "evidence_read",
        "snapshot_taken",
    ];
    assert_eq!(moving.into_iter().collect::<Vec<_>>(), by_story);
}

#[test]
fn the_other_programs_allow_the_same_moves() {
    let name = |change: Change| match change {
        Change::Claimed => "claimed".to_owned(),
        Change::NeverThere => "never there".to_owned(),
        Change::Answered(outcome) => format!("answer {outcome}"),
        Change::Evidence(verdict) => format!("evidence {verdict}"),
        Change::Reopened => "reopened".to_owned(),
        Change::SettledByPerson(verdict) => format!("person {verdict}"),
        Change::Approved => "approved".to_owned(),
        Change::Expired => "expired".to_owned(),
        Change::Held => "held".to_owned(),
        Change::Released => "released".to_owned(),
        Change::ReleasedUnapproved => "released unapproved".to_owned(),
        Change::Cancelled => "cancelled".to_owned(),
        Change::Adopted => "adopted".to_owned(),
    };
    let mut allowed = BTreeSet::new();
    for state in EntryState::ALL {
        for change in Change::ALL {
            if let Ok(next) = state.next(*change) {
                allowed.insert(format!("(\"{state}\", \"{}\"): \"{next}\",", name(*change)));
            }
        }
    }
    assert_eq!(table(PYTHON, "MOVES = {\n").collect::<BTreeSet<_>>(), allowed);
    let go = table(GO, "var moves = map[[2]string]string{\n");
    let go = go.map(|line| line.replacen('{', "(", 1).replacen('}', ")", 1));
    assert_eq!(go.collect::<BTreeSet<_>>(), allowed);
    let plain = |program, begin| table(program, begin).collect::<BTreeSet<_>>();
    assert_eq!(plain(GO, "var plain = map[string]string{\n"), plain(PYTHON, "PLAIN = {\n"));
}
