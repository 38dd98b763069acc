-- Who may look at evidence, and every look; revoked_at: 0 while it was not revoked.
CREATE TABLE auditors (
  id            TEXT    PRIMARY KEY,
  name          TEXT    NOT NULL,
  secret_sha256 TEXT    NOT NULL UNIQUE,
  licensee      TEXT    NOT NULL,
  site          TEXT    NOT NULL,
  first         TEXT    NOT NULL,
  last          TEXT    NOT NULL,
  made_at       INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL,
  revoked_at    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE auditor_looks (
  nth     INTEGER PRIMARY KEY,
  auditor TEXT    NOT NULL REFERENCES auditors (id),
  at      INTEGER NOT NULL,
  what    TEXT    NOT NULL,
  came    TEXT    NOT NULL
) STRICT;
CREATE INDEX auditor_looks_auditor ON auditor_looks (auditor, nth);
