-- Where a licensee is by its own word, and what the operator saw of that.
ALTER TABLE licensees ADD COLUMN country TEXT NOT NULL DEFAULT '';
ALTER TABLE licensees ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
