//! The system calls of Linux and macOS behind [`crate::platform`].

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown as change_owner,
};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Gid, Group, Pid, Uid, User};

/// What decides whether a file may be trusted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// A symbolic link.
    pub(super) is_link: bool,
    /// A regular file.
    pub(super) is_file: bool,
    /// A directory.
    pub(super) is_directory: bool,
    /// The owner's uid.
    pub(super) owner: u32,
    /// The group's gid.
    pub(super) group: u32,
    /// Permission bits, with setgid and sticky.
    pub(super) mode: u32,
    /// How many names the file has.
    pub(super) links: u64,
}

impl From<&Metadata> for Facts {
    fn from(metadata: &Metadata) -> Self {
        Self {
            is_link: metadata.file_type().is_symlink(),
            is_file: metadata.is_file(),
            is_directory: metadata.is_dir(),
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
            links: metadata.nlink(),
        }
    }
}

pub(super) fn real_uid() -> u32 {
    Uid::current().as_raw()
}

pub(super) fn effective_uid() -> u32 {
    Uid::effective().as_raw()
}

pub(super) fn account_name(uid: u32) -> io::Result<Option<String>> {
    Ok(User::from_uid(Uid::from_raw(uid))?.map(|user| user.name))
}

pub(super) fn host_name() -> Option<String> {
    let name = nix::unistd::gethostname().ok()?;
    Some(name.to_string_lossy().into_owned())
}

/// For a file that must not exist yet. `create_new` is `O_EXCL`, which never follows a link.
pub(super) fn new_file(mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options.custom_flags(OFlag::O_NOFOLLOW.bits());
    options
}

/// For a file that may exist, is never truncated by opening it, and is no link.
pub(super) fn kept_file(mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(mode);
    options.truncate(false);
    options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    options
}

/// For reading. `O_NONBLOCK`, so that a named pipe in the file's place cannot hang us.
pub(super) fn existing_file(follow_links: bool) -> OpenOptions {
    let mut flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    if !follow_links {
        flags |= OFlag::O_NOFOLLOW;
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits());
    options
}

pub(super) fn create_directory(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)
}

/// Sets the bits regardless of the umask, on the open file, so that no name is resolved again.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

pub(super) fn set_mode_at(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

pub(super) fn group_id(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| Gid::as_raw(group.gid)))
}

pub(super) fn set_group(path: &Path, group: u32) -> io::Result<()> {
    change_owner(path, None, Some(group))
}

/// A directory can be opened and synced here.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Fails with `AlreadyExists` where anything has the new name.
pub(super) fn rename_new(path: &Path, target: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, path, CWD, target, RenameFlags::NOREPLACE) {
        // A file system or kernel that cannot: the best there is has a gap between its two steps.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match std::fs::symlink_metadata(target) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::fs::rename(path, target)
                }
                Err(error) => Err(error),
            }
        }
        renamed => Ok(renamed?),
    }
}

pub(super) fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// Never group 0 or 1, which are our own and everybody's.
pub(super) fn end_group(leader: u32) {
    if let Some(leader) = i32::try_from(leader).ok().filter(|leader| *leader > 1) {
        // Nothing is left to end where it fails.
        killpg(Pid::from_raw(leader), Signal::SIGKILL).ok();
    }
}

pub(super) fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}
