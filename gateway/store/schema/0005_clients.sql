-- How a client proves who it is, besides a secret.
-- signs: it logs in with a signed text and has no secret. metadata: JSON of what else it registered.
ALTER TABLE clients ADD COLUMN signs INTEGER NOT NULL DEFAULT 0 CHECK (signs IN (0, 1));
ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
-- SHA-256 of the registration access token, and of the secret before the last change with its last second.
ALTER TABLE clients ADD COLUMN access_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN older_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN older_until INTEGER NOT NULL DEFAULT 0;
