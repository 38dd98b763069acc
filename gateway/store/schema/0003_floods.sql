-- How many requests a row stands for: one fetch, or a flood of refusals alike.
ALTER TABLE entries ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
