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

/// A clock that nobody can set: the wall clock as it was at the start, and what has passed since.
///
/// A run measures once how far Zoho's clock is off, and compares times by that. Whoever sets the wall clock
/// meanwhile must not make a deletion of ours look older than our call.
#[derive(Debug, Clone, Copy)]
pub struct Steady<C> {
    clock: C,
    started: Timestamp,
    at: Duration,
}

impl<C: Clock> Steady<C> {
    /// Starts now.
    pub fn start(clock: C) -> Self {
        let (started, at) = (clock.now(), clock.elapsed());
        Self { clock, started, at }
    }
}

impl<C: Clock> Clock for Steady<C> {
    fn now(&self) -> Timestamp {
        self.started.plus(self.elapsed().saturating_sub(self.at))
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

/// The clock of one command.
pub type CommandClock = Steady<SystemClock>;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use super::*;

    /// Wall clock and time passed, in milliseconds.
    #[derive(Clone, Default)]
    struct Hands(Arc<(AtomicI64, AtomicU64)>);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.0.load(Ordering::SeqCst))
        }

        fn elapsed(&self) -> Duration {
            Duration::from_millis(self.0.1.load(Ordering::SeqCst))
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[test]
    fn setting_the_wall_clock_does_not_move_it() {
        let hands = Hands::default();
        hands.0.0.store(1_000_000, Ordering::SeqCst);
        hands.0.1.store(70, Ordering::SeqCst);
        let clock = Steady::start(hands.clone());
        hands.0.1.store(100, Ordering::SeqCst);
        for wall in [0, 1_000_030, 9_000_000_000] {
            hands.0.0.store(wall, Ordering::SeqCst);
            assert_eq!(clock.now(), Timestamp::from_millis(1_000_030));
            assert_eq!(clock.elapsed(), Duration::from_millis(100));
        }
    }
}
