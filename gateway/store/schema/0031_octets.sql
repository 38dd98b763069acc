-- The octets of a row get names that nobody takes for those of the entry: they are null of what stands in the journal's
-- files alone, and `store.sqlite.octets` reads both. A join whose columns nobody asks for is left out by the engine, and
-- one that is asked by a word begins with the word.
DROP VIEW entries;
CREATE VIEW entries AS SELECT
  j.seq, j.id, j.kind, j.time_us, f.site, j.salt AS own_salt, j.canonical AS own_canonical, s.word AS file, j.place, f.crawler,
  f.operator, f.visitor_class, f.identity, l.word AS licensee, f.license, j.outcome, f.verdict, f.rule, f.problem, f.would,
  j.status, f.method, f.host, p.word AS path, f.work, f.ended, f.country, f.currency, j.charged_micros, j.quote_micros,
  f.charge_reason, j.bytes_sent, j.duration_us, j.count,
  iif(typeof(j.digest) = 'blob', lower(hex(j.digest)), coalesce(j.digest, '')) AS digest, f.rendition, f.uses, j.face
  FROM journal j
  LEFT JOIN faces f ON f.id = j.face
  LEFT JOIN words l ON l.id = j.licensee
  LEFT JOIN words p ON p.id = j.path
  LEFT JOIN words s ON s.id = j.file;
