use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::domain::entropy::SeededEntropy;
use crate::evidence::anchor::anchor_path;
use crate::store::Reader;

const BY: Operator<'static> = Operator { account: "ann (uid 1000) on laptop", program: "test/0" };
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A journal in a directory of its own.
struct Place {
    directory: tempfile::TempDir,
    db: PathBuf,
}

impl Place {
    fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let db = directory.path().join("acme.db");
        Self { directory, db }
    }

    fn with_journal() -> Self {
        let place = Self::empty();
        drop(place.init().unwrap());
        place
    }

    fn init(&self) -> Result<Keeper, KeeperError> {
        Keeper::init(&self.db, None, Box::new(SeededEntropy::new(1)), BY, NOW)
    }

    fn open(&self) -> Result<Keeper, KeeperError> {
        Keeper::open(&self.db, Box::new(SeededEntropy::new(2)), BY, NOW)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn sql(&self, statements: &str) {
        rusqlite::Connection::open_with_flags(
            &self.db,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
        )
        .unwrap()
        .execute_batch(statements)
        .unwrap();
    }

    /// How the journal stands to its anchor, when that is why it is refused.
    fn refusal(&self) -> AnchorState {
        let error = self.open().unwrap_err();
        let KeeperError::NotAnchored { state, .. } = error else {
            panic!("{error}");
        };
        *state
    }

    fn anchor(&self) -> String {
        fs::read_to_string(anchor_path(&self.db)).unwrap()
    }
}

/// Writes one event.
fn append(keeper: &mut Keeper, key: &str) {
    keeper.write("a test", NOW, |tx| tx.replace_key(key, "test/0", "ann")).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn every_file(directory: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory_here) = open.pop() {
        for entry in fs::read_dir(directory_here).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            found.push((name, mode(&path)));
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn init_makes_exactly_these_files_for_us_alone() {
    let place = Place::empty();
    let journal = place.init().unwrap().journal();
    let expected = [
        ("acme.db".to_owned(), 0o600),
        ("acme.db.anchor".to_owned(), 0o600),
        ("keys".to_owned(), 0o700),
        (format!("keys/{journal}"), 0o600),
    ];
    assert_eq!(every_file(place.directory.path()), expected);

    let deeper = place.file("a/b/c.db");
    Keeper::init(&deeper, None, Box::new(SeededEntropy::new(3)), BY, NOW).unwrap();
    for directory in ["a", "a/b", "a/b/keys"] {
        assert_eq!(mode(&place.file(directory)), 0o700);
    }
}

#[test]
fn neither_the_key_nor_who_made_it_stands_in_the_log_or_the_anchor() {
    let place = Place::with_journal();
    let reader = Reader::open(&place.db).unwrap();
    let (journal, verifier) = reader.created().unwrap().unwrap();
    let key = fs::read_to_string(key_path(&place.db, journal)).unwrap();
    let secret = key.trim_end().rsplit('+').next().unwrap();
    let data = fs::read(&place.db).unwrap();
    assert!(!data.windows(secret.len()).any(|window| window == secret.as_bytes()));
    assert!(data.windows(verifier.len()).any(|window| window == verifier.as_bytes()));
    assert!(place.anchor().starts_with(&format!("zoho-journal/{journal}\n1\n")));
}

#[test]
fn an_init_never_overwrites_and_says_what_is_there() {
    let place = Place::with_journal();
    assert!(matches!(place.init(), Err(KeeperError::Store(StoreError::Exists(_)))));

    let foreign = Place::empty();
    fs::write(&foreign.db, "").unwrap();
    foreign.sql("CREATE TABLE t (x)");
    let error = foreign.init().unwrap_err().to_string();
    assert!(error.ends_with("it is an SQLite file of another program"), "{error}");

    let text = Place::empty();
    fs::write(&text.db, "precious\n".repeat(100)).unwrap();
    let error = text.init().unwrap_err().to_string();
    assert!(error.ends_with("it is not an SQLite file"), "{error}");

    let link = Place::empty();
    symlink(&place.db, &link.db).unwrap();
    assert!(matches!(link.init(), Err(KeeperError::Rights(FileProblem::Link(_)))));
    let directory = Place::empty();
    fs::create_dir(&directory.db).unwrap();
    assert!(matches!(directory.init(), Err(KeeperError::Rights(FileProblem::NotAFile(_)))));

    let old = Place::with_journal();
    fs::remove_file(&old.db).unwrap();
    let left =
        |path: &Path| matches!(old.init(), Err(KeeperError::LeftOver(other)) if other == path);
    assert!(left(&anchor_path(&old.db)));
    fs::write(old.file("acme.db-wal"), "frames").unwrap();
    assert!(left(&old.file("acme.db-wal")));
}

/// A crash at each step of an init leaves one of these.
#[test]
fn what_an_interrupted_init_leaves_is_explained() {
    let empty = Place::empty();
    fs::write(&empty.db, "").unwrap();
    fs::write(empty.file("acme.db-journal"), "").unwrap();
    let Err(KeeperError::Interrupted { remains, .. }) = empty.init() else {
        panic!("not explained");
    };
    assert_eq!(remains, [empty.db.clone(), empty.file("acme.db-journal")]);
    assert!(empty.open().unwrap_err().to_string().ends_with("it is empty"));

    let without_tables = Place::empty();
    fs::write(&without_tables.db, "").unwrap();
    without_tables.sql("PRAGMA application_id = 0x5A4A6E6C");
    for error in [without_tables.init().unwrap_err(), without_tables.open().unwrap_err()] {
        assert!(error.to_string().contains("init was interrupted"), "{error}");
    }

    let without_event = Place::empty();
    platform::create_exclusive(&without_event.db, b"", Sharing::OwnerOnly).unwrap();
    drop(Store::create(&without_event.db, Box::new(SeededEntropy::new(1))).unwrap());
    assert!(matches!(without_event.init(), Err(KeeperError::Interrupted { .. })));
    assert!(matches!(without_event.open(), Err(KeeperError::Interrupted { .. })));

    // The first event is durable and the anchor is not there yet.
    let without_anchor = Place::with_journal();
    fs::remove_file(anchor_path(&without_anchor.db)).unwrap();
    assert!(matches!(without_anchor.init(), Err(KeeperError::Interrupted { .. })));
    assert_eq!(without_anchor.refusal(), AnchorState::Missing);

    // Not even marked as ours yet.
    let unmarked = Place::empty();
    fs::write(&unmarked.db, "").unwrap();
    unmarked.sql("PRAGMA journal_mode = WAL");
    assert!(matches!(unmarked.init(), Err(KeeperError::Interrupted { .. })));
    assert!(unmarked.open().unwrap_err().to_string().contains("init was interrupted"));
}

/// Its anchor says that it was no interrupted init, so nothing tells people to remove it.
#[test]
fn an_emptied_journal_is_not_taken_for_an_interrupted_init() {
    let place = Place::with_journal();
    fs::write(&place.db, "").unwrap();
    assert!(matches!(place.init(), Err(KeeperError::Store(StoreError::NotAJournal { .. }))));
    fs::remove_file(&place.db).unwrap();
    platform::create_exclusive(&place.db, b"", Sharing::OwnerOnly).unwrap();
    drop(Store::create(&place.db, Box::new(SeededEntropy::new(1))).unwrap());
    assert!(matches!(place.init(), Err(KeeperError::Store(StoreError::Exists(_)))));
    assert!(matches!(place.refusal(), AnchorState::Behind { anchor: Head { size: 1, .. }, .. }));
}

#[test]
fn a_failed_init_takes_back_what_it_made_and_nothing_else() {
    // The same randomness gives the same id, so the key's name can be taken beforehand.
    let journal = Place::empty().init().unwrap().journal();
    let place = Place::empty();
    let key = key_path(&place.db, journal);
    platform::create_directory_private(&keys_dir(&place.db)).unwrap();
    fs::write(&key, "somebody's").unwrap();
    assert!(matches!(place.init(), Err(KeeperError::Rights(FileProblem::Io { .. }))));
    assert_eq!(fs::read(&key).unwrap(), b"somebody's");
    assert!(!place.db.exists() && !anchor_path(&place.db).exists());
    fs::remove_file(&key).unwrap();
    place.init().unwrap();
}

#[test]
fn a_place_where_others_can_swap_files_is_refused() {
    let place = Place::empty();
    fs::set_permissions(place.directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = place.init().unwrap_err().to_string();
    assert!(error.contains("chmod go-w"), "{error}");
    fs::set_permissions(place.directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    drop(place.init().unwrap());
    fs::set_permissions(place.directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(place.open(), Err(KeeperError::Rights(FileProblem::OpenDirectory { .. }))));
}

#[test]
fn a_group_gets_files_that_its_members_can_write() {
    // The group of our own account is one that we may give to.
    let Ok(Some(group)) = nix::unistd::Group::from_gid(nix::unistd::Gid::effective()) else {
        return;
    };
    let place = Place::empty();
    let db = place.file("team/acme.db");
    let entropy = Box::new(SeededEntropy::new(1));
    let mut keeper = Keeper::init(&db, Some(&group.name), entropy, BY, NOW).unwrap();
    append(&mut keeper, "another");
    let key = key_path(&db, keeper.journal());
    for (file, expected) in [
        (place.file("team"), 0o2770),
        (place.file("team/keys"), 0o2770),
        (db.clone(), 0o660),
        (key, 0o660),
        (anchor_path(&db), 0o660),
        (place.file("team/acme.db.anchor.lock"), 0o660),
    ] {
        assert_eq!(mode(&file), expected, "{}", file.display());
    }
    drop(keeper);
    check_reader(&db).unwrap();
    Keeper::open(&db, Box::new(SeededEntropy::new(2)), BY, NOW).unwrap();

    // A directory of our own is not opened to the group behind our back.
    let own = place.file("own");
    platform::create_directory_private(&own).unwrap();
    let entropy = Box::new(SeededEntropy::new(1));
    let refused = Keeper::init(&own.join("acme.db"), Some(&group.name), entropy, BY, NOW);
    assert!(matches!(refused, Err(KeeperError::GroupDirectory { .. })));
    assert_eq!(mode(&own), 0o700);
    assert!(!own.join("acme.db").exists());
}

#[test]
fn a_file_that_is_no_safe_journal_is_not_opened() {
    let place = Place::empty();
    assert!(matches!(place.open(), Err(KeeperError::Store(StoreError::NoJournal(_)))));
    assert!(matches!(check_reader(&place.db), Err(KeeperError::Store(StoreError::NoJournal(_)))));

    let place = Place::with_journal();
    for mode in [0o602, 0o620, 0o666] {
        fs::set_permissions(&place.db, fs::Permissions::from_mode(mode)).unwrap();
        let problem = place.open().unwrap_err();
        assert!(matches!(problem, KeeperError::Rights(FileProblem::Writable { .. })), "{mode:o}");
        let problem = check_reader(&place.db).unwrap_err();
        assert!(matches!(problem, KeeperError::Rights(FileProblem::Writable { .. })), "{mode:o}");
    }
    fs::set_permissions(&place.db, fs::Permissions::from_mode(0o644)).unwrap();
    check_reader(&place.db).unwrap();

    let link = place.file("link.db");
    symlink(&place.db, &link).unwrap();
    assert!(matches!(check_reader(&link), Err(KeeperError::Rights(FileProblem::Link(_)))));
    let opened = Keeper::open(&link, Box::new(SeededEntropy::new(2)), BY, NOW);
    assert!(matches!(opened, Err(KeeperError::Rights(FileProblem::Link(_)))));

    let newer = Place::with_journal();
    newer.sql("PRAGMA user_version = 99");
    let opened = newer.open();
    assert!(matches!(opened, Err(KeeperError::Store(StoreError::SchemaTooNew { found: 99, .. }))));

    let foreign = Place::with_journal();
    foreign.sql("PRAGMA application_id = 1");
    let opened = foreign.open();
    assert!(matches!(opened, Err(KeeperError::Store(StoreError::NotAJournal { .. }))));

    // SQLite would believe its frames.
    let planted = Place::with_journal();
    let wal = planted.file("acme.db-wal");
    fs::write(&wal, "frames").unwrap();
    fs::set_permissions(&wal, fs::Permissions::from_mode(0o666)).unwrap();
    let opened = planted.open();
    assert!(matches!(opened, Err(KeeperError::Rights(FileProblem::Writable { .. }))));
}

#[test]
fn every_write_moves_the_anchor_and_a_transaction_without_an_event_does_not() {
    let place = Place::with_journal();
    let mut keeper = place.open().unwrap();
    let first = place.anchor();
    keeper.write("nothing", NOW, |_| Ok(())).unwrap();
    assert_eq!(place.anchor(), first);
    append(&mut keeper, "another");
    assert!(place.anchor().contains("\n2\n"));
    let failed = keeper.write("failing", NOW, |tx| {
        tx.replace_key("third", "test/0", "ann")?;
        Err::<(), _>(StoreError::NotFound("R1".to_owned()))
    });
    assert!(failed.is_err());
    assert!(place.anchor().contains("\n2\n"));
    assert!(keeper.warnings().is_empty());
}

#[test]
fn a_kill_between_commit_and_publishing_leaves_a_journal_that_is_ahead_and_good() {
    let place = Place::with_journal();
    let (mut store, _unused) = place.open().unwrap().into_run();
    store.write("dying", NOW, |tx| tx.replace_key("another", "test/0", "ann")).unwrap();
    drop(store);
    let mut keeper = place.open().unwrap();
    // What the dead process wrote is seen, and anchored only with the next commit of ours.
    assert!(place.anchor().contains("\n1\n"));
    append(&mut keeper, "third");
    assert!(place.anchor().contains("\n3\n"));
    drop(keeper);
    place.open().unwrap();
}

#[test]
fn an_older_copy_is_refused() {
    let place = Place::with_journal();
    let copy = fs::read(&place.db).unwrap();
    append(&mut place.open().unwrap(), "another");
    fs::write(&place.db, copy).unwrap();
    let AnchorState::Behind { anchor, journal } = place.refusal() else {
        panic!("not behind");
    };
    assert_eq!((anchor.size, journal.size), (2, 1));
}

#[test]
fn a_log_whose_tail_was_cut_off_is_refused() {
    let place = Place::with_journal();
    let mut keeper = place.open().unwrap();
    let before = keeper.store().head().unwrap();
    append(&mut keeper, "another");
    drop(keeper);
    let root = before.root;
    place.sql(&format!(
        "DROP TRIGGER event_no_delete; DROP TRIGGER node_no_delete;
         DELETE FROM sealed WHERE seq = 1; DELETE FROM event WHERE seq = 1; DELETE FROM node;
         UPDATE head SET size = 1, root = x'{root}';"
    ));
    assert!(matches!(place.refusal(), AnchorState::Behind { .. }));
}

#[test]
fn an_edited_event_is_refused_also_when_its_tree_was_made_to_fit() {
    let place = Place::with_journal();
    let forged = crate::domain::merkle::leaf_hash(b"{}");
    place.sql(&format!(
        "DROP TRIGGER event_no_update;
         UPDATE event SET leaf = x'{forged}' WHERE seq = 0;
         UPDATE head SET root = x'{forged}';"
    ));
    assert!(matches!(place.refusal(), AnchorState::Forked { .. }));
}

#[test]
fn a_copy_that_went_its_own_way_is_refused() {
    let place = Place::with_journal();
    let copy = fs::read(&place.db).unwrap();
    append(&mut place.open().unwrap(), "another");
    let anchor = place.anchor();
    fs::write(&place.db, copy).unwrap();
    let first = Place::with_journal();
    fs::write(anchor_path(&place.db), first.anchor()).unwrap();
    for key in ["other", "others still"] {
        append(&mut place.open().unwrap(), key);
    }
    fs::write(anchor_path(&place.db), anchor).unwrap();
    assert!(matches!(place.refusal(), AnchorState::Forked { anchor: Head { size: 2, .. } }));
}

#[test]
fn an_anchor_of_somebody_else_is_refused() {
    let place = Place::with_journal();
    let good = place.anchor();
    let journal = place.open().unwrap().journal();

    // The same checkpoint, signed by a key that calls itself this journal's.
    let forger = JournalKey::from_seed(journal, &Zeroizing::new([66; 32])).unwrap();
    let head = Reader::open(&place.db).unwrap().head().unwrap();
    fs::write(anchor_path(&place.db), forger.sign(head).unwrap().to_string()).unwrap();
    assert!(matches!(place.refusal(), AnchorState::BadSignature(_)));

    fs::write(anchor_path(&place.db), good.replace("\n1\n", "\n0\n")).unwrap();
    assert!(matches!(place.refusal(), AnchorState::BadSignature(_)));

    let other = Place::empty();
    let entropy = Box::new(SeededEntropy::new(77));
    drop(Keeper::init(&other.db, None, entropy, BY, NOW).unwrap());
    fs::write(anchor_path(&place.db), other.anchor()).unwrap();
    assert!(matches!(place.refusal(), AnchorState::BadSignature(_)));

    fs::write(anchor_path(&place.db), "nonsense").unwrap();
    assert!(matches!(place.refusal(), AnchorState::Unreadable(_)));
    fs::write(anchor_path(&place.db), &good).unwrap();
    fs::set_permissions(anchor_path(&place.db), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(place.refusal(), AnchorState::Unreadable(_)));
    fs::set_permissions(anchor_path(&place.db), fs::Permissions::from_mode(0o600)).unwrap();
    place.open().unwrap();
}

#[test]
fn a_lost_key_is_replaced_and_the_log_says_so() {
    let place = Place::with_journal();
    let first = place.open().unwrap();
    let (journal, old) = (first.journal(), first.verifier().to_string());
    drop(first);
    let file = key_path(&place.db, journal);
    let kept = fs::read(&file).unwrap();
    fs::remove_dir_all(keys_dir(&place.db)).unwrap();

    let keeper = place.open().unwrap();
    let new = keeper.verifier().to_string();
    assert_eq!(keeper.warnings().len(), 2);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(keeper.store().journal_identity().unwrap().keys, [old.clone(), new.clone()]);
    assert!(place.anchor().contains("\n2\n"));
    drop(keeper);
    let keeper = place.open().unwrap();
    assert!(keeper.warnings().is_empty());
    assert_eq!(keeper.verifier().to_string(), new);
    drop(keeper);

    // The first one is found again and put back: it is in force again, and the log says that, too.
    fs::write(&file, kept).unwrap();
    let keeper = place.open().unwrap();
    assert_eq!(keeper.warnings().len(), 1);
    assert_eq!(keeper.store().journal_identity().unwrap().keys, [old.clone(), new, old]);
}

#[test]
fn a_crash_between_a_new_key_and_its_event_is_made_good() {
    let place = Place::with_journal();
    let journal = place.open().unwrap().journal();
    let file = key_path(&place.db, journal);
    fs::remove_file(&file).unwrap();
    let key = JournalKey::from_seed(journal, &Zeroizing::new([5; 32])).unwrap();
    key.create_file(&file, Sharing::OwnerOnly).unwrap();
    let keeper = place.open().unwrap();
    let keys = keeper.store().journal_identity().unwrap().keys;
    assert_eq!(keys.last(), Some(&key.verifier().to_string()));
    assert!(place.anchor().contains("\n2\n"));
}

#[test]
fn a_damaged_key_is_an_error_and_is_not_replaced() {
    let place = Place::with_journal();
    let file = key_path(&place.db, place.open().unwrap().journal());
    fs::write(&file, "PRIVATE+KEY+nonsense").unwrap();
    assert!(matches!(place.open(), Err(KeeperError::Key(KeyError::Damaged { .. }))));
    assert_eq!(fs::read_to_string(&file).unwrap(), "PRIVATE+KEY+nonsense");
    fs::set_permissions(keys_dir(&place.db), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(place.open(), Err(KeeperError::Rights(FileProblem::OpenDirectory { .. }))));
}

#[test]
fn a_run_publishes_from_its_own_thread() {
    let place = Place::with_journal();
    let (mut store, mut publisher) = place.open().unwrap().into_run();
    let thread = std::thread::spawn(move || {
        for key in ["a", "b"] {
            let (_, head) =
                store.write("running", NOW, |tx| tx.replace_key(key, "p", "ann")).unwrap();
            publisher.publish(head).unwrap();
            publisher.publish(head).unwrap();
        }
    });
    thread.join().unwrap();
    assert!(place.anchor().contains("\n3\n"));
}

#[test]
fn two_writers_take_turns_and_the_anchor_ends_at_the_last_event() {
    let place = Place::with_journal();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let place = &place;
            scope.spawn(move || {
                let mut keeper = place.open().unwrap();
                for event in 0..5 {
                    append(&mut keeper, &format!("{writer}/{event}"));
                }
            });
        }
    });
    assert!(place.anchor().contains("\n16\n"));
    place.open().unwrap();
}
