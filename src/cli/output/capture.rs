//! Output into memory, for tests.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What a captured [`Out`](super::Out) said.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    pub(super) stdout: Memory,
    pub(super) stderr: Memory,
}

impl Captured {
    /// Everything on stdout so far, but for what is still buffered.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Everything on stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    pub(super) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
