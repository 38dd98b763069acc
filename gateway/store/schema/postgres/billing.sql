-- Instead of SQLite's, for its triggers.
-- Closed periods, and the numbers of documents, which follow from the journal's order alone.
CREATE INDEX entries_book_time ON entries (licensee, time_us) WHERE kind = 'book';
CREATE TABLE frozen_periods (
  licensee TEXT COLLATE "C" NOT NULL,
  period   TEXT COLLATE "C" NOT NULL,
  digest   TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (licensee, period)
);
CREATE TABLE document_numbers (
  series   TEXT COLLATE "C"    NOT NULL,
  number   BIGINT NOT NULL CHECK (number > 0),
  seq      BIGINT NOT NULL,
  document TEXT COLLATE "C"    NOT NULL,
  PRIMARY KEY (series, number),
  UNIQUE (series, document)
);
CREATE INDEX document_numbers_document ON document_numbers (document);

-- Documents as they were issued; what stands in one is never changed. One without a number waits for its entry.
CREATE TABLE billing_documents (
  id       TEXT COLLATE "C"    PRIMARY KEY,
  kind     TEXT COLLATE "C"    NOT NULL,
  licensee TEXT COLLATE "C"    NOT NULL,
  period   TEXT COLLATE "C"    NOT NULL,
  refers   TEXT COLLATE "C"    NOT NULL DEFAULT '',
  at       BIGINT NOT NULL,
  content  TEXT COLLATE "C"    NOT NULL,
  digest   TEXT COLLATE "C"    NOT NULL
);
CREATE INDEX billing_documents_licensee ON billing_documents (licensee, at);
CREATE INDEX billing_documents_refers ON billing_documents (refers) WHERE refers <> '';
CREATE FUNCTION refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a document that was issued is never changed or deleted'; END $$;
CREATE TRIGGER billing_documents_stay BEFORE UPDATE OR DELETE ON billing_documents
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Who is billed, as the operator entered it: legal name, address, tax id, which tax rule.
CREATE TABLE billing_parties (
  licensee TEXT COLLATE "C" PRIMARY KEY,
  document TEXT COLLATE "C" NOT NULL
);

-- Whether the books are of test mode; one word, for good.
CREATE TABLE books_mode (
  only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
  mode     TEXT COLLATE "C" NOT NULL CHECK (mode IN ('live', 'test'))
);

-- Lines that licensees dispute; of one line at most one dispute is open.
CREATE TABLE line_disputes (
  id       TEXT COLLATE "C"    PRIMARY KEY,
  document TEXT COLLATE "C"    NOT NULL,
  line     BIGINT NOT NULL,
  licensee TEXT COLLATE "C"    NOT NULL,
  at       BIGINT NOT NULL,
  open     BIGINT NOT NULL CHECK (open IN (0, 1)),
  version  BIGINT NOT NULL,
  content  TEXT COLLATE "C"    NOT NULL
);
CREATE UNIQUE INDEX line_disputes_open ON line_disputes (document, line) WHERE open = 1;
CREATE INDEX line_disputes_licensee ON line_disputes (licensee, at);

-- Up to which place of the journal usage was counted for billing systems.
CREATE TABLE usage_counted (
  only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
  seq      BIGINT NOT NULL
);

-- What creators are paid out; the id is that of its entry in the journal.
CREATE TABLE payouts (
  id       TEXT COLLATE "C"    PRIMARY KEY,
  site     TEXT COLLATE "C"    NOT NULL,
  currency TEXT COLLATE "C"    NOT NULL,
  micros   BIGINT NOT NULL CHECK (micros > 0),
  at       BIGINT NOT NULL,
  version  BIGINT NOT NULL,
  content  TEXT COLLATE "C"    NOT NULL
);
