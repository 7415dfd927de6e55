//! A disk's files at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::content::Content;
use crate::directory::Name;

/// Contents of all files of a disk, by their paths below its directory. Cheap to clone: pages are
/// shared until somebody writes to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    files: BTreeMap<Name, Content>,
}

impl Image {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file there, in the place of one of that name.
    pub fn insert(&mut self, name: &str, bytes: &[u8]) {
        self.insert_content(&Arc::from(name), Content::from(bytes));
    }

    /// Takes a file away.
    pub fn remove(&mut self, name: &str) -> Option<Content> {
        self.files.remove(name)
    }

    /// A file's content, if there is such a file.
    pub fn file(&self, name: &str) -> Option<&Content> {
        self.files.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(|name| &**name)
    }

    /// Sum of the files' lengths.
    pub fn len(&self) -> usize {
        self.files.values().map(Content::len).sum()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) fn insert_content(&mut self, name: &Name, content: Content) {
        self.files.insert(Arc::clone(name), content);
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&Name, &Content)> {
        self.files.iter()
    }
}
