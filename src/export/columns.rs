//! The columns of every view, in order. They are a contract: new ones are added at the end.

/// The columns of the view `entries`.
pub const ENTRY_COLUMNS: [&str; 39] = [
    "entry_id",
    "request_id",
    "operation",
    "product",
    "org",
    "module",
    "target_id",
    "parent_id",
    "related_list",
    "tags",
    "state",
    "code",
    "message",
    "http_status",
    "attempts",
    "batch_id",
    "job_id",
    "requested_by",
    "requested_at",
    "reason",
    "ticket",
    "source",
    "approved_by",
    "approved_at",
    "submitted_at",
    "settled_at",
    "settled_by",
    "evidence",
    "undo",
    "undo_until",
    "undone_by",
    "log_index",
    "leaf_hash",
    "environment",
    "recorded_by",
    "performed_by",
    "rechecked",
    "rechecked_at",
    "in_words",
];

/// Where `target_id` stands in [`ENTRY_COLUMNS`]; with `entry_id` the only column in which entries of one
/// batch with the same result differ.
pub(super) const TARGET: usize = 6;

/// The columns of the view `attempts`.
pub(super) const ATTEMPTS: &[&str] = &[
    "entry_id",
    "request_id",
    "operation",
    "product",
    "module",
    "target_id",
    "attempt",
    "batch_id",
    "ending",
    "outcome",
    "code",
    "message",
    "http_status",
    "submitted_at",
    "ended_at",
    "performed_by",
    "log_index",
    "leaf_hash",
];

/// The columns of the view `batches`.
pub(super) const BATCHES: &[&str] = &[
    "batch_id",
    "run",
    "api_version",
    "request",
    "entries",
    "size",
    "begun_at",
    "send_by",
    "submitted_at",
    "ended_at",
    "ending",
    "http_status",
    "complete",
    "performed_by",
    "begun_log_index",
    "log_index",
    "leaf_hash",
];

/// The columns of the view `requests`.
pub(super) const REQUESTS: &[&str] = &[
    "request_id",
    "operation",
    "product",
    "org",
    "environment",
    "module",
    "workflows",
    "requested_by",
    "requested_at",
    "recorded_by",
    "reason",
    "ticket",
    "source",
    "source_kind",
    "source_sha256",
    "source_column",
    "source_rows",
    "entries",
    "duplicates",
    "rejected",
    "policy",
    "not_before",
    "valid_until",
    "parked",
    "awaiting_approval",
    "pending",
    "in_flight",
    "queued",
    "unknown",
    "done",
    "absent",
    "failed",
    "held",
    "cancelled",
    "log_index",
    "leaf_hash",
];

/// The columns of the view `rejected`.
pub(super) const REJECTED: &[&str] = &["request_id", "line", "value", "reason"];

/// The columns of the view `events`.
pub(super) const EVENTS: &[&str] = &["log_index", "at", "kind", "leaf_hash", "event"];
