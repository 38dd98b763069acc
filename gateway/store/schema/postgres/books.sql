-- The first version: the folded journal, what is derived from it, the register, the totals.
-- Instead of SQLite's: entries lie in a table for each month.
-- Amounts are micro-units. Columns in *_us are microseconds, *_at whole seconds, since the epoch.


-- The journal in its assigned order. canonical is the truth; the columns behind leaf are copies for queries.
CREATE TABLE entries (
  seq            BIGINT NOT NULL,
  id             TEXT COLLATE "C"    NOT NULL,
  kind           TEXT COLLATE "C"    NOT NULL,
  time_us        BIGINT NOT NULL,
  site           TEXT COLLATE "C"    NOT NULL,
  salt           BYTEA    NOT NULL,
  canonical      BYTEA    NOT NULL,
  leaf           BYTEA    NOT NULL,
  source         TEXT COLLATE "C"    NOT NULL,
  crawler        TEXT COLLATE "C"    NOT NULL DEFAULT '',
  operator       TEXT COLLATE "C"    NOT NULL DEFAULT '',
  visitor_class  TEXT COLLATE "C"    NOT NULL DEFAULT '',
  identity       TEXT COLLATE "C"    NOT NULL DEFAULT '',
  licensee       TEXT COLLATE "C"    NOT NULL DEFAULT '',
  license        TEXT COLLATE "C"    NOT NULL DEFAULT '',
  outcome        TEXT COLLATE "C"    NOT NULL DEFAULT '',
  verdict        TEXT COLLATE "C"    NOT NULL DEFAULT '',
  rule           TEXT COLLATE "C"    NOT NULL DEFAULT '',
  problem        TEXT COLLATE "C"    NOT NULL DEFAULT '',
  would          TEXT COLLATE "C"    NOT NULL DEFAULT '',
  status         BIGINT NOT NULL DEFAULT 0,
  method         TEXT COLLATE "C"    NOT NULL DEFAULT '',
  host           TEXT COLLATE "C"    NOT NULL DEFAULT '',
  path           TEXT COLLATE "C"    NOT NULL DEFAULT '',
  work           TEXT COLLATE "C"    NOT NULL DEFAULT '',
  ended          TEXT COLLATE "C"    NOT NULL DEFAULT '',
  country        TEXT COLLATE "C"    NOT NULL DEFAULT '',
  currency       TEXT COLLATE "C"    NOT NULL DEFAULT '',
  charged_micros BIGINT NOT NULL DEFAULT 0,
  quote_micros   BIGINT NOT NULL DEFAULT 0,
  charge_reason  TEXT COLLATE "C"    NOT NULL DEFAULT '',
  bytes_sent     BIGINT NOT NULL DEFAULT 0,
  duration_us    BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (seq, time_us)
) PARTITION BY RANGE (time_us);
-- Times that no month was made for: none, unless a clock is wrong by decades.
CREATE TABLE entries_other PARTITION OF entries DEFAULT;
-- Each index ends in the rowid, which is seq: pages continue from a key without counting.
CREATE INDEX entries_id ON entries (id);
CREATE INDEX entries_time ON entries (time_us);
CREATE INDEX entries_crawler ON entries (crawler, time_us);
CREATE INDEX entries_outcome ON entries (outcome, time_us);
CREATE INDEX entries_licensee ON entries (licensee, time_us);
CREATE INDEX entries_money ON entries (seq) WHERE kind = 'book' OR outcome = 'licensed';

-- What no index over months can hold: each number once, and each id once.
CREATE TABLE entry_numbers (
  seq BIGINT PRIMARY KEY,
  id  TEXT COLLATE "C" NOT NULL UNIQUE
);
CREATE FUNCTION number_entries() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO entry_numbers (seq, id) SELECT seq, id FROM added;
  RETURN NULL;
END $$;
CREATE TRIGGER entries_numbered AFTER INSERT ON entries REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION number_entries();

-- Makes the tables of the months that lie between two times, and returns how many there were not yet.
CREATE FUNCTION make_months(first_us BIGINT, last_us BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
  month TIMESTAMP := date_trunc('month', to_timestamp(first_us / 1000000) AT TIME ZONE 'UTC');
  made  BIGINT := 0;
BEGIN
  WHILE month <= to_timestamp(last_us / 1000000) AT TIME ZONE 'UTC' LOOP
    IF to_regclass(format('licet.entries_%s', to_char(month, 'YYYY_MM'))) IS NULL THEN
      EXECUTE format('CREATE TABLE licet.entries_%s PARTITION OF licet.entries FOR VALUES FROM (%s) TO (%s)',
        to_char(month, 'YYYY_MM'),
        (extract(epoch FROM month AT TIME ZONE 'UTC') * 1000000)::BIGINT,
        (extract(epoch FROM (month + INTERVAL '1 month') AT TIME ZONE 'UTC') * 1000000)::BIGINT);
      made := made + 1;
    END IF;
    month := month + INTERVAL '1 month';
  END LOOP;
  RETURN made;
END $$;

-- The personal part of a fetch. Deleting a row erases it (secure_delete is on).
CREATE TABLE details (
  id         TEXT COLLATE "C"    PRIMARY KEY,
  salt       BYTEA    NOT NULL,
  time_us    BIGINT NOT NULL,
  address    TEXT COLLATE "C"    NOT NULL,
  peer       TEXT COLLATE "C"    NOT NULL,
  user_agent TEXT COLLATE "C"    NOT NULL,
  referer    TEXT COLLATE "C"    NOT NULL,
  query      TEXT COLLATE "C"    NOT NULL,
  evidence   TEXT COLLATE "C"    NOT NULL
);
CREATE INDEX details_time ON details (time_us);

CREATE TABLE fold_positions (
  source   TEXT COLLATE "C"    PRIMARY KEY,
  position BIGINT NOT NULL CHECK (position >= 0)
);

-- Derived from entries, never changed: each amount leaves one account for another.
CREATE TABLE postings (
  seq      BIGINT NOT NULL REFERENCES entry_numbers (seq),
  leg      BIGINT NOT NULL,
  entry_id TEXT COLLATE "C"    NOT NULL,
  time_us  BIGINT NOT NULL,
  debit    TEXT COLLATE "C"    NOT NULL,
  credit   TEXT COLLATE "C"    NOT NULL CHECK (credit <> debit),
  micros   BIGINT NOT NULL CHECK (micros > 0),
  currency TEXT COLLATE "C"    NOT NULL,
  code     TEXT COLLATE "C"    NOT NULL,
  undoes   TEXT COLLATE "C"    NOT NULL DEFAULT '',
  PRIMARY KEY (seq, leg)
);
CREATE INDEX postings_debit ON postings (debit, time_us);
CREATE INDEX postings_credit ON postings (credit, time_us);
CREATE INDEX postings_undoes ON postings (undoes) WHERE undoes <> '';

-- Sums of postings (credits minus debits) and of charges by license, kept in the transaction that posts.
CREATE TABLE balances (
  account  TEXT COLLATE "C"    NOT NULL,
  currency TEXT COLLATE "C"    NOT NULL,
  micros   BIGINT NOT NULL,
  PRIMARY KEY (account, currency)
);
CREATE TABLE license_spend (
  license  TEXT COLLATE "C"    NOT NULL,
  currency TEXT COLLATE "C"    NOT NULL,
  micros   BIGINT NOT NULL CHECK (micros >= 0),
  fetches  BIGINT NOT NULL CHECK (fetches >= 0),
  PRIMARY KEY (license, currency)
);

-- Credit set aside for one ask. state: open, settled, returned, posted, short (the answer was no).
-- While counts = 1 and expires_at has not passed, held and fetches are taken from others.
CREATE TABLE holds (
  record_id   TEXT COLLATE "C"    PRIMARY KEY,
  licensee    TEXT COLLATE "C"    NOT NULL,
  license     TEXT COLLATE "C"    NOT NULL,
  currency    TEXT COLLATE "C"    NOT NULL,
  price       BIGINT NOT NULL CHECK (price >= 0),
  held        BIGINT NOT NULL CHECK (held BETWEEN 0 AND price),
  fetches     BIGINT NOT NULL CHECK (fetches IN (0, 1)),
  expires_at  BIGINT NOT NULL,
  state       TEXT COLLATE "C"    NOT NULL,
  counts      BIGINT NOT NULL CHECK (counts IN (0, 1)),
  what        TEXT COLLATE "C"    NOT NULL DEFAULT '',
  left_micros BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX holds_licensee ON holds (licensee, currency, expires_at, held) WHERE counts = 1;
CREATE INDEX holds_license ON holds (license, currency, expires_at, held, fetches) WHERE counts = 1;
CREATE INDEX holds_expiry ON holds (expires_at);

CREATE TABLE licensees (
  id         TEXT COLLATE "C"    PRIMARY KEY,
  name       TEXT COLLATE "C"    NOT NULL,
  standing   TEXT COLLATE "C"    NOT NULL,
  created_at BIGINT NOT NULL,
  contact    TEXT COLLATE "C"    NOT NULL
);
CREATE TABLE clients (
  id            TEXT COLLATE "C"    PRIMARY KEY,
  licensee      TEXT COLLATE "C"    NOT NULL REFERENCES licensees (id),
  secret_sha256 TEXT COLLATE "C"    NOT NULL,
  created_at    BIGINT NOT NULL,
  name          TEXT COLLATE "C"    NOT NULL,
  uri           TEXT COLLATE "C"    NOT NULL,
  contacts      TEXT COLLATE "C"    NOT NULL
);
CREATE TABLE licenses (
  id             TEXT COLLATE "C"    PRIMARY KEY,
  licensee       TEXT COLLATE "C"    NOT NULL REFERENCES licensees (id),
  site           TEXT COLLATE "C"    NOT NULL,
  offer          TEXT COLLATE "C"    NOT NULL,
  terms_hash     TEXT COLLATE "C"    NOT NULL,
  terms          TEXT COLLATE "C"    NOT NULL,
  policy         TEXT COLLATE "C"    NOT NULL,
  starts_at      BIGINT NOT NULL,
  ends_at        BIGINT NOT NULL,
  budget_micros  BIGINT,
  budget_fetches BIGINT,
  crawlers       TEXT COLLATE "C"    NOT NULL
);
CREATE INDEX licenses_agreement ON licenses (licensee, site, terms_hash);

-- until is when forgetting is safe, 0 for never.
CREATE TABLE revocations (
  kind    TEXT COLLATE "C"    NOT NULL CHECK (kind IN ('token', 'license', 'client', 'licensee')),
  subject TEXT COLLATE "C"    NOT NULL,
  at      BIGINT NOT NULL,
  until   BIGINT NOT NULL,
  PRIMARY KEY (kind, subject)
);

-- People, as totals and as nothing else.
CREATE TABLE audience (
  hour_at    BIGINT NOT NULL,
  site       TEXT COLLATE "C"    NOT NULL,
  path_group TEXT COLLATE "C"    NOT NULL,
  status     BIGINT NOT NULL,
  referring  TEXT COLLATE "C"    NOT NULL,
  count      BIGINT NOT NULL CHECK (count > 0),
  PRIMARY KEY (hour_at, site, path_group, status, referring)
);
