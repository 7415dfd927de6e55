//! Ends: of a process, and of all.

use std::sync::Arc;

use rusqlite::ffi;

use crate::directory::Directory;
use crate::fault::ProcessId;
use crate::file::{File, Survival};
use crate::image::Image;
use crate::state::State;

impl State {
    /// Kills a process. As the kernel does, its locks go at once and what it wrote stays.
    pub(crate) fn kill(&mut self, process: ProcessId) {
        if !self.bury(process, false) {
            return;
        }
        self.faults.clear(process);
        let mut left = Vec::new();
        for open in self.open.iter_mut().flatten().filter(|open| open.process == process) {
            open.lock = ffi::SQLITE_LOCK_NONE;
            left.extend(open.mapped.take().map(|mapped| mapped.memory));
        }
        self.forget_memories();
        for memory in left {
            // Its code has not heard of it yet and may still tidy up in memory that others use.
            if self.users_of(&memory).next().is_some() {
                let copy = memory.copy();
                self.frozen.push((memory, copy));
            }
        }
    }

    /// The power fails: all die, and of what was not synced something is left.
    pub(crate) fn power_cut(&mut self, survival: Option<Survival>) -> Survival {
        let survival = survival.unwrap_or_else(|| match self.rng.u8(..4) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            _ => Survival::Something,
        });
        let directory = std::mem::take(&mut self.directory);
        let mut files: Vec<_> = std::mem::take(&mut self.files).into_iter().map(Some).collect();
        let mut image = Image::new();
        for (name, file) in directory.after_power_cut(survival, &mut self.rng) {
            let file = files.get_mut(file).and_then(Option::take).unwrap_or_default();
            image.insert_content(&name, file.after_power_cut(survival, &mut self.rng));
        }
        self.boot_from(&image);
        survival
    }

    /// Starts anew with these files. Nobody who used the disk before reaches it any more.
    pub(crate) fn boot_from(&mut self, image: &Image) {
        for process in self.living() {
            self.bury(process, true);
            self.faults.clear(process);
        }
        self.boot += 1;
        self.open.clear();
        self.memories.clear();
        self.frozen.clear();
        self.files.clear();
        self.directory = Directory::default();
        for (name, content) in image.files() {
            self.directory.add_settled(name, self.files.len());
            self.files.push(File::settled(content.clone()));
        }
    }

    pub(crate) fn volatile(&self) -> Image {
        let mut image = Image::new();
        for (name, file) in self.directory.volatile() {
            image.insert_content(&Arc::clone(name), self.files[*file].volatile().clone());
        }
        image
    }

    pub(crate) fn durable(&self) -> Image {
        let mut image = Image::new();
        for (name, file) in self.directory.durable() {
            image.insert_content(&Arc::clone(name), self.files[*file].durable().clone());
        }
        image
    }

    pub(crate) fn unsynced(&self, name: &str) -> usize {
        let file = self.directory.find(name).map_or(0, |file| self.files[file].unsynced());
        file + self.directory.unsynced(name)
    }

    pub(crate) fn has_unsynced_writes(&self, name: &str) -> bool {
        self.directory.find(name).is_some_and(|file| self.files[file].has_unsynced_writes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{How, Key, Shared};

    /// A file that two processes have open and mapped, with a word in its memory.
    fn shared_memory() -> (Shared, [ProcessId; 2], [Key; 2]) {
        let disk = Shared::new(1);
        let mut image = Image::new();
        image.insert("a", b"a");
        let (processes, keys) = {
            let mut state = disk.lock();
            state.boot_from(&image);
            let processes = [state.start(), state.start()];
            let how = How { create: false, exclusive: false, sync_directory: false };
            let keys = processes.map(|process| {
                let key = state.open(process, &Arc::from("a"), how).unwrap();
                let memory = state.map(key).unwrap();
                memory.region(0, 8, true).unwrap();
                memory.restore(&[vec![1]]);
                key
            });
            (processes, keys)
        };
        (disk, processes, keys)
    }

    #[test]
    fn what_the_dead_still_do_to_shared_memory_is_undone() {
        let (disk, [first, _], [one, two]) = shared_memory();
        let mut state = disk.lock();
        let memory = state.map(one).unwrap();
        state.kill(first);
        memory.restore(&[vec![2]]);
        assert_eq!(state.len(one), Err(crate::state::DEAD));
        assert_eq!(memory.copy(), [[2]]);
        assert_eq!(state.len(two), Ok(1));
        assert_eq!(memory.copy(), [[1]]);
    }

    #[test]
    fn memory_that_only_the_dead_had_is_new_to_the_next() {
        let (disk, [first, second], keys) = shared_memory();
        let mut state = disk.lock();
        let memory = state.map(keys[0]).unwrap();
        state.kill(first);
        assert!(Arc::ptr_eq(&memory, &state.map(keys[1]).unwrap()));
        state.kill(second);
        let how = How { create: false, exclusive: false, sync_directory: false };
        let third = state.start();
        let key = state.open(third, &Arc::from("a"), how).unwrap();
        assert!(!Arc::ptr_eq(&memory, &state.map(key).unwrap()));
    }
}
