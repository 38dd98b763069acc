-- Digests of originals that the owner filed: never the files. The first time of a digest counts.
CREATE TABLE originals (
  site     TEXT    NOT NULL,
  work     TEXT    NOT NULL,
  digest   TEXT    NOT NULL,
  name     TEXT    NOT NULL,
  size     INTEGER NOT NULL CHECK (size >= 0),
  added_at INTEGER NOT NULL,
  by_whom  TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (site, work, digest)
) STRICT, WITHOUT ROWID;
