//! What one call may carry, and what it costs.

use std::time::Duration;

use crate::domain::call::Operation;

/// How many items one call of an operation may carry.
///
/// `delete`: 100 (CRM v2 Delete Records page, "a maximum of 100 records can be deleted per API call").
pub const fn items_per_call(operation: Operation) -> usize {
    match operation {
        Operation::Delete => 100,
    }
}

/// How many items the next call may carry: the API's limit, or less where a refused call was split up.
pub fn items_in_next_call(operation: Operation, share: Option<u32>) -> usize {
    let limit = items_per_call(operation);
    share.and_then(|share| usize::try_from(share).ok()).map_or(limit, |share| share.clamp(1, limit))
}

/// How long a recorded batch may wait before its bytes leave. Past that it goes back into the queue.
pub const SEND_WITHIN: Duration = Duration::from_secs(10);

/// How old a read may be that shows what was there before the call.
pub const SNAPSHOT_MAX_AGE: Duration = Duration::from_secs(30);

/// Zoho keeps deleted records in the recycle bin for 60 days (Zoho CRM help, Recycle Bin).
pub const BIN_KEEPS: Duration = Duration::from_hours(1440);

/// Records that one read by id may ask for. The documents name no maximum; 100 is what everybody uses.
pub const IDS_PER_READ: usize = 100;
