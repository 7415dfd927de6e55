-- Erasure: what was forgotten, and the hashes that stand in its place.

-- The events that say what was forgotten, numbered one after the other, so that nobody has to look for them.
CREATE TABLE erasure (
    id INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE REFERENCES event (seq)
) STRICT;

-- Hashes of leaves that nobody can open any more, or of whole subtrees of them, in the tree over an event's
-- items or over a request's rows that were left out. None where nothing else is left of that tree.
CREATE TABLE pruned (
    seq INTEGER NOT NULL REFERENCES event (seq),
    tree TEXT NOT NULL CHECK (tree IN ('items', 'rejected')),
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (seq, tree, level, idx)
) WITHOUT ROWID, STRICT;

-- There while bytes of what was forgotten may still lie in the file. Of mere operation.
CREATE TABLE sweep (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since_seq INTEGER NOT NULL REFERENCES event (seq)
) STRICT;
