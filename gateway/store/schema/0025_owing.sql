-- Book entries, few among many: what is owed is told from them for each license.
CREATE INDEX entries_book ON entries (licensee, license, seq) WHERE kind = 'book';
