-- Every version of a site's terms that was ever published. name is the SHA-256 of document.
CREATE TABLE terms_versions (
  site     TEXT NOT NULL,
  name     TEXT NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (site, name)
) STRICT, WITHOUT ROWID;

-- What came into force when, in order; the last of a site is in force. at is in whole seconds.
CREATE TABLE terms_taken_up (
  site   TEXT    NOT NULL,
  nth    INTEGER NOT NULL,
  name   TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  policy TEXT    NOT NULL,
  PRIMARY KEY (site, nth),
  FOREIGN KEY (site, name) REFERENCES terms_versions (site, name)
) STRICT, WITHOUT ROWID;
