//! The bytes of one file, in shared pages.

use std::sync::{Arc, LazyLock};

/// The page of the operating system's cache, which is also the journal's page.
pub(crate) const PAGE: usize = 4096;

type Page = [u8; PAGE];

/// One page of zeros for all holes.
static HOLE: LazyLock<Arc<Page>> = LazyLock::new(|| Arc::new([0; PAGE]));

/// A file's bytes. A clone costs one counter; a write to a clone copies the list of pages, and the
/// pages it touches.
#[derive(Clone, Default)]
pub struct Content {
    pages: Arc<Vec<Arc<Page>>>,
    len: usize,
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.read(0, &mut bytes);
        bytes
    }

    /// Copies what there is from `offset` on, and says how much it was.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> usize {
        let end = self.len.min(offset.saturating_add(into.len()));
        let mut at = offset;
        while at < end {
            let from = at % PAGE;
            let count = (PAGE - from).min(end - at);
            into[at - offset..][..count].copy_from_slice(&self.pages[at / PAGE][from..][..count]);
            at += count;
        }
        end.saturating_sub(offset)
    }

    /// Writes, and grows the file where the bytes lie beyond its end.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if end > self.len {
            self.set_len(end);
        }
        let pages = Arc::make_mut(&mut self.pages);
        let mut at = offset;
        while at < end {
            let from = at % PAGE;
            let count = (PAGE - from).min(end - at);
            let new = &bytes[at - offset..][..count];
            let page = &mut pages[at / PAGE];
            match <&Page>::try_from(new) {
                Ok(whole) => *page = Arc::new(*whole),
                Err(_) => Arc::make_mut(page)[from..][..count].copy_from_slice(new),
            }
            at += count;
        }
    }

    /// Cuts the file off, or lets it grow by zeros.
    pub(crate) fn set_len(&mut self, len: usize) {
        if len == self.len {
            return;
        }
        let pages = Arc::make_mut(&mut self.pages);
        pages.resize_with(len.div_ceil(PAGE), || Arc::clone(&HOLE));
        if len < self.len
            && !len.is_multiple_of(PAGE)
            && let Some(last) = pages.last_mut()
        {
            Arc::make_mut(last)[len % PAGE..].fill(0);
        }
        self.len = len;
    }

    /// Takes the pages that `offset .. offset + count` touches from another file of the same length.
    pub(crate) fn take_pages(&mut self, other: &Self, offset: usize, count: usize) {
        let last = (offset + count).min(self.len).div_ceil(PAGE);
        let pages = Arc::make_mut(&mut self.pages);
        for index in offset / PAGE..last.min(other.pages.len()) {
            pages[index] = Arc::clone(&other.pages[index]);
        }
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        content.write(0, bytes);
        content
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len
            && (Arc::ptr_eq(&self.pages, &other.pages)
                || self
                    .pages
                    .iter()
                    .zip(other.pages.iter())
                    .all(|(a, b)| Arc::ptr_eq(a, b) || a == b))
    }
}

impl Eq for Content {}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_a_vector_holds() {
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut content, mut plain) = (Content::default(), Vec::<u8>::new());
        for _ in 0..2_000 {
            let kept = (content.clone(), plain.clone());
            if rng.u8(..) < 40 {
                let len = rng.usize(..30_000);
                content.set_len(len);
                plain.resize(len, 0);
            } else {
                let (offset, count) = (rng.usize(..20_000), rng.usize(..9_000));
                let bytes: Vec<u8> = (0..count).map(|_| rng.u8(..)).collect();
                content.write(offset, &bytes);
                plain.resize(plain.len().max(offset + count), 0);
                plain[offset..offset + count].copy_from_slice(&bytes);
            }
            assert!(content.to_vec() == plain);
            assert!(kept.0.to_vec() == kept.1, "a write went through to a clone");
            assert!(content == Content::from(&plain[..]));
        }
    }
}
