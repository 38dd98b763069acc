-- Who is told of events, how far, and what came of it.
CREATE TABLE endpoints (
  id         TEXT    PRIMARY KEY,
  licensee   TEXT    NOT NULL,
  site       TEXT    NOT NULL,
  origin     TEXT    NOT NULL,
  url        TEXT    NOT NULL,
  types      TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  reach      TEXT    NOT NULL,
  generation INTEGER NOT NULL,
  rotated_at INTEGER NOT NULL,
  after      INTEGER NOT NULL,
  tries      INTEGER NOT NULL,
  next_at    INTEGER NOT NULL,
  why        TEXT    NOT NULL
) STRICT;
CREATE INDEX endpoints_owner ON endpoints (licensee, site);
CREATE TABLE deliveries (
  endpoint TEXT    NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  nth      INTEGER NOT NULL,
  event    TEXT    NOT NULL,
  type     TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  tries    INTEGER NOT NULL,
  status   INTEGER NOT NULL,
  why      TEXT    NOT NULL,
  done     INTEGER NOT NULL,
  PRIMARY KEY (endpoint, nth)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_at ON deliveries (at);
CREATE INDEX deliveries_event ON deliveries (event);
