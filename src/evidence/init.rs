//! Making a journal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::domain::entropy::Entropy;
use crate::domain::time::Timestamp;
use crate::evidence::anchor::{Anchor, anchor_path, beside};
use crate::evidence::keeper::{
    COMPANIONS, Keeper, KeeperError, Operator, Publisher, check_local, check_reader, directory_of,
};
use crate::evidence::key::{JournalKey, key_path, keys_dir};
use crate::platform::{self, FileProblem, Sharing};
use crate::store::creation::{JournalId, NewJournal};
use crate::store::{Reader, Store, StoreError};

impl Keeper {
    /// Makes a journal where none is, for one account or, with a group's name, for the members of that
    /// group on this host.
    ///
    /// In this order: the directories, the empty file (which nobody else can then take), the key, the
    /// tables, the first event, the anchor. An error takes back every file that was made. After a crash
    /// the next `init` says what is there.
    pub fn init(
        path: &Path,
        group: Option<&str>,
        mut entropy: Box<dyn Entropy>,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<Self, KeeperError> {
        platform::supported()?;
        check_place(path)?;
        let sharing = if group.is_some() { Sharing::Group } else { Sharing::OwnerOnly };
        prepare_directory(&directory_of(path), group)?;
        prepare_directory(&keys_dir(path), group)?;

        // Declared first, so that the store is closed before its files are taken back.
        let mut made = Made::default();
        match made.create(path, b"", group) {
            Err(KeeperError::Rights(FileProblem::Io { source, .. }))
                if source.kind() == io::ErrorKind::AlreadyExists =>
            {
                return Err(taken(path));
            }
            other => other?,
        }
        made.0.extend(COMPANIONS.map(|suffix| beside(path, suffix)));

        let journal = new_id(entropy.as_mut())?;
        let seed = Zeroizing::new(entropy.bytes()?);
        let key = JournalKey::from_seed(journal, &seed)?;
        made.create(&key_path(path, journal), key.to_text().as_bytes(), group)?;

        let mut store = Store::create(path, entropy)?;
        let public = key.verifier().to_string();
        let new = NewJournal { journal, key: &public, program: by.program, created_by: by.account };
        let ((), head) = store.write("creating the journal", now, |tx| tx.create_journal(&new))?;

        // Only now that the first event is durable.
        let anchor = Anchor::of(path, sharing);
        made.create_whole(anchor.path(), key.sign(head)?.to_string().as_bytes(), group)?;
        made.0.clear();
        let signed_by = key.verifier().clone();
        let publisher = Publisher::new(key, anchor, signed_by, head, now);
        Ok(Self::new(store, journal, publisher))
    }
}

/// Whether the path, and the names beside it that a journal uses, are free.
fn check_place(path: &Path) -> Result<(), KeeperError> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(taken(path));
    }
    check_local(path)?;
    let companions = COMPANIONS.map(|suffix| beside(path, suffix));
    for other in companions.into_iter().chain([anchor_path(path)]) {
        if fs::symlink_metadata(&other).is_ok() {
            return Err(KeeperError::LeftOver(other));
        }
    }
    Ok(())
}

fn new_id(entropy: &mut dyn Entropy) -> Result<JournalId, KeeperError> {
    let bytes = entropy.bytes()?;
    let mut id = [0; 16];
    id.iter_mut().zip(bytes).for_each(|(byte, random)| *byte = random);
    Ok(JournalId::new(id))
}

/// Files that are taken back when `init` fails. Only what this `init` made is in here.
#[derive(Debug, Default)]
struct Made(Vec<PathBuf>);

impl Made {
    /// Creates a file that must not exist yet and remembers it; hands it to the group, if there is one.
    fn create(
        &mut self,
        path: &Path,
        bytes: &[u8],
        group: Option<&str>,
    ) -> Result<(), KeeperError> {
        self.make(platform::create_exclusive, path, bytes, group)
    }

    /// The same, whole or not at all: whoever finds an anchor takes it for what was published. Only for a name
    /// beside a file that this `init` made, so that no other one is at work there.
    fn create_whole(
        &mut self,
        path: &Path,
        bytes: &[u8],
        group: Option<&str>,
    ) -> Result<(), KeeperError> {
        self.make(platform::write_atomically, path, bytes, group)
    }

    fn make(
        &mut self,
        write: fn(&Path, &[u8], Sharing) -> io::Result<()>,
        path: &Path,
        bytes: &[u8],
        group: Option<&str>,
    ) -> Result<(), KeeperError> {
        let sharing = if group.is_some() { Sharing::Group } else { Sharing::OwnerOnly };
        write(path, bytes, sharing)
            .map_err(|source| FileProblem::Io { path: path.to_owned(), source })?;
        self.0.push(path.to_owned());
        let Some(group) = group else {
            return Ok(());
        };
        platform::share_with_group(path, group)?;
        if Sharing::seen_at(path)? == Sharing::Group {
            return Ok(());
        }
        Err(KeeperError::GroupDirectory { path: directory_of(path), group: group.to_owned() })
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            // Gone already, or it stays: then the next `init` says so.
            fs::remove_file(path).ok();
        }
    }
}

/// Makes a directory with its missing parents, or checks the one that is there.
fn prepare_directory(path: &Path, group: Option<&str>) -> Result<(), KeeperError> {
    let Some(group) = group else {
        return Ok(platform::create_directory_private(path)?);
    };
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    if missing.is_empty() {
        return Ok(platform::check_directory(path, Sharing::Group)?);
    }
    platform::create_directory_private(path)?;
    // The group must get through the parents, too.
    for directory in missing {
        platform::share_with_group(directory, group)?;
    }
    Ok(())
}

/// Why no journal can be made at a path that is taken.
fn taken(path: &Path) -> KeeperError {
    // Only a link, a directory or the like cannot be looked at below.
    if let Err(error @ KeeperError::Rights(FileProblem::Link(_) | FileProblem::NotAFile(_))) =
        check_reader(path)
    {
        return error;
    }
    let anchored = fs::symlink_metadata(anchor_path(path)).is_ok();
    let empty = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.len() == 0);
    if empty && !anchored {
        return KeeperError::interrupted(path);
    }
    let log = Reader::open(path).and_then(|reader| reader.head());
    match log {
        // The first event, which names the journal, comes before the anchor.
        Ok(head) if head.size <= 1 && !anchored => KeeperError::interrupted(path),
        Err(error) if error.is_of_a_half_made_file() && !anchored => KeeperError::interrupted(path),
        Ok(_) => StoreError::Exists(path.to_owned()).into(),
        Err(error) => error.into(),
    }
}
