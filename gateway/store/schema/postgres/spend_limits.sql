-- Instead of SQLite's, which also sums what was spent before: there was nothing before.
-- What licensees let themselves spend in a month, and what each spent: derived, kept in the transaction that posts.
CREATE TABLE spend_limits (
  licensee TEXT COLLATE "C"    NOT NULL REFERENCES licensees (id),
  currency TEXT COLLATE "C"    NOT NULL,
  micros   BIGINT NOT NULL CHECK (micros >= 0),
  PRIMARY KEY (licensee, currency)
);
CREATE TABLE month_spend (
  licensee TEXT COLLATE "C"    NOT NULL,
  currency TEXT COLLATE "C"    NOT NULL,
  month    TEXT COLLATE "C"    NOT NULL,
  micros   BIGINT NOT NULL,
  PRIMARY KEY (licensee, currency, month)
);
