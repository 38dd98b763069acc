-- The folded journal in little space: texts stand once, what many fetches have in common stands once, and the octets
-- of fetches stay in the journal's files, where the row says. `entries` and `postings` become views of it.

-- Every text that many rows have: paths, licensees, accounts, file names. Never changed, never deleted.
CREATE TABLE words (
  id   INTEGER PRIMARY KEY,
  word TEXT    NOT NULL UNIQUE
) STRICT;
INSERT INTO words VALUES (0, '');

-- What many entries have in common, each combination once. Never changed, never deleted. uses is JSON, or ''.
CREATE TABLE faces (
  id            INTEGER PRIMARY KEY,
  site          TEXT NOT NULL,
  crawler       TEXT NOT NULL,
  operator      TEXT NOT NULL,
  visitor_class TEXT NOT NULL,
  identity      TEXT NOT NULL,
  license       TEXT NOT NULL,
  verdict       TEXT NOT NULL,
  rule          TEXT NOT NULL,
  problem       TEXT NOT NULL,
  would         TEXT NOT NULL,
  method        TEXT NOT NULL,
  host          TEXT NOT NULL,
  work          TEXT NOT NULL,
  ended         TEXT NOT NULL,
  country       TEXT NOT NULL,
  currency      TEXT NOT NULL,
  charge_reason TEXT NOT NULL,
  rendition     TEXT NOT NULL,
  uses          TEXT NOT NULL,
  UNIQUE (crawler, work, license, site, operator, visitor_class, identity, verdict, rule, problem, would, method, host, ended,
    country, currency, charge_reason, rendition, uses)
) STRICT;

-- The journal in its assigned order. The entry's frame begins at octet place of file; where place is -1 it is in none.
-- canonical and salt are null where they are read from there. digest is that of a body that was delivered, as 32 octets.
CREATE TABLE journal (
  seq            INTEGER PRIMARY KEY,
  id             TEXT    NOT NULL UNIQUE,
  kind           TEXT    NOT NULL,
  outcome        TEXT    NOT NULL,
  status         INTEGER NOT NULL,
  time_us        INTEGER NOT NULL,
  face           INTEGER NOT NULL,
  licensee       INTEGER NOT NULL,
  path           INTEGER NOT NULL,
  count          INTEGER NOT NULL,
  charged_micros INTEGER NOT NULL,
  quote_micros   INTEGER NOT NULL,
  bytes_sent     INTEGER NOT NULL,
  duration_us    INTEGER NOT NULL,
  digest         ANY,
  file           INTEGER NOT NULL,
  place          INTEGER NOT NULL,
  salt           BLOB,
  canonical      BLOB
) STRICT;

INSERT OR IGNORE INTO words (word)
  SELECT path FROM entries UNION SELECT licensee FROM entries
  UNION SELECT iif(instr(source, ':') > 0, substr(source, 1, instr(source, ':') - 1), source) FROM entries
  UNION SELECT debit FROM postings UNION SELECT credit FROM postings;
INSERT INTO faces (site, crawler, operator, visitor_class, identity, license, verdict, rule, problem, would, method, host, work,
    ended, country, currency, charge_reason, rendition, uses)
  SELECT DISTINCT site, crawler, operator, visitor_class, identity, license, verdict, rule, problem, would, method, host, work,
    ended, country, currency, charge_reason,
    iif(kind = 'fetch', json_extract(CAST(canonical AS TEXT), '$.rendition'), ''),
    iif(kind = 'fetch', json_extract(CAST(canonical AS TEXT), '$.uses'), '')
  FROM entries;
INSERT INTO journal
  SELECT e.seq, e.id, e.kind, e.outcome, e.status, e.time_us, f.id, l.id, p.id, e.count, e.charged_micros, e.quote_micros,
    e.bytes_sent, e.duration_us,
    CASE WHEN e.kind <> 'fetch' OR e.status NOT IN (200, 206) THEN NULL ELSE
      coalesce(nullif(unhex(json_extract(CAST(e.canonical AS TEXT), '$.digest')), x''), json_extract(CAST(e.canonical AS TEXT), '$.digest'))
    END,
    s.id, iif(instr(e.source, ':') > 0, CAST(substr(e.source, instr(e.source, ':') + 1) AS INTEGER), -1), e.salt, e.canonical
  FROM entries e
  JOIN words l ON l.word = e.licensee
  JOIN words p ON p.word = e.path
  JOIN words s ON s.word = iif(instr(e.source, ':') > 0, substr(e.source, 1, instr(e.source, ':') - 1), e.source)
  JOIN faces f ON (f.crawler, f.work, f.license, f.site, f.operator, f.visitor_class, f.identity, f.verdict, f.rule, f.problem,
      f.would, f.method, f.host, f.ended, f.country, f.currency, f.charge_reason)
    = (e.crawler, e.work, e.license, e.site, e.operator, e.visitor_class, e.identity, e.verdict, e.rule, e.problem,
      e.would, e.method, e.host, e.ended, e.country, e.currency, e.charge_reason)
    AND f.rendition = iif(e.kind = 'fetch', json_extract(CAST(e.canonical AS TEXT), '$.rendition'), '')
    AND f.uses = iif(e.kind = 'fetch', json_extract(CAST(e.canonical AS TEXT), '$.uses'), '')
  ORDER BY e.seq;
UPDATE journal SET digest = NULL WHERE digest = '';

-- Derived from entries, never changed: each amount leaves one account for another. debit and credit are words.
CREATE TABLE posted (
  seq      INTEGER NOT NULL REFERENCES journal (seq),
  leg      INTEGER NOT NULL,
  time_us  INTEGER NOT NULL,
  debit    INTEGER NOT NULL,
  credit   INTEGER NOT NULL CHECK (credit <> debit),
  micros   INTEGER NOT NULL CHECK (micros > 0),
  currency TEXT    NOT NULL,
  code     TEXT    NOT NULL,
  undoes   TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (seq, leg)
) STRICT, WITHOUT ROWID;
INSERT INTO posted
  SELECT p.seq, p.leg, p.time_us, d.id, c.id, p.micros, p.currency, p.code, p.undoes
  FROM postings p JOIN words d ON d.word = p.debit JOIN words c ON c.word = p.credit ORDER BY p.seq, p.leg;
DROP TABLE postings;
DROP TABLE entries;

-- Each index ends in the rowid, which is seq: pages continue from a key without counting.
CREATE INDEX journal_time ON journal (time_us);
CREATE INDEX journal_face ON journal (face, time_us);
CREATE INDEX journal_licensee ON journal (licensee, time_us);
CREATE INDEX journal_money ON journal (seq) WHERE kind = 'book' OR outcome = 'licensed';
CREATE INDEX journal_book ON journal (licensee, time_us) WHERE kind = 'book';
CREATE INDEX journal_shed ON journal (time_us) WHERE kind = 'shed';
CREATE INDEX journal_whole ON journal (seq) WHERE canonical IS NOT NULL AND kind = 'fetch' AND place >= 0;
CREATE INDEX faces_work ON faces (work, site);
CREATE INDEX posted_debit ON posted (debit, time_us);
CREATE INDEX posted_credit ON posted (credit, time_us);
CREATE INDEX posted_undoes ON posted (undoes) WHERE undoes <> '';

-- A join whose columns nobody asks for is left out by the engine, and one that is asked by a word begins with the word.
CREATE VIEW entries AS SELECT
  j.seq, j.id, j.kind, j.time_us, f.site, j.salt, j.canonical, s.word AS file, j.place, f.crawler, f.operator, f.visitor_class,
  f.identity, l.word AS licensee, f.license, j.outcome, f.verdict, f.rule, f.problem, f.would, j.status, f.method, f.host,
  p.word AS path, f.work, f.ended, f.country, f.currency, j.charged_micros, j.quote_micros, f.charge_reason, j.bytes_sent,
  j.duration_us, j.count, iif(typeof(j.digest) = 'blob', lower(hex(j.digest)), coalesce(j.digest, '')) AS digest, f.rendition, f.uses,
  j.face
  FROM journal j
  LEFT JOIN faces f ON f.id = j.face
  LEFT JOIN words l ON l.id = j.licensee
  LEFT JOIN words p ON p.id = j.path
  LEFT JOIN words s ON s.id = j.file;
CREATE VIEW postings AS SELECT
  p.seq, p.leg, j.id AS entry_id, p.time_us, d.word AS debit, c.word AS credit, p.micros, p.currency, p.code, p.undoes,
  p.debit AS debited, p.credit AS credited
  FROM posted p
  LEFT JOIN journal j ON j.seq = p.seq
  LEFT JOIN words d ON d.id = p.debit
  LEFT JOIN words c ON c.id = p.credit;
