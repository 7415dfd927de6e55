//! How many calls are under way at once. Unlike a semaphore's, the number may shrink while all of it is taken.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Lets so many calls through at once.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    inside: usize,
    at_once: usize,
}

/// The right to make one call, until it is dropped.
#[derive(Debug)]
#[must_use = "the next one is let in when this is dropped"]
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(at_once: usize) -> Self {
        let state = Mutex::new(State { inside: 0, at_once: at_once.max(1) });
        Self { state, changed: Notify::new() }
    }

    /// Waits until another call may be made. Never ends while all that are inside stay there.
    pub(crate) async fn enter(&self) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before the look: what changes between look and wait must wake us.
            changed.as_mut().enable();
            if self.try_enter() {
                return Pass(self);
            }
            changed.await;
        }
    }

    /// Lets so many through from now on. Those that are inside already stay.
    pub(crate) fn let_through(&self, at_once: usize) {
        let mut state = self.state();
        let grown = at_once > state.at_once;
        state.at_once = at_once.max(1);
        drop(state);
        if grown {
            self.changed.notify_waiters();
        }
    }

    /// Waits until more may be let through than before, or somebody left.
    pub(crate) async fn changes(&self) {
        self.changed.notified().await;
    }

    fn try_enter(&self) -> bool {
        let mut state = self.state();
        let free = state.inside < state.at_once;
        state.inside += usize::from(free);
        free
    }

    /// A panic elsewhere leaves two numbers behind, nothing that could be half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.inside = state.inside.saturating_sub(1);
        drop(state);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn enters(gate: &Gate) -> Option<Pass<'_>> {
        let entering = pin!(gate.enter());
        match entering.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(pass) => Some(pass),
            Poll::Pending => None,
        }
    }

    #[test]
    fn it_shrinks_while_all_are_inside_and_grows_again() {
        let gate = Gate::new(2);
        let (one, two) = (enters(&gate).unwrap(), enters(&gate).unwrap());
        assert!(enters(&gate).is_none());
        gate.let_through(1);
        drop(one);
        assert!(enters(&gate).is_none(), "the other one is still inside");
        drop(two);
        let one = enters(&gate).unwrap();
        gate.let_through(2);
        assert!(enters(&gate).is_some());
        drop(one);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let gate = std::sync::Arc::new(Gate::new(1));
        let inside = gate.enter().await;
        let waits = {
            let gate = std::sync::Arc::clone(&gate);
            tokio::spawn(async move { drop(gate.enter().await) })
        };
        tokio::task::yield_now().await;
        drop(inside);
        waits.await.unwrap();
    }
}
