-- Sums of listed entries (fetches and floods) by the hour and by the day, up to and with totals_through.seq.
-- Derived from entries: whoever drops every row of these tables gets the same ones again.
CREATE TABLE totals (
  step           INTEGER NOT NULL CHECK (step IN (3600, 86400)),
  at             INTEGER NOT NULL,
  site           TEXT    NOT NULL,
  crawler        TEXT    NOT NULL,
  operator       TEXT    NOT NULL,
  visitor_class  TEXT    NOT NULL,
  identity       TEXT    NOT NULL,
  licensee       TEXT    NOT NULL,
  work           TEXT    NOT NULL,
  outcome        TEXT    NOT NULL,
  priced         INTEGER NOT NULL CHECK (priced IN (0, 1)),
  currency       TEXT    NOT NULL,
  count          INTEGER NOT NULL,
  charged_micros INTEGER NOT NULL,
  quote_micros   INTEGER NOT NULL,
  bytes_sent     INTEGER NOT NULL,
  PRIMARY KEY (step, at, site, crawler, operator, visitor_class, identity, licensee, work, outcome, priced, currency)
) STRICT, WITHOUT ROWID;
-- Each row sums up the entries from just behind the row before it: the times that lie among them.
CREATE TABLE totals_through (
  seq      INTEGER PRIMARY KEY,
  first_us INTEGER NOT NULL,
  last_us  INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_shed ON entries (time_us) WHERE kind = 'shed';
