-- Payments by other rails, from the moment before they are settled.
CREATE TABLE payments (
  id          TEXT    PRIMARY KEY,
  rail        TEXT    NOT NULL,
  nonce       TEXT    NOT NULL UNIQUE,
  identifier  TEXT    NOT NULL,
  fingerprint TEXT    NOT NULL,
  site        TEXT    NOT NULL,
  url         TEXT    NOT NULL,
  payer       TEXT    NOT NULL,
  micros      INTEGER NOT NULL CHECK (micros >= 0),
  currency    TEXT    NOT NULL,
  asked       TEXT    NOT NULL,
  presented   TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  began_us    INTEGER NOT NULL,
  changed_us  INTEGER NOT NULL,
  reason      TEXT    NOT NULL DEFAULT '',
  tx          TEXT    NOT NULL DEFAULT '',
  booked      INTEGER NOT NULL DEFAULT 0 CHECK (booked IN (0, 1)),
  spent_by    TEXT    NOT NULL DEFAULT '',
  lent        INTEGER NOT NULL DEFAULT 0 CHECK (lent IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX payments_identifier ON payments (rail, payer, identifier) WHERE identifier <> '' AND state <> 'FAILED';
CREATE INDEX payments_untried ON payments (changed_us) WHERE state = 'SERVICE_ERROR' OR state = 'SKIPPED_ORIGIN_ERROR';
CREATE INDEX payments_age ON payments (began_us, id);
CREATE INDEX payments_open ON payments (state, booked) WHERE state = 'PENDING' OR (state = 'SETTLED' AND booked = 0);

-- Requests that carried an idempotency key: hashes, and the answer, sealed with the key itself.
CREATE TABLE repeats (
  name        TEXT    PRIMARY KEY,
  fingerprint TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  sealed      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX repeats_age ON repeats (at);

-- Credit that licensees asked to pay in with a payment provider; a provider's event is heard once.
CREATE TABLE topups (
  id       TEXT    PRIMARY KEY,
  licensee TEXT    NOT NULL,
  micros   INTEGER NOT NULL CHECK (micros > 0),
  currency TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  session  TEXT    NOT NULL DEFAULT '',
  paid_by  TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX topups_unpaid ON topups (at) WHERE paid_by = '';
CREATE INDEX topups_paid ON topups (paid_by) WHERE paid_by <> '';
-- What went back of payments that no top-up was known for when it was told.
CREATE TABLE topups_back (
  refund   TEXT    PRIMARY KEY,
  paid_by  TEXT    NOT NULL,
  micros   INTEGER NOT NULL CHECK (micros > 0),
  currency TEXT    NOT NULL,
  at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX topups_back_paid ON topups_back (paid_by, refund);
CREATE INDEX topups_back_age ON topups_back (at);
CREATE TABLE provider_events (
  id TEXT    PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_events_age ON provider_events (at);
