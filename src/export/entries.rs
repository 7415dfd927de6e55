//! The view `entries`: the row of one entry, and many rows fast.
//!
//! Entries of one batch with the same result differ in two cells only, their own number and the record's.
//! What stands around these is rendered once and copied.

use std::rc::Rc;

use crate::domain::id::{RecordId, RequestId};
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::export::ExportError;
use crate::export::columns::{ENTRY_COLUMNS, TARGET};
use crate::export::evidence::{message_of, reads_in_brief};
use crate::export::governance::approver_in_brief;
use crate::export::style::{Cell, Rows};
use crate::export::undo::{Bins, Undo};
use crate::export::words::in_words;
use crate::store::Reader;
use crate::store::error::Result;
use crate::store::holding::HoldView;
use crate::store::query::{EntryView, PutBack, RecheckView, ScopeView, Step, UndoneBy};

/// So many renderings are kept: as many as one batch has different results, and some.
const KEPT: usize = 16;

/// The text around an entry's two own cells, and all that it follows from.
struct Rendering {
    request: RequestId,
    scope: Rc<ScopeView>,
    state: EntryState,
    hold: Option<Rc<HoldView>>,
    steps: Vec<Step>,
    undone_by: Option<UndoneBy>,
    put_back: Vec<PutBack>,
    /// Whether the record's id was erased: then nothing can be asked for it.
    erased: bool,
    rechecks: Vec<RecheckView>,
    /// From `request_id` to the cell before `target_id`.
    before: Vec<u8>,
    /// From the cell after `target_id` to the end of the row.
    after: Vec<u8>,
}

impl Rendering {
    fn suits(&self, entry: &EntryView) -> bool {
        self.state == entry.state
            && self.request == entry.request.request
            && self.steps == entry.steps
            && self.hold == entry.hold
            && self.scope == entry.scope
            && self.undone_by == entry.undone_by
            && self.put_back == entry.put_back
            && self.erased == entry.target.is_none()
            && self.rechecks == entry.rechecks
    }
}

/// What the journal as a whole says in every row.
struct Whole {
    org: Option<String>,
    environment: Option<String>,
    bins: Bins,
    now: Timestamp,
}

/// Writes rows of the view `entries`.
pub(super) struct EntryRows {
    whole: Whole,
    kept: Vec<Rendering>,
    next: usize,
}

impl EntryRows {
    pub(super) fn new(reader: &Reader, now: Timestamp) -> Result<Self> {
        let binding = reader.binding()?;
        let whole = Whole {
            org: binding.as_ref().and_then(|binding| binding.org.clone()),
            environment: binding.map(|binding| binding.environment),
            bins: Bins::of(reader)?,
            now,
        };
        Ok(Self { whole, kept: Vec::with_capacity(KEPT), next: 0 })
    }

    pub(super) fn write(
        &mut self,
        rows: &mut Rows<'_>,
        entry: &EntryView,
    ) -> std::result::Result<(), ExportError> {
        let position = if let Some(found) = self.kept.iter().position(|one| one.suits(entry)) {
            found
        } else {
            self.keep(rows, entry)
        };
        let Some(rendering) = self.kept.get(position) else {
            return Ok(());
        };
        let mut buffer = std::mem::take(&mut rows.buffer);
        rows.push_cells(&mut buffer, 0, &[Cell::entry(entry.entry)]);
        buffer.extend_from_slice(&rendering.before);
        rows.push_cells(&mut buffer, TARGET, &[Cell::some(entry.target, Cell::Zoho)]);
        buffer.extend_from_slice(&rendering.after);
        rows.buffer = buffer;
        Ok(rows.spill()?)
    }

    fn keep(&mut self, rows: &Rows<'_>, entry: &EntryView) -> usize {
        let texts = Texts::of(entry, &self.whole);
        let cells = cells(entry, &self.whole, &texts);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        rows.push_cells(&mut before, 1, cells.get(1..TARGET).unwrap_or_default());
        rows.push_cells(&mut after, TARGET + 1, cells.get(TARGET + 1..).unwrap_or_default());
        rows.push_end(&mut after);
        let rendering = Rendering {
            request: entry.request.request,
            scope: Rc::clone(&entry.scope),
            state: entry.state,
            hold: entry.hold.clone(),
            steps: entry.steps.clone(),
            undone_by: entry.undone_by,
            put_back: entry.put_back.clone(),
            erased: entry.target.is_none(),
            rechecks: entry.rechecks.clone(),
            before,
            after,
        };
        if self.kept.len() < KEPT {
            self.kept.push(rendering);
            return self.kept.len() - 1;
        }
        let position = self.next;
        self.next = (position + 1) % KEPT;
        if let Some(slot) = self.kept.get_mut(position) {
            *slot = rendering;
        }
        position
    }
}

/// The texts of a row that are made for it.
struct Texts {
    undo: Option<Undo>,
    message: String,
    evidence: String,
    in_words: String,
    approved_by: Option<String>,
}

impl Texts {
    fn of(entry: &EntryView, whole: &Whole) -> Self {
        let undo = Undo::of(entry, &whole.bins, whole.now);
        let in_words = in_words(entry, undo.as_ref());
        let approved_by = entry.request.approval.as_ref().and_then(approver_in_brief);
        let (message, evidence) = (message_of(entry), reads_in_brief(entry));
        Self { undo, message, evidence, in_words, approved_by }
    }
}

/// An id of Zoho's that the journal keeps as a text: of the org, or of a job. Digits would be rounded by a
/// spreadsheet, and anything else is outside text.
pub(super) fn zoho_text(text: Option<&String>) -> Cell<'_> {
    match text.map(|text| (text, text.parse::<RecordId>())) {
        Some((_, Ok(id))) => Cell::Zoho(id),
        Some((text, Err(_))) => Cell::text(text.as_str()),
        None => Cell::Empty,
    }
}

/// All cells of a row, in the order of [`ENTRY_COLUMNS`].
fn cells<'a>(
    entry: &'a EntryView,
    whole: &'a Whole,
    texts: &'a Texts,
) -> [Cell<'a>; ENTRY_COLUMNS.len()] {
    let (request, scope) = (&*entry.request, &*entry.scope);
    let batch = entry.last_batch();
    let settled = entry.settled();
    let approval = request.approval.as_ref();
    let tags = if scope.tags.is_empty() { Cell::Empty } else { Cell::List(&scope.tags) };
    let log_index = settled.and_then(|settled| u64::try_from(settled.seq.get()).ok());
    [
        Cell::entry(entry.entry),
        Cell::request(request.request),
        Cell::Word(scope.operation.wire_name()),
        Cell::Word(scope.product.wire_name()),
        zoho_text(whole.org.as_ref()),
        Cell::text(scope.module.as_str()),
        Cell::some(entry.target, Cell::Zoho),
        Cell::some(scope.parent, Cell::Zoho),
        Cell::some_text(scope.related_list.as_ref()),
        tags,
        Cell::Word(entry.state.wire_name()),
        Cell::text(entry.code()),
        Cell::text(texts.message.as_str()),
        Cell::some(batch.and_then(|one| one.http_status()), |code| Cell::Number(code.into())),
        Cell::Number(entry.attempts()),
        Cell::some(batch, |batch| Cell::batch(batch.batch)),
        zoho_text(batch.and_then(|one| one.job_id())),
        Cell::some_text(request.requested_by.as_ref()),
        Cell::Time(request.at),
        Cell::some_text(request.reason.as_ref()),
        Cell::some_text(request.ticket.as_ref()),
        Cell::some_text(request.source_name.as_ref()),
        Cell::some_text(texts.approved_by.as_ref()),
        Cell::some(approval, |approval| Cell::Time(approval.at)),
        Cell::some(batch.and_then(|one| one.submitted_at()), Cell::Time),
        Cell::some(settled, |settled| Cell::Time(settled.at)),
        Cell::some(settled, |settled| Cell::Word(settled.by.wire_name())),
        Cell::text(texts.evidence.as_str()),
        Cell::some(texts.undo, |undo| Cell::Word(undo.state.wire_name())),
        Cell::some(texts.undo.and_then(|undo| undo.until), Cell::Time),
        Cell::some(texts.undo.and_then(Undo::undone_by), Cell::entry),
        Cell::some(log_index, Cell::Number),
        Cell::some(settled, |settled| Cell::Hash(settled.leaf)),
        Cell::some_text(whole.environment.as_ref()),
        Cell::some_text(request.recorded_by.as_ref()),
        Cell::some(batch.and_then(|one| one.user), Cell::Zoho),
        Cell::some(entry.rechecks.last(), |seen| Cell::Word(seen.found.wire_name())),
        Cell::some(entry.rechecks.last(), |seen| Cell::Time(seen.reading.at)),
        Cell::text(texts.in_words.as_str()),
    ]
}
