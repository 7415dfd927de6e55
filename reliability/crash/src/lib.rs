//! The real binary, killed and failed at every system call, on a full disk, and at random behind a bad network.
//!
//! Everything here stands outside the program: it starts `journal` as a user would, against the built-in
//! simulator over loopback HTTP and a journal in a file. After each blow the program recovers by `replay`, and then
//! the journal is held against the simulator item by item.

#![allow(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::verbose_bit_mask,
    reason = "a test tool: a panic is a failure that is told, and rights are read as octal digits"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool that reports on its streams and measures real time"
)]

pub mod calls;
pub mod disk;
pub mod journal;
pub mod judge;
pub mod place;
pub mod points;
pub mod proxy;
pub mod report;
pub mod scenario;
pub mod soak;
pub mod strace;
pub mod teeth;
pub mod toxic;
pub mod truth;
pub mod witness;
