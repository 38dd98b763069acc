-- Purchases whose fee may be taken and whose license is not granted yet; few, and for a moment each.
CREATE TABLE unfinished (
    agreement TEXT PRIMARY KEY,
    document  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
