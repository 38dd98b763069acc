-- What SQLite has and PostgreSQL has not, and what only a database of several gateways needs. Applied before every
-- step, and again where it changed: so everything here may be said twice.
CREATE OR REPLACE FUNCTION max(a BIGINT, b BIGINT) RETURNS BIGINT
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN a > b THEN a ELSE b END;
CREATE OR REPLACE FUNCTION min(a BIGINT, b BIGINT) RETURNS BIGINT
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN a < b THEN a ELSE b END;
CREATE OR REPLACE FUNCTION iif(yes BOOLEAN, a BIGINT, b BIGINT) RETURNS BIGINT
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN yes THEN a ELSE b END;
CREATE OR REPLACE FUNCTION instr(whole TEXT, part TEXT) RETURNS BIGINT
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN position(part IN whole);
CREATE OR REPLACE FUNCTION instr(whole BYTEA, part BYTEA) RETURNS BIGINT
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN position(part IN whole);

-- The parser of PostgreSQL refuses U+0000 in JSON, also where nobody asks for it; the replaced text is as long.
CREATE OR REPLACE FUNCTION json_extract(document TEXT, path TEXT) RETURNS TEXT
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN json_extract_path_text(
    replace(document, '\u0000', '\ufffd')::json, VARIADIC string_to_array(substr(path, 3), '.'));
CREATE OR REPLACE FUNCTION json_each(list TEXT) RETURNS TABLE (value TEXT)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 100
  AS $$ SELECT json_array_elements_text(replace(list, '\u0000', '\ufffd')::json) $$;

-- A plus before a word keeps SQLite from an index; here it says nothing.
CREATE OR REPLACE FUNCTION just(word TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN word;
DO $$ BEGIN
  CREATE OPERATOR + (RIGHTARG = TEXT, FUNCTION = just);
EXCEPTION WHEN duplicate_function THEN NULL;
END $$;

-- Numbers of rows in the order of their commits: who comes second waits for the first. A sequence would let a
-- reader see 5 before 4, and go on behind 5.
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, last BIGINT NOT NULL);
CREATE OR REPLACE FUNCTION next_nth(of TEXT) RETURNS BIGINT LANGUAGE sql VOLATILE
  AS $$ INSERT INTO numbers AS n (name, last) VALUES (of, 1)
        ON CONFLICT (name) DO UPDATE SET last = n.last + 1 RETURNING last $$;

-- Locked by each act beside others, or by one alone.
CREATE TABLE IF NOT EXISTS turns ();

-- Who keeps the public log: each new leader has the next number, and what one before it promises is not kept.
CREATE TABLE IF NOT EXISTS leaders (name TEXT PRIMARY KEY, epoch BIGINT NOT NULL, place TEXT NOT NULL);
-- The last head that a leader may have signed; log is the key that verifies it, with the log's name.
CREATE TABLE IF NOT EXISTS promised_heads (
  log  TEXT PRIMARY KEY,
  size BIGINT NOT NULL,
  root BYTEA NOT NULL
);

-- The server's own clock, in microseconds.
CREATE OR REPLACE FUNCTION now_us() RETURNS BIGINT LANGUAGE sql VOLATILE
  RETURN CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT);

-- The machines whose gateways share this database, by this server's clock; losses: how often its purses were closed
-- because nothing was heard of it.
CREATE TABLE IF NOT EXISTS places (
  place    TEXT PRIMARY KEY,
  machine  TEXT NOT NULL,
  version  TEXT NOT NULL,
  settings TEXT NOT NULL,
  since_us BIGINT NOT NULL,
  seen_us  BIGINT NOT NULL,
  losses   BIGINT NOT NULL
);
-- What of their data folders is the same on all of them, sealed under a key that this server does not have.
CREATE TABLE IF NOT EXISTS shared_parts (
  name       TEXT PRIMARY KEY,
  generation BIGINT NOT NULL,
  place      TEXT NOT NULL,
  sealed     BYTEA NOT NULL
);
-- Which data folder a file of the journal is folded from.
CREATE TABLE IF NOT EXISTS fold_places (
  source TEXT PRIMARY KEY,
  place  TEXT NOT NULL DEFAULT coalesce(current_setting('licet.place', true), '')
);

-- The last transaction of each process that writes: whoever takes over as primary tells by it what it lacks.
CREATE TABLE IF NOT EXISTS last_acts (process TEXT PRIMARY KEY, nth BIGINT NOT NULL, at_us BIGINT NOT NULL);
CREATE OR REPLACE FUNCTION acted(by TEXT, nth BIGINT) RETURNS TEXT LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF pg_current_xact_id_if_assigned() IS NULL THEN
    RETURN NULL;
  END IF;
  INSERT INTO last_acts AS l (process, nth, at_us) VALUES (acted.by, acted.nth, now_us())
    ON CONFLICT (process) DO UPDATE SET nth = excluded.nth, at_us = excluded.at_us;
  RETURN pg_current_xact_id()::text;
END $$;
