-- Views of the dashboard's tables that an operator gave a name: a page and its query string.
CREATE TABLE saved_views (
  id     TEXT    PRIMARY KEY,
  person TEXT    NOT NULL,
  path   TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  query  TEXT    NOT NULL,
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX saved_views_names ON saved_views (person, path, name);
