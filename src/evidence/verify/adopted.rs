//! Adoptions, and journals that moved: that each names what was there before it.

use crate::domain::event::{Adopted, AdoptionCause, Event};
use crate::domain::id::EventSeq;
use crate::domain::merkle::Hash;
use crate::evidence::note::{Checkpoint, SignedNote, VerifierKey};
use crate::evidence::verify::findings::Kind;
use crate::evidence::verify::log::LogPass;
use crate::store::Result;

impl LogPass<'_> {
    /// Checks what an event says about the journal before it; `before` is the leaf of the event before it.
    pub(super) fn place(
        &mut self,
        seq: EventSeq,
        event: &Event,
        before: Option<Hash>,
    ) -> Result<()> {
        let what = if let Event::Adopted(data) = event {
            self.adopted(data)?
        } else if let Event::Arrived(data) = event
            && Some(data.content) != before
        {
            Some("it arrives from another place than the one that was left".to_owned())
        } else {
            None
        };
        if let Some(what) = what {
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        }
        Ok(())
    }

    /// What an adoption says that is not so.
    fn adopted(&mut self, data: &Adopted) -> Result<Option<String>> {
        let origin = format!("zoho-journal/{}", data.journal);
        let former = std::mem::replace(&mut self.key, data.key.clone());
        let key = data.key.parse::<VerifierKey>();
        if !key.is_ok_and(|key| key.name() == origin) {
            return Ok(Some("it names a signing key of another journal".to_owned()));
        }
        if self.audit.root_at(data.events)? != Some(data.root) {
            return Ok(Some("it adopts a log of another root than the journal's own".to_owned()));
        }
        let Some(published) = &data.published else {
            let needs = data.cause == AdoptionCause::Behind;
            return Ok(needs.then(|| "it names no checkpoint that was ahead of it".to_owned()));
        };
        let note = SignedNote::parse(published.as_bytes());
        let Ok(checkpoint) = note.and_then(|note| Checkpoint::parse(note.text())) else {
            return Ok(Some("what it took for its checkpoint is none".to_owned()));
        };
        let former = former.parse::<VerifierKey>();
        if former.is_ok_and(|former| former.name() != checkpoint.origin) {
            return Ok(Some("the checkpoint that it names is another journal's".to_owned()));
        }
        let ahead = checkpoint.head.size > data.events;
        Ok((data.cause == AdoptionCause::Behind && !ahead)
            .then(|| "the checkpoint that it names is not ahead of it".to_owned()))
    }
}
