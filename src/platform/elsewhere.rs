//! Stands in where no rights and locks are implemented: everything that would have to be ensured
//! fails, so that a caller who forgot [`crate::platform::supported`] still cannot go on.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::process::Command;

#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) is_link: bool,
    pub(super) is_file: bool,
    pub(super) is_directory: bool,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) mode: u32,
    pub(super) links: u64,
}

impl From<&Metadata> for Facts {
    /// Everybody may write, as far as is known.
    fn from(metadata: &Metadata) -> Self {
        Self {
            is_link: metadata.file_type().is_symlink(),
            is_file: metadata.is_file(),
            is_directory: metadata.is_dir(),
            owner: 0,
            group: 0,
            mode: 0o777,
            links: 1,
        }
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, super::Unsupported))
}

pub(super) fn real_uid() -> u32 {
    0
}

pub(super) fn effective_uid() -> u32 {
    0
}

pub(super) fn account_name(_uid: u32) -> io::Result<Option<String>> {
    unsupported()
}

pub(super) fn host_name() -> Option<String> {
    None
}

pub(super) fn new_file(_mode: u32) -> OpenOptions {
    OpenOptions::new()
}

pub(super) fn kept_file(_mode: u32) -> OpenOptions {
    OpenOptions::new()
}

pub(super) fn existing_file(_follow_links: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

pub(super) fn create_directory(_path: &Path, _mode: u32) -> io::Result<()> {
    unsupported()
}

pub(super) fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    unsupported()
}

pub(super) fn set_mode_at(_path: &Path, _mode: u32) -> io::Result<()> {
    unsupported()
}

pub(super) fn group_id(_name: &str) -> io::Result<Option<u32>> {
    unsupported()
}

pub(super) fn set_group(_path: &Path, _group: u32) -> io::Result<()> {
    unsupported()
}

pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    unsupported()
}

pub(super) fn rename_new(_path: &Path, _target: &Path) -> io::Result<()> {
    unsupported()
}

pub(super) fn in_own_group(_command: &mut Command) {}

pub(super) fn end_group(_leader: u32) {}

pub(super) fn has_terminal() -> bool {
    false
}
