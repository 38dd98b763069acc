-- The beginning of what an endpoint answered last.
ALTER TABLE deliveries ADD COLUMN answer TEXT NOT NULL DEFAULT '';
