/* How this works: SQLite writes a commit into the WAL as 24 bytes of header and a page, again and
 * again, each at the end of the one before, and then syncs. Here such writes are held back until
 * ROOM is full, they do not follow one another, or somebody has to see them: a sync, a read, a
 * truncation, a question for the length. So a commit of a hundred rows is a handful of calls.
 *
 * Readers, in whatever process, find their way in the WAL by the index in shared memory, and SQLite
 * tells that of a commit behind its sync. So with synchronous=FULL no index tells of bytes that are
 * held here, and a write that fails late is the sync's failure, hence the commit's. Before a commit
 * shows in the index it passes xShmBarrier(): there a handle that does not sync, and has nobody to
 * tell of a failure, ends rather than lies. What is held when the writer's lock is given back was
 * never committed.
 *
 * What was held and could not be written is gone, while SQLite, told of it by whatever call came
 * next, may go on with the transaction: of a read that fails, or of a full disk, it takes back one
 * statement and no more. So from then on that transaction cannot be committed, nor read what it
 * lost.
 *
 * Only the WAL is treated so. A checkpoint may tell readers of pages in the database without a sync
 * before, and would not hear of a failure. */
#include "results/gather.h"
#include "base/mem.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Below 128 kB: longer writes the unix VFS cuts in a way that reads as a full disk. */
#define ROOM        (120 << 10)
#define PIECE       (64 << 10)
#define WRITER_LOCK 0 /* which of the locks in shared memory: "WAL-mode File Format", 2.3.1 */

struct file {
    sqlite3_file base;
    struct file *wal; /* of a database's file: its WAL, while that is open */
    struct file *db;  /* of a WAL: the other way round */
    char *held;       /* of a WAL: what is not written yet, */
    sqlite3_int64 at; /* where it belongs */
    int len;
    int lost; /* of a WAL: why what was held is gone; 0: nothing is, or the transaction */
    sqlite3_int64 lost_at; /* from here on */
    /* the system's file lies behind */
};

static sqlite3_file *under(sqlite3_file *f)
{
    return (sqlite3_file *)((struct file *)f + 1);
}

static struct file *ours(sqlite3_file *f)
{
    return (struct file *)f;
}

/* What cannot be written is forgotten: its commit fails, whichever call is told of it first. */
static int let_go(sqlite3_file *f)
{
    struct file *w = ours(f);
    int len = w->len;
    w->len = 0;
    if (len && !w->lost) {
        w->lost = under(f)->pMethods->xWrite(under(f), w->held, len, w->at);
        w->lost_at = w->at;
    }
    return w->lost;
}

static int write_file(sqlite3_file *f, const void *p, int len, sqlite3_int64 at)
{
    struct file *w = ours(f);
    if (!w->db || len > ROOM) {
        int rc = let_go(f);
        return rc ? rc : under(f)->pMethods->xWrite(under(f), p, len, at);
    }
    if (w->len && (at != w->at + w->len || w->len + len > ROOM))
        let_go(f);
    if (w->lost)
        return w->lost;
    if (!w->held)
        w->held = mem_alloc(ROOM);
    if (!w->len)
        w->at = at;
    memcpy(w->held + w->len, p, (size_t)len);
    w->len += len;
    return SQLITE_OK;
}

static int read_file(sqlite3_file *f, void *p, int len, sqlite3_int64 at)
{
    const struct file *w = ours(f);
    if (at < w->at + w->len && w->at < at + len)
        let_go(f);
    if (w->lost && at + len > w->lost_at)
        return w->lost;
    return under(f)->pMethods->xRead(under(f), p, len, at);
}

static int truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = let_go(f);
    return rc ? rc : under(f)->pMethods->xTruncate(under(f), size);
}

static int sync_file(sqlite3_file *f, int flags)
{
    int rc = let_go(f);
    return rc ? rc : under(f)->pMethods->xSync(under(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    int rc = let_go(f);
    return rc ? rc : under(f)->pMethods->xFileSize(under(f), size);
}

static int close_file(sqlite3_file *f)
{
    struct file *w = ours(f);
    if (w->db)
        w->db->wal = NULL;
    free(w->held);
    return under(f)->pMethods->xClose(under(f));
}

static void shm_barrier(sqlite3_file *f)
{
    struct file *wal = ours(f)->wal;
    CHECK(!wal || let_go(&wal->base) == SQLITE_OK);
    under(f)->pMethods->xShmBarrier(under(f));
}

static int shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    struct file *wal = ours(f)->wal;
    if (wal && offset == WRITER_LOCK && flags == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE))
        wal->len = wal->lost = 0;
    return under(f)->pMethods->xShmLock(under(f), offset, n, flags);
}

/* The pages of a checkpoint that lengthen the database come one by one; the kernel makes room for
 * each faster when that is there in large pieces. Only a hint: where it fails the pages will. */
static void lengthen(sqlite3_file *f, sqlite3_int64 to)
{
    static char zeros[PIECE];
    sqlite3_int64 at;
    int rc = under(f)->pMethods->xFileSize(under(f), &at);
    while (!rc && at < to) {
        sqlite3_int64 n = PIECE - at % PIECE;
        if (n > to - at)
            n = to - at;
        rc = under(f)->pMethods->xWrite(under(f), zeros, (int)n, at);
        at += n;
    }
}

static int control_file(sqlite3_file *f, int op, void *arg)
{
    if (op == SQLITE_FCNTL_SIZE_HINT)
        lengthen(f, *(const sqlite3_int64 *)arg);
    return under(f)->pMethods->xFileControl(under(f), op, arg);
}

/* ---- handed on ---- */

static int lock_file(sqlite3_file *f, int level)
{
    return under(f)->pMethods->xLock(under(f), level);
}

static int unlock_file(sqlite3_file *f, int level)
{
    return under(f)->pMethods->xUnlock(under(f), level);
}

static int check_reserved(sqlite3_file *f, int *out)
{
    return under(f)->pMethods->xCheckReservedLock(under(f), out);
}

static int sector_size(sqlite3_file *f)
{
    return under(f)->pMethods->xSectorSize(under(f));
}

static int characteristics(sqlite3_file *f)
{
    return under(f)->pMethods->xDeviceCharacteristics(under(f));
}

static int shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return under(f)->pMethods->xShmMap(under(f), page, size, extend, out);
}

static int shm_unmap(sqlite3_file *f, int remove)
{
    return under(f)->pMethods->xShmUnmap(under(f), remove);
}

static int fetch(sqlite3_file *f, sqlite3_int64 at, int len, void **out)
{
    return under(f)->pMethods->xFetch(under(f), at, len, out);
}

static int unfetch(sqlite3_file *f, sqlite3_int64 at, void *p)
{
    return under(f)->pMethods->xUnfetch(under(f), at, p);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = fetch,
    .xUnfetch = unfetch,
};

/* ---- the VFS ---- */

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    sqlite3_vfs *system = vfs->pAppData;
    memset(f, 0, sizeof(struct file));
    int rc = system->xOpen(system, name, under(f), flags, out);
    if (!under(f)->pMethods)
        return rc;
    CHECK(under(f)->pMethods->iVersion >= 3); /* as the unix VFS has since 2013 */
    f->pMethods = &methods;
    if (!rc && flags & SQLITE_OPEN_WAL) {
        ours(f)->db = ours(sqlite3_database_file_object(name));
        ours(f)->db->wal = ours(f);
    }
    return rc;
}

static sqlite3_vfs *system_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    return system_of(vfs)->xDelete(system_of(vfs), name, sync_folder);
}

static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return system_of(vfs)->xAccess(system_of(vfs), name, flags, out);
}

static int full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    return system_of(vfs)->xFullPathname(system_of(vfs), name, size, out);
}

static int randomness(sqlite3_vfs *vfs, int len, char *out)
{
    return system_of(vfs)->xRandomness(system_of(vfs), len, out);
}

static int sleep_us(sqlite3_vfs *vfs, int us)
{
    return system_of(vfs)->xSleep(system_of(vfs), us);
}

static int current_time(sqlite3_vfs *vfs, double *days)
{
    return system_of(vfs)->xCurrentTime(system_of(vfs), days);
}

static int current_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ms)
{
    return system_of(vfs)->xCurrentTimeInt64(system_of(vfs), ms);
}

static int last_error(sqlite3_vfs *vfs, int size, char *out)
{
    return system_of(vfs)->xGetLastError(system_of(vfs), size, out);
}

static sqlite3_vfs gather = {
    .iVersion = 2,
    .zName = "isolane-gather",
    .xOpen = open_file,
    .xDelete = delete_file,
    .xAccess = access_file,
    .xFullPathname = full_path,
    /* no xDlOpen() and kin: nothing loads extensions */
    .xRandomness = randomness,
    .xSleep = sleep_us,
    .xCurrentTime = current_time,
    .xGetLastError = last_error,
    .xCurrentTimeInt64 = current_time_ms,
};

static void make(void)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    CHECK(system && system->iVersion >= 2);
    gather.pAppData = system;
    gather.mxPathname = system->mxPathname;
    gather.szOsFile = (int)sizeof(struct file) + system->szOsFile;
    CHECK(sqlite3_vfs_register(&gather, 0) == SQLITE_OK);
}

const char *gather_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
    return gather.zName;
}
