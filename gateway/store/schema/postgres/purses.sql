-- Instead of SQLite's: several gateways keep purses here, each those of its own data folder (its place).
DROP TABLE holds;

CREATE TABLE purses (
  writer   TEXT COLLATE "C" NOT NULL,
  license  TEXT COLLATE "C" NOT NULL,
  currency TEXT COLLATE "C" NOT NULL,
  licensee TEXT COLLATE "C" NOT NULL,
  held     BIGINT NOT NULL CHECK (held >= 0),
  fetches  BIGINT NOT NULL CHECK (fetches >= 0),
  place    TEXT COLLATE "C" NOT NULL DEFAULT coalesce(current_setting('licet.place', true), ''),
  PRIMARY KEY (writer, license, currency)
);
CREATE INDEX purses_license ON purses (license, currency, held, fetches);
CREATE INDEX purses_licensee ON purses (licensee, currency, held);
