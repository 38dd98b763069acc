-- What administrators did, found without reading what crawlers did.
CREATE INDEX journal_admin ON journal (seq) WHERE kind = 'admin';
