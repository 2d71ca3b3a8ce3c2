#include "results/schema.h"

const char *const schema_columns[COLUMNS] = {
    [COL_SEQ] = "seq",
    [COL_ID] = "id",
    [COL_TENANT] = "tenant",
    [COL_CLASS] = "class",
    [COL_STATE] = "state",
    [COL_OUTCOME] = "outcome",
    [COL_VALUE] = "value",
    [COL_STDOUT] = "stdout",
    [COL_STDERR] = "stderr",
    [COL_STDOUT_TRUNCATED] = "stdout_truncated",
    [COL_STDERR_TRUNCATED] = "stderr_truncated",
    [COL_STDOUT_BYTES] = "stdout_bytes",
    [COL_STDERR_BYTES] = "stderr_bytes",
    [COL_ERROR_NAME] = "error_name",
    [COL_ERROR_MESSAGE] = "error_message",
    [COL_ERROR_STACK] = "error_stack",
    [COL_ERROR_LINE] = "error_line",
    [COL_ERROR_COLUMN] = "error_column",
    [COL_CPU_MS] = "cpu_ms",
    [COL_WALL_MS] = "wall_ms",
    [COL_HEAP_PEAK_BYTES] = "heap_peak_bytes",
    [COL_MEMORY_PEAK_BYTES] = "memory_peak_bytes",
    [COL_ATTEMPTS] = "attempts",
    [COL_PUBLISHED_AT] = "published_at",
    [COL_STARTED_AT] = "started_at",
    [COL_FINISHED_AT] = "finished_at",
    [COL_WORKER] = "worker",
    [COL_ENGINE] = "engine",
    [COL_SCRIPT_SHA256] = "script_sha256",
    [COL_INPUT_SHA256] = "input_sha256",
    [COL_JAIL] = "jail",
    [COL_STREAM_SEQ] = "stream_seq",
    [COL_PREV] = "prev",
    [COL_HASH] = "hash",
    [COL_ENVELOPE] = "envelope",
    [COL_FORM] = "form",
    [COL_LIMIT_NAME] = "limit_name",
    [COL_LIMIT_VALUE] = "limit_value",
    [COL_LIMIT_USED] = "limit_used",
    [COL_PROFILE] = "profile",
    [COL_ENGINE_FLAGS] = "engine_flags",
    [COL_SIGNED_BY] = "signed_by",
    [COL_PERMISSIONS] = "permissions",
    [COL_ATTESTATION_SET] = "attestation_set",
    [COL_ATTESTATION_AT] = "attestation_at",
    [COL_TRIES] = "tries",
    [COL_REUSE_MODE] = "reuse_mode",
    [COL_REUSE_CALL] = "reuse_call",
    [COL_ARTIFACTS] = "artifacts",
    [COL_LANGUAGE] = "language",
    [COL_TRANSFORM] = "transform",
    [COL_EGRESS] = "egress",
};

/* The columns repeat what the envelope says, for people and tools that ask with SQL; verify_db()
 * holds them to the signed text. Beyond it go stream_seq and, per stream, whether and from how many
 * bytes the output was cut (the signed `truncated` says only that something was). Times are RFC
 * 3339 in UTC, jail and permissions JSON arrays, booleans 0 and 1. The unique index begins with the
 * id so that it also finds a job whose tenant is not known. */
static const char version_1[] = "CREATE TABLE results (\n"
                                "  seq INTEGER PRIMARY KEY,\n"
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
                                "  UNIQUE (id, tenant)\n"
                                ") STRICT;\n";

/* form: which members the signed object has (record.h). */
static const char version_2[] = "ALTER TABLE results ADD COLUMN form INTEGER NOT NULL DEFAULT 1;\n"
                                "ALTER TABLE results ADD COLUMN limit_name TEXT;\n"
                                "ALTER TABLE results ADD COLUMN limit_value INTEGER;\n"
                                "ALTER TABLE results ADD COLUMN limit_used INTEGER;\n"
                                "ALTER TABLE results ADD COLUMN profile TEXT;\n"
                                "ALTER TABLE results ADD COLUMN engine_flags TEXT;\n"
                                "ALTER TABLE results ADD COLUMN signed_by TEXT;\n"
                                "ALTER TABLE results ADD COLUMN permissions TEXT;\n"
                                "ALTER TABLE results ADD COLUMN attestation_set TEXT;\n"
                                "ALTER TABLE results ADD COLUMN attestation_at TEXT;\n";

/* What retention removed (prune.h): runs of rows that are gone, the newest checkpoint, which signs
 * them and stands in the chain itself, and sums by tenant, so that a bound needs no scan. */
static const char version_3[] =
    "CREATE TABLE pruned (\n"
    "  first INTEGER PRIMARY KEY,\n"
    "  last INTEGER NOT NULL,\n"
    "  prev TEXT NOT NULL,\n"
    "  hash TEXT NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE checkpoint (\n"
    "  seq INTEGER PRIMARY KEY,\n"
    "  prev TEXT NOT NULL,\n"
    "  hash TEXT NOT NULL,\n"
    "  at TEXT NOT NULL,\n"
    "  envelope BLOB NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE tenants (\n"
    "  tenant TEXT PRIMARY KEY,\n"
    "  rows INTEGER NOT NULL,\n"
    "  bytes INTEGER NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"
    "INSERT INTO tenants SELECT tenant, count(*), sum(length(envelope)) FROM results GROUP BY 1;\n"
    "CREATE INDEX results_by_tenant ON results (tenant, seq);\n";

/* The runs before the last. */
static const char version_4[] = "ALTER TABLE results ADD COLUMN tries TEXT;\n";

/* Whether its process had jobs before. */
static const char version_5[] = "ALTER TABLE results ADD COLUMN reuse_mode TEXT;\n"
                                "ALTER TABLE results ADD COLUMN reuse_call INTEGER;\n";

/* What the last run put. */
static const char version_6[] = "ALTER TABLE results ADD COLUMN artifacts TEXT;\n";

/* What the script is in, and what was done to it. */
static const char version_7[] = "ALTER TABLE results ADD COLUMN language TEXT;\n"
                                "ALTER TABLE results ADD COLUMN transform TEXT;\n";

/* What it did on the network. */
static const char version_8[] = "ALTER TABLE results ADD COLUMN egress TEXT;\n";

const char *const schema_steps[SCHEMA_STEPS] = {version_1, version_2, version_3, version_4,
                                                version_5, version_6, version_7, version_8};

static const char *const queries[QUERIES] = {
    /* Every commit asks. With ORDER BY over both, SQLite would make a table for it, with 90 kB of
     * memory that is fetched from the kernel and given back. */
    [Q_HEAD] = "SELECT seq, hash FROM results WHERE seq = (SELECT max(seq) FROM results) "
               "AND seq > coalesce((SELECT max(seq) FROM checkpoint), -1) UNION ALL "
               "SELECT seq, hash FROM checkpoint WHERE seq = (SELECT max(seq) FROM checkpoint) "
               "AND seq >= coalesce((SELECT max(seq) FROM results), -1)",
    [Q_FIND] = "SELECT envelope FROM results WHERE id = ?1 AND tenant = ?2",
    [Q_FIND_ANY] = "SELECT envelope FROM results WHERE id = ?1 LIMIT 2",
    [Q_HAS] = "SELECT 1 FROM results WHERE id = ?1 AND tenant = ?2",
    [Q_HAS_ANY] = "SELECT 1 FROM results WHERE id = ?1 LIMIT 1",
    [Q_IDS] = "SELECT id, tenant FROM results WHERE (id, tenant) > (?1, ?2) ORDER BY id, tenant "
              "LIMIT ?3",
    [Q_EACH] = "SELECT seq, envelope FROM results WHERE seq >= ?1 ORDER BY seq",
    [Q_HASH] = "SELECT hash FROM results WHERE seq = ?1",
    [Q_COUNT] = "SELECT count(*) FROM results",
    [Q_TALLY] = "INSERT INTO tenants VALUES (?1, ?2, ?3) ON CONFLICT (tenant) DO UPDATE SET "
                "rows = rows + excluded.rows, bytes = bytes + excluded.bytes",
    [Q_DELETE] = "DELETE FROM results WHERE seq = ?1",
    [Q_RUNS] = "SELECT first, last, prev, hash FROM pruned ORDER BY first",
    [Q_RUN_DELETE] = "DELETE FROM pruned WHERE first = ?1",
    [Q_RUN_INSERT] = "INSERT INTO pruned VALUES (?1, ?2, ?3, ?4)",
    [Q_CHECKPOINT] = "SELECT seq, prev, hash, envelope FROM checkpoint ORDER BY seq DESC LIMIT 1",
    [Q_CHECKPOINT_SET] = "INSERT INTO checkpoint VALUES (?1, ?2, ?3, ?4, ?5)",
    [Q_CHECKPOINT_DROP] = "DELETE FROM checkpoint",
    [Q_TENANTS] = "SELECT tenant, rows, bytes FROM tenants WHERE rows > 0 ORDER BY tenant",
    [Q_OLDEST] = "SELECT seq, prev, hash, length(envelope), finished_at FROM results WHERE "
                 "tenant = ?1 AND seq > ?2 ORDER BY seq",
    /* What this worker spent: earlier runs on others count there. */
    [Q_CPU] = "SELECT finished_at, CAST(round(1000 * (cpu_ms + coalesce((SELECT "
              "sum(json_extract(j.value, '$.cpu_ms')) FROM json_each(results.tries) AS j WHERE "
              "json_extract(j.value, '$.worker') = results.worker), 0))) AS INTEGER) FROM results "
              "WHERE tenant = ?1 AND finished_at IS NOT NULL ORDER BY seq DESC",
    /* Sequences grow with the chain, but for what was running at the same time. */
    [Q_STREAM_SEQ] = "SELECT max(stream_seq) FROM (SELECT stream_seq FROM results ORDER BY seq "
                     "DESC LIMIT 10000)",
};

void schema_add_columns(int version, struct buf *sql)
{
    for (int c = 0; c < COLUMNS; c++) {
        const char *read = schema_columns[c];
        if (version < 2 && c >= COL_FORM)
            read = c == COL_FORM ? "1" : "NULL";
        else if (version < 4 && c >= COL_TRIES)
            read = "NULL";
        else if ((version < 5 || version == SCHEMA_OF_ARCHIVE + 1) && c >= COL_REUSE_MODE)
            read = "NULL";
        else if ((version < 6 || version == SCHEMA_OF_ARCHIVE + 2) && c >= COL_ARTIFACTS)
            read = "NULL";
        else if ((version < 7 || version == SCHEMA_OF_ARCHIVE + 3) && c >= COL_LANGUAGE)
            read = "NULL";
        else if ((version < 8 ||
                  (version > SCHEMA_OF_ARCHIVE && version <= SCHEMA_OF_ARCHIVE + 4)) &&
                 c >= COL_EGRESS)
            read = "NULL";
        buf_addf(sql, "%s%s", c ? "," : "", read);
    }
}

const char *schema_place(int version)
{
    return version > SCHEMA_OF_ARCHIVE ? "n" : "seq";
}

static void add_all(int version, struct buf *sql)
{
    schema_add_columns(version, sql);
    buf_addf(sql, ",%s,%s", schema_place(version), version > SCHEMA_OF_ARCHIVE ? "chain" : "NULL");
}

void schema_query(enum query q, int version, struct buf *sql)
{
    if (version < 3 && q == Q_HEAD) {
        buf_adds(sql, "SELECT seq, hash FROM results ORDER BY seq DESC LIMIT 1");
        return;
    }
    if (q == Q_INSERT) {
        buf_adds(sql, "INSERT INTO results (");
        schema_add_columns(version, sql);
        buf_adds(sql, ") VALUES (");
        for (int c = 0; c < COLUMNS; c++)
            buf_addf(sql, "%s?%d", c ? "," : "", c + 1);
        buf_addc(sql, ')');
    } else if (q == Q_ROWS) {
        buf_adds(sql, "SELECT ");
        add_all(version, sql);
        buf_adds(sql, " FROM results WHERE seq >= ?1 ORDER BY seq LIMIT ?2");
    } else if (q == Q_LIST) {
        buf_adds(sql, "SELECT ");
        add_all(version, sql);
        buf_adds(sql, " FROM results");
    } else {
        buf_adds(sql, queries[q]);
    }
}
