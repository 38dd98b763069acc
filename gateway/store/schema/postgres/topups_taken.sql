-- Instead of SQLite's, for a word.
-- What was taken back of a top-up, by the book entry that says so: together never more than the top-up.
CREATE TABLE topups_taken (
  entry  TEXT COLLATE "C"    PRIMARY KEY,
  topup  TEXT COLLATE "C"    NOT NULL,
  micros BIGINT NOT NULL CHECK (micros >= 0)
);
CREATE INDEX topups_taken_of ON topups_taken (topup);
-- Refunds that were entered before there was this table.
INSERT INTO topups_taken (entry, topup, micros)
  SELECT p.entry_id, p.undoes, p.micros FROM postings AS p JOIN topups AS t ON t.id = p.undoes ON CONFLICT DO NOTHING;
