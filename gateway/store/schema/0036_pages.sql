-- Pages of long lists, read by key.
CREATE INDEX deliveries_endpoint ON deliveries (endpoint, at, nth);
-- Negotiations by `negotiations.Stand`, each part in the order in which it is listed.
-- Beside these, an index by the state alone would be chosen, and everything of it sorted.
DROP INDEX negotiations_state;
DROP INDEX negotiations_waiting;
CREATE INDEX negotiations_asked ON negotiations (started_at, id) WHERE waits = 1;
CREATE INDEX negotiations_open ON negotiations (started_at, id) WHERE waits = 0 AND state NOT IN ('FINALIZED', 'TERMINATED');
CREATE INDEX negotiations_over ON negotiations (started_at, id) WHERE waits = 0 AND state IN ('FINALIZED', 'TERMINATED');
CREATE INDEX licensees_newest ON licensees (created_at DESC, id);
CREATE INDEX licensees_standing ON licensees (standing);
CREATE INDEX licenses_newest ON licenses (starts_at DESC, id);
-- Reports of people: those that wait, and the others.
CREATE INDEX person_reports_open ON person_reports (at DESC, id) WHERE state = 'open';
CREATE INDEX person_reports_decided ON person_reports (at DESC, id) WHERE state <> 'open';
CREATE INDEX audits_newest ON audits (requested_at DESC, id);
