-- What happened, in the order in which others are to be told. Written with the change itself.
CREATE TABLE events (
  nth      INTEGER PRIMARY KEY AUTOINCREMENT,
  id       TEXT    NOT NULL UNIQUE,
  type     TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  site     TEXT    NOT NULL,
  licensee TEXT    NOT NULL DEFAULT '',
  subject  TEXT    NOT NULL,
  body     TEXT    NOT NULL
) STRICT;
CREATE INDEX events_licensee ON events (licensee, nth) WHERE licensee <> '';
CREATE INDEX events_subject ON events (subject, nth);
