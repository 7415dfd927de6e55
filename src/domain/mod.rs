//! The rules, without any input or output: no clock, no database, no network.

pub mod answer;
pub mod call;
pub mod id;
pub mod target;
pub mod time;
