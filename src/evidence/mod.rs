//! What outsiders can check: signed checkpoints of the log, the key that signs them, and the anchor
//! beside the journal that shows when an older copy was put in its place.
//!
//! A [`keeper::Keeper`] is a journal open for writing together with its key and its anchor; commands
//! that write use it instead of a bare store.

pub mod adoption;
pub mod anchor;
pub mod backup;
pub mod bundle;
pub mod certificate;
pub mod checkpoint;
pub mod handover;
pub mod keeper;
pub mod key;
pub mod moving;
pub mod note;
pub mod rotation;
pub mod sweeping;
pub mod verify;

mod init;
mod upgrade;
