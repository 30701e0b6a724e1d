// The book's tables. A change of any of them is a new VERSION.

/** In the file's header, so that `file` and this program know a book when they see one: "PgWk". */
export const APPLICATION_ID = 0x5067576b
export const VERSION = 1

export const TABLES = `
-- A submission's files, by hash of their contents, so that it can be graded again when its folder is gone.
CREATE TABLE contents (key TEXT PRIMARY KEY, job TEXT NOT NULL) STRICT, WITHOUT ROWID;
-- What came of files under certain terms. The name in a result is the first one's that had these files.
CREATE TABLE results (key TEXT PRIMARY KEY, result TEXT NOT NULL, remarks TEXT NOT NULL) STRICT, WITHOUT ROWID;
-- What the machine did with them.
CREATE TABLE states (key TEXT PRIMARY KEY, played BLOB NOT NULL) STRICT, WITHOUT ROWID;
-- Each run of grade or regrade: with which terms, and whether it came to its end.
CREATE TABLE gradings (id INTEGER PRIMARY KEY, what TEXT NOT NULL, settings TEXT NOT NULL, finished INTEGER NOT NULL) STRICT;
-- Who was in it, and which result that was. \`key\` is null where we failed: then \`trouble\` says how.
CREATE TABLE graded (
  grading INTEGER NOT NULL REFERENCES gradings, name TEXT NOT NULL, content TEXT NOT NULL,
  details TEXT NOT NULL, key TEXT, trouble TEXT, milliseconds INTEGER NOT NULL,
  PRIMARY KEY (grading, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX graded_by_name ON graded (name, grading);
-- What people decided, oldest first. Points of null: as the checks say, again.
CREATE TABLE decisions (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, check_id TEXT NOT NULL, points REAL, reason TEXT NOT NULL, author TEXT NOT NULL
) STRICT;
`
