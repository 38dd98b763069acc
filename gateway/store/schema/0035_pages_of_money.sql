-- Long tables are read page by page from where the last page ended.
CREATE INDEX billing_documents_newest ON billing_documents (at);
CREATE INDEX line_disputes_newest ON line_disputes (open, at, id);
CREATE INDEX payouts_newest ON payouts (at, id);
CREATE INDEX objections_newest ON objections (waits, at, id);
CREATE INDEX consents_listed ON consents (site, work, id);
