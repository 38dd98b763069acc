-- Objections, each a JSON document without whoever made it.
CREATE TABLE objections (
  id       TEXT    PRIMARY KEY,
  site     TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  waits    INTEGER NOT NULL CHECK (waits IN (0, 1)),
  document TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX objections_waiting ON objections (waits, at);
CREATE INDEX objections_site ON objections (site) WHERE waits = 1;

-- Who made them. Deleting a row erases it (secure_delete is on).
CREATE TABLE objectors (
  id      TEXT PRIMARY KEY,
  name    TEXT NOT NULL,
  contact TEXT NOT NULL,
  why     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
