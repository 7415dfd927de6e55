//! The memory that connections in WAL mode share: the index of the log.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Words of memory that SQLite writes to through a pointer, which is why they are cells.
type Region = Arc<[AtomicU64]>;

/// The shared memory of one file. Whoever mapped it holds it, also when dead: SQLite keeps the
/// addresses until it unmaps.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    regions: Mutex<Vec<Region>>,
}

impl Memory {
    /// The address of a region, `None` where there is none yet and none is to be made.
    pub(crate) fn region(&self, index: usize, size: usize, extend: bool) -> Option<*mut u8> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        while extend && regions.len() <= index {
            regions.push((0..size.div_ceil(8)).map(|_| AtomicU64::new(0)).collect());
        }
        regions.get(index).map(|region| region.as_ptr().cast_mut().cast())
    }

    /// What it holds now.
    pub(crate) fn copy(&self) -> Vec<Vec<u64>> {
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions
            .iter()
            .map(|region| region.iter().map(|word| word.load(Relaxed)).collect())
            .collect()
    }

    /// Makes it hold again what it held then; regions made since become zeros.
    pub(crate) fn restore(&self, copy: &[Vec<u64>]) {
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, region) in regions.iter().enumerate() {
            let old = copy.get(index).map_or(&[][..], Vec::as_slice);
            for (place, word) in region.iter().enumerate() {
                word.store(old.get(place).copied().unwrap_or(0), Relaxed);
            }
        }
    }
}
