-- What was taken back of a top-up, by the book entry that says so: together never more than the top-up.
CREATE TABLE topups_taken (
  entry  TEXT    PRIMARY KEY,
  topup  TEXT    NOT NULL,
  micros INTEGER NOT NULL CHECK (micros >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX topups_taken_of ON topups_taken (topup);
-- Refunds that were entered before there was this table.
INSERT OR IGNORE INTO topups_taken (entry, topup, micros)
  SELECT p.entry_id, p.undoes, p.micros FROM postings AS p JOIN topups AS t ON t.id = p.undoes;
