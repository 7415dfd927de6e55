-- Adoptions: where the journal went on after a part of its log may have been lost.

-- The events that say so, numbered one after the other. What is not settled of the entries up to the last one
-- may have been sent by events that are not here.
CREATE TABLE adoption (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    events INTEGER NOT NULL CHECK (events > 0),        -- how many the log still held
    last_entry INTEGER NOT NULL CHECK (last_entry >= 0)
) STRICT;

-- Full snapshots: whole records, kept encrypted to somebody's key, before they are deleted.

-- How long a full snapshot of each of its records is kept; NULL where none is wanted.
ALTER TABLE request ADD COLUMN full_retention_ms INTEGER;

-- One age file a reading: what the record was right before the call. Nothing else of it is kept anywhere.
CREATE TABLE full_snapshot (
    entry INTEGER NOT NULL REFERENCES entry (id),
    reading INTEGER NOT NULL REFERENCES reading (id),
    until_ms INTEGER NOT NULL,
    sha256 BLOB,                   -- of the file; NULL once its entry was forgotten
    file BLOB,                     -- NULL once it was shredded
    PRIMARY KEY (entry, reading),
    CONSTRAINT hash_is_sha256 CHECK (length(sha256) = 32),
    CONSTRAINT file_has_hash CHECK (file IS NULL OR sha256 IS NOT NULL)
) STRICT;
CREATE INDEX full_snapshot_due ON full_snapshot (until_ms) WHERE file IS NOT NULL;

-- The events that say which of them were shredded, numbered one after the other.
CREATE TABLE shredding (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq)
) STRICT;
