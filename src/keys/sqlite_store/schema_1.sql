-- Keys, and what they used. Moments and days are milliseconds since 1970, money is billionths of a US dollar, and
-- nothing is counted above 2^53 - 1.

-- One row: the number of the last change of a key, and the key that authenticates what clients keep.
CREATE TABLE store (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL,
    state_key BLOB
) STRICT;

INSERT INTO store (only, revision) VALUES (1, 0);

CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    is_revoked INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    -- The key as JSON. A new member that an older gateway must not overlook takes a new schema.
    record TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE is_revoked = 0;
CREATE INDEX keys_by_revision ON keys (revision);

CREATE TABLE usage (
    key TEXT NOT NULL,
    day INTEGER NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    unpriced_requests INTEGER NOT NULL,
    estimated_requests INTEGER NOT NULL,
    PRIMARY KEY (key, day, model)
) STRICT, WITHOUT ROWID;

-- What is reserved and not settled: what requests take at most that are under way.
CREATE TABLE reservations (
    id BLOB PRIMARY KEY,
    key TEXT NOT NULL,
    day INTEGER NOT NULL,
    model TEXT NOT NULL,
    calls INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    -- NULL where nobody knows.
    cost INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX reservations_by_key ON reservations (key);
