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
