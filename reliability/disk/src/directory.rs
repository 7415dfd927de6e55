//! Names of files. A name, like a byte, is on the disk only after a sync: that of the directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

use crate::file::Survival;

/// A file's path below the mounted directory.
pub(crate) type Name = Arc<str>;

/// A file, by its place in the disk's list.
pub(crate) type FileId = usize;

/// Which name is which file, for processes and on the disk.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    volatile: BTreeMap<Name, FileId>,
    durable: BTreeMap<Name, FileId>,
    unsynced: Vec<(Name, Option<FileId>)>,
}

impl Directory {
    pub(crate) fn find(&self, name: &str) -> Option<FileId> {
        self.volatile.get(name).copied()
    }

    pub(crate) fn volatile(&self) -> &BTreeMap<Name, FileId> {
        &self.volatile
    }

    pub(crate) fn durable(&self) -> &BTreeMap<Name, FileId> {
        &self.durable
    }

    /// A name that is on the disk from the start.
    pub(crate) fn add_settled(&mut self, name: &Name, file: FileId) {
        self.volatile.insert(Arc::clone(name), file);
        self.durable.insert(Arc::clone(name), file);
    }

    pub(crate) fn create(&mut self, name: &Name, file: FileId) {
        self.volatile.insert(Arc::clone(name), file);
        self.unsynced.push((Arc::clone(name), Some(file)));
    }

    pub(crate) fn delete(&mut self, name: &str) {
        if let Some((name, _)) = self.volatile.remove_entry(name) {
            self.unsynced.push((name, None));
        }
    }

    pub(crate) fn sync(&mut self) {
        for (name, file) in self.unsynced.drain(..) {
            match file {
                Some(file) => self.durable.insert(name, file),
                None => self.durable.remove(&name),
            };
        }
    }

    /// Changes of this name that no sync of the directory has confirmed.
    pub(crate) fn unsynced(&self, name: &str) -> usize {
        self.unsynced.iter().filter(|(changed, _)| &**changed == name).count()
    }

    /// The names after a power cut. Of one name's changes the first few arrive, as file systems keep
    /// a journal of them in order; different names are independent of each other.
    pub(crate) fn after_power_cut(
        mut self,
        survival: Survival,
        rng: &mut Rng,
    ) -> BTreeMap<Name, FileId> {
        match survival {
            Survival::Nothing => {}
            Survival::Everything => self.sync(),
            Survival::Something => {
                let mut stopped: Vec<Name> = Vec::new();
                let changes = std::mem::take(&mut self.unsynced);
                for (name, file) in changes {
                    if stopped.contains(&name) {
                        continue;
                    }
                    if rng.bool() {
                        self.unsynced.push((name, file));
                    } else {
                        stopped.push(name);
                    }
                }
                self.sync();
            }
        }
        self.durable
    }
}
