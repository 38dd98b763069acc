-- Closed periods, and the numbers of documents, which follow from the journal's order alone.
CREATE INDEX entries_book_time ON entries (licensee, time_us) WHERE kind = 'book';
CREATE TABLE frozen_periods (
  licensee TEXT NOT NULL,
  period   TEXT NOT NULL,
  digest   TEXT NOT NULL,
  PRIMARY KEY (licensee, period)
) STRICT, WITHOUT ROWID;
CREATE TABLE document_numbers (
  series   TEXT    NOT NULL,
  number   INTEGER NOT NULL CHECK (number > 0),
  seq      INTEGER NOT NULL,
  document TEXT    NOT NULL,
  PRIMARY KEY (series, number),
  UNIQUE (series, document)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_numbers_document ON document_numbers (document);

-- Documents as they were issued; what stands in one is never changed. One without a number waits for its entry.
CREATE TABLE billing_documents (
  id       TEXT    PRIMARY KEY,
  kind     TEXT    NOT NULL,
  licensee TEXT    NOT NULL,
  period   TEXT    NOT NULL,
  refers   TEXT    NOT NULL DEFAULT '',
  at       INTEGER NOT NULL,
  content  TEXT    NOT NULL,
  digest   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX billing_documents_licensee ON billing_documents (licensee, at);
CREATE INDEX billing_documents_refers ON billing_documents (refers) WHERE refers <> '';
CREATE TRIGGER billing_documents_stay BEFORE UPDATE ON billing_documents
BEGIN SELECT RAISE(ABORT, 'a document that was issued is never changed'); END;
CREATE TRIGGER billing_documents_remain BEFORE DELETE ON billing_documents
BEGIN SELECT RAISE(ABORT, 'a document that was issued is never deleted'); END;

-- Who is billed, as the operator entered it: legal name, address, tax id, which tax rule.
CREATE TABLE billing_parties (
  licensee TEXT PRIMARY KEY,
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether the books are of test mode; one word, for good.
CREATE TABLE books_mode (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  mode     TEXT NOT NULL CHECK (mode IN ('live', 'test'))
) STRICT, WITHOUT ROWID;

-- Lines that licensees dispute; of one line at most one dispute is open.
CREATE TABLE line_disputes (
  id       TEXT    PRIMARY KEY,
  document TEXT    NOT NULL,
  line     INTEGER NOT NULL,
  licensee TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  open     INTEGER NOT NULL CHECK (open IN (0, 1)),
  version  INTEGER NOT NULL,
  content  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX line_disputes_open ON line_disputes (document, line) WHERE open = 1;
CREATE INDEX line_disputes_licensee ON line_disputes (licensee, at);

-- Up to which place of the journal usage was counted for billing systems.
CREATE TABLE usage_counted (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  seq      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What creators are paid out; the id is that of its entry in the journal.
CREATE TABLE payouts (
  id       TEXT    PRIMARY KEY,
  site     TEXT    NOT NULL,
  currency TEXT    NOT NULL,
  micros   INTEGER NOT NULL CHECK (micros > 0),
  at       INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  content  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
