//! The rules, without any input or output: no clock, no database, no network.

pub mod answer;
pub mod call;
pub mod calls;
pub mod codes;
pub mod entropy;
pub mod event;
pub mod evidence;
pub mod fold;
pub mod id;
pub mod limits;
pub mod merkle;
pub mod outcome;
pub mod pace;
pub mod plan;
pub mod policy;
pub mod ranges;
pub mod relations;
pub mod scope;
pub mod seal;
pub mod slices;
pub mod state;
pub mod target;
pub mod template;
pub mod time;
pub mod usage;
