//! The time: one that passes only while everybody waits, and a wall clock that people set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use zoho_journal::clock::Clock;
use zoho_journal::domain::time::Timestamp;

/// 2026-08-22T10:00:00Z.
const BEGIN_MS: i64 = 1_787_392_800_000;

/// The clock of the machine on which the journal lies.
#[derive(Debug, Clone)]
pub struct MachineClock {
    start: Instant,
    /// How far somebody has set the wall clock off, in milliseconds.
    off_ms: Arc<AtomicI64>,
}

impl MachineClock {
    /// Begins now.
    pub fn start() -> Self {
        Self { start: Instant::now(), off_ms: Arc::default() }
    }

    /// Somebody sets the wall clock by so many milliseconds.
    pub fn set_by(&self, millis: i64) {
        self.off_ms.fetch_add(millis, Ordering::Relaxed);
    }

    /// The true time, which Zoho's clock shows.
    pub fn true_ms(&self) -> i64 {
        let passed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        BEGIN_MS.saturating_add(passed)
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.true_ms() + self.off_ms.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
