//! The writes by which a journal becomes another one, or goes to another place.

use secrecy::zeroize::Zeroizing;

use super::Write;
use super::cases::{Case, pad};
use crate::domain::event::AdoptionCause;
use crate::evidence::key::JournalKey;
use crate::store::adopting::NewAdoption;
use crate::store::creation::JournalId;
use crate::store::testing::Journal;

/// Writes of whoever has the journal open.
pub(super) const ANYBODY: &[Case] = &[
    Case {
        name: "adopt",
        prepare: adopt,
        writes: "adoption insert, entry update, node insert, sealed insert, tally insert, tally update",
    },
    Case { name: "depart", prepare: depart, writes: "node insert, sealed insert" },
];

/// Two of three Leads are pending.
fn adopt(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    journal.start("sync");
    let done = journal.begin(&[3]);
    journal.succeed(&done);
    pad(journal);
    let stood = journal.store.head().unwrap();
    let id = JournalId::new([8; 16]);
    let key = JournalKey::from_seed(id, &Zeroizing::new([8; 32])).unwrap().verifier().to_string();
    Box::new(move |tx| {
        let adopted = tx.adopt(&NewAdoption {
            stood,
            journal: id,
            key: &key,
            cause: AdoptionCause::Missing,
            published: None,
            reason: "the disk is gone",
            adopted_by: "anna (uid 1000) on desk",
            program: "zoho-journal/0.1.0",
        })?;
        assert_eq!(adopted.unwrap().to_string(), "1-2");
        Ok(())
    })
}

fn depart(journal: &mut Journal) -> Write {
    pad(journal);
    Box::new(|tx| tx.depart("/media/stick/acme.db", "zoho-journal/0.1.0", "anna on desk"))
}
