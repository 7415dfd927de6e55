//! Times and sizes that rule a run. What one call may carry is in [`crate::domain::calls`].

use std::time::Duration;

/// How long a recorded batch may wait before its bytes leave. Past that it goes back into the queue.
pub const SEND_WITHIN: Duration = Duration::from_secs(10);

/// How old a read may be that shows what was there before the call.
pub const SNAPSHOT_MAX_AGE: Duration = Duration::from_secs(30);

/// Zoho keeps deleted records in the recycle bin for 60 days (Zoho CRM help, Recycle Bin).
pub const BIN_KEEPS: Duration = Duration::from_hours(1440);

/// Records that one read by id may ask for. The documents name no maximum; 100 is what everybody uses.
pub const IDS_PER_READ: usize = 100;

/// Related records that one page of a related list holds at most (CRM v8 Get Related Records page).
pub const RELATED_PER_PAGE: usize = 200;
