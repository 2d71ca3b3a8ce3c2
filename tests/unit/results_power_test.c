/* The power fails: of what was written to the database and its WAL since each one's last sync, any
 * part is on the disk. What commits were told of is there all the same, and the file is whole.
 *
 * SQLite's write and truncate calls are noted, and so is each sync, which this program has in the
 * place of libc's: a crash is made of what a file had at its last sync and of some of the calls
 * since. */
#include "tests/unit/results_database.h"

#include "base/mem.h"
#include "results/db.h"

#define CRASHES 60
#define SECTOR  512 /* what a disk writes whole */

struct change {
    off_t at;
    size_t len;
    char *bytes; /* NULL: cut off there */
};
struct image {
    char *bytes;
    size_t len;
};
static struct noted {
    const char *end; /* of its path */
    struct image synced;
    struct change change[4096]; /* since */
    int changes, syncs;
} noted[] = {{.end = "/power.db"}, {.end = "/power.db-wal"}};

static uint32_t seed;

static uint32_t any(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* NULL: another file. */
static struct noted *noted_of(int fd)
{
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    for (size_t i = 0; i < ARRAY_LEN(noted); i++) {
        size_t len = strlen(noted[i].end);
        if ((size_t)n > len && n > 0 && !strcmp(path + n - len, noted[i].end))
            return &noted[i];
    }
    return NULL;
}

static void note(int fd, const void *p, size_t len, off_t at)
{
    struct noted *f = noted_of(fd);
    if (!f)
        return;
    assert_true(f->changes < (int)ARRAY_LEN(f->change));
    f->change[f->changes++] = (struct change){at, len, p ? mem_copy(p, len) : NULL};
}

static ssize_t noted_write(int fd, const void *p, size_t len, off_t at)
{
    note(fd, p, len, at);
    return pwrite(fd, p, len, at);
}

static int noted_cut(int fd, off_t at)
{
    note(fd, NULL, 0, at);
    return ftruncate(fd, at);
}

/* Bytes from..to of a change. */
static void apply(struct image *img, const struct change *c, size_t from, size_t to)
{
    size_t end = (size_t)c->at + to;
    if (!c->bytes) {
        img->len = img->len < (size_t)c->at ? img->len : (size_t)c->at;
        return;
    }
    if (end > img->len) {
        img->bytes = mem_grow(img->bytes, end);
        memset(img->bytes + img->len, 0, end - img->len);
        img->len = end;
    }
    memcpy(img->bytes + c->at + from, c->bytes + from, to - from);
}

int fdatasync(int fd)
{
    struct noted *f = noted_of(fd);
    for (int i = 0; f && i < f->changes; i++) {
        apply(&f->synced, &f->change[i], 0, f->change[i].len);
        free(f->change[i].bytes);
    }
    if (f) {
        f->changes = 0;
        f->syncs++;
    }
    return 0;
}

int fsync(int fd)
{
    return fdatasync(fd);
}

enum loss { ALL, THE_LAST, SOME, SECTORS, LOSSES };

static void apply_some(struct image *img, const struct noted *f, enum loss loss)
{
    int first = (int)any((uint32_t)f->changes + 1);
    for (int i = 0; i < f->changes && loss != ALL; i++) {
        const struct change *c = &f->change[i];
        if (loss == SECTORS && c->bytes)
            for (size_t from = 0; from < c->len; from += SECTOR) {
                size_t to = from + SECTOR < c->len ? from + SECTOR : c->len;
                if (any(2))
                    apply(img, c, from, to);
            }
        else if (loss == THE_LAST ? i < first : any(2) > 0)
            apply(img, c, 0, c->len);
    }
}

static void crash(void)
{
    enum loss loss = (enum loss)any(LOSSES);
    for (size_t i = 0; i < ARRAY_LEN(noted); i++) {
        struct image img = {.bytes = mem_grow(NULL, noted[i].synced.len + 1),
                            .len = noted[i].synced.len};
        memcpy(img.bytes, noted[i].synced.bytes, img.len);
        apply_some(&img, &noted[i], loss);
        FILE *f = fopen(at(i ? "crash.db-wal" : "crash.db"), "we");
        assert_non_null(f);
        assert_int_equal(fwrite(img.bytes, 1, img.len, f), img.len);
        assert_int_equal(fclose(f), 0);
        free(img.bytes);
    }
    unlink(at("crash.db-shm"));
}

/* What is found after the crash. */
static void check_crash(uint64_t told)
{
    struct err e = {0};
    uint64_t seq = 0;
    char hash[65];
    struct store *s = open_store("crash.db", STORE_WRITE);
    if (store_chain_head(s, &seq, hash, &e) || db_integrity(store_db(s), &e))
        fail_msg("%s", e.msg);
    assert_int_equal(store_count(s), seq);
    if (seq != told)
        fail_msg("%d rows of %d", (int)seq, (int)told);
    assert_int_equal(commit_rows(s, 1, &e), 0); /* and goes on */
    store_close(s);
}

static void note_calls(bool on)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_syscall_ptr write = on ? (sqlite3_syscall_ptr)noted_write : NULL;
    vfs->xSetSystemCall(vfs, "pwrite", write);
    vfs->xSetSystemCall(vfs, "pwrite64", write);
    vfs->xSetSystemCall(vfs, "ftruncate", on ? (sqlite3_syscall_ptr)noted_cut : NULL);
}

static void what_was_told_of_survives_a_loss_of_power(void **state)
{
    (void)state;
    struct err e = {0};
    uint64_t told = 0;
    seed = (uint32_t)getpid();
    note_calls(true);
    struct store *s = open_store("power.db", STORE_WRITE);
    struct store *copier = open_store("power.db", STORE_WRITE);
    db_leave_wal(store_db(s));
    for (int i = 0; i < CRASHES; i++) {
        int n = 1 + (int)any(BATCH / 2);
        bool copy = any(4) == 0;
        if (i == CRASHES / 2) /* from here on commits go into the WAL in parts */
            assert_int_equal(db_exec(store_db(s), "PRAGMA cache_size = 4", "", &e), 0);
        assert_int_equal(commit_rows(s, n, &e), 0);
        told += (uint64_t)n;
        if (copy) /* the next commit begins the WAL anew */
            assert_int_equal(db_copy_wal(any(2) ? store_db(s) : store_db(copier), &e), 0);
        crash();
        check_crash(told);
        if (any(4) == 0) {
            assert_int_equal(db_begin(store_db(s), &e), 0);
            assert_int_equal(db_exec(store_db(s), "UPDATE results SET value = hex(zeroblob(3000))",
                                     "change it", &e),
                             0);
            crash();
            check_crash(told);
            db_rollback(store_db(s));
        }
    }
    assert_true(noted[0].syncs > 2 && noted[1].syncs > CRASHES / 2);
    store_close(copier);
    store_close(s);
    note_calls(false);
    for (size_t i = 0; i < ARRAY_LEN(noted); i++) {
        for (int k = 0; k < noted[i].changes; k++)
            free(noted[i].change[k].bytes);
        free(noted[i].synced.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_told_of_survives_a_loss_of_power),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_dir_and_key, remove_test_dir);
}
