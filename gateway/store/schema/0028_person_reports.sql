-- What people say who were taken for machines: the request, the network it was reported from, what came of it.
CREATE TABLE person_reports (
  id         TEXT    PRIMARY KEY,
  site       TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  request    TEXT    NOT NULL,
  path       TEXT    NOT NULL,
  network    TEXT    NOT NULL,
  note       TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('open', 'dismissed', 'exempted')),
  exempted   TEXT    NOT NULL,
  decided_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_reports_time ON person_reports (at);
CREATE UNIQUE INDEX person_reports_once ON person_reports (request, network);
