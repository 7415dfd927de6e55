//! One file: what processes see of it, what is on the disk for certain, and what lies between.

use fastrand::Rng;

use crate::content::{Content, PAGE};

/// The unit that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What of the unsynced changes arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Survival {
    /// Nothing that was not synced.
    Nothing,
    /// All of it, as after a kill.
    Everything,
    /// Some sectors, sizes and names, drawn for each file anew.
    Something,
}

/// A change that no sync has confirmed yet.
#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Box<[u8]> },
    Size(usize),
}

/// A file of the disk, with or without a name.
#[derive(Debug, Default)]
pub(crate) struct File {
    volatile: Content,
    durable: Content,
    unsynced: Vec<Change>,
    /// After a failed sync `volatile` may hold pages that no later sync writes.
    diverged: bool,
}

impl File {
    /// A file that lies on the disk as it is seen.
    pub(crate) fn settled(content: Content) -> Self {
        Self { volatile: content.clone(), durable: content, ..Self::default() }
    }

    pub(crate) fn volatile(&self) -> &Content {
        &self.volatile
    }

    pub(crate) fn durable(&self) -> &Content {
        &self.durable
    }

    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.volatile.write(offset, bytes);
            self.unsynced.push(Change::Write { offset, bytes: bytes.into() });
        }
    }

    pub(crate) fn set_len(&mut self, len: usize) {
        self.volatile.set_len(len);
        self.unsynced.push(Change::Size(len));
    }

    /// How many changes wait for a sync, and those that a failed sync forgot as one more.
    pub(crate) fn unsynced(&self) -> usize {
        self.unsynced.len() + usize::from(self.has_forgotten())
    }

    /// Whether bytes that are seen may not be there after a power cut; a size does not count.
    pub(crate) fn has_unsynced_writes(&self) -> bool {
        self.unsynced.iter().any(|change| matches!(change, Change::Write { .. }))
            || self.has_forgotten()
    }

    fn has_forgotten(&self) -> bool {
        self.diverged && self.volatile != self.durable
    }

    pub(crate) fn sync(&mut self) {
        if self.diverged {
            // Only what was written again is dirty; the kernel writes whole pages of it.
            self.durable.set_len(self.volatile.len());
            for change in &self.unsynced {
                if let Change::Write { offset, bytes } = change {
                    self.durable.take_pages(&self.volatile, *offset, bytes.len());
                }
            }
            self.diverged = self.volatile != self.durable;
        } else {
            self.durable = self.volatile.clone();
        }
        self.unsynced.clear();
    }

    /// A sync that fails on Linux: some of it may have arrived, and all of it counts as written.
    pub(crate) fn sync_fails(&mut self, rng: &mut Rng) {
        if rng.bool() {
            self.durable = self.arrived(rng);
        }
        self.unsynced.clear();
        self.diverged = self.volatile != self.durable;
    }

    /// What lies on the disk after a power cut.
    pub(crate) fn after_power_cut(mut self, survival: Survival, rng: &mut Rng) -> Content {
        let survival = match (survival, rng.u8(..8)) {
            (Survival::Something, 0) => Survival::Nothing,
            (Survival::Something, 1) => Survival::Everything,
            (chosen, _) => chosen,
        };
        match survival {
            Survival::Nothing => self.durable,
            Survival::Everything => {
                self.sync();
                self.durable
            }
            Survival::Something => self.arrived(rng),
        }
    }

    /// Puts a random part of the unsynced changes onto the durable content. The changes stay in their
    /// order: of a sector that was written twice either version may be the last to arrive anyway,
    /// by leaving the other out.
    fn arrived(&self, rng: &mut Rng) -> Content {
        let chance = [16, 64, 128, 192, 240][rng.usize(..5)];
        let garbage = rng.u8(..4) == 0;
        let mut content = self.durable.clone();
        for change in &self.unsynced {
            match change {
                Change::Size(len) if rng.u8(..) < chance => grow(&mut content, *len, garbage, rng),
                Change::Size(_) => {}
                Change::Write { offset, bytes } => {
                    write_some(&mut content, *offset, bytes, (chance, garbage), rng);
                }
            }
        }
        content
    }
}

/// Writes some of the sectors; the file may have grown also where none of them came.
fn write_some(
    content: &mut Content,
    offset: usize,
    bytes: &[u8],
    (chance, garbage): (u8, bool),
    rng: &mut Rng,
) {
    let end = offset + bytes.len();
    if end > content.len() && rng.u8(..) < chance {
        grow(content, end, garbage, rng);
    }
    let mut at = offset;
    while at < end {
        let next = (at - at % SECTOR + SECTOR).min(end);
        if rng.u8(..) < chance {
            if at > content.len() {
                grow(content, at, garbage, rng);
            }
            content.write(at, &bytes[at - offset..next - offset]);
        }
        at = next;
    }
}

/// Sets the size. New space holds zeros, or what lay on the disk before.
fn grow(content: &mut Content, len: usize, garbage: bool, rng: &mut Rng) {
    let old = content.len();
    content.set_len(len);
    let mut at = old;
    while garbage && at < len {
        let mut block = [0; PAGE];
        let count = (len - at).min(PAGE);
        rng.fill(&mut block[..count]);
        content.write(at, &block[..count]);
        at += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_writes() -> File {
        let mut file = File::settled(Content::from(&[1; 2048][..]));
        file.write(0, &[2; 1024]);
        file.write(512, &[3; 1024]);
        file
    }

    #[test]
    fn a_power_cut_leaves_each_sector_old_or_new() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..4_000 {
            let mut rng = Rng::with_seed(seed);
            let bytes = two_writes().after_power_cut(Survival::Something, &mut rng).to_vec();
            assert_eq!(bytes.len(), 2048);
            for sector in bytes.chunks(512) {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "half a sector");
            }
            seen.insert([bytes[0], bytes[512], bytes[1024], bytes[1536]]);
        }
        // 2 versions of the first sector, 3 of the second, 2 of the third; nobody wrote the fourth.
        assert_eq!(seen.len(), 12);
        assert!(seen.iter().all(|sectors| sectors[3] == 1));
    }

    #[test]
    fn nothing_and_everything_are_exact() {
        let mut rng = Rng::with_seed(1);
        let seen = two_writes().volatile().to_vec();
        let nothing = two_writes().after_power_cut(Survival::Nothing, &mut rng).to_vec();
        let everything = two_writes().after_power_cut(Survival::Everything, &mut rng).to_vec();
        assert!(nothing == [1; 2048] && everything == seen);
        let mut synced = two_writes();
        synced.sync();
        assert_eq!(synced.unsynced(), 0);
        assert!(synced.after_power_cut(Survival::Nothing, &mut rng).to_vec() == seen);
    }

    #[test]
    fn a_failed_sync_forgets_pages_until_they_are_written_again() {
        let mut lost = 0;
        for seed in 0..200 {
            let mut rng = Rng::with_seed(seed);
            let mut file = File::settled(Content::from(&[1; 8192][..]));
            file.write(0, &[2; 8192]);
            file.sync_fails(&mut rng);
            assert!(file.volatile().to_vec() == [2; 8192], "what was written stays visible");
            file.sync();
            lost += usize::from(file.unsynced() > 0);
            file.write(10, &[2]);
            file.sync();
            assert!(file.durable().to_vec()[..4096] == [2; 4096], "a page is written whole");
            file.write(5000, &[2]);
            file.sync();
            assert_eq!(file.unsynced(), 0);
            assert!(file.durable() == file.volatile());
        }
        assert!(lost > 100, "{lost}");
    }

    #[test]
    fn new_space_is_zeros_or_garbage() {
        let (mut zeros, mut garbage) = (0, 0);
        for seed in 0..400 {
            let mut file = File::default();
            file.write(0, &[7; 4096]);
            let bytes =
                file.after_power_cut(Survival::Something, &mut Rng::with_seed(seed)).to_vec();
            for sector in bytes.chunks(512).filter(|sector| sector[..] != [7; 512]) {
                if sector.iter().all(|byte| *byte == 0) { zeros += 1 } else { garbage += 1 }
            }
        }
        assert!(zeros > 100 && garbage > 50, "{zeros} {garbage}");
    }
}
