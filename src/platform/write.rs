//! Files that are there whole or not at all, also after a power cut.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::file::{FileProblem, Sharing, check_directory, parent_of};
use super::os;

/// Makes a directory and its missing parents, 0700 each, and checks it. An existing directory
/// must pass [`check_directory`]; its parents are taken as they are.
pub fn create_directory_private(path: &Path) -> Result<(), FileProblem> {
    let mut missing = Vec::new();
    let mut current = path;
    while let Err(error) = fs::metadata(current) {
        let at_the_top = parent_of(current) == current;
        if error.kind() != io::ErrorKind::NotFound || at_the_top {
            return Err(FileProblem::of(current, error));
        }
        missing.push(current);
        current = parent_of(current);
    }
    for directory in missing.into_iter().rev() {
        match os::create_directory(directory, 0o700) {
            // Somebody was faster, or a link leads nowhere: the check below judges what is there.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => result
                .and_then(|()| sync_directory(parent_of(directory)))
                .map_err(|error| FileProblem::of(directory, error))?,
        }
    }
    check_directory(path, Sharing::OwnerOnly)
}

/// Makes the names in a directory durable: without it a new file can be gone after a power cut,
/// though its contents were synced.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    os::sync_directory(path)
}

/// Creates a file that must not exist yet, durably. Fails with
/// [`io::ErrorKind::AlreadyExists`] where anything, be it a dangling link, has the name.
/// On any later error the file is removed again; a crash can leave it incomplete.
pub fn create_exclusive(path: &Path, bytes: &[u8], sharing: Sharing) -> io::Result<()> {
    let mut file = os::new_file(sharing.file_mode()).open(path)?;
    let written = os::set_mode(&file, sharing.file_mode())
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_directory(parent_of(path)));
    if written.is_err() {
        fs::remove_file(path).ok();
    }
    written
}

/// Creates a file that must not exist yet, whole or not at all, also for whoever comes after a crash. Fails
/// with [`io::ErrorKind::AlreadyExists`] where anything, be it a dangling link, has the name.
pub fn create_whole(path: &Path, bytes: &[u8], sharing: Sharing) -> io::Result<()> {
    let mut pending = PendingFile::beside(path, sharing)?;
    pending.write_all(bytes)?;
    pending.commit_new()
}

/// Replaces or creates a file in one step: readers, and whoever comes after a crash, see the old
/// contents or the new. A symbolic link at the path is replaced, not followed.
pub fn write_atomically(path: &Path, bytes: &[u8], sharing: Sharing) -> io::Result<()> {
    let mut pending = PendingFile::beside(path, sharing)?;
    pending.write_all(bytes)?;
    pending.commit()
}

/// Replaces a configuration file in one step, or makes it, 0600 and in a directory of ours. An existing one
/// keeps its mode, and a link to it stays a link; somebody else's is left alone.
pub fn replace_configuration(path: &Path, bytes: &[u8]) -> Result<(), FileProblem> {
    let of = |error| FileProblem::of(path, error);
    let target = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_directory_private(parent_of(path))?;
            return create_whole(path, bytes, Sharing::OwnerOnly).map_err(of);
        }
        found => found.map_err(of)?,
    };
    let metadata = fs::metadata(&target).map_err(of)?;
    let facts = os::Facts::from(&metadata);
    let us = os::effective_uid();
    if facts.owner != us {
        return Err(FileProblem::ForeignOwner { path: target, owner: facts.owner, us });
    }
    let replace = || -> io::Result<()> {
        let mut pending = PendingFile::beside(&target, Sharing::OwnerOnly)?;
        pending.write_all(bytes)?;
        os::set_mode(&pending.file, facts.mode)?;
        pending.commit()
    };
    replace().map_err(of)
}

/// Makes the contents of a file durable that something else has written and closed.
pub fn sync_file(path: &Path) -> io::Result<()> {
    os::existing_file(false).open(path)?.sync_all()
}

/// Gives a finished file its name in the same directory, durably: contents first, then the name. What had
/// the name before is replaced.
pub fn put_in_place(path: &Path, target: &Path) -> io::Result<()> {
    sync_file(path)?;
    fs::rename(path, target)?;
    sync_directory(parent_of(target))
}

/// A file being written under another name in the same directory, which takes its own name only
/// with [`PendingFile::commit`]. Dropped before that, it leaves nothing behind; a killed process
/// leaves `.NAME.RANDOM.tmp`, which nothing reads.
#[derive(Debug)]
pub struct PendingFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    committed: bool,
}

impl PendingFile {
    /// Begins a file that will be `target`.
    pub fn beside(target: &Path, sharing: Sharing) -> io::Result<Self> {
        let name = target
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        // Not to be guessed, so that nobody in a shared directory can take the name first.
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{:016x}.tmp", u64::from_ne_bytes(random)));
        let temporary = parent_of(target).join(temporary);
        let pending = Self {
            file: os::new_file(sharing.file_mode()).open(&temporary)?,
            temporary,
            target: target.to_owned(),
            committed: false,
        };
        os::set_mode(&pending.file, sharing.file_mode())?;
        Ok(pending)
    }

    /// Makes the contents durable, then the name. When only the last step fails (syncing the
    /// directory) the new contents are in place, but a power cut may bring the old ones back.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.target)?;
        self.committed = true;
        sync_directory(parent_of(&self.target))
    }

    /// The same for a name that must be free: whatever has it stays, be it a dangling link.
    fn commit_new(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        os::rename_new(&self.temporary, &self.target)?;
        self.committed = true;
        sync_directory(parent_of(&self.target)).inspect_err(|_| drop(fs::remove_file(&self.target)))
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.committed {
            fs::remove_file(&self.temporary).ok();
        }
    }
}

/// Hands a file (0660) or a directory (2770) to a group of this host, so that its members share a
/// journal. Fails when there is no such group, or when we may not give to it.
pub fn share_with_group(path: &Path, group: &str) -> Result<(), FileProblem> {
    let of = |error| FileProblem::of(path, error);
    let id = os::group_id(group).map_err(of)?.ok_or_else(|| {
        let why = format!("no group named {} on this host", group.escape_debug());
        FileProblem::Io {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidInput, why),
        }
    })?;
    let metadata = fs::symlink_metadata(path).map_err(of)?;
    if metadata.is_symlink() {
        return Err(FileProblem::Link(path.to_owned()));
    }
    let mode = if metadata.is_dir() {
        Sharing::Group.directory_mode()
    } else {
        Sharing::Group.file_mode()
    };
    // The group first: changing it clears setgid.
    os::set_group(path, id).map_err(of)?;
    os::set_mode_at(path, mode).map_err(of)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn missing_parents_are_made_for_us_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b/c");
        create_directory_private(&path).unwrap();
        create_directory_private(&path).unwrap();
        for part in ["a", "a/b", "a/b/c"] {
            assert_eq!(mode(&place.path().join(part)), 0o700, "{part}");
        }
    }

    #[test]
    fn a_new_file_is_whole_and_replaces_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        create_whole(&path, b"one", Sharing::OwnerOnly).unwrap();
        assert_eq!(mode(&path), 0o600);
        let again = create_whole(&path, b"two", Sharing::OwnerOnly).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");

        let dangling = place.path().join("link");
        symlink(place.path().join("nowhere"), &dangling).unwrap();
        let linked = create_whole(&dangling, b"two", Sharing::OwnerOnly).unwrap_err();
        assert_eq!(linked.kind(), io::ErrorKind::AlreadyExists);
        let mut left = names(place.path());
        left.sort();
        assert_eq!(left, ["file", "link"]);
    }

    #[test]
    fn an_existing_directory_is_kept_but_must_be_safe() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        create_directory_private(place.path()).unwrap();
        assert_eq!(mode(place.path()), 0o755);
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let problem = create_directory_private(place.path()).unwrap_err();
        assert!(matches!(problem, FileProblem::OpenDirectory { .. }));
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(create_directory_private(&file.join("under")).is_err());
    }

    #[test]
    fn an_exclusive_file_never_replaces_anything() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("key");
        create_exclusive(&path, b"one", Sharing::OwnerOnly).unwrap();
        assert_eq!(mode(&path), 0o600);
        let again = create_exclusive(&path, b"two", Sharing::OwnerOnly).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");

        let dangling = place.path().join("dangling");
        symlink(place.path().join("elsewhere"), &dangling).unwrap();
        let linked = create_exclusive(&dangling, b"two", Sharing::OwnerOnly).unwrap_err();
        assert_eq!(linked.kind(), io::ErrorKind::AlreadyExists);
        assert!(!place.path().join("elsewhere").exists());
    }

    #[test]
    fn an_atomic_write_replaces_the_name_and_not_what_a_link_points_at() {
        let place = tempfile::tempdir().unwrap();
        let (victim, path) = (place.path().join("victim"), place.path().join("anchor"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        write_atomically(&path, b"new", Sharing::OwnerOnly).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o600));
        write_atomically(&path, b"newer", Sharing::Group).unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"newer".to_vec(), 0o660));
        assert_eq!(names(place.path()).len(), 2);
    }

    #[test]
    fn a_configuration_keeps_its_mode_and_its_link() {
        let place = tempfile::tempdir().unwrap();
        let (kept, link) = (place.path().join("kept.toml"), place.path().join("config.toml"));
        fs::write(&kept, "old").unwrap();
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&kept, &link).unwrap();
        replace_configuration(&link, b"new").unwrap();
        assert_eq!((fs::read(&kept).unwrap(), mode(&kept)), (b"new".to_vec(), 0o640));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let made = place.path().join("of/ours/config.toml");
        replace_configuration(&made, b"new").unwrap();
        assert_eq!((mode(&made), mode(made.parent().unwrap())), (0o600, 0o700));
        assert_eq!(names(made.parent().unwrap()), ["config.toml"]);
    }

    #[test]
    fn a_failed_atomic_write_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("full"), "").unwrap();
        assert!(write_atomically(&path, b"x", Sharing::OwnerOnly).is_err());
        assert_eq!(names(place.path()), ["taken"]);
    }

    #[test]
    fn a_dropped_pending_file_leaves_the_old_contents() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("export.csv");
        fs::write(&path, "old").unwrap();
        let mut pending = PendingFile::beside(&path, Sharing::OwnerOnly).unwrap();
        pending.write_all(b"half of the").unwrap();
        drop(pending);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(place.path()), ["export.csv"]);
    }

    #[test]
    fn sharing_with_an_unknown_group_changes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("journal.db");
        create_exclusive(&path, b"", Sharing::OwnerOnly).unwrap();
        let problem = share_with_group(&path, "no-such-group-here").unwrap_err();
        assert!(problem.to_string().contains("no-such-group-here"));
        assert_eq!(mode(&path), 0o600);
    }
}
