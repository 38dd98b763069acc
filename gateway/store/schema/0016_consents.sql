-- Authors who are asked about a work; secret: the SHA-256 of their link's, in hex.
CREATE TABLE consents (
  id       TEXT    PRIMARY KEY,
  site     TEXT    NOT NULL,
  work     TEXT    NOT NULL,
  author   TEXT    NOT NULL,
  secret   TEXT    NOT NULL UNIQUE,
  version  INTEGER NOT NULL,
  document TEXT    NOT NULL,
  UNIQUE (site, work, author)
) STRICT, WITHOUT ROWID;
