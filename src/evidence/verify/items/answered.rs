//! Answers: the stored body against the seals of the log, and every attempt against the body.

use std::ops::Range;

use crate::domain::erasure::filler;
use crate::domain::event::{AnsweredGroup, BatchAnswered};
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::merkle::Hash;
use crate::domain::seal::{LeafPurpose, item_leaf};
use crate::domain::slices::{decode_cuts, encode_cuts, envelope};
use crate::evidence::verify::erased::{BLANK, STILL_THERE};
use crate::evidence::verify::findings::{Findings, Kind};
use crate::evidence::verify::items::{Part, Worker, all_gone, identity, owners};
use crate::evidence::verify::words::{LastItem, Words, of_call};
use crate::store::Result;
use crate::store::audit::{RawAnswerRow, inflate};

/// A stored answer, read.
struct Answer {
    body: Vec<u8>,
    cuts: Vec<Option<Range<usize>>>,
}

impl Answer {
    fn slice(&self, position: usize) -> Option<&[u8]> {
        self.cuts.get(position)?.clone().and_then(|cut| self.body.get(cut))
    }
}

impl Worker<'_> {
    /// Checks an answer: its envelope, its items' leaves, its attempts.
    pub(super) fn answered(
        &mut self,
        seq: EventSeq,
        (data, blanked): (&BatchAnswered, bool),
        parts: &[Part],
        found: &mut Findings,
    ) -> Result<()> {
        let nothing = all_gone(parts);
        let mut plan: Vec<(EntryId, &AnsweredGroup)> = data
            .groups
            .iter()
            .flat_map(|group| group.entries.iter().map(move |entry| (entry, group)))
            .collect();
        plan.sort_unstable_by_key(|(entry, _)| *entry);
        let answer = if nothing {
            self.nothing_is_left(seq, data, found)?;
            None
        } else {
            self.read_answer(seq, (data, blanked), plan.len(), found)?
        };
        self.compare_attempts(seq, data, &plan, parts, (answer.as_ref(), blanked), found)?;
        let whole = self.items_of(parts, found)?;
        let Some(answer) = answer.filter(|_| whole) else { return Ok(()) };
        let mut leaves = self.leaves_of(seq, parts, found)?;
        let items = std::mem::take(&mut self.items);
        let owners = owners(parts);
        let rows = plan.iter().zip(owners).zip(&items).enumerate();
        for (position, (((_, group), request), item)) in rows {
            let purpose = LeafPurpose::Answered(data.batch);
            if request.has_forgotten(EntryId::new(item.entry)) {
                if answer.slice(position).is_some_and(|slice| slice != filler(slice.len())) {
                    let place = format!("answer to {}", data.batch);
                    let what = format!("the bytes of {}: {STILL_THERE}", EntryId::new(item.entry));
                    found.add(Kind::Answers, place, what, Some(seq));
                }
                leaves.pass();
                continue;
            }
            if let Some(identity) = identity(item)
                && let Some((salt, maker)) = self.salt(request, item, purpose)?
            {
                let (outcome, slice) = (group.outcome.wire_name(), answer.slice(position));
                let opened = maker.answered(&identity, data.batch, outcome, &group.code, slice);
                leaves.push(item_leaf(&salt, opened));
            }
        }
        self.items = items;
        if !leaves.give(&data.items_root) {
            let what = "what the answer says about its items is not what the log sealed: the answer, \
                        an id or a secret was edited";
            found.add(Kind::Answers, format!("answer to {}", data.batch), what, Some(seq));
        }
        Ok(())
    }

    /// Of an answer whose items were all forgotten nothing may be there.
    fn nothing_is_left(
        &self,
        seq: EventSeq,
        data: &BatchAnswered,
        found: &mut Findings,
    ) -> Result<()> {
        let blank = RawAnswerRow { body: None, cuts: None };
        let what = match self.audit().answer(data.batch)? {
            Some(row) if row == blank => return Ok(()),
            Some(_) => STILL_THERE,
            None => "it is missing",
        };
        found.add(Kind::Answers, format!("answer to {}", data.batch), what, Some(seq));
        Ok(())
    }

    /// Reads an answer and checks what stands around its items. `None`, and told, when it is no use.
    fn read_answer(
        &self,
        seq: EventSeq,
        (data, blanked): (&BatchAnswered, bool),
        items: usize,
        found: &mut Findings,
    ) -> Result<Option<Answer>> {
        let mut tell = |what: &str| {
            found.add(Kind::Answers, format!("answer to {}", data.batch), what, Some(seq));
        };
        let Some(row) = self.audit.answer(data.batch)? else {
            tell("it is missing");
            return Ok(None);
        };
        let (Some(body), Some(cuts)) = (row.body, row.cuts) else {
            tell(BLANK);
            return Ok(None);
        };
        let Some(body) = inflate(&body) else {
            tell("its bytes are damaged");
            return Ok(None);
        };
        let places = decode_cuts(&cuts).filter(|places| {
            // One form only, and every place inside the body.
            encode_cuts(places) == cuts
                && places.len() == items
                && places.iter().flatten().all(|place| place.end <= body.len())
        });
        let Some(places) = places else {
            tell("where its items stand is damaged");
            return Ok(None);
        };
        let rest = envelope(&body, &places);
        if blanked {
            if rest != filler(rest.len()) {
                tell(&format!("what stands around its items: {STILL_THERE}"));
            }
            return Ok(Some(Answer { body, cuts: places }));
        }
        let rest = Hash::of(&rest).to_string();
        if self.audit.opened(seq.get(), "envelope")?.as_deref() != Some(rest.as_str()) {
            tell("what stands around its items is not what the log sealed");
        }
        Ok(Some(Answer { body, cuts: places }))
    }

    fn compare_attempts(
        &mut self,
        seq: EventSeq,
        data: &BatchAnswered,
        plan: &[(EntryId, &AnsweredGroup)],
        parts: &[Part],
        (answer, blanked): (Option<&Answer>, bool),
        found: &mut Findings,
    ) -> Result<()> {
        self.read_attempts(data.batch, parts)?;
        let attempts = std::mem::take(&mut self.attempts);
        let mut rows = attempts.iter().peekable();
        let later = parts.iter().any(|part| part.request.operation.may_begin_later());
        let flat = Flat::of(data, answer, later);
        let mut last = LastItem::default();
        for ((position, (entry, group)), request) in plan.iter().enumerate().zip(owners(parts)) {
            let row = rows.next_if(|row| row.entry == entry.get());
            let are_the_words = |code: &str, message: &str| {
                if request.has_forgotten(*entry) {
                    return code == group.code && message.is_empty();
                }
                let said = match answer.and_then(|answer| answer.slice(position)) {
                    Some(slice) => last.read(slice).is_some_and(|words| words.are(code, message)),
                    None => answer.is_none() || blanked || flat.are(code, message),
                };
                code == group.code && said
            };
            let (entry, outcome) = (entry.get(), group.outcome);
            self.compare_attempt(seq, data.batch, entry, outcome, row, found, are_the_words)?;
        }
        self.attempts = attempts;
        Ok(())
    }
}

/// What may be recorded for an item that has no bytes of its own.
struct Flat<'a> {
    /// What the answer says about the call as a whole.
    call: Option<Words<'a>>,
    /// Whether such an item may have no words although the call has: an answer of a gateway that was cut off
    /// cannot be told from a whole one by its bytes.
    may_be_blank: bool,
}

impl<'a> Flat<'a> {
    fn of(data: &BatchAnswered, answer: Option<&'a Answer>, later: bool) -> Self {
        let gateway = matches!(data.http_status, 502..=504);
        // An answer that is not complete was not readable, unless a gateway gave it, or Zoho may begin after it.
        let readable = data.complete || gateway || later;
        let wanted = |answer: &&Answer| readable && answer.cuts.iter().any(Option::is_none);
        let call = answer.filter(wanted).and_then(|answer| of_call(&answer.body));
        Self { call, may_be_blank: !data.complete }
    }

    /// An item that the call's verdict does not speak of (all but the culprit) has no words at all; its code
    /// stands in the log.
    fn are(&self, code: &str, message: &str) -> bool {
        let blank = code.is_empty() && message.is_empty();
        match &self.call {
            Some(call) if call.are(code, message) => true,
            Some(call) => blank && (self.may_be_blank || !call.code.is_empty()),
            None => blank,
        }
    }
}
