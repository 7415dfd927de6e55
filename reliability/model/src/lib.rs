//! The protocol of intent, send, answer, crash and resolve as a model that is searched whole.
//!
//! Read in this order: [`setup`] says what is searched and which mistakes can be planted; [`state`] holds
//! journal, disk, wire, Zoho and the two processes; [`rules`] asks the product itself how an entry moves, what
//! an answer means and what reads prove; [`action`] lists what can happen next; [`step`] does it;
//! [`properties`] says what must hold; [`search`] looks at every state.

pub mod action;
pub mod properties;
pub mod rules;
pub mod search;
pub mod setup;
pub mod state;
pub mod step;
