//! What one input may hold, so that a hostile or mistaken file costs neither memory nor time.

/// The longest row, in bytes: a Zoho row with every long text field filled is far below it.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// The longest id cell, in bytes. A longer one is an invalid row, and only so much of it is kept.
pub const CELL_BYTES_MAX: usize = 1 << 10;

/// How many rows one request may hold: at 32 bytes each, and sorted in place, some 640 MB.
pub const ROWS_MAX: u32 = 20_000_000;

/// How much of invalid rows is kept, in bytes, with some for each row beside its text.
pub const KEPT_BYTES_MAX: usize = 256_000_000;

/// What an invalid row costs beside its text, in bytes.
pub(super) const KEPT_ROW_BYTES: usize = 96;

/// How much is read at once, in bytes.
pub(super) const CHUNK_BYTES: usize = 1 << 16;
