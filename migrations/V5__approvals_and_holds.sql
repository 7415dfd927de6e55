-- Who may stop what: approvals, withdrawals, a pause, holds, and the policy that the journal itself sets.

-- From here on request.valid_until_ms is not immutable: a fresh approval counts it anew.
ALTER TABLE request ADD COLUMN awaits INTEGER NOT NULL DEFAULT 0 CHECK (awaits IN (0, 1));
ALTER TABLE request ADD COLUMN asked_seq INTEGER REFERENCES event (seq);    -- policy asked for a second person
ALTER TABLE request ADD COLUMN approved_seq INTEGER REFERENCES event (seq); -- the newest approval
ALTER TABLE request ADD COLUMN second INTEGER NOT NULL DEFAULT 0 CHECK (second IN (0, 1)); -- by a second person
ALTER TABLE request ADD COLUMN expired_seq INTEGER REFERENCES event (seq);  -- too old since; NULL once approved
UPDATE request SET awaits = 1, asked_seq = seq
WHERE EXISTS (SELECT 1 FROM event e WHERE e.seq = request.seq
              AND json_extract(CAST(e.body AS TEXT), '$.data.awaiting_approval'));

-- Entries that were withdrawn or rejected: each at most once, so ranges never overlap.
CREATE TABLE cancellation (
    first_entry INTEGER PRIMARY KEY,
    last_entry INTEGER NOT NULL CHECK (last_entry >= first_entry),
    seq INTEGER NOT NULL REFERENCES event (seq)
) STRICT;

-- While there is a row no run claims anything.
CREATE TABLE pause (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL REFERENCES event (seq)
) STRICT;

-- Records that must not be touched.
CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    module TEXT NOT NULL,
    whole INTEGER NOT NULL CHECK (whole IN (0, 1)),  -- the whole module, or single records
    ids INTEGER NOT NULL CHECK (ids >= 0),
    review_by_ms INTEGER,
    ended_seq INTEGER REFERENCES event (seq)         -- nothing of it is held any more
) STRICT;
CREATE INDEX hold_live ON hold (module) WHERE ended_seq IS NULL;

CREATE TABLE hold_id (
    hold INTEGER NOT NULL REFERENCES hold (id),
    place INTEGER NOT NULL,        -- from 1, ascending by target
    target INTEGER,                -- Zoho's id; NULL once erased
    released_seq INTEGER REFERENCES event (seq),
    PRIMARY KEY (hold, place)
) WITHOUT ROWID, STRICT;
CREATE INDEX hold_id_live ON hold_id (target) WHERE released_seq IS NULL;

-- Secrets from which the salts of a hold's ids are derived, as in `secret`.
CREATE TABLE hold_secret (
    hold INTEGER NOT NULL REFERENCES hold (id),
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    key BLOB NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (hold, level, idx)
) WITHOUT ROWID, STRICT;

-- The approval policy that the journal itself sets, and what was proposed.
CREATE TABLE policy (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    require_approval TEXT NOT NULL,
    in_force_seq INTEGER REFERENCES event (seq),     -- NULL while nobody approved it
    rejected_seq INTEGER REFERENCES event (seq)
) STRICT;
