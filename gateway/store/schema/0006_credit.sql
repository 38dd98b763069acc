-- Which signature agent pays from whose account, and how far a licensee may owe.
CREATE TABLE agents (
  agent    TEXT PRIMARY KEY,
  licensee TEXT NOT NULL REFERENCES licensees (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX agents_licensee ON agents (licensee, agent);

CREATE TABLE credit_limits (
  licensee TEXT    NOT NULL REFERENCES licensees (id),
  currency TEXT    NOT NULL,
  micros   INTEGER NOT NULL CHECK (micros > 0),
  PRIMARY KEY (licensee, currency)
) STRICT, WITHOUT ROWID;
