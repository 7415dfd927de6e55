//! What outsiders can check.

pub mod verify;
