-- Audits that are not over stand before the others, however many pages there are.
ALTER TABLE audits ADD COLUMN open INTEGER GENERATED ALWAYS AS
  (CASE WHEN json_extract(document, '$.step') IN ('closed', 'canceled') THEN 0 ELSE 1 END) VIRTUAL;
CREATE INDEX audits_listed ON audits (open, requested_at, id);
