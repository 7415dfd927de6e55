//! The bytes of an input on their way to the CSV reader: hashed, checked to be UTF-8 text, and bounded.
//!
//! The CSV reader itself accepts anything and buffers a row however long it is. What it must never
//! see is stopped here, before it allocates.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::intake::error::Encoding;
use crate::intake::limits::{CHUNK_BYTES, LINE_BYTES_MAX};

/// Put after the last byte of the input: one row of one NUL, a byte that no input may hold.
///
/// If the input ends inside of a quoted cell, these bytes become a part of that cell instead of a
/// row of their own. That is how an unclosed quote is told from a proper end.
pub(super) const END: &[u8] = b"\n\0\n";

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why no more bytes come.
#[derive(Debug)]
pub(super) enum Flaw {
    /// The system could not read.
    Io(io::Error),
    /// Not UTF-8 text, from this line on.
    Encoding { line: u64, encoding: Encoding },
    /// One row takes more than it may; its line where it is known.
    RowTooLong { line: Option<u64> },
}

/// A reader that hands on UTF-8 text without a byte order mark, then [`END`].
pub(super) struct CheckedReader<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
    newlines: u64,
    /// The first bytes, which tell one encoding from another.
    start: Vec<u8>,
    /// The beginning of a character whose other bytes were not read yet.
    partial: Vec<u8>,
    /// Bytes that were read ahead to see the first line.
    ahead: Vec<u8>,
    ahead_taken: usize,
    /// Bytes handed on since the last whole row.
    since_row: usize,
    ended: bool,
    end_taken: usize,
    flaw: Option<Flaw>,
}

impl<R: Read> CheckedReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            bytes: 0,
            newlines: 0,
            start: Vec::new(),
            partial: Vec::new(),
            ahead: Vec::new(),
            ahead_taken: 0,
            since_row: 0,
            ended: false,
            end_taken: 0,
            flaw: None,
        }
    }

    /// The first line with anything on it; `None` when there is none. It will be read again.
    pub(super) fn first_line(&mut self) -> Result<Option<String>, Flaw> {
        let mut chunk = vec![0; CHUNK_BYTES];
        // Where the first line that is not known to be blank begins.
        let mut at = 0;
        loop {
            let count = self.read_checked(&mut chunk)?;
            self.ahead.extend(chunk.iter().take(count));
            if self.ahead_taken == 0 && self.ahead.starts_with(BOM) {
                self.ahead_taken = BOM.len();
                at = BOM.len();
            }
            while let Some(line) = next_line(&self.ahead, at, self.ended) {
                if !line.trim().is_empty() {
                    return Ok(Some(line));
                }
                at += line.len();
            }
            if self.ended {
                return Ok(None);
            }
            if self.ahead.len() > LINE_BYTES_MAX {
                let before = self.ahead.get(..at).unwrap_or_default();
                let line = Some(newlines(before) + 1);
                return Err(Flaw::RowTooLong { line });
            }
        }
    }

    /// Tells that a row came to its end, which begins the next one's allowance.
    pub(super) fn row_done(&mut self) {
        self.since_row = 0;
    }

    /// What stopped the reading, once.
    pub(super) fn take_flaw(&mut self) -> Option<Flaw> {
        self.flaw.take()
    }

    /// Length and SHA-256 of what was read so far: of the whole input, once [`END`] was read.
    pub(super) fn finish(self) -> (u64, [u8; 32]) {
        (self.bytes, self.hasher.finalize().into())
    }

    /// Reads once from the input; at its beginning, until four bytes tell the encoding. Zero bytes
    /// are its end.
    fn read_checked(&mut self, chunk: &mut [u8]) -> Result<usize, Flaw> {
        let wanted = if self.bytes == 0 { 4 } else { 1 };
        let mut count = 0;
        while count < wanted {
            let free = chunk.get_mut(count..).unwrap_or_default();
            match self.inner.read(free) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Flaw::Io(error)),
            }
        }
        let read = chunk.get(..count).unwrap_or_default();
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        self.hasher.update(read);
        self.check(read)?;
        self.ended = count == 0;
        Ok(count)
    }

    fn check(&mut self, read: &[u8]) -> Result<(), Flaw> {
        if self.start.is_empty() {
            self.start.extend(read.iter().take(4));
        }
        let nul = read.contains(&0);
        let before_nul = || read.iter().take_while(|&&byte| byte != 0).count();
        let text = if nul { read.get(..=before_nul()).unwrap_or(read) } else { read };
        // Whichever comes first counts, so that it makes no difference how the bytes arrive.
        if let Err(at) = self.check_utf8(text) {
            return Err(self.encoding_flaw(read, at, Encoding::Legacy));
        }
        if nul {
            return Err(self.encoding_flaw(read, before_nul(), Encoding::Binary));
        }
        self.newlines += newlines(read);
        Ok(())
    }

    /// Checks the next bytes, which may begin and end in the middle of a character; where wrong, tells
    /// the position. An empty slice is the end of the input.
    fn check_utf8(&mut self, read: &[u8]) -> Result<(), usize> {
        if self.partial.is_empty() && read.is_ascii() {
            return Ok(());
        }
        if read.is_empty() {
            return Err(0);
        }
        let mut done = 0;
        while !self.partial.is_empty() {
            let Some(&byte) = read.get(done) else {
                return Ok(());
            };
            self.partial.push(byte);
            done += 1;
            match std::str::from_utf8(&self.partial) {
                Ok(_) => self.partial.clear(),
                Err(error) if error.error_len().is_some() => return Err(done - 1),
                Err(_) => {}
            }
        }
        let rest = read.get(done..).unwrap_or_default();
        match std::str::from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(done + error.valid_up_to()),
            Err(error) => {
                let begun = rest.get(error.valid_up_to()..).unwrap_or_default();
                self.partial.extend_from_slice(begun);
                Ok(())
            }
        }
    }

    fn encoding_flaw(&self, read: &[u8], at: usize, otherwise: Encoding) -> Flaw {
        let encoding = match self.start.as_slice() {
            [0xff, 0xfe, ..] => Encoding::Utf16Le,
            [0xfe, 0xff, ..] => Encoding::Utf16Be,
            // Latin letters and digits in UTF-16 without a byte order mark.
            [1..=0x7f, 0, ..] if otherwise == Encoding::Binary => Encoding::Utf16Le,
            [0, 1..=0x7f, ..] if otherwise == Encoding::Binary => Encoding::Utf16Be,
            _ => otherwise,
        };
        let before = read.get(..at).unwrap_or_default();
        Flaw::Encoding { line: self.newlines + newlines(before) + 1, encoding }
    }

    fn deliver(&mut self, buffer: &mut [u8]) -> Result<usize, Flaw> {
        let left = self.ahead.get(self.ahead_taken..).unwrap_or_default();
        if !left.is_empty() {
            let count = copy(left, buffer);
            self.ahead_taken += count;
            return Ok(count);
        }
        self.ahead = Vec::new();
        self.ahead_taken = 0;
        if !self.ended {
            let count = self.read_checked(buffer)?;
            if count > 0 {
                return Ok(count);
            }
        }
        let count = copy(END.get(self.end_taken..).unwrap_or_default(), buffer);
        self.end_taken += count;
        Ok(count)
    }
}

impl<R: Read> Read for CheckedReader<R> {
    /// The error itself says nothing; [`CheckedReader::take_flaw`] does.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = if self.since_row > LINE_BYTES_MAX {
            Err(Flaw::RowTooLong { line: None })
        } else {
            self.deliver(buffer)
        };
        match result {
            Ok(count) => {
                let handed = buffer.get(..count).unwrap_or_default();
                // A run of empty lines is no row, so it may be longer. It must end too: inside of a
                // quoted cell the CSV reader keeps every one of them.
                let is_blank = handed.iter().all(|byte| matches!(byte, b'\n' | b'\r'));
                self.since_row += if is_blank { count / 64 } else { count };
                Ok(count)
            }
            Err(flaw) => {
                self.flaw = Some(flaw);
                Err(io::Error::other("the input was refused"))
            }
        }
    }
}

/// The line that begins there, with its line end, if the whole of it is known.
fn next_line(bytes: &[u8], at: usize, is_all: bool) -> Option<String> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let line = match rest.iter().position(|&byte| byte == b'\n') {
        Some(end) => rest.get(..=end)?,
        None if is_all => rest,
        None => return None,
    };
    Some(String::from_utf8_lossy(line).into_owned())
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    count
}

/// How many line ends there are. Counting in single bytes lets the compiler look at many at once.
pub(super) fn newlines(bytes: &[u8]) -> u64 {
    let count = |piece: &[u8]| {
        piece.iter().fold(0_u8, |count, &byte| count.wrapping_add(u8::from(byte == b'\n')))
    };
    bytes.chunks(255).map(|piece| u64::from(count(piece))).sum()
}
