//! Time comes in through here, so that tests and simulations decide what time it is.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// The time, and waiting for it.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. Recorded, and never relied on for order.
    fn now(&self) -> Timestamp;

    /// A clock that only moves forward and goes on while the machine sleeps, in milliseconds since
    /// an arbitrary start. A laptop that wakes up must see that its batch is too old to be sent.
    fn elapsed(&self) -> Duration;

    /// Waits so long.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// The real clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock that the others take")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now().into()
    }

    fn elapsed(&self) -> Duration {
        #[cfg(target_os = "linux")]
        let clock = nix::time::ClockId::CLOCK_BOOTTIME;
        #[cfg(not(target_os = "linux"))]
        let clock = nix::time::ClockId::CLOCK_MONOTONIC;
        clock.now().map_or(Duration::ZERO, Duration::from)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the Clock that the others take")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
