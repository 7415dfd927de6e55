//! Write calls, in domain terms: what one call to Zoho carries, and what it costs.

use serde::{Deserialize, Serialize};

use crate::domain::id::{BatchId, EntryId, ModuleName, RecordId};
use crate::domain::target::{ApiVersion, Product, named_set};
use crate::domain::time::Timestamp;

named_set!(
    /// What is done to an item.
    Operation, "operation", {
        /// Delete records.
        Delete = "delete",
    }
);

/// What one write call carries, apart from its items. Entries share a call when all of this is equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallKind {
    /// The operation.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The API version.
    pub api_version: ApiVersion,
    /// The module.
    pub module: ModuleName,
    /// Whether Zoho's workflows run: `wf_trigger`.
    pub workflows: bool,
}

/// One item of a call: the entry and what it aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallItem {
    /// The entry.
    pub entry: EntryId,
    /// The record.
    pub target: RecordId,
}

/// A batch that is durably recorded and may be sent, once.
///
/// Only the store makes one, after its commit returned; sending takes a reference and settling
/// consumes it. So a call that was never recorded cannot be sent, and none is settled twice:
///
/// ```compile_fail,E0451
/// use zoho_journal::domain::call::PreparedBatch;
/// let forged = PreparedBatch { batch: todo!(), kind: todo!(), items: vec![], send_by: todo!() };
/// ```
#[derive(Debug)]
#[must_use = "a recorded batch must be sent and settled, or given back"]
pub struct PreparedBatch {
    batch: BatchId,
    kind: CallKind,
    items: Vec<CallItem>,
    send_by: Timestamp,
}

impl PreparedBatch {
    /// Made by the store alone, once the commit that holds the batch has returned.
    pub(crate) fn committed(
        batch: BatchId,
        kind: CallKind,
        items: Vec<CallItem>,
        send_by: Timestamp,
    ) -> Self {
        Self { batch, kind, items, send_by }
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

    /// The last moment at which the bytes may leave. Past it the batch goes back.
    pub fn send_by(&self) -> Timestamp {
        self.send_by
    }
}
