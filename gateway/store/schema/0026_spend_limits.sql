-- What licensees let themselves spend in a month, and what each spent: derived, kept in the transaction that posts.
CREATE TABLE spend_limits (
  licensee TEXT    NOT NULL REFERENCES licensees (id),
  currency TEXT    NOT NULL,
  micros   INTEGER NOT NULL CHECK (micros >= 0),
  PRIMARY KEY (licensee, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE month_spend (
  licensee TEXT    NOT NULL,
  currency TEXT    NOT NULL,
  month    TEXT    NOT NULL,
  micros   INTEGER NOT NULL,
  PRIMARY KEY (licensee, currency, month)
) STRICT, WITHOUT ROWID;
INSERT INTO month_spend
SELECT licensee, currency, strftime('%Y-%m', time_us / 1000000, 'unixepoch'), sum(charged_micros)
FROM entries WHERE kind = 'fetch' AND outcome = 'licensed' AND licensee <> '' AND charged_micros > 0
GROUP BY 1, 2, 3;
INSERT INTO month_spend
SELECT licensee, currency, strftime('%Y-%m', time_us / 1000000, 'unixepoch'),
       sum(json_extract(CAST(canonical AS TEXT), '$.amount_micros'))
FROM entries WHERE kind = 'book' AND licensee <> '' AND json_extract(CAST(canonical AS TEXT), '$.kind_of') = 'fee'
GROUP BY 1, 2, 3
ON CONFLICT DO UPDATE SET micros = micros + excluded.micros;
