-- The first version: the folded journal, what is derived from it, the register, the totals.
-- Amounts are micro-units. Columns in *_us are microseconds, *_at whole seconds, since the epoch.
PRAGMA application_id = 0x4C434554;

-- The journal in its assigned order. canonical is the truth; the columns behind leaf are copies for queries.
CREATE TABLE entries (
  seq            INTEGER PRIMARY KEY,
  id             TEXT    NOT NULL UNIQUE,
  kind           TEXT    NOT NULL,
  time_us        INTEGER NOT NULL,
  site           TEXT    NOT NULL,
  salt           BLOB    NOT NULL,
  canonical      BLOB    NOT NULL,
  leaf           BLOB    NOT NULL,
  source         TEXT    NOT NULL,
  crawler        TEXT    NOT NULL DEFAULT '',
  operator       TEXT    NOT NULL DEFAULT '',
  visitor_class  TEXT    NOT NULL DEFAULT '',
  identity       TEXT    NOT NULL DEFAULT '',
  licensee       TEXT    NOT NULL DEFAULT '',
  license        TEXT    NOT NULL DEFAULT '',
  outcome        TEXT    NOT NULL DEFAULT '',
  verdict        TEXT    NOT NULL DEFAULT '',
  rule           TEXT    NOT NULL DEFAULT '',
  problem        TEXT    NOT NULL DEFAULT '',
  would          TEXT    NOT NULL DEFAULT '',
  status         INTEGER NOT NULL DEFAULT 0,
  method         TEXT    NOT NULL DEFAULT '',
  host           TEXT    NOT NULL DEFAULT '',
  path           TEXT    NOT NULL DEFAULT '',
  work           TEXT    NOT NULL DEFAULT '',
  ended          TEXT    NOT NULL DEFAULT '',
  country        TEXT    NOT NULL DEFAULT '',
  currency       TEXT    NOT NULL DEFAULT '',
  charged_micros INTEGER NOT NULL DEFAULT 0,
  quote_micros   INTEGER NOT NULL DEFAULT 0,
  charge_reason  TEXT    NOT NULL DEFAULT '',
  bytes_sent     INTEGER NOT NULL DEFAULT 0,
  duration_us    INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Each index ends in the rowid, which is seq: pages continue from a key without counting.
CREATE INDEX entries_time ON entries (time_us);
CREATE INDEX entries_crawler ON entries (crawler, time_us);
CREATE INDEX entries_outcome ON entries (outcome, time_us);
CREATE INDEX entries_licensee ON entries (licensee, time_us);
CREATE INDEX entries_money ON entries (seq) WHERE kind = 'book' OR outcome = 'licensed';

-- The personal part of a fetch. Deleting a row erases it (secure_delete is on).
CREATE TABLE details (
  id         TEXT    PRIMARY KEY,
  salt       BLOB    NOT NULL,
  time_us    INTEGER NOT NULL,
  address    TEXT    NOT NULL,
  peer       TEXT    NOT NULL,
  user_agent TEXT    NOT NULL,
  referer    TEXT    NOT NULL,
  query      TEXT    NOT NULL,
  evidence   TEXT    NOT NULL
) STRICT;
CREATE INDEX details_time ON details (time_us);

CREATE TABLE fold_positions (
  source   TEXT    PRIMARY KEY,
  position INTEGER NOT NULL CHECK (position >= 0)
) STRICT, WITHOUT ROWID;

-- Derived from entries, never changed: each amount leaves one account for another.
CREATE TABLE postings (
  seq      INTEGER NOT NULL REFERENCES entries (seq),
  leg      INTEGER NOT NULL,
  entry_id TEXT    NOT NULL,
  time_us  INTEGER NOT NULL,
  debit    TEXT    NOT NULL,
  credit   TEXT    NOT NULL CHECK (credit <> debit),
  micros   INTEGER NOT NULL CHECK (micros > 0),
  currency TEXT    NOT NULL,
  code     TEXT    NOT NULL,
  undoes   TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (seq, leg)
) STRICT, WITHOUT ROWID;
CREATE INDEX postings_debit ON postings (debit, time_us);
CREATE INDEX postings_credit ON postings (credit, time_us);
CREATE INDEX postings_undoes ON postings (undoes) WHERE undoes <> '';

-- Sums of postings (credits minus debits) and of charges by license, kept in the transaction that posts.
CREATE TABLE balances (
  account  TEXT    NOT NULL,
  currency TEXT    NOT NULL,
  micros   INTEGER NOT NULL,
  PRIMARY KEY (account, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE license_spend (
  license  TEXT    NOT NULL,
  currency TEXT    NOT NULL,
  micros   INTEGER NOT NULL CHECK (micros >= 0),
  fetches  INTEGER NOT NULL CHECK (fetches >= 0),
  PRIMARY KEY (license, currency)
) STRICT, WITHOUT ROWID;

-- Credit set aside for one ask. state: open, settled, returned, posted, short (the answer was no).
-- While counts = 1 and expires_at has not passed, held and fetches are taken from others.
CREATE TABLE holds (
  record_id   TEXT    PRIMARY KEY,
  licensee    TEXT    NOT NULL,
  license     TEXT    NOT NULL,
  currency    TEXT    NOT NULL,
  price       INTEGER NOT NULL CHECK (price >= 0),
  held        INTEGER NOT NULL CHECK (held BETWEEN 0 AND price),
  fetches     INTEGER NOT NULL CHECK (fetches IN (0, 1)),
  expires_at  INTEGER NOT NULL,
  state       TEXT    NOT NULL,
  counts      INTEGER NOT NULL CHECK (counts IN (0, 1)),
  what        TEXT    NOT NULL DEFAULT '',
  left_micros INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_licensee ON holds (licensee, currency, expires_at, held) WHERE counts = 1;
CREATE INDEX holds_license ON holds (license, currency, expires_at, held, fetches) WHERE counts = 1;
CREATE INDEX holds_expiry ON holds (expires_at);

CREATE TABLE licensees (
  id         TEXT    PRIMARY KEY,
  name       TEXT    NOT NULL,
  standing   TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  contact    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE clients (
  id            TEXT    PRIMARY KEY,
  licensee      TEXT    NOT NULL REFERENCES licensees (id),
  secret_sha256 TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  name          TEXT    NOT NULL,
  uri           TEXT    NOT NULL,
  contacts      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE licenses (
  id             TEXT    PRIMARY KEY,
  licensee       TEXT    NOT NULL REFERENCES licensees (id),
  site           TEXT    NOT NULL,
  offer          TEXT    NOT NULL,
  terms_hash     TEXT    NOT NULL,
  terms          TEXT    NOT NULL,
  policy         TEXT    NOT NULL,
  starts_at      INTEGER NOT NULL,
  ends_at        INTEGER NOT NULL,
  budget_micros  INTEGER,
  budget_fetches INTEGER,
  crawlers       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX licenses_agreement ON licenses (licensee, site, terms_hash);

-- until is when forgetting is safe, 0 for never.
CREATE TABLE revocations (
  kind    TEXT    NOT NULL CHECK (kind IN ('token', 'license', 'client', 'licensee')),
  subject TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  until   INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

-- People, as totals and as nothing else.
CREATE TABLE audience (
  hour_at    INTEGER NOT NULL,
  site       TEXT    NOT NULL,
  path_group TEXT    NOT NULL,
  status     INTEGER NOT NULL,
  referring  TEXT    NOT NULL,
  count      INTEGER NOT NULL CHECK (count > 0),
  PRIMARY KEY (hour_at, site, path_group, status, referring)
) STRICT, WITHOUT ROWID;
