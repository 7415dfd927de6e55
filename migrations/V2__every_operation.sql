-- Untagging, unlinking and deleting tags: what requests, jobs and reads before a call need.

ALTER TABLE request ADD COLUMN related_list TEXT;              -- of an unlink
ALTER TABLE request ADD COLUMN snapshot INTEGER NOT NULL DEFAULT 1 CHECK (snapshot IN (0, 1));
-- The event whose seal "module_id" holds Zoho's id of the module; NULL until it is known.
ALTER TABLE request ADD COLUMN module_seq INTEGER REFERENCES event (seq);

-- What was there before a call. None is made any more once a call of the entry may have acted.
CREATE TABLE snapshot (
    entry INTEGER NOT NULL REFERENCES entry (id),
    reading INTEGER NOT NULL REFERENCES reading (id),
    facts TEXT,                    -- JSON: ids, times, tags; NULL once erased
    PRIMARY KEY (entry, reading)
) WITHOUT ROWID, STRICT;

-- Asynchronous jobs. Zoho's id of the job is the seal "job" of the event that ended the batch's call.
CREATE TABLE job (
    batch INTEGER PRIMARY KEY REFERENCES batch (id),
    -- NULL while it is open.
    ended_seq INTEGER REFERENCES event (seq),
    ending TEXT,
    total INTEGER,                 -- Zoho's counts
    deleted INTEGER,
    failed INTEGER,
    CONSTRAINT ending_known CHECK (ending IN ('completed', 'failed', 'forgotten')),
    CONSTRAINT ended_whole CHECK ((ended_seq IS NULL) = (ending IS NULL))
) STRICT;
CREATE INDEX job_open ON job (batch) WHERE ended_seq IS NULL;
