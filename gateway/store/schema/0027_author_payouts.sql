-- Payouts that leave the account of an author, "" for the creator's, and where authors are paid to.
ALTER TABLE payouts ADD COLUMN author TEXT NOT NULL DEFAULT '';
CREATE TABLE author_payees (
  site   TEXT NOT NULL,
  author TEXT NOT NULL,
  payee  TEXT NOT NULL,
  PRIMARY KEY (site, author)
) STRICT, WITHOUT ROWID;
