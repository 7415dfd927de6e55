//! The first event of a journal, which names it, and the events that name its later keys.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, named_params};

use crate::domain::event::{Event, EventError, JournalCreated, KeyReplaced, LoggedEvent};
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::store::adopting::{self, Adoption};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals};
use crate::store::{Reader, Store, WriteTx};

/// A journal's id: 16 random bytes, so that no two journals can ever share proofs. Shown as 32
/// lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JournalId([u8; 16]);

/// The text is no journal's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 lower-case hexadecimal digits")]
pub struct JournalIdError;

impl JournalId {
    /// Wraps 16 random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The origin line of the journal's checkpoints, and the name of its keys.
    pub fn origin(self) -> String {
        format!("zoho-journal/{self}")
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for JournalId {
    type Err = JournalIdError;

    fn from_str(text: &str) -> std::result::Result<Self, JournalIdError> {
        let number = u128::from_str_radix(text, 16).map_err(|_| JournalIdError)?;
        let id = Self(number.to_be_bytes());
        // One way only to write it; it becomes a file name.
        if id.to_string() == text { Ok(id) } else { Err(JournalIdError) }
    }
}

/// Who a journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalIdentity {
    /// Its id.
    pub journal: JournalId,
    /// The public keys that its log names under this id, the first one first, each as `name+id+key`. The last one
    /// is in force.
    pub keys: Vec<String>,
    /// Who it was before it was adopted, the first one first.
    pub former: Vec<Former>,
}

/// Who a journal was until it was adopted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Its id then.
    pub journal: JournalId,
    /// Its keys then.
    pub keys: Vec<String>,
    /// How many events of that time it still held.
    pub events: u64,
    /// When it was adopted.
    pub adopted_at: Timestamp,
}

impl JournalIdentity {
    /// Every key, of all its names.
    pub fn all_keys(&self) -> impl Iterator<Item = &str> {
        let former = self.former.iter().flat_map(|one| &one.keys);
        former.chain(&self.keys).map(String::as_str)
    }
}

/// A journal that is about to begin.
#[derive(Debug, Clone)]
pub struct NewJournal<'a> {
    /// Its id.
    pub journal: JournalId,
    /// Its public key, as `name+id+key`.
    pub key: &'a str,
    /// Name and version of the program.
    pub program: &'a str,
    /// OS account and host; sealed.
    pub created_by: &'a str,
}

/// A signing key that follows another one.
#[derive(Debug, Clone)]
pub struct NextKey<'a> {
    /// The key in force, as `name+id+key`.
    pub old: &'a str,
    /// The key from then on.
    pub new: &'a str,
    /// The note that both have signed.
    pub handover: &'a str,
    /// Why; sealed.
    pub reason: &'a str,
    /// Name and version of the program.
    pub program: &'a str,
    /// OS account and host; sealed.
    pub replaced_by: &'a str,
}

impl WriteTx<'_> {
    /// Writes the first event. Fails when there is one already.
    pub fn create_journal(&mut self, new: &NewJournal<'_>) -> Result<()> {
        if self.tree.size() > 0 {
            return Err(StoreError::corrupt("event", "the first event is there already"));
        }
        let mut seals = Seals::default();
        let event = JournalCreated {
            journal: new.journal.to_string(),
            key: new.key.to_owned(),
            program: new.program.to_owned(),
            created_by: seals.add(self.entropy, "created_by", new.created_by)?,
        };
        self.append(event, seals).map(|_| ())
    }

    /// Names another key, unless it is the one in force: of two processes that meet the same new key
    /// only the first writes. Says whether it wrote.
    pub fn replace_key(&mut self, key: &str, program: &str, replaced_by: &str) -> Result<bool> {
        let in_force =
            identity(&self.tx)?.and_then(|identity| identity.keys.into_iter().next_back());
        if in_force.as_deref() == Some(key) {
            return Ok(false);
        }
        let mut seals = Seals::default();
        let event = KeyReplaced {
            key: key.to_owned(),
            program: program.to_owned(),
            replaced_by: seals.add(self.entropy, "replaced_by", replaced_by)?,
            reason: None,
            handover: None,
        };
        self.append(event, seals)?;
        Ok(true)
    }

    /// Names the key that follows the one in force, with the note by which that one hands over.
    pub fn rotate_key(&mut self, next: &NextKey<'_>) -> Result<()> {
        let in_force =
            identity(&self.tx)?.and_then(|identity| identity.keys.into_iter().next_back());
        if in_force.as_deref() != Some(next.old) {
            return Err(StoreError::Unsafe(
                "the signing key at hand is not the one that the log names last".to_owned(),
            ));
        }
        let mut seals = Seals::default();
        let event = KeyReplaced {
            key: next.new.to_owned(),
            program: next.program.to_owned(),
            replaced_by: seals.add(self.entropy, "replaced_by", next.replaced_by)?,
            reason: Some(seals.add(self.entropy, "reason", next.reason)?),
            handover: Some(next.handover.to_owned()),
        };
        self.append(event, seals).map(|_| ())
    }

    /// The number of events so far, those of this transaction included.
    pub fn log_size(&self) -> u64 {
        self.tree.size()
    }
}

fn parse_id(text: &str) -> Result<JournalId> {
    text.parse().map_err(|_| StoreError::corrupt("event", "the journal's id is not 32 hex digits"))
}

/// The journal's id and the first key under it: as its newest adoption says, else its first event.
fn created(conn: &Connection) -> Result<Option<(JournalId, String)>> {
    match adopting::newest(conn)? {
        Some(adoption) => Ok(Some((parse_id(&adoption.event.journal)?, adoption.event.key))),
        None => first(conn),
    }
}

/// The event that every journal begins with; `None` for an empty log.
fn first(conn: &Connection) -> Result<Option<(JournalId, String)>> {
    let first = match log::event(conn, EventSeq::new(0)) {
        Err(StoreError::NotFound(_)) => return Ok(None),
        other => other?.decode()?,
    };
    let Event::JournalCreated(event) = first.event else {
        return Err(StoreError::corrupt("event", "the first one does not name the journal"));
    };
    Ok(Some((parse_id(&event.journal)?, event.key)))
}

/// The journal's id and all its keys. Looks through the whole log.
fn identity(conn: &Connection) -> Result<Option<JournalIdentity>> {
    let Some((mut journal, _)) = first(conn)? else {
        return Ok(None);
    };
    let adoptions = adopting::adoptions(conn)?;
    let (mut former, mut keys) = (Vec::new(), Vec::new());
    for (seq, key) in key_events(conn)? {
        if adoptions.contains(&seq) {
            let Adoption { at, event, .. } = adopting::adoption(conn, seq)?;
            let before = std::mem::replace(&mut journal, parse_id(&event.journal)?);
            let keys = std::mem::take(&mut keys);
            former.push(Former { journal: before, keys, events: event.events, adopted_at: at });
        }
        keys.push(key);
    }
    Ok(Some(JournalIdentity { journal, keys, former }))
}

/// The events that name keys, each with its key, the first one of the log first.
pub(super) fn key_events(conn: &Connection) -> Result<Vec<(EventSeq, String)>> {
    let Some((_, first)) = first(conn)? else {
        return Ok(Vec::new());
    };
    let doing = "reading the journal's keys";
    let mut keys = vec![(EventSeq::new(0), first)];
    // Finds too much rather than too little; what it finds is decoded.
    let mut statement = conn
        .prepare_cached(
            "-- key_events\nSELECT seq, body FROM event
             WHERE seq > 0 AND (instr(body, :kind) > 0 OR instr(body, :adopted) > 0) ORDER BY seq",
        )
        .doing(doing)?;
    let kind: &[u8] = b"\"kind\":\"key_replaced\"";
    let adopted: &[u8] = b"\"kind\":\"adopted\"";
    let rows = statement
        .query_map(named_params! {":kind": kind, ":adopted": adopted}, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .doing(doing)?;
    for row in rows {
        let (seq, body) = row.doing(doing)?;
        match LoggedEvent::decode(&body) {
            Ok(LoggedEvent { event: Event::KeyReplaced(replaced), .. }) => {
                keys.push((EventSeq::new(seq), replaced.key));
            }
            Ok(LoggedEvent { event: Event::Adopted(adopted), .. }) => {
                keys.push((EventSeq::new(seq), adopted.key));
            }
            // Other events do not matter here, also those of a newer program.
            Ok(_) | Err(EventError::UnknownVersion(_) | EventError::UnknownKind(_)) => {}
            Err(source @ EventError::Malformed(_)) => {
                return Err(StoreError::Event { seq, source });
            }
        }
    }
    Ok(keys)
}

/// The root that the log had at a size; `None` when it was never so long.
fn root_at(conn: &Connection, size: u64) -> Result<Option<Hash>> {
    // One snapshot of head and nodes is not needed: a log only grows.
    if size > log::head(conn)?.size {
        return Ok(None);
    }
    log::root_at(conn, size).map(Some)
}

/// The same questions for whoever writes and whoever looks.
macro_rules! identified {
    ($($name:ident),+) => {$(
        impl $name {
            /// The journal's id and its first key; `None` when `init` was interrupted before it wrote
            /// the first event.
            pub fn created(&self) -> Result<Option<(JournalId, String)>> {
                created(&self.conn)
            }

            /// The journal's id and every key that the log names, which looks through the whole log.
            pub fn journal_identity(&self) -> Result<JournalIdentity> {
                identity(&self.conn)?
                    .ok_or_else(|| StoreError::corrupt("event", "there is no first event"))
            }

            /// The root that the log had when it held so many events; `None` when it never did.
            pub fn root_at(&self, size: u64) -> Result<Option<Hash>> {
                root_at(&self.conn, size)
            }
        }
    )+};
}
identified!(Store, Reader);

impl Store {
    /// 32 fresh bytes from the journal's own source of randomness.
    pub fn fresh_bytes(&mut self) -> Result<[u8; 32]> {
        Ok(self.entropy.bytes()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::SeededEntropy;
    use crate::domain::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn empty_store() -> (tempfile::TempDir, Store) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("acme.db");
        std::fs::write(&path, "").unwrap();
        let store = Store::create(&path, Box::new(SeededEntropy::new(1))).unwrap();
        (place, store)
    }

    fn create(store: &mut Store, key: &str) -> Result<()> {
        let new = NewJournal {
            journal: JournalId::new([0xab; 16]),
            key,
            program: "zoho-journal/0",
            created_by: "ann",
        };
        store.write("creating the journal", NOW, |tx| tx.create_journal(&new)).map(|_| ())
    }

    fn replace(store: &mut Store, key: &str) -> bool {
        store.write("replacing", NOW, |tx| tx.replace_key(key, "p", "ann")).unwrap().0
    }

    #[test]
    fn a_journal_is_named_once_and_by_its_first_event() {
        let (_place, mut store) = empty_store();
        assert_eq!(store.created().unwrap(), None);
        assert!(store.journal_identity().is_err());
        create(&mut store, "one").unwrap();
        assert!(create(&mut store, "two").is_err());
        let (journal, key) = store.created().unwrap().unwrap();
        assert_eq!((journal, key.as_str()), (JournalId::new([0xab; 16]), "one"));
        assert_eq!(journal.origin(), format!("zoho-journal/{}", "ab".repeat(16)));
        let body = String::from_utf8(log::event(&store.conn, EventSeq::new(0)).unwrap().body);
        assert!(!body.unwrap().contains("ann"));
    }

    #[test]
    fn every_key_that_the_log_names_is_known_and_the_same_one_is_not_named_twice() {
        let (_place, mut store) = empty_store();
        create(&mut store, "one").unwrap();
        assert!(!replace(&mut store, "one"));
        assert!(replace(&mut store, "two"));
        assert!(!replace(&mut store, "two"));
        assert!(replace(&mut store, "one"));
        assert_eq!(store.journal_identity().unwrap().keys, ["one", "two", "one"]);
        assert_eq!(store.head().unwrap().size, 3);
    }

    #[test]
    fn an_earlier_root_is_found_and_a_later_one_is_not() {
        let (_place, mut store) = empty_store();
        create(&mut store, "one").unwrap();
        let before = store.head().unwrap();
        replace(&mut store, "two");
        let after = store.head().unwrap();
        assert_eq!(store.root_at(1).unwrap(), Some(before.root));
        assert_eq!(store.root_at(2).unwrap(), Some(after.root));
        assert_eq!(store.root_at(3).unwrap(), None);
    }

    #[test]
    fn an_id_has_one_way_only_to_be_written() {
        let digits = "0123456789abcdef0123456789abcdef";
        assert_eq!(digits.parse::<JournalId>().unwrap().to_string(), digits);
        for other in [
            "",
            "../../etc/passwd",
            &digits[1..],
            &digits.to_uppercase(),
            "+123456789abcdef0123456789abcdef0",
        ] {
            assert!(other.parse::<JournalId>().is_err(), "{other}");
        }
    }
}
