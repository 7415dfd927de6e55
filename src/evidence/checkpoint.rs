//! Checkpoints for people outside: which one may be given away, and whether the journal extends one that
//! somebody kept.

use std::path::Path;

use crate::evidence::anchor::{Anchor, AnchorState, AnchoredLog, Published};
use crate::evidence::keeper::{Keeper, KeeperError};
use crate::evidence::note::{Checkpoint, NoteError, SignedNote, VerifierKey};
use crate::evidence::verify::{Finding, Report};
use crate::platform::{Access, Sharing};
use crate::store::creation::{Former, JournalIdentity};
use crate::store::{self, Reader};

/// A checkpoint whose log is durable, with the key that signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The note, as it is given away.
    pub note: SignedNote,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Who signed it.
    pub signed_by: VerifierKey,
}

impl SignedCheckpoint {
    /// The checkpoint of a note that one of these keys signed.
    pub fn of(note: SignedNote, keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let signed_by = note.verify(keys)?.clone();
        if checkpoint.origin != signed_by.name() {
            return Err(NoteError::NotACheckpoint("its origin is not the name of its key"));
        }
        Ok(Self { note, checkpoint, signed_by })
    }
}

/// The published checkpoint beside a journal, and a look at the journal that extends it. `None` for the
/// checkpoint where there is none, or where the journal does not extend it: whoever writes says why.
///
/// What is in the anchor was durable before it was signed, so it may be given to anybody as it is.
pub fn published(db: &Path) -> store::Result<(Reader, Option<SignedCheckpoint>)> {
    let sharing = Sharing::seen_at(db).unwrap_or(Sharing::OwnerOnly);
    // The anchor first: a writer in between would else make the journal look older than its anchor.
    let seen = Anchor::of(db, sharing).read(Access::Read);
    let reader = Reader::open(db)?;
    let found = match (seen.check(&reader, None)?, seen) {
        (AnchorState::Extends { signed_by, .. }, Published::Note(note, checkpoint)) => {
            Some(SignedCheckpoint { note, checkpoint, signed_by })
        }
        _ => None,
    };
    Ok((reader, found))
}

impl Keeper {
    /// The checkpoint of the log as it is now, durable before it is signed. While others use the journal
    /// that cannot always be had at once: then it is the one that was published last.
    pub fn checkpoint(&mut self) -> Result<SignedCheckpoint, KeeperError> {
        let head = self.store().head()?;
        let signed_by = self.verifier().clone();
        let note = if self.store().make_durable()? {
            self.publish_seen(head)?
        } else {
            self.published_note()?
        };
        let checkpoint = Checkpoint::parse(note.text())?;
        let identity = self.store().journal_identity()?;
        let keys: Vec<VerifierKey> =
            identity.all_keys().filter_map(|key| key.parse().ok()).collect();
        let signed_by = note.verify(&keys).cloned().unwrap_or(signed_by);
        Ok(SignedCheckpoint { note, checkpoint, signed_by })
    }
}

/// How a log stands to a checkpoint that somebody kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What was kept; `None` when it could not be read.
    pub checkpoint: Option<Checkpoint>,
    /// Whose signature it bears; `None` when of nobody who counts.
    pub signed_by: Option<VerifierKey>,
    /// Why the log does not extend it; `None` when it does.
    pub problem: Option<String>,
    /// Whether that is since the journal was adopted without what the checkpoint tells of.
    pub parted: bool,
}

/// Holds a log against a checkpoint that an auditor kept. `key` is the one that the auditor trusts; without
/// it every key that the log names counts.
pub fn held_against(
    log: &impl AnchoredLog,
    kept: &[u8],
    key: Option<&VerifierKey>,
) -> store::Result<Kept> {
    let mut found = Kept { checkpoint: None, signed_by: None, problem: None, parted: false };
    let note = match SignedNote::parse(kept) {
        Ok(note) => note,
        Err(error) => return Ok(found.but(error.to_string())),
    };
    match Checkpoint::parse(note.text()) {
        Ok(checkpoint) => found.checkpoint = Some(checkpoint),
        Err(error) => return Ok(found.but(error.to_string())),
    }
    let identity = log.identity()?;
    let keys: Vec<VerifierKey> = match key {
        Some(key) => vec![key.clone()],
        None => identity.all_keys().filter_map(|key| key.parse().ok()).collect(),
    };
    let lost = found.checkpoint.as_ref().and_then(|kept| identity.lost(kept));
    let problem = match SignedCheckpoint::of(note, &keys) {
        Ok(SignedCheckpoint { checkpoint, signed_by, .. }) => {
            found.signed_by = Some(signed_by);
            extends(log, &checkpoint, &identity)?
        }
        Err(NoteError::Unknown) if key.is_some() => {
            Some("it is not signed by the key that was given with --key".to_owned())
        }
        // A key of the lost part is not named in what is left.
        Err(NoteError::Unknown) if lost.is_some() => lost.clone(),
        Err(NoteError::Unknown) => {
            Some("it is not signed by any key that this journal's log names".to_owned())
        }
        Err(error) => Some(error.to_string()),
    };
    found.parted = lost.is_some() && problem == lost;
    found.problem = problem;
    Ok(found)
}

impl Kept {
    /// The log cannot be read far enough.
    pub fn unknown(error: &store::StoreError) -> Self {
        Self {
            checkpoint: None,
            signed_by: None,
            problem: Some(format!("it cannot be read: {error}")),
            parted: false,
        }
    }

    fn but(mut self, problem: String) -> Self {
        self.problem = Some(problem);
        self
    }
}

fn extends(
    log: &impl AnchoredLog,
    kept: &Checkpoint,
    identity: &JournalIdentity,
) -> store::Result<Option<String>> {
    let (size, origin) = (kept.head.size, identity.journal.origin());
    if kept.origin != origin && identity.former_of(kept).is_none() {
        return Ok(Some(format!("it is of {}, and this journal is {origin}", kept.origin)));
    }
    if let Some(lost) = identity.lost(kept) {
        return Ok(Some(lost));
    }
    Ok(match log.root_at(size)? {
        Some(root) if root == kept.head.root => None,
        Some(_) => Some(format!(
            "the first {size} events of the journal are not those that it was signed for: the log was \
             changed, or written anew"
        )),
        None => Some(format!(
            "it is of {size} events and the journal holds {}: events were cut off, or an older copy was put \
             back",
            log.head()?.size
        )),
    })
}

impl JournalIdentity {
    /// Who this journal was when a checkpoint was signed, if that was before it was adopted.
    fn former_of(&self, kept: &Checkpoint) -> Option<&Former> {
        self.former.iter().find(|former| former.journal.origin() == kept.origin)
    }

    /// That a checkpoint tells of more events than this journal took over: they parted.
    fn lost(&self, kept: &Checkpoint) -> Option<String> {
        let former = self.former_of(kept).filter(|former| former.events < kept.head.size)?;
        let (size, held) = (kept.head.size, former.events);
        Some(format!(
            "it is of {size} events of {}, which this journal was until it was adopted at {}, and of which it then \
             held {held}: the {} events after these are not in it. They were lost, or they go on elsewhere under \
             that name; the histories parted at event {held}",
            kept.origin,
            former.adopted_at,
            size - held
        ))
    }
}

impl Report {
    /// Adds what came of a kept checkpoint, which was read from a file of this name.
    pub fn add_kept(&mut self, name: &str, kept: &Kept) {
        match &kept.problem {
            None => self.anchored = true,
            Some(problem) => {
                self.ok = false;
                let what = if kept.signed_by.is_some() {
                    format!("the journal does not extend it: {problem}")
                } else {
                    format!("it shows nothing about this journal: {problem}")
                };
                let where_ = format!("checkpoint {name}");
                self.findings.insert(0, Finding { since: None, where_, what });
            }
        }
    }
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
