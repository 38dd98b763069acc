-- Credit set aside in blocks, one row a journal writer, license and currency, in place of a hold an ask.
-- What an earlier version held is credit again: its records are folded before anything is sold.
DROP TABLE holds;

CREATE TABLE purses (
  writer   TEXT    NOT NULL,
  license  TEXT    NOT NULL,
  currency TEXT    NOT NULL,
  licensee TEXT    NOT NULL,
  held     INTEGER NOT NULL CHECK (held >= 0),
  fetches  INTEGER NOT NULL CHECK (fetches >= 0),
  PRIMARY KEY (writer, license, currency)
) STRICT, WITHOUT ROWID;
CREATE INDEX purses_license ON purses (license, currency, held, fetches);
CREATE INDEX purses_licensee ON purses (licensee, currency, held);
