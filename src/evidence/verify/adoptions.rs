//! Adoption and moving, in a journal in which everything happened.

use crate::domain::event::AdoptionCause;
use crate::domain::id::{EntryId, RequestId};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{EntryState, Verdict};
use crate::domain::time::Timestamp;
use crate::evidence::verify::eventful::{Journal, record, signing_key};
use crate::store::adopting::NewAdoption;
use crate::store::approval::By;
use crate::store::creation::JournalId;
use crate::store::releasing::Release;

fn by(who: &str) -> By<'_> {
    By { who, account: "ann (uid 1000)", reason: "it has to be", program: "test/1" }
}

/// The journal is adopted, what it kept back is let go and read, it is moved, and goes on.
pub(super) fn of_adoption(journal: &mut Journal) {
    // The name stays, so that other tests can go on with one key; the log allows any.
    let key = signing_key(2).verifier().to_string();
    let stood = journal.store.head().unwrap();
    journal.millis += 1000;
    let now = Timestamp::from_millis(journal.millis);
    let new = NewAdoption {
        stood,
        journal: JournalId::new([7; 16]),
        key: &key,
        cause: AdoptionCause::Missing,
        published: None,
        reason: "the disk is gone",
        adopted_by: "ann (uid 1000) on desk",
        program: "test/1",
    };
    let (unknown, _) = journal.store.adopt(&new, now).unwrap().unwrap();
    assert!(!unknown.is_empty());

    let (module, held) = ("Accounts".parse().unwrap(), [record(96)]);
    let go = Release { module: &module, ids: Some(&held), ticket: None, by: by("Carla") };
    let released = journal.write(|tx| tx.release(&go)).unwrap();
    assert_eq!((released.pending.len(), released.unread.len()), (0, 1), "{released:?}");
    let waits = RequestId::new(2);
    let never = ApprovalPolicy::Never;
    let approved = journal.write(|tx| tx.approve(&[waits], never, by("Bert"))).unwrap();
    assert_eq!((approved[0].entries, approved[0].unread), (0, 3));
    journal.write(|tx| tx.resume(by("ann"))).unwrap();
    let run = journal.start_run(Some(901));
    let again = journal.write(|tx| tx.reopen(run, None, &|code| !code.is_empty()));
    let state = |journal: &Journal, entry| journal.reader().entry(entry).unwrap().state;
    assert!(again.iter().all(|entry| state(journal, entry) == EntryState::Unknown));
    // One of each is read, and is as free as any from then on.
    let first = again.first().unwrap();
    journal.read(run, &[(first.get(), Verdict::Failed, "LOCKED")]);
    let once = journal.write(|tx| tx.reopen(run, None, &|code| code == "LOCKED"));
    assert_eq!(once, EntryRanges::span(first, first));
    assert_eq!(state(journal, first), EntryState::Pending);
    let approved: Vec<EntryId> = vec![released.unread.first().unwrap()];
    for entry in approved {
        journal.read(run, &[(entry.get(), Verdict::Pending, "")]);
        assert_eq!(state(journal, entry), EntryState::Pending);
    }
    journal.write(|tx| tx.end_run(run, 0, 1, 1));
    journal.write(|tx| tx.pause(by("ann"))).unwrap();

    journal.write(|tx| tx.depart("/media/stick/journal.db", "test/1", "ann on desk"));
    let left = journal.reader().departed().unwrap().unwrap().leaf;
    let refused = journal.store.write("recording", now, |tx| tx.resume(by("ann")));
    assert!(refused.is_err(), "{refused:?}");
    journal.millis += 1000;
    let now = Timestamp::from_millis(journal.millis);
    journal.store.arrive(left, "test/1", "ann on laptop", now).unwrap();
}
