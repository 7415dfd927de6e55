//! A Zoho that keeps state and misbehaves on demand, over real HTTP on loopback.
//!
//! It is the other side of everything that this program does with Zoho, so it shares no code with
//! the program: it names nothing of the crate outside this module, builds its answers and reads
//! its requests by itself, and takes the time from a closure. Where Zoho's texts leave something
//! open, it takes the strictest reading.
//!
//! **Invariant:** every effect is in [`Snapshot::history`] with the number of the call that had
//! it, and every call is in [`Simulator::requests`] from the moment it arrived.

mod accounts;
mod answer;
mod bomb;
mod call;
mod config;
mod control;
mod dialect;
mod dice;
mod edition;
mod ending;
mod fault;
mod handle;
mod limits;
mod mangle;
mod ordered;
mod plan;
mod refusal;
mod routes;
mod scopes;
mod server;
mod setup;
mod shared;
mod state;
mod time;
mod token;
mod wire;

#[cfg(test)]
mod tests;

pub use accounts::{AccountsCallSeen, AccountsFault, AccountsFaultError};
pub use config::{
    BadTokenCode, ChildrenAtStart, Config, LinksAtStart, SimulatorClock, ThrottleBody, WriteHook,
    WriteSeen,
};
pub use edition::{Edition, EditionError};
pub use fault::{Fault, FaultError, parse_fault};
pub use handle::Simulator;
pub use limits::RequestSeen;
pub use state::{Actor, Effect, EffectKind, JobSnapshot, ModuleSnapshot, Snapshot};
