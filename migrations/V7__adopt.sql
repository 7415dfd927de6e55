-- Adoptions: where the journal went on after a part of its log may have been lost.

-- The events that say so, numbered one after the other. What is not settled of the entries up to the last one
-- may have been sent by events that are not here.
CREATE TABLE adoption (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    events INTEGER NOT NULL CHECK (events > 0),        -- how many the log still held
    last_entry INTEGER NOT NULL CHECK (last_entry >= 0)
) STRICT;
