-- What calls cost, and when the next one may be made. Of mere operation: not covered by `verify`.

-- API calls and credits by the minute, of the last day.
CREATE TABLE usage (
    minute INTEGER PRIMARY KEY,    -- minutes since 1970-01-01T00:00Z
    calls INTEGER NOT NULL CHECK (calls >= 0),
    credits INTEGER NOT NULL CHECK (credits >= 0)
) STRICT;

-- While Zoho takes no calls: no run makes one before this moment, whoever starts it again and again.
CREATE TABLE breaker (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    not_before_ms INTEGER NOT NULL,
    setbacks INTEGER NOT NULL CHECK (setbacks >= 0)  -- throttled calls in a row
) STRICT;

-- What Zoho last said is left of the org's credits.
CREATE TABLE credits_left (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    credits INTEGER NOT NULL CHECK (credits >= 0),
    at_ms INTEGER NOT NULL
) STRICT;
