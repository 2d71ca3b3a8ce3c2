#include "results/archive_schema.h"
#include "results/schema.h"

/* results has the columns of a worker's table by the same names, so that queries for people fit
 * both; they are written out here, for a step that was released never changes, and the two
 * databases have their steps apart. n: the order of archiving. chain: the id of the key, which is
 * what a chain belongs to (a worker that lost its key begins another). result_seq: place in the
 * results stream.
 *
 * faults: what was in the stream and could not become a row, with its envelope, so that nothing is
 * lost. seq, prev and hash are set where the signature held; chain is a claim where it did not. */
static const char version_1[] = "CREATE TABLE results (\n"
                                "  n INTEGER PRIMARY KEY,\n"
                                "  chain TEXT NOT NULL,\n"
                                "  result_seq INTEGER NOT NULL,\n"
                                "  seq INTEGER NOT NULL,\n"
                                "  id TEXT NOT NULL,\n"
                                "  tenant TEXT NOT NULL,\n"
                                "  class TEXT NOT NULL,\n"
                                "  state TEXT NOT NULL,\n"
                                "  outcome TEXT NOT NULL,\n"
                                "  value TEXT,\n"
                                "  stdout TEXT NOT NULL,\n"
                                "  stderr TEXT NOT NULL,\n"
                                "  stdout_truncated INTEGER NOT NULL,\n"
                                "  stderr_truncated INTEGER NOT NULL,\n"
                                "  stdout_bytes INTEGER NOT NULL,\n"
                                "  stderr_bytes INTEGER NOT NULL,\n"
                                "  error_name TEXT,\n"
                                "  error_message TEXT,\n"
                                "  error_stack TEXT,\n"
                                "  error_line INTEGER,\n"
                                "  error_column INTEGER,\n"
                                "  cpu_ms REAL NOT NULL,\n"
                                "  wall_ms REAL NOT NULL,\n"
                                "  heap_peak_bytes INTEGER NOT NULL,\n"
                                "  memory_peak_bytes INTEGER NOT NULL,\n"
                                "  attempts INTEGER NOT NULL,\n"
                                "  published_at TEXT,\n"
                                "  started_at TEXT,\n"
                                "  finished_at TEXT,\n"
                                "  worker TEXT,\n"
                                "  engine TEXT,\n"
                                "  script_sha256 TEXT,\n"
                                "  input_sha256 TEXT,\n"
                                "  jail TEXT NOT NULL,\n"
                                "  stream_seq INTEGER,\n"
                                "  prev TEXT NOT NULL,\n"
                                "  hash TEXT NOT NULL,\n"
                                "  envelope BLOB NOT NULL,\n"
                                "  form INTEGER NOT NULL,\n"
                                "  limit_name TEXT,\n"
                                "  limit_value INTEGER,\n"
                                "  limit_used INTEGER,\n"
                                "  profile TEXT,\n"
                                "  engine_flags TEXT,\n"
                                "  signed_by TEXT,\n"
                                "  permissions TEXT,\n"
                                "  attestation_set TEXT,\n"
                                "  attestation_at TEXT,\n"
                                "  tries TEXT,\n"
                                "  UNIQUE (id, tenant),\n"
                                "  UNIQUE (chain, seq)\n"
                                ") STRICT;\n"
                                "CREATE INDEX results_by_tenant ON results (tenant, n);\n"
                                "CREATE TABLE chains (\n"
                                "  chain TEXT PRIMARY KEY,\n"
                                "  worker TEXT NOT NULL,\n"
                                "  key BLOB NOT NULL,\n"
                                "  given INTEGER NOT NULL,\n"
                                "  first INTEGER NOT NULL,\n"
                                "  last INTEGER NOT NULL\n"
                                ") STRICT, WITHOUT ROWID;\n"
                                "CREATE TABLE gaps (\n"
                                "  chain TEXT NOT NULL,\n"
                                "  first INTEGER NOT NULL,\n"
                                "  last INTEGER NOT NULL,\n"
                                "  at TEXT NOT NULL,\n"
                                "  PRIMARY KEY (chain, first)\n"
                                ") STRICT, WITHOUT ROWID;\n"
                                "CREATE TABLE faults (\n"
                                "  n INTEGER PRIMARY KEY,\n"
                                "  result_seq INTEGER NOT NULL,\n"
                                "  subject TEXT NOT NULL,\n"
                                "  kind TEXT NOT NULL,\n"
                                "  reason TEXT NOT NULL,\n"
                                "  chain TEXT,\n"
                                "  seq INTEGER,\n"
                                "  prev TEXT,\n"
                                "  hash TEXT,\n"
                                "  at TEXT NOT NULL,\n"
                                "  envelope BLOB NOT NULL\n"
                                ") STRICT;\n"
                                "CREATE INDEX faults_by_chain ON faults (chain, seq);\n"
                                "CREATE INDEX faults_by_place ON faults (result_seq);\n"
                                "CREATE TABLE position (\n"
                                "  stream TEXT PRIMARY KEY,\n"
                                "  created TEXT NOT NULL,\n"
                                "  seq INTEGER NOT NULL\n"
                                ") STRICT, WITHOUT ROWID;\n";

static const char version_2[] = "ALTER TABLE results ADD COLUMN reuse_mode TEXT;\n"
                                "ALTER TABLE results ADD COLUMN reuse_call INTEGER;\n";

static const char version_3[] = "ALTER TABLE results ADD COLUMN artifacts TEXT;\n";

static const char version_4[] = "ALTER TABLE results ADD COLUMN language TEXT;\n"
                                "ALTER TABLE results ADD COLUMN transform TEXT;\n";

static const char version_5[] = "ALTER TABLE results ADD COLUMN egress TEXT;\n";

static const char *const steps[ARCHIVE_SCHEMA] = {version_1, version_2, version_3, version_4,
                                                  version_5};

const struct db_kind archive_kind = {
    .what = "archive",
    .application = ARCHIVE_APPLICATION_ID,
    .version = ARCHIVE_SCHEMA,
    .steps = steps,
};

static const char *const queries[ARCHIVE_QUERIES] = {
    [A_OF_JOB] = "SELECT chain, seq, hash FROM results WHERE id = ?1 AND tenant = ?2",
    [A_LINK] = "SELECT prev, hash FROM results WHERE chain = ?1 AND seq = ?2 UNION ALL "
               "SELECT prev, hash FROM faults WHERE chain = ?1 AND seq = ?2 AND kind IN ('second', "
               "'checkpoint')",
    [A_CHAIN] = "SELECT worker, key, given, first, last FROM chains WHERE chain = ?1",
    [A_CHAIN_SET] = "INSERT INTO chains VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (chain) DO "
                    "UPDATE SET worker = excluded.worker, given = max(given, excluded.given), "
                    "first = excluded.first, last = excluded.last",
    [A_CHAINS] =
        "SELECT chain, worker, key, given, first, last, (SELECT count(*) FROM results r WHERE "
        "r.chain = c.chain), (SELECT count(*) FROM gaps g WHERE g.chain = c.chain), (SELECT "
        "coalesce(sum(last - first + 1), 0) FROM gaps g WHERE g.chain = c.chain), (SELECT count(*) "
        "FROM faults f WHERE f.chain = c.chain AND f.kind IN ('second', 'checkpoint')) FROM chains "
        "c "
        "ORDER BY worker, chain",
    [A_GAP_OF] = "SELECT first, last FROM gaps WHERE chain = ?1 AND first <= ?2 AND last >= ?2 "
                 "ORDER BY first DESC LIMIT 1",
    [A_GAP_DROP] = "DELETE FROM gaps WHERE chain = ?1 AND first = ?2",
    [A_GAP_ADD] = "INSERT INTO gaps VALUES (?1, ?2, ?3, ?4)",
    [A_GAPS] = "SELECT g.chain, c.worker, g.first, g.last, g.at FROM gaps g JOIN chains c USING "
               "(chain) ORDER BY c.worker, g.chain, g.first",
    [A_FAULT_ADD] =
        "INSERT INTO faults (result_seq, subject, kind, reason, chain, seq, prev, hash, "
        "at, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [A_FAULTS] = "SELECT n, result_seq, subject, kind, reason, at FROM faults WHERE n > ?1 ORDER "
                 "BY n LIMIT 1000",
    [A_FAULT_COUNT] = "SELECT count(*) FROM faults WHERE kind = ?1",
    [A_FAULT_KNOWN] = "SELECT 1 FROM faults WHERE result_seq = ?1 AND envelope = ?2",
    [A_UNTRUSTED] = "SELECT n, result_seq, subject, envelope FROM faults WHERE n > ?1 AND kind IN "
                    "('untrusted', 'unreadable') AND chain = ?2 AND n <= ?3 ORDER BY n LIMIT 1",
    [A_FAULT_LAST] = "SELECT coalesce(max(n), 0) FROM faults",
    [A_FAULT_DROP] = "DELETE FROM faults WHERE n = ?1",
    [A_POSITION] = "SELECT created, seq FROM position WHERE stream = ?1",
    [A_POSITION_SET] = "INSERT INTO position VALUES (?1, ?2, ?3) ON CONFLICT (stream) DO UPDATE "
                       "SET created = excluded.created, seq = excluded.seq",
    [A_COUNT] = "SELECT count(*) FROM results",
};

void archive_query(enum archive_query q, int version, struct buf *sql)
{
    if (q == A_INSERT) {
        buf_adds(sql, "INSERT INTO results (chain,result_seq,");
        schema_add_columns(SCHEMA_OF_ARCHIVE + version, sql);
        buf_adds(sql, ") VALUES (?1,?2");
        for (int c = 0; c < COLUMNS; c++)
            buf_addf(sql, ",?%d", c + 3);
        buf_addc(sql, ')');
    } else if (q == A_ROWS) {
        buf_adds(sql, "SELECT ");
        schema_add_columns(SCHEMA_OF_ARCHIVE + version, sql);
        buf_adds(sql, ",n,chain FROM results WHERE n >= ?1 ORDER BY n LIMIT ?2");
    } else {
        buf_adds(sql, queries[q]);
    }
}
