-- Causes for which a license is suspended, those that were lifted included. lifted_at is 0 while one stands.
CREATE TABLE suspensions (
  license   TEXT    NOT NULL REFERENCES licenses (id),
  cause     TEXT    NOT NULL,
  since     INTEGER NOT NULL,
  said      TEXT    NOT NULL,
  lifted_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (license, cause, since)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX suspensions_standing ON suspensions (license, cause) WHERE lifted_at = 0;

-- Licenses whose duties are planned.
CREATE TABLE duty_plans (
  license TEXT NOT NULL PRIMARY KEY REFERENCES licenses (id)
) STRICT, WITHOUT ROWID;

-- Duties, each a JSON document; unmet: it still has to be handed in, until deadline.
CREATE TABLE duties (
  id       TEXT    PRIMARY KEY,
  version  TEXT    NOT NULL,
  license  TEXT    NOT NULL REFERENCES licenses (id),
  licensee TEXT    NOT NULL,
  site     TEXT    NOT NULL,
  deadline INTEGER NOT NULL,
  unmet    INTEGER NOT NULL CHECK (unmet IN (0, 1)),
  document TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX duties_unmet ON duties (deadline) WHERE unmet = 1;
CREATE INDEX duties_licensee ON duties (licensee, site, deadline);
CREATE INDEX duties_license ON duties (license, deadline);

-- Transparency reports as they were handed in, in canonical JSON; of several for one duty the latest counts.
CREATE TABLE reports (
  duty     TEXT    NOT NULL REFERENCES duties (id),
  sha256   TEXT    NOT NULL,
  license  TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  document TEXT    NOT NULL,
  PRIMARY KEY (duty, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX reports_license ON reports (license, at);

-- Audits, each a JSON document.
CREATE TABLE audits (
  id           TEXT    PRIMARY KEY,
  version      TEXT    NOT NULL,
  license      TEXT    NOT NULL REFERENCES licenses (id),
  licensee     TEXT    NOT NULL,
  site         TEXT    NOT NULL,
  requested_at INTEGER NOT NULL,
  document     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audits_license ON audits (license, requested_at);
CREATE INDEX audits_licensee ON audits (licensee, site, requested_at);
