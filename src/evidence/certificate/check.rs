//! Whether a certificate holds: from its bytes alone, and a key that the reader trusts.

use serde_json::Value;

use crate::domain::event::{Event, LoggedEvent, RequestRecorded};
use crate::domain::id::{BatchId, EntryId};
use crate::domain::merkle::{Hash, leaf_hash};
use crate::domain::proof::root_from;
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::Operation;
use crate::domain::seal::{Salt, item_leaf, seal};
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::evidence::certificate::approval::Known;
use crate::evidence::certificate::story::{About, Chapter, chapter};
use crate::evidence::certificate::{Certificate, EntryEvent, Item, ProvenEvent};
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::evidence::handover;
use crate::evidence::note::{Checkpoint, SignedNote, VerifierKey};
use crate::evidence::verify::seals_of;
use crate::store::Head;

/// How far the key that signed can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// No key was given: whoever made the file may have made the key.
    NotAuthenticated,
    /// It is the key that was given.
    Given,
    /// The key that was given handed over to it.
    HandedOver,
}

/// A certificate that holds, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The entry.
    pub entry: EntryId,
    /// The log as it was signed.
    pub checkpoint: Checkpoint,
    /// Who signed it.
    pub signed_by: VerifierKey,
    /// Whether that key is known.
    pub trust: Trust,
    /// What was asked for.
    pub operation: Operation,
    /// The state that the events leave the entry in.
    pub state: EntryState,
    /// What each event says.
    pub story: Vec<Chapter>,
}

/// What is wrong with a certificate.
type Refused = String;

/// Checks a certificate. With a `key`, that key must have signed it, or must have handed over to the one that
/// did. The error says what is wrong with it.
pub fn check(bytes: &[u8], key: Option<&VerifierKey>) -> Result<Checked, Refused> {
    let certificate = Certificate::read(bytes)?;
    let entry: EntryId = certificate.entry.parse().map_err(|_| "it names no entry".to_owned())?;
    if certificate.entry != entry.to_string() {
        return Err("its entry is not written as entries are".to_owned());
    }
    let signed = signature(&certificate)?;
    let head = signed.checkpoint.head;
    let mut reader = EntryReader::new(entry);
    let (trust, journals) = keys(&certificate, head, &signed.signed_by, key)?;
    reader.known.journals = journals;
    let orgs = certificate.events.iter().filter_map(|event| {
        let org = event.seals.iter().find(|seal| seal.field == "org")?;
        Some((event.index, org.value.clone()))
    });
    reader.known.org = orgs.into_iter().next();
    let mut before = None;
    for event in &certificate.events {
        if before.is_some_and(|before| event.index <= before) {
            return Err("its events are not in order".to_owned());
        }
        before = Some(event.index);
        let logged = proven(&event.proven(), head)?;
        reader
            .read(event, &logged)
            .map_err(|why| format!("event {} ({}): {why}", event.index, logged.event.kind()))?;
    }
    let state = reader.state.ok_or("it does not hold the event that recorded the entry")?;
    let operation = reader.request.as_ref().map(|(request, _)| request.operation);
    let operation = operation.ok_or("it does not hold the event that recorded the entry")?;
    let story = reader.story;
    // Last, since it takes longest.
    certificate.is_written_as(bytes)?;
    let SignedCheckpoint { checkpoint, signed_by, .. } = signed;
    Ok(Checked { entry, checkpoint, signed_by, trust, operation, state, story })
}

/// The checkpoint of a certificate: one form, one signature, by the key that it names.
fn signature(certificate: &Certificate) -> Result<SignedCheckpoint, Refused> {
    let key: VerifierKey = certificate.key.parse().map_err(|error| format!("its key: {error}"))?;
    let signed = signed_once(&certificate.checkpoint, &key)?;
    if key.to_string() == certificate.key {
        Ok(signed)
    } else {
        Err("its key is not written as keys are".to_owned())
    }
}

/// A checkpoint without anything that is not signed or not checked.
fn signed_once(text: &str, key: &VerifierKey) -> Result<SignedCheckpoint, Refused> {
    let note = SignedNote::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    if note.signatures() != 1 || note.to_string() != text {
        return Err("its checkpoint bears another number of signatures than one".to_owned());
    }
    let signed = SignedCheckpoint::of(note, std::slice::from_ref(key))
        .map_err(|error| format!("its checkpoint: {error}"))?;
    if signed.checkpoint.to_string() == signed.note.text() {
        Ok(signed)
    } else {
        Err("its checkpoint says more than checkpoints do".to_owned())
    }
}

/// Checks that an event stands in the log that was signed, and reads it.
fn proven(event: &ProvenEvent, head: Head) -> Result<LoggedEvent, Refused> {
    let leaf = leaf_hash(event.body.as_bytes());
    if root_from(leaf, event.index, head.size, &event.path) != Some(head.root) {
        return Err(format!(
            "event {} is not in the log that was signed: it, its place or its path was changed",
            event.index
        ));
    }
    LoggedEvent::decode(event.body.as_bytes())
        .map_err(|error| format!("event {}: {error}", event.index))
}

/// Follows the keys from the journal's first one to the one that signed. Also gives the journal's ids, each with the
/// event that gave it.
fn keys(
    certificate: &Certificate,
    head: Head,
    signed_by: &VerifierKey,
    given: Option<&VerifierKey>,
) -> Result<(Trust, Vec<(u64, String)>), Refused> {
    let mut before: Option<(u64, String)> = None;
    // Whether the key that was given has been met, and every later one follows from it.
    let mut follows = false;
    let mut journals = Vec::new();
    for event in &certificate.keys {
        let logged = proven(event, head)?;
        let named = match (&before, logged.event) {
            (None, Event::JournalCreated(data)) if event.index == 0 => {
                journals.push((event.index, data.journal));
                data.key
            }
            // Nothing hands over: an adopted journal is another one, and trust has to be given anew.
            (Some((index, _)), Event::Adopted(data)) if event.index > *index => {
                journals.push((event.index, data.journal));
                follows = false;
                data.key
            }
            (Some((index, old)), Event::KeyReplaced(data)) if event.index > *index => {
                if let Some(note) = &data.handover {
                    handover::check(note, old, &data.key)
                        .map_err(|why| format!("event {}: {why}", event.index))?;
                } else {
                    follows = false;
                }
                data.key
            }
            _ => {
                return Err(
                    "its keys do not begin with the journal's first event, in order".to_owned()
                );
            }
        };
        follows |= given.is_some_and(|given| given.to_string() == named);
        before = Some((event.index, named));
    }
    let origin = journals.last().map(|(_, journal)| format!("zoho-journal/{journal}"));
    let origin = origin.unwrap_or_default();
    if origin != signed_by.name() {
        return Err(format!("it is of {origin}, and its checkpoint of another log"));
    }
    let last = before.map(|(_, key)| key);
    if last.as_deref() != Some(certificate.key.as_str()) {
        return Err("the log that it shows does not name the key that signed it".to_owned());
    }
    match given {
        None => Ok((Trust::NotAuthenticated, journals)),
        Some(given) if given == signed_by => Ok((Trust::Given, journals)),
        Some(_) if follows => Ok((Trust::HandedOver, journals)),
        Some(given) => Err(format!(
            "it is signed by {signed_by}, and neither is that the key that was given nor did {given} hand \
             over to it"
        )),
    }
}

/// Reads the events of one entry, one after the other.
struct EntryReader {
    entry: EntryId,
    state: Option<EntryState>,
    /// The request, and the leaf of the event that recorded it.
    request: Option<(RequestRecorded, Hash)>,
    /// The OS account that recorded it, where that is opened.
    account: Option<String>,
    /// What approvals are held against.
    known: Known,
    batches: Vec<BatchId>,
    /// The part of every opened item that names it.
    identity: Option<Vec<Value>>,
    story: Vec<Chapter>,
}

/// Elements of an opened item that name it, after the first one, which names the kind.
const IDENTITY: usize = 8;

impl EntryReader {
    fn new(entry: EntryId) -> Self {
        let (state, request, account, identity) = (None, None, None, None);
        let (batches, story, known) = (Vec::new(), Vec::new(), Known::default());
        Self { entry, state, request, account, known, batches, identity, story }
    }

    fn read(&mut self, event: &EntryEvent, logged: &LoggedEvent) -> Result<(), Refused> {
        self.concerns(&logged.event)?;
        if let Event::RequestRecorded(data) = &logged.event {
            self.request = Some((data.clone(), leaf_hash(event.body.as_bytes())));
            self.state = Some(first_state(data));
        }
        let mut moved = matches!(logged.event, Event::RequestRecorded(_));
        for step in logged.event.steps() {
            if step.entries.contains(self.entry) {
                let next = self.state.map(|state| state.next(step.change));
                let next = next.ok_or("it comes before the entry was recorded")?;
                let left_out = |_| "an event before it is left out, or it is another journal's";
                self.state = Some(next.map_err(left_out)?);
                moved = true;
            }
        }
        opened_seals(event, &logged.event)?;
        self.accounts(event, &logged.event)?;
        let signature = self.signature(event, &logged.event)?;
        let opened = self.item(event, &logged.event)?;
        let operation = self.request.as_ref().map(|(request, _)| request.operation);
        let about =
            About { entry: self.entry, operation, moved, opened: opened.as_deref(), signature };
        let told = chapter(event, logged, &about).ok_or("no certificate holds such an event")?;
        self.story.push(told);
        Ok(())
    }

    /// Whether a certificate of this entry may hold the event.
    fn concerns(&mut self, event: &Event) -> Result<(), Refused> {
        let fits = match (event, &self.request) {
            (Event::RequestRecorded(data), None) => entries_of(data).contains(self.entry),
            (Event::RequestRecorded(_), Some(_)) => false,
            // The journal's org may be known before the request is.
            (Event::Bound(_) | Event::UserSeen(_), _) => true,
            (_, None) => false,
            (Event::RequestPinned(data), Some((request, _))) => data.request == request.request,
            // An approval may find nothing that waits for it; it is of what was recorded, and of nothing else.
            (Event::RequestApproved(data), Some((request, leaf))) => {
                (data.request, data.content) == (request.request, *leaf)
            }
            (Event::RequestRejected(data), Some((request, leaf))) => {
                (data.request, data.content) == (request.request, *leaf)
                    && data.entries.contains(self.entry)
            }
            (Event::EntriesRechecked(data), Some(_)) => {
                data.groups.iter().any(|group| group.entries.contains(self.entry))
            }
            (Event::SnapshotTaken(data), Some(_)) => data.entries.contains(self.entry),
            (Event::FullSnapshotTaken(data), Some((request, _))) => {
                data.request == request.request && data.entries.contains(self.entry)
            }
            (Event::FullSnapshotsShredded(data), Some(_)) => data.entries.contains(self.entry),
            (Event::JobEnded(data), Some(_)) => self.batches.contains(&data.batch),
            (event, Some(_)) => {
                if let Event::BatchBegun(data) = event {
                    self.batches.push(data.batch);
                }
                event.steps().iter().any(|step| step.entries.contains(self.entry))
            }
        };
        if fits { Ok(()) } else { Err("it does not tell of this entry".to_owned()) }
    }

    /// Whether the account that approved is the one that recorded, as the event says, as far as both are opened.
    fn accounts(&mut self, event: &EntryEvent, said: &Event) -> Result<(), Refused> {
        let account = event.seals.iter().find(|seal| seal.field == "recorded_by");
        let account = account.map(|seal| seal.value.clone());
        if let Event::RequestRecorded(_) = said {
            self.account = account;
        } else if let (Event::RequestApproved(data), Some(asked), Some(approved)) =
            (said, &self.account, account)
            && (*asked == approved) != data.same_account
        {
            return Err(
                "whether the same OS account approved is not what the accounts say".to_owned()
            );
        }
        Ok(())
    }

    /// Whether a signed approval is signed for what was recorded, in words.
    fn signature(&mut self, event: &EntryEvent, said: &Event) -> Result<Option<String>, Refused> {
        match (said, &self.request) {
            (Event::RequestRecorded(_), _) => self.known.asked(event),
            (Event::RequestApproved(data), Some((request, leaf))) => {
                return self.known.signature(event, data, (request, *leaf));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Checks the item of the entry in an event, and gives its opened form.
    fn item(&mut self, event: &EntryEvent, said: &Event) -> Result<Option<Vec<Value>>, Refused> {
        let (expected, item) = match (Expected::of(said, self.entry), &event.item) {
            (None, None) => return Ok(None),
            (Some(expected), Some(item)) => (expected, item),
            (None, Some(_)) => return Err("it has no items, and one is given".to_owned()),
            (Some(_), None) => return Err("its item of this entry is missing".to_owned()),
        };
        let leaf = item_leaf(&Salt::new(*item.salt.bytes()), item.opened.as_bytes());
        let place = expected.entries.iter().position(|entry| entry == self.entry);
        let place = place.and_then(|place| u64::try_from(place).ok()).unwrap_or(u64::MAX);
        let root = root_from(leaf, place, expected.entries.len(), &item.path);
        if root != Some(expected.items_root) {
            return Err(
                "the item is not the one that was sealed: it, its salt or its path was changed"
                    .to_owned(),
            );
        }
        let wrong = || "the sealed item says something else than the event".to_owned();
        let opened: Vec<Value> = serde_json::from_str(&item.opened).map_err(|_| wrong())?;
        let (head, tail) = opened.split_at_checked(IDENTITY + 1).ok_or_else(wrong)?;
        let (kind, identity) = head.split_first().ok_or_else(wrong)?;
        if *kind != expected.kind || identity.first() != Some(&Value::from(self.entry.get())) {
            return Err(wrong());
        }
        match &self.identity {
            None => self.identity = Some(identity.to_vec()),
            Some(known) if known == identity => {}
            Some(_) => return Err("the sealed item is about something else than before".to_owned()),
        }
        let (said, hashed) = match (tail.split_last(), expected.hashed) {
            (Some((hash, said)), true) => (said, Some(hash)),
            (_, hashed) => (tail, hashed.then_some(&Value::Null)),
        };
        if said != expected.says {
            return Err(wrong());
        }
        own_bytes(item, hashed)?;
        Ok(Some(opened))
    }
}

/// The state in which a request's entries are recorded.
pub(super) fn first_state(request: &RequestRecorded) -> EntryState {
    if request.awaiting_approval { EntryState::AwaitingApproval } else { EntryState::Pending }
}

fn entries_of(data: &RequestRecorded) -> EntryRanges {
    let entries = i64::try_from(data.entries).unwrap_or(i64::MAX);
    let last = data.first_entry.get().saturating_add(entries).saturating_sub(1);
    EntryRanges::span(data.first_entry, EntryId::new(last))
}

/// What an event with items lets expect of the item of one entry.
struct Expected {
    kind: Value,
    entries: EntryRanges,
    items_root: Hash,
    /// What follows the identity, without the hash.
    says: Vec<Value>,
    /// Whether a hash of bytes, or null, comes last.
    hashed: bool,
}

impl Expected {
    fn of(event: &Event, entry: EntryId) -> Option<Self> {
        let whole = |mut entries: Vec<EntryId>| {
            entries.sort_unstable();
            entries.into_iter().collect::<EntryRanges>()
        };
        let (kind, entries, items_root, says, hashed) = if let Event::RequestRecorded(data) = event
        {
            ("recorded", entries_of(data), data.items_root, vec![], false)
        } else if let Event::BatchAnswered(data) = event {
            let all = data.groups.iter().flat_map(|group| group.entries.iter()).collect();
            let group = data.groups.iter().find(|group| group.entries.contains(entry))?;
            let says = vec![
                Value::from(data.batch.get()),
                Value::from(group.outcome.wire_name()),
                Value::from(group.code.as_str()),
            ];
            ("answered", whole(all), data.items_root, says, true)
        } else if let Event::EvidenceRead(data) = event {
            let all = data.groups.iter().flat_map(|group| group.entries.iter()).collect();
            let group = data.groups.iter().find(|group| group.entries.contains(entry))?;
            let says = vec![
                Value::from(data.evidence),
                Value::from(group.verdict.wire_name()),
                Value::from(group.code.as_str()),
            ];
            ("evidence", whole(all), data.items_root, says, true)
        } else if let Event::SnapshotTaken(data) = event {
            let says = vec![Value::from(data.reading)];
            ("snapshot", data.entries.clone(), data.items_root, says, true)
        } else if let Event::FullSnapshotTaken(data) = event {
            // The hash is of a file that no certificate holds.
            let says = vec![Value::from(data.reading)];
            ("full", data.entries.clone(), data.items_root, says, true)
        } else if let Event::EntriesSettled(data) = event {
            let says = vec![Value::from(data.reading), Value::from(data.verdict.wire_name())];
            ("settled", data.entries.clone(), data.items_root, says, false)
        } else if let Event::EntriesRechecked(data) = event {
            let all = data.groups.iter().flat_map(|group| group.entries.iter()).collect();
            let group = data.groups.iter().find(|group| group.entries.contains(entry))?;
            let says = vec![Value::from(data.reading), Value::from(group.found.wire_name())];
            ("rechecked", whole(all), data.items_root, says, true)
        } else {
            return None;
        };
        let kind = Value::from(format!("zoho-journal/{kind}@1"));
        Some(Self { kind, entries, items_root, says, hashed })
    }
}

/// The item's own bytes, where they are given, are those whose hash was sealed.
fn own_bytes(item: &Item, hash: Option<&Value>) -> Result<(), Refused> {
    let sealed = match hash {
        None | Some(Value::Null) => None,
        Some(Value::String(hash)) => Some(hash.as_str()),
        Some(_) => return Err("the hash of its bytes is none".to_owned()),
    };
    match (&item.bytes, sealed) {
        (None, _) => Ok(()),
        (Some(bytes), Some(hash)) if Hash::of(bytes.as_bytes()).to_string() == hash => Ok(()),
        (Some(_), _) => Err("the item's own bytes are not those that were sealed".to_owned()),
    }
}

fn opened_seals(event: &EntryEvent, said: &Event) -> Result<(), Refused> {
    let commitments = seals_of(said);
    let mut before: Option<&str> = None;
    for opened in &event.seals {
        if before.is_some_and(|before| before >= opened.field.as_str()) {
            return Err("its opened fields are not in order".to_owned());
        }
        before = Some(&opened.field);
        let salt = Salt::new(*opened.salt.bytes());
        let hash = seal(&salt, &opened.field, &opened.value);
        if !commitments.iter().any(|(name, sealed)| *name == opened.field && *sealed == Some(hash))
        {
            return Err(format!("\"{}\" is not what was sealed", opened.field));
        }
    }
    Ok(())
}

/// An event that another program's file proves (c2sp.org/tlog-proof with the event's bytes as `extra`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedEvent {
    /// Its position.
    pub index: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub kind: &'static str,
    /// The log as it was signed.
    pub checkpoint: Checkpoint,
}

/// Checks the proof of a single event. It names no key by itself, so one must be given.
pub fn check_tlog_proof(bytes: &[u8], key: &VerifierKey) -> Result<CheckedEvent, Refused> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let wrong = || "it has not the form of a proof with the event as its extra data".to_owned();
    let (above, checkpoint) = text.split_once("\n\n").ok_or_else(wrong)?;
    let mut lines = above.split('\n');
    let (title, extra, index) = (lines.next(), lines.next(), lines.next());
    if title != Some("c2sp.org/tlog-proof@v1") {
        return Err(wrong());
    }
    let body = extra.and_then(|line| line.strip_prefix("extra ")).ok_or_else(wrong)?;
    let body = STANDARD.decode(body).map_err(|_| wrong())?;
    let body = String::from_utf8(body).map_err(|_| wrong())?;
    let digits = index.and_then(|line| line.strip_prefix("index ")).ok_or_else(wrong)?;
    let index: u64 = digits.parse().map_err(|_| wrong())?;
    if index.to_string() != digits {
        return Err(wrong());
    }
    let hash = |line: &str| {
        STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok()).map(Hash::new)
    };
    let path = lines.map(hash).collect::<Option<Vec<Hash>>>().ok_or_else(wrong)?;
    let SignedCheckpoint { checkpoint, .. } = signed_once(checkpoint, key)?;
    let logged = proven(&ProvenEvent { index, body, path }, checkpoint.head)?;
    Ok(CheckedEvent { index, at: logged.at, kind: logged.event.kind(), checkpoint })
}
