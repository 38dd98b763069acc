-- What administrators did, found without reading what crawlers did.
CREATE INDEX entries_admin ON entries (seq) WHERE kind = 'admin';
