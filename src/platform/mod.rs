//! Everything that differs between operating systems, in one place: who runs the program, which
//! files may be trusted, how files are made durable, the lock that dies with its process, network
//! file systems, and where data lies. No other module names `nix` or `std::os` for these.
//!
//! Linux and macOS are supported. Elsewhere [`supported`] says so, and nothing else is promised.

mod directories;
mod file;
mod lock;
mod mount;
mod ssh_keygen;
mod write;

#[cfg(not(unix))]
#[path = "elsewhere.rs"]
mod os;
#[cfg(unix)]
#[path = "unix.rs"]
mod os;

pub use directories::{Directories, NoHome};
pub use file::{
    Access, FileProblem, Sharing, check_directory, check_owner_only, read_configuration,
    read_handed_secret, read_secret, shell_quoted,
};
pub use lock::{Holder, OsLock, holder, is_held};
pub use mount::network_file_system;
pub use ssh_keygen::{Answer as SshAnswer, SshKeygenError, check_signature, verify_signature};
pub use write::{
    PendingFile, create_directory_private, create_exclusive, create_whole, put_in_place,
    replace_configuration, share_with_group, sync_directory, sync_file, write_atomically,
};

use std::io;
use std::process::Command;

/// This operating system is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is not supported: file rights and locks cannot be ensured here, use Linux or macOS",
    std::env::consts::OS
)]
pub struct Unsupported;

/// Whether file rights and locks can be ensured on this operating system.
pub fn supported() -> Result<(), Unsupported> {
    if cfg!(any(target_os = "linux", target_os = "macos")) { Ok(()) } else { Err(Unsupported) }
}

/// The account that runs the program, as the operating system knows it. `$USER` can say anything
/// and is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The real user id.
    pub uid: u32,
    /// The account's name; the uid's digits where the system has no name for it.
    pub name: String,
}

impl Account {
    /// The account of this process. Fails only when the user database cannot be read.
    pub fn current() -> io::Result<Self> {
        let uid = os::real_uid();
        let name = os::account_name(uid)?.unwrap_or_else(|| uid.to_string());
        Ok(Self { uid, name })
    }
}

/// This machine's name, or `unknown` where it has none.
pub fn host_name() -> String {
    os::host_name().filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// Makes the command's process, once started, the leader of a group of its own: [`end_group`] ends it with
/// all that it started. At a terminal such a group may not ask anything.
pub fn in_own_group(command: &mut Command) {
    os::in_own_group(command);
}

/// Ends a group at once, by its leader's number. The leader must not have been waited for: its number may
/// then be another's.
pub fn end_group(leader: u32) {
    os::end_group(leader);
}

/// Whether somebody at a terminal may answer a process of ours.
pub fn has_terminal() -> bool {
    os::has_terminal()
}

/// This process's number.
pub fn process_id() -> u32 {
    std::process::id()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_the_one_of_the_real_uid() {
        let account = Account::current().unwrap();
        assert_eq!(account.uid, os::real_uid());
        assert!(!account.name.is_empty());
        if account.uid == 0 {
            assert_eq!(account.name, "root");
        }
    }

    #[test]
    fn this_machine_is_supported_and_has_a_name() {
        assert_eq!(supported(), Ok(()));
        assert!(!host_name().is_empty());
        assert!(process_id() > 0);
    }
}
