//! Write calls, in domain terms: what one call to Zoho carries, and what it costs.

use crate::domain::calls::{self, Form};
use crate::domain::id::{BatchId, EntryId, RecordId};
use crate::domain::scope::{Operation, Scope};
use crate::domain::target::ApiVersion;
use crate::domain::template::{BadTemplate, Filling, WriteRequest, request};
use crate::domain::time::Timestamp;

/// What one write call carries, apart from its items. Entries share a call when all of this is equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKind {
    /// Operation, product, module, and what the operation needs.
    pub scope: Scope,
    /// The API version.
    pub api_version: ApiVersion,
    /// Whether Zoho's workflows run: `wf_trigger`.
    pub workflows: bool,
    /// Whether a snapshot was asked for; see [`CallKind::reads_first`].
    pub snapshot: bool,
    /// Zoho's id of the module, pinned with the request, where the call names it.
    pub module_id: Option<RecordId>,
}

impl CallKind {
    /// Whether what is there is read before each call until one may have acted. What a deletion needs is the
    /// module's business: see [`crate::domain::calls::Looks::Deletions`].
    pub fn reads_first(&self) -> bool {
        match self.scope.operation() {
            Operation::Delete => false,
            Operation::Untag | Operation::Unlink => self.snapshot,
            // Whatever was asked for: the call for one tag names no module, and would delete another module's.
            Operation::DeleteTags => true,
            // Only a read tells apart what somebody has brought back by hand, and what comes back by our call.
            Operation::Restore | Operation::Retag | Operation::Relink | Operation::RecreateTags => {
                true
            }
        }
    }
}

/// One item of a call: the entry and what it aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallItem {
    /// The entry.
    pub entry: EntryId,
    /// The record.
    pub target: RecordId,
}

/// What an entry brings back that neither its id nor its scope tells, from what was read before the call that
/// took it away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Brought {
    /// `Member_Status`, of a campaign's member.
    pub member_status: Option<String>,
    /// `list_price`, of a product in a price book.
    pub list_price: Option<String>,
    /// The name of a tag.
    pub tag_name: Option<String>,
    /// The colour of a tag.
    pub tag_color: Option<String>,
}

/// A batch that is durably recorded and may be sent, once.
///
/// Only the store makes one, after its commit returned; sending takes a reference and settling
/// consumes it. So a call that was never recorded cannot be sent, and none is settled twice:
///
/// ```compile_fail,E0451
/// use zoho_journal::domain::call::PreparedBatch;
/// let forged = PreparedBatch {
///     batch: todo!(), kind: todo!(), items: vec![], brought: vec![], template: todo!(), send_by: todo!(),
/// };
/// ```
#[derive(Debug)]
#[must_use = "a recorded batch must be sent and settled, or given back"]
pub struct PreparedBatch {
    batch: BatchId,
    kind: CallKind,
    items: Vec<CallItem>,
    brought: Vec<Brought>,
    template: String,
    send_by: Timestamp,
}

impl PreparedBatch {
    /// Made by the store alone, once the commit that holds the batch has returned.
    pub(crate) fn committed(
        batch: BatchId,
        kind: CallKind,
        items: Vec<CallItem>,
        brought: Vec<Brought>,
        template: String,
        send_by: Timestamp,
    ) -> Self {
        Self { batch, kind, items, brought, template, send_by }
    }

    /// The batch's number.
    pub fn batch(&self) -> BatchId {
        self.batch
    }

    /// What the call carries apart from its items.
    pub fn kind(&self) -> &CallKind {
        &self.kind
    }

    /// The items, in the order in which they are sent. Never empty, never above the API's limit.
    pub fn items(&self) -> &[CallItem] {
        &self.items
    }

    /// The call, as the journal recorded it: its bytes are made from nothing else.
    pub fn request(&self) -> Result<WriteRequest, BadTemplate> {
        let ids: Vec<RecordId> = self.items.iter().map(|item| item.target).collect();
        let (scope, module_id) = (&self.kind.scope, self.kind.module_id);
        request(&self.template, Filling { ids: &ids, scope, module_id, brought: &self.brought })
    }

    /// What the call costs, in API credits, by Zoho's documents.
    pub fn credits(&self) -> u64 {
        let scope = &self.kind.scope;
        let call = calls::find(scope.operation(), scope.product, self.kind.api_version);
        let form = if self.template.contains("{id}") { Form::One } else { Form::Many };
        call.map_or(1, |call| call.credits(self.items.len(), form))
    }

    /// The template of the call.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The last moment at which the bytes may leave. Past it the batch goes back.
    pub fn send_by(&self) -> Timestamp {
        self.send_by
    }
}
