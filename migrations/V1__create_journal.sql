-- The journal: an append-only log of events, and the tables that follow from it.
--
-- Times are milliseconds since 1970-01-01T00:00:00Z (UTC) in columns that end in _ms.
-- States, outcomes and verdicts are small numbers, so that a row keeps its size when its state changes;
-- the table `word` holds their names, and the view `entry_readable` shows them.
-- Columns that hold something about a person or a record can be set to NULL by an erasure.

CREATE TABLE word (
    kind TEXT NOT NULL,    -- state, outcome or verdict
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (kind, number)
) WITHOUT ROWID, STRICT;

INSERT INTO word (kind, number, name) VALUES
    ('state', 2, 'awaiting_approval'), ('state', 3, 'pending'), ('state', 4, 'in_flight'),
    ('state', 5, 'queued'), ('state', 6, 'unknown'), ('state', 7, 'done'), ('state', 8, 'absent'),
    ('state', 9, 'failed'), ('state', 10, 'held'), ('state', 11, 'cancelled'),
    ('outcome', 2, 'done'), ('outcome', 3, 'failed'), ('outcome', 4, 'queued'),
    ('outcome', 5, 'unknown'), ('outcome', 6, 'returned'),
    ('verdict', 2, 'done'), ('verdict', 3, 'absent'), ('verdict', 4, 'failed'),
    ('verdict', 5, 'pending'), ('verdict', 6, 'undecided');

-- The log. ---------------------------------------------------------------------------------------

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,   -- position in the log from 0: the leaf index of RFC 6962
    body BLOB NOT NULL,        -- exact bytes, never encoded again
    leaf BLOB NOT NULL,        -- SHA-256(0x00 || body)
    CONSTRAINT leaf_is_sha256 CHECK (length(leaf) = 32)
) STRICT;

-- Triggers stop accidents. What stops an attacker is the tree, which `verify` computes anew.
CREATE TRIGGER event_no_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
-- Also against INSERT OR REPLACE, which fires no delete trigger, and against gaps.
CREATE TRIGGER event_next_only BEFORE INSERT ON event
WHEN NEW.seq <> (SELECT coalesce(max(seq) + 1, 0) FROM event)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: events come one after the other'); END;

-- Roots of the complete subtrees; level 0 is event.leaf.
CREATE TABLE node (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, idx),
    CONSTRAINT hash_is_sha256 CHECK (length(hash) = 32)
) WITHOUT ROWID, STRICT;
CREATE TRIGGER node_no_update BEFORE UPDATE ON node
BEGIN SELECT RAISE(ABORT, 'the tree is append-only'); END;
CREATE TRIGGER node_no_delete BEFORE DELETE ON node
BEGIN SELECT RAISE(ABORT, 'the tree is append-only'); END;

-- Size and root of the log, so that a tail that was cut off is seen.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    root BLOB NOT NULL
) STRICT;

-- The opened form of what events hold as salted hashes.
CREATE TABLE sealed (
    seq INTEGER NOT NULL REFERENCES event (seq),
    field TEXT NOT NULL,
    salt BLOB,
    value TEXT,
    PRIMARY KEY (seq, field),
    CONSTRAINT erased_whole CHECK ((salt IS NULL) = (value IS NULL))
) WITHOUT ROWID, STRICT;

-- Secrets from which the salts of a request's item leaves are derived: the root of the tree of secrets,
-- or, once items were forgotten, the nodes that cover all others.
CREATE TABLE secret (
    request INTEGER NOT NULL REFERENCES request (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('items', 'rejected')),
    level INTEGER NOT NULL,    -- depth below the root, which has 0
    idx INTEGER NOT NULL,      -- position within the level
    key BLOB NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (request, purpose, level, idx)
) WITHOUT ROWID, STRICT;

-- Whom the journal belongs to. --------------------------------------------------------------------

CREATE TABLE binding (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    data_center TEXT NOT NULL,
    environment TEXT NOT NULL,
    api_origin TEXT NOT NULL,
    pinned_seq INTEGER NOT NULL REFERENCES event (seq),
    bound_seq INTEGER REFERENCES event (seq)  -- NULL before the first contact; its seal "org" holds the id
) STRICT;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,        -- also the epoch of the run's writes
    started_seq INTEGER NOT NULL REFERENCES event (seq),
    command TEXT NOT NULL,
    quarantine_ms INTEGER NOT NULL,
    user_seq INTEGER REFERENCES event (seq),  -- its seal "user" holds Zoho's id of the token's user
    clock_offset_ms INTEGER NOT NULL DEFAULT 0,
    ended_seq INTEGER REFERENCES event (seq),
    exit_code INTEGER,
    calls INTEGER,
    credits INTEGER,
    CONSTRAINT ended_whole CHECK (
        (ended_seq IS NULL) = (exit_code IS NULL)
        AND (ended_seq IS NULL) = (calls IS NULL)
        AND (ended_seq IS NULL) = (credits IS NULL))
) STRICT;

CREATE TABLE module (
    product TEXT NOT NULL,
    module TEXT NOT NULL,
    recycle_bin INTEGER,           -- 1, 0, or NULL when it could not be read
    seq INTEGER NOT NULL REFERENCES event (seq),
    PRIMARY KEY (product, module)
) WITHOUT ROWID, STRICT;

-- What was asked. ---------------------------------------------------------------------------------

CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    -- Immutable once inserted.
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    operation TEXT NOT NULL,
    product TEXT NOT NULL,
    module TEXT NOT NULL,
    workflows INTEGER NOT NULL CHECK (workflows IN (0, 1)),
    first_entry INTEGER NOT NULL UNIQUE,
    last_entry INTEGER NOT NULL UNIQUE,
    not_before_ms INTEGER,
    valid_until_ms INTEGER NOT NULL,
    source_rows INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    -- Mutable.
    parked_seq INTEGER REFERENCES event (seq),  -- set aside after too many refusals in a row
    CONSTRAINT entries_in_order CHECK (first_entry <= last_entry)
) STRICT;

-- How many entries of a request stand in a state.
CREATE TABLE tally (
    request INTEGER NOT NULL REFERENCES request (id),
    state INTEGER NOT NULL,
    entries INTEGER NOT NULL CHECK (entries >= 0),
    PRIMARY KEY (request, state)
) WITHOUT ROWID, STRICT;

-- What many items have in common.
CREATE TABLE scope (
    id INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    product TEXT NOT NULL,
    module TEXT NOT NULL,
    parent INTEGER,                -- the parent record of an unlink
    related_list TEXT,             -- the related list of an unlink
    tags TEXT                      -- the tags of an untag, as a JSON array
) STRICT;
CREATE INDEX scope_look_up ON scope (operation, product, module, parent, related_list, tags);

CREATE TABLE entry (
    id INTEGER PRIMARY KEY,        -- the entry's number; a request owns one contiguous range
    -- Immutable once inserted, but for an erasure.
    scope INTEGER NOT NULL REFERENCES scope (id),
    target INTEGER,                -- Zoho's id
    row INTEGER,                   -- the row of the source that named it
    -- Mutable. Never below 2, so that a row keeps its size.
    state INTEGER NOT NULL,
    CONSTRAINT state_known CHECK (state BETWEEN 2 AND 11)
) STRICT;
CREATE INDEX entry_by_target ON entry (target);
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER entry_immutable BEFORE UPDATE OF id, scope ON entry
BEGIN SELECT RAISE(ABORT, 'an entry keeps its number and scope'); END;
CREATE TRIGGER entry_target_immutable BEFORE UPDATE OF target, row ON entry
WHEN NEW.target IS NOT NULL OR NEW.row IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an entry keeps its target until it is erased'); END;

-- Entries that go back into the queue and may share their next call with so many at most.
CREATE TABLE share (
    entry INTEGER PRIMARY KEY REFERENCES entry (id),
    at_most INTEGER NOT NULL CHECK (at_most >= 1)
) STRICT;

-- Rows of a source that did not become entries.
CREATE TABLE rejected (
    request INTEGER NOT NULL REFERENCES request (id),
    ordinal INTEGER NOT NULL,      -- from 0
    line INTEGER,
    value TEXT,
    reason TEXT,
    PRIMARY KEY (request, ordinal)
) WITHOUT ROWID, STRICT;

-- What was sent and what came back. ----------------------------------------------------------------

CREATE TABLE template (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE      -- method, path and parameters; {ids} stands for the ids
) STRICT;

CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    -- Immutable once inserted.
    begun_seq INTEGER NOT NULL REFERENCES event (seq),
    run INTEGER NOT NULL REFERENCES run (id),
    api_version TEXT NOT NULL,
    template INTEGER NOT NULL REFERENCES template (id),
    entries TEXT NOT NULL,         -- numbers and ranges, as in 1-100,105
    size INTEGER NOT NULL,
    send_by_ms INTEGER NOT NULL,
    seen_before TEXT,              -- entries that a read shortly before showed to be there
    -- How it ended; NULL while open.
    ended_seq INTEGER REFERENCES event (seq),
    ending TEXT,
    sent_at_ms INTEGER,
    sent_before_ms INTEGER,
    http_status INTEGER,
    complete INTEGER,              -- whether Zoho itself answered in full
    CONSTRAINT ending_known CHECK (ending IN ('answered', 'unanswered', 'returned')),
    CONSTRAINT ended_whole CHECK ((ended_seq IS NULL) = (ending IS NULL)),
    CONSTRAINT answered_whole CHECK (
        (ending IS 'answered') = (http_status IS NOT NULL)
        AND (ending IS 'answered') = (complete IS NOT NULL)),
    CONSTRAINT sent_at_of_answer CHECK (ending IS NOT 'answered' OR sent_at_ms IS NOT NULL)
) STRICT;
-- Batches that a run left open are few, and found without a scan.
CREATE INDEX batch_open ON batch (id) WHERE ended_seq IS NULL;
CREATE TRIGGER batch_no_delete BEFORE DELETE ON batch
BEGIN SELECT RAISE(ABORT, 'batches are never deleted'); END;

CREATE TABLE answer (
    batch INTEGER PRIMARY KEY REFERENCES batch (id),
    body BLOB,                     -- verbatim, raw deflate (RFC 1951)
    cuts BLOB                      -- where each item's own bytes stand in it
) STRICT;

CREATE TABLE said (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    UNIQUE (code, message)
) STRICT;

-- One entry in one batch, once the batch has ended.
CREATE TABLE attempt (
    entry INTEGER NOT NULL REFERENCES entry (id),
    batch INTEGER NOT NULL REFERENCES batch (id),
    outcome INTEGER NOT NULL CHECK (outcome BETWEEN 2 AND 6),
    said INTEGER NOT NULL REFERENCES said (id),
    PRIMARY KEY (entry, batch)
) WITHOUT ROWID, STRICT;

-- What was read to find out. -----------------------------------------------------------------------

CREATE TABLE reading (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    run INTEGER NOT NULL REFERENCES run (id)
) STRICT;

CREATE TABLE evidence (
    entry INTEGER NOT NULL REFERENCES entry (id),
    reading INTEGER NOT NULL REFERENCES reading (id),
    verdict INTEGER NOT NULL CHECK (verdict BETWEEN 2 AND 6),
    code TEXT NOT NULL,
    facts TEXT,                    -- JSON: what of the reads decides; ids and times only
    PRIMARY KEY (entry, reading)
) WITHOUT ROWID, STRICT;

-- Of mere operation: not covered by `verify`. --------------------------------------------------------

CREATE TABLE migration (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT;

-- For people with a plain SQLite client. -------------------------------------------------------------

CREATE VIEW entry_readable AS
SELECT 'E' || e.id AS entry, 'R' || r.id AS request, s.operation, s.product, s.module,
       e.target, w.name AS state
FROM entry e
JOIN scope s ON s.id = e.scope
JOIN request r ON r.first_entry = (SELECT max(first_entry) FROM request WHERE first_entry <= e.id)
JOIN word w ON w.kind = 'state' AND w.number = e.state;
