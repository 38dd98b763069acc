-- Where a negotiation stands, for the operator's list; derived from its document.
ALTER TABLE negotiations ADD COLUMN state TEXT GENERATED ALWAYS AS (json_extract(document, '$.state')) VIRTUAL;
ALTER TABLE negotiations ADD COLUMN offer TEXT GENERATED ALWAYS AS (json_extract(document, '$.offer.id')) VIRTUAL;
CREATE INDEX negotiations_state ON negotiations (waits, state, started_at);

-- Pages of negotiations for people who have no account: whoever has the link may speak in it.
-- link and mail are SHA-256 of what was handed out. verified_at 0: nobody has shown who they are.
CREATE TABLE private_links (
  link        TEXT    PRIMARY KEY,
  negotiation TEXT    NOT NULL UNIQUE REFERENCES negotiations (id),
  client      TEXT    NOT NULL,
  email       TEXT    NOT NULL,
  made_at     INTEGER NOT NULL,
  mail        TEXT    NOT NULL DEFAULT '',
  mail_until  INTEGER NOT NULL DEFAULT 0,
  verified_at INTEGER NOT NULL DEFAULT 0,
  verified_by TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX private_links_mail ON private_links (mail) WHERE mail <> '';
