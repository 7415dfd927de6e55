-- Undo: requests that wait for another one, and what was seen of settled entries later.

-- Nothing of it is sent before every entry of that request is settled; NULL when it waits for none.
ALTER TABLE request ADD COLUMN after_request INTEGER REFERENCES request (id);

INSERT INTO word (kind, number, name) VALUES
    ('found', 2, 'in_bin'), ('found', 3, 'erased'), ('found', 4, 'back'), ('found', 5, 'not_seen');

-- What a later reading showed of a settled entry.
CREATE TABLE recheck (
    entry INTEGER NOT NULL REFERENCES entry (id),
    reading INTEGER NOT NULL REFERENCES reading (id),
    found INTEGER NOT NULL CHECK (found BETWEEN 2 AND 5),
    facts TEXT,                    -- JSON: what of the reads decides; ids and times only
    PRIMARY KEY (entry, reading)
) WITHOUT ROWID, STRICT;
