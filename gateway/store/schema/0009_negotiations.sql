-- Negotiations, each a JSON document whose version is the hash of its last entry.
-- waits: a person at the creator decides. license: what was agreed, or ''.
CREATE TABLE negotiations (
  id         TEXT    PRIMARY KEY,
  version    TEXT    NOT NULL,
  licensee   TEXT    NOT NULL REFERENCES licensees (id),
  site       TEXT    NOT NULL,
  started_at INTEGER NOT NULL,
  license    TEXT    NOT NULL DEFAULT '',
  waits      INTEGER NOT NULL DEFAULT 0 CHECK (waits IN (0, 1)),
  document   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX negotiations_licensee ON negotiations (licensee, site, started_at);
CREATE INDEX negotiations_license ON negotiations (license, started_at) WHERE license <> '';
CREATE INDEX negotiations_waiting ON negotiations (started_at) WHERE waits = 1;

-- Licenses that shut others out. None was granted before there was this column.
ALTER TABLE licenses ADD COLUMN exclusive INTEGER NOT NULL DEFAULT 0 CHECK (exclusive IN (0, 1));
CREATE INDEX licenses_exclusive ON licenses (site, ends_at) WHERE exclusive = 1;
CREATE INDEX licenses_site ON licenses (site, ends_at);
