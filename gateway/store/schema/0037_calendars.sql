-- Audits that are not over stand before the others, however many pages there are.
ALTER TABLE audits ADD COLUMN open INTEGER GENERATED ALWAYS AS
  (CASE WHEN json_extract(document, '$.step') IN ('closed', 'canceled') THEN 0 ELSE 1 END) VIRTUAL;
CREATE INDEX audits_listed ON audits (open, requested_at, id);
-- Duties by deadline, of everybody and of one licensee; those that wait for the creator's word, which samples of
-- output do for 30 days (`licenses.output_review`); those that are done.
ALTER TABLE duties ADD COLUMN waits_until INTEGER GENERATED ALWAYS AS
  (CASE WHEN json_extract(document, '$.state') <> 'delivered' THEN 0
    WHEN json_extract(document, '$.kind') = 'output-samples'
    THEN CAST(json_extract(document, '$.delivered_at') AS INTEGER) + 2592000
    ELSE 9007199254740992 END) VIRTUAL;
CREATE INDEX duties_listed ON duties (deadline, id);
CREATE INDEX duties_whose ON duties (licensee, deadline, id);
CREATE INDEX duties_waiting ON duties (waits_until, deadline, id) WHERE waits_until > 0;
CREATE INDEX duties_done ON duties (deadline, id) WHERE unmet = 0;
-- Licenses with milestones: terms without any have no such member.
CREATE INDEX licenses_milestones ON licenses (id) WHERE json_extract(terms, '$.compensation.milestones') IS NOT NULL;
CREATE INDEX later_versions_milestones ON later_versions (id)
  WHERE json_extract(terms, '$.compensation.milestones') IS NOT NULL;
-- Endpoints by age: every licensee may have some.
CREATE INDEX endpoints_listed ON endpoints (created_at, id);
