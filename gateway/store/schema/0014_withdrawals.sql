-- What owners took back, each a JSON document, in the order in which it was issued; readmitted_at: 0, or from
-- when on it is lifted.
CREATE TABLE withdrawals (
  nth           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL UNIQUE,
  site          TEXT    NOT NULL,
  since         INTEGER NOT NULL,
  readmitted_at INTEGER NOT NULL DEFAULT 0,
  document      TEXT    NOT NULL
) STRICT;
CREATE INDEX withdrawals_standing ON withdrawals (since) WHERE readmitted_at = 0;

-- What each licensee does about one; waits: no plan has come yet.
CREATE TABLE removals (
  withdrawal TEXT    NOT NULL REFERENCES withdrawals (id),
  licensee   TEXT    NOT NULL,
  version    INTEGER NOT NULL,
  told_at    INTEGER NOT NULL,
  plan_due   INTEGER NOT NULL,
  waits      INTEGER NOT NULL CHECK (waits IN (0, 1)),
  document   TEXT    NOT NULL,
  PRIMARY KEY (withdrawal, licensee)
) STRICT, WITHOUT ROWID;
CREATE INDEX removals_licensee ON removals (licensee, told_at);
CREATE INDEX removals_waiting ON removals (plan_due) WHERE waits = 1;
CREATE INDEX entries_delivered ON entries (site, licensee) WHERE kind = 'fetch' AND status IN (200, 206);
