//! Which files and directories may be trusted.
//!
//! Everything about a journal is decided from its path by `lstat`: opening the database file here
//! and closing it again would drop the locks that SQLite holds on it in this process
//! (sqlite.org/howtocorrupt.html §2.2).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::os::{self, Facts};

/// What a file is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To write: it must be ours.
    Write,
    /// Only to read: it may be somebody else's, but not open to everybody's changes.
    Read,
    /// It holds a secret: it must be ours, and nobody else may read it.
    Secret,
}

/// Who works with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// One account: files 0600, directories 0700.
    #[default]
    OwnerOnly,
    /// A group: files 0660, directories 2770. Then another member may be the owner, and whether
    /// we belong to the group is the kernel's decision when the file is opened.
    Group,
}

impl Sharing {
    /// The mode of new files.
    pub const fn file_mode(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o600,
            Self::Group => 0o660,
        }
    }

    /// The mode of new directories.
    pub const fn directory_mode(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o700,
            Self::Group => 0o2770,
        }
    }

    /// The bits that say that an outsider may write.
    const fn foreign_write(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o022,
            Self::Group => 0o002,
        }
    }

    /// The bits that say that an outsider may do anything at all.
    const fn foreign_any(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o077,
            Self::Group => 0o007,
        }
    }

    /// How an existing file was set up. It is a group's only when everything agrees: the group may
    /// read and write it, and its directory is that group's too, setgid and group-writable.
    pub fn seen_at(path: &Path) -> Result<Self, FileProblem> {
        let file = facts_at(path)?;
        let directory = parent_of(path);
        let around = Facts::from(
            &std::fs::metadata(directory).map_err(|error| FileProblem::of(directory, error))?,
        );
        let shared = file.mode & 0o060 == 0o060
            && around.mode & 0o2020 == 0o2020
            && file.group == around.group;
        Ok(if shared { Self::Group } else { Self::OwnerOnly })
    }
}

/// Why a file or directory is not used. The text says what is wrong and what mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// There is nothing at the path; it may be created.
    #[error("{} does not exist", shell_quoted(.0))]
    Missing(PathBuf),
    /// A symbolic link: what it points at can change between the check and the use.
    #[error("{} is a symbolic link: give the path of the file itself", shell_quoted(.0))]
    Link(PathBuf),
    /// A directory, a pipe, a device.
    #[error("{} is not a regular file: give another path", shell_quoted(.0))]
    NotAFile(PathBuf),
    /// Not a directory.
    #[error("{} is not a directory: give another path", shell_quoted(.0))]
    NotADirectory(PathBuf),
    /// The file has a second name, through which it can be changed or kept.
    #[error("{} has {links} names (hard links), and each can change it: find the others with `find / -xdev -samefile {}` and remove them", shell_quoted(.path), shell_quoted(.path))]
    HardLinks {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// Somebody else owns the file.
    #[error("{} belongs to uid {owner}, and this runs as uid {us}: run it as that account, or `chown {us} {}`", shell_quoted(.path), shell_quoted(.path))]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Our effective uid.
        us: u32,
    },
    /// Others may change the file.
    #[error("{} can be changed by others (mode {mode:04o}): run `chmod {wanted:o} {}`", shell_quoted(.path), shell_quoted(.path))]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits it should have.
        wanted: u32,
    },
    /// Others may read a secret.
    #[error("{} holds a secret and can be read by others (mode {mode:04o}): run `chmod {wanted:o} {}`", shell_quoted(.path), shell_quoted(.path))]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits it should have.
        wanted: u32,
    },
    /// Others may rename and replace what lies in the directory.
    #[error("others can replace files in the directory {} (mode {mode:04o}): run `chmod {wanted} {}`, or choose another directory", shell_quoted(.path), shell_quoted(.path))]
    OpenDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The change of mode that mends it.
        wanted: &'static str,
    },
    /// Larger than such a file can sensibly be.
    #[error("{} is larger than {limit} bytes: this is not the file that was meant", shell_quoted(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The operating system refused.
    #[error("{}: {source}", shell_quoted(.path))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

impl FileProblem {
    pub(super) fn of(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::NotFound {
            Self::Missing(path)
        } else {
            Self::Io { path, source }
        }
    }

    /// Whether there is simply nothing at the path.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

/// The path as a shell takes it, for commands that are shown to people.
pub fn shell_quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if text.starts_with('-') { format!("./{text}") } else { text.into_owned() };
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The directory that holds the path.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

fn facts_at(path: &Path) -> Result<Facts, FileProblem> {
    std::fs::symlink_metadata(path)
        .map(|metadata| Facts::from(&metadata))
        .map_err(|error| FileProblem::of(path, error))
}

/// Checks a file by its path, without opening it: a regular file with one name, ours (or, to
/// read and within a group, somebody's), that no outsider may change, and, for a secret, read.
pub fn check_owner_only(path: &Path, access: Access, sharing: Sharing) -> Result<(), FileProblem> {
    judge(path, &facts_at(path)?, access, sharing)
}

/// The order matters: what can only be an attack or a mistake comes before what `chmod` mends.
pub(super) fn judge(
    path: &Path,
    facts: &Facts,
    access: Access,
    sharing: Sharing,
) -> Result<(), FileProblem> {
    let path_of = || path.to_owned();
    if facts.is_link {
        return Err(FileProblem::Link(path_of()));
    }
    if !facts.is_file {
        return Err(FileProblem::NotAFile(path_of()));
    }
    if facts.links > 1 {
        return Err(FileProblem::HardLinks { path: path_of(), links: facts.links });
    }
    let us = os::effective_uid();
    let any_owner = access == Access::Read || sharing == Sharing::Group;
    if facts.owner != us && !any_owner {
        return Err(FileProblem::ForeignOwner { path: path_of(), owner: facts.owner, us });
    }
    judge_mode(path, facts.mode, access, sharing)
}

fn judge_mode(path: &Path, mode: u32, access: Access, sharing: Sharing) -> Result<(), FileProblem> {
    let (path, wanted) = (path.to_owned(), sharing.file_mode());
    if mode & sharing.foreign_write() != 0 {
        return Err(FileProblem::Writable { path, mode, wanted });
    }
    if access == Access::Secret && mode & sharing.foreign_any() != 0 {
        return Err(FileProblem::Readable { path, mode, wanted });
    }
    Ok(())
}

/// Checks that nobody outside can swap files in an existing directory. In a sticky one (`/tmp`)
/// only a file's own owner can, so it is accepted. Links are followed: `/tmp` is one on macOS.
pub fn check_directory(path: &Path, sharing: Sharing) -> Result<(), FileProblem> {
    let metadata = std::fs::metadata(path).map_err(|error| FileProblem::of(path, error))?;
    let facts = Facts::from(&metadata);
    if !facts.is_directory {
        return Err(FileProblem::NotADirectory(path.to_owned()));
    }
    let sticky = facts.mode & 0o1000 != 0;
    if facts.mode & sharing.foreign_write() != 0 && !sticky {
        return Err(FileProblem::OpenDirectory {
            path: path.to_owned(),
            mode: facts.mode,
            wanted: match sharing {
                Sharing::OwnerOnly => "go-w",
                Sharing::Group => "o-w",
            },
        });
    }
    Ok(())
}

/// Reads a file that holds a secret (a signing key, a cached token), at most `limit` bytes. It is
/// judged once open, so it cannot be exchanged between the check and the reading.
pub fn read_secret(path: &Path, sharing: Sharing, limit: u64) -> Result<Vec<u8>, FileProblem> {
    let (file, facts) = open_judged(path, false)?;
    judge(path, &facts, Access::Secret, sharing)?;
    read_limited(path, file, limit)
}

/// Reads a configuration file, at most `limit` bytes: ours or root's, and nobody else may write
/// it. Links are followed, since people keep such files elsewhere; the target is what is judged.
pub fn read_configuration(path: &Path, limit: u64) -> Result<Vec<u8>, FileProblem> {
    let (file, facts) = open_judged(path, true)?;
    if !facts.is_file {
        return Err(FileProblem::NotAFile(path.to_owned()));
    }
    let us = os::effective_uid();
    if facts.owner != us && facts.owner != 0 {
        return Err(FileProblem::ForeignOwner { path: path.to_owned(), owner: facts.owner, us });
    }
    judge_mode(path, facts.mode, Access::Write, Sharing::OwnerOnly)?;
    read_limited(path, file, limit)
}

/// Reads a secret that the service manager handed to this process, at most `limit` bytes: ours or root's.
///
/// systemd either gives the file to us, or keeps it root's and lets us read it through an ACL, whose mask
/// then shows as the group's right to read (`LoadCredential=` in systemd.exec(5)). Its directory is ours
/// alone in both cases. Links are not followed.
pub fn read_handed_secret(path: &Path, limit: u64) -> Result<Vec<u8>, FileProblem> {
    /// All of others' rights, and the group's to write.
    const OPEN: u32 = 0o027;
    let (file, facts) = open_judged(path, false)?;
    let by_root = facts.owner == 0 && facts.is_file && facts.mode & OPEN == 0;
    if !by_root {
        judge(path, &facts, Access::Secret, Sharing::OwnerOnly)?;
    }
    read_limited(path, file, limit)
}

fn open_judged(path: &Path, follow_links: bool) -> Result<(File, Facts), FileProblem> {
    // Looked at first only for the better message: opening a link fails as ELOOP.
    if !follow_links && facts_at(path)?.is_link {
        return Err(FileProblem::Link(path.to_owned()));
    }
    let of = |error| FileProblem::of(path, error);
    let file = os::existing_file(follow_links).open(path).map_err(of)?;
    let facts = Facts::from(&file.metadata().map_err(of)?);
    Ok((file, facts))
}

fn read_limited(path: &Path, file: File, limit: u64) -> Result<Vec<u8>, FileProblem> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| FileProblem::of(path, error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(FileProblem::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
