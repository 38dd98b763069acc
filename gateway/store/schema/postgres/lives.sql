-- Instead of SQLite's, whose truth is a number.
-- Versions of licenses after the first, which stays in its own table; a version that was replaced ends there.
-- duties_planned: whether the duties of its term are; an amendment has those of the term that it is in.
-- ended_at: since when a version is known to be over, 0 while it is not. warned: its holder was told of the end.
ALTER TABLE licenses ADD COLUMN ended_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE licenses ADD COLUMN warned BIGINT NOT NULL DEFAULT 0 CHECK (warned IN (0, 1));
-- What ran out before there were events is told to nobody.
UPDATE licenses SET ended_at = ends_at, warned = 1 WHERE ends_at <= extract(epoch FROM now())::BIGINT;
CREATE INDEX licenses_running ON licenses (ends_at) WHERE ended_at = 0;
CREATE INDEX licenses_ended ON licenses (ended_at) WHERE ended_at > 0;

CREATE TABLE later_versions (
  id             TEXT COLLATE "C"    NOT NULL REFERENCES licenses (id),
  version        BIGINT NOT NULL CHECK (version > 1),
  agreement      TEXT COLLATE "C"    NOT NULL UNIQUE,
  licensee       TEXT COLLATE "C"    NOT NULL REFERENCES licensees (id),
  site           TEXT COLLATE "C"    NOT NULL,
  offer          TEXT COLLATE "C"    NOT NULL,
  terms_hash     TEXT COLLATE "C"    NOT NULL,
  terms          TEXT COLLATE "C"    NOT NULL,
  policy         TEXT COLLATE "C"    NOT NULL,
  starts_at      BIGINT NOT NULL,
  ends_at        BIGINT NOT NULL,
  budget_micros  BIGINT,
  budget_fetches BIGINT,
  crawlers       TEXT COLLATE "C"    NOT NULL,
  exclusive      BIGINT NOT NULL CHECK (exclusive IN (0, 1)),
  ended_at       BIGINT NOT NULL DEFAULT 0,
  warned         BIGINT NOT NULL DEFAULT 0 CHECK (warned IN (0, 1)),
  duties_planned BIGINT NOT NULL CHECK (duties_planned IN (0, 1)),
  PRIMARY KEY (id, version)
);
CREATE INDEX later_versions_agreement ON later_versions (licensee, site, terms_hash);
CREATE INDEX later_versions_exclusive ON later_versions (site, ends_at) WHERE exclusive = 1;
CREATE INDEX later_versions_site ON later_versions (site, ends_at);
CREATE INDEX later_versions_running ON later_versions (ends_at) WHERE ended_at = 0;
CREATE INDEX later_versions_ended ON later_versions (ended_at) WHERE ended_at > 0;

-- Every version of every license.
CREATE VIEW license_terms AS
  SELECT id, 1 AS version, licensee, site, offer, terms_hash, terms, policy, starts_at, ends_at,
    budget_micros, budget_fetches, crawlers, exclusive, ended_at, warned,
    CASE WHEN EXISTS (SELECT 1 FROM duty_plans WHERE license = licenses.id) THEN 1 ELSE 0 END::BIGINT AS duties_planned FROM licenses
  UNION ALL
  SELECT id, version, licensee, site, offer, terms_hash, terms, policy, starts_at, ends_at,
    budget_micros, budget_fetches, crawlers, exclusive, ended_at, warned, duties_planned FROM later_versions;
