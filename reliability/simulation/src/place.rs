//! Making the place where worlds are made.

use journal_disk::{Disk, Image};
use zoho_journal::domain::entropy::SeededEntropy;
use zoho_journal::domain::time::Timestamp;
use zoho_journal::evidence::keeper::{Keeper, Operator, anchor_path};

use crate::schedule::Place;

impl Place {
    /// Makes a directory with an empty journal, in memory where the system has such a place. `forgetful`: see
    /// [`Place::forgetful`].
    pub fn new(forgetful: bool) -> std::io::Result<Self> {
        let memory = std::path::Path::new("/dev/shm");
        let directory =
            if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let db = directory.path().join("journal.db");
        // `init` makes the file before SQLite opens it.
        let mut image = Image::new();
        image.insert("journal.db", b"");
        let disk = Disk::mount_image(directory.path(), &image);
        let by = Operator { account: "ops", program: "simulation" };
        let entropy = Box::new(SeededEntropy::new(1));
        let begin = Timestamp::from_millis(1_787_000_000_000);
        drop(Keeper::init(&db, None, entropy, by, begin).map_err(std::io::Error::other)?);
        let empty = disk.volatile();
        drop(disk);
        let anchor = std::fs::read(anchor_path(&db))?;
        // Nobody takes an empty file for a journal.
        std::fs::write(&db, b"its contents are on the simulated disk")?;
        Ok(Self { db, empty, anchor, directory, forgetful })
    }
}
