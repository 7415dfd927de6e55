//! One world: a machine with its disk and its clock, and Zoho at the other end of a network.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal_disk::{Disk, ProcessId};
use tokio::sync::Notify;
use zoho_journal::domain::target::{DataCenter, Environment, Target};
use zoho_journal::simulator::Simulator;
use zoho_journal::zoho::Endpoint;

use crate::chance::Chance;
use crate::clock::MachineClock;
use crate::ledger::{Counters, Ledger};
use crate::network::Weather;

/// One world.
#[derive(Debug)]
pub struct World {
    /// The machine's disk.
    pub disk: Disk,
    /// The journal on it.
    pub db: PathBuf,
    /// Zoho.
    pub zoho: Simulator,
    /// The machine's clock.
    pub clock: MachineClock,
    /// What the network and the people draw from.
    pub chance: Mutex<Chance>,
    /// How bad the network is.
    pub weather: Mutex<Weather>,
    /// Whether people hold, pause, withdraw and approve here. What they keep back is not sent, so that other
    /// mistakes are found less often then.
    pub governed: bool,
    /// The books.
    pub ledger: Mutex<Ledger>,
    /// Zoho's number of the last write that reached it.
    pub last_write: Arc<Mutex<u64>>,
    /// Told when a dead process was about to send: it does nothing more by which its end could be seen.
    pub silenced: Arc<Notify>,
}

/// Whoever panicked while holding a lock has failed the schedule already.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// The books.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        held(&self.ledger)
    }

    /// Chance.
    pub fn chance(&self) -> MutexGuard<'_, Chance> {
        held(&self.chance)
    }

    /// The network's weather.
    pub fn weather(&self) -> Weather {
        held(&self.weather).clone()
    }

    /// Another weather.
    pub fn set_weather(&self, weather: Weather) {
        *held(&self.weather) = weather;
    }

    /// Zoho's number of the last write that reached it.
    pub fn last_write(&self) -> u64 {
        *held(&self.last_write)
    }

    /// Counts something.
    pub fn count(&self, what: &'static str) {
        self.ledger().counters.one(what);
    }

    /// Notes what must not have happened.
    pub fn violation(&self, what: impl Into<String>) {
        self.ledger().violation(what);
    }

    /// How often things happened.
    pub fn counters(&self) -> Counters {
        self.ledger().counters.clone()
    }

    /// Whether a process lives.
    pub fn is_alive(&self, process: ProcessId) -> bool {
        self.disk.is_alive(process)
    }

    /// Where calls go.
    pub fn endpoint(&self) -> Endpoint {
        let url = self.zoho.api_url();
        Endpoint::new(DataCenter::Us, Environment::Production, Some(&url), None)
            .expect("a simulator's URL is a loopback one")
    }

    /// What requests are recorded for.
    pub fn target(&self) -> Target {
        Target {
            data_center: DataCenter::Us,
            environment: Environment::Production,
            api_origin: self.endpoint().origin().clone(),
        }
    }

    /// The journal's file.
    pub fn db(&self) -> &Path {
        &self.db
    }
}
