-- Rows that left the database: fetches and floods without a licensee, of blocks of totals_through that are old enough.
-- The journal's packed files have them. The sums over such a block stand in totals and are not made again from rows.

-- One row a block, by the number that totals_through has it under; count is how many left, 0 where none could.
-- files is JSON: [name, first octet, last octet, how many] of each. digest, places, marks: `provenance.shelved`.
CREATE TABLE shelved (
  seq       INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  last_seq  INTEGER NOT NULL,
  count     INTEGER NOT NULL,
  first_us  INTEGER NOT NULL,
  last_us   INTEGER NOT NULL,
  files     TEXT    NOT NULL,
  digest    BLOB    NOT NULL,
  places    BLOB    NOT NULL,
  marks     BLOB    NOT NULL
) STRICT;
CREATE INDEX shelved_time ON shelved (last_us, first_us) WHERE count > 0;
-- What pages and duties ask of rows of any age, kept when the rows leave: the newest fetch of each face,
CREATE TABLE shelved_faces (
  face      INTEGER PRIMARY KEY,
  newest_us INTEGER NOT NULL
) STRICT;
-- and which bodies were delivered, when first and when last; whole is 1 where all of one was. path is a word.
CREATE TABLE shelved_bodies (
  site     TEXT    NOT NULL,
  work     TEXT    NOT NULL,
  path     INTEGER NOT NULL,
  digest   TEXT    NOT NULL,
  uses     TEXT    NOT NULL,
  whole    INTEGER NOT NULL CHECK (whole IN (0, 1)),
  first_us INTEGER NOT NULL,
  last_us  INTEGER NOT NULL,
  PRIMARY KEY (site, work, path, digest, uses, whole)
) STRICT, WITHOUT ROWID;
-- Blocks whose rows somebody wanted back: they stay until this second.
CREATE TABLE brought_back (
  seq   INTEGER PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT;
