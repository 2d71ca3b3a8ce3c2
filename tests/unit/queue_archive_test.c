/* A tar archive of a job's files: what is taken of it, and by which words everything else is
 * refused. Headers are written here, byte by byte. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/pack.h"
#include "queue/job/archive.h"

#define BLOCK 512

struct head {
    const char *name, *prefix;
    char type;
    const char *size; /* NULL: of the data */
    const char *magic;
};

static void add_head(struct buf *t, const struct head *h, size_t len)
{
    char b[BLOCK] = {0}, text[13];
    unsigned sum = 0;
    strncpy(b, h->name, 100);
    strcpy(b + 100, "0000644");
    snprintf(text, sizeof text, "%011o", (unsigned)len);
    memcpy(b + 124, h->size ? h->size : text, 12);
    b[156] = h->type;
    memcpy(b + 257, h->magic ? h->magic : "ustar\00000", 8);
    if (h->prefix)
        strncpy(b + 345, h->prefix, 155);
    memset(b + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)b[i];
    snprintf(b + 148, 8, "%06o", sum);
    buf_add(t, b, BLOCK);
}

static void add(struct buf *t, const struct head *h, const char *data, size_t len)
{
    static const char zero[BLOCK];
    add_head(t, h, len);
    buf_add(t, data, len);
    buf_add(t, zero, (BLOCK - len % BLOCK) % BLOCK);
}

static void add_file(struct buf *t, const char *name, const char *text)
{
    add(t, &(struct head){.name = name, .type = '0'}, text, strlen(text));
}

static void end(struct buf *t)
{
    static const char zero[2 * BLOCK];
    buf_add(t, zero, sizeof zero);
}

/* "path=text|…" of a pack; frees everything. */
static char *listed(struct buf *t)
{
    struct archive a;
    struct err e = {0};
    struct buf b = {0};
    struct pack_file f;
    size_t at = 0, count;
    if (archive_read(t->data, t->len, &a, &e))
        fail_msg("%s", e.msg);
    assert_true(pack_check(a.pack, a.len, &count));
    while (pack_next(a.pack, a.len, &at, &f))
        buf_addf(&b, "%.*s=%.*s|", (int)f.path_len, f.path, (int)f.data_len, f.data);
    archive_free(&a);
    buf_free(t);
    return buf_take(&b, NULL);
}

static void assert_listed(struct buf *t, const char *what)
{
    char *found = listed(t);
    assert_string_equal(found, what);
    free(found);
}

static void assert_refused(struct buf *t, const char *words)
{
    struct archive a;
    struct err e = {0};
    assert_int_equal(archive_read(t->data ? t->data : "", t->len, &a, &e), ERR_INVALID);
    if (!strstr(e.msg, words))
        fail_msg("found '%s'; expected '%s'", e.msg, words);
    assert_null(a.pack);
    archive_free(&a);
    buf_free(t);
}

static void files_and_folders_are_taken_in_order(void **state)
{
    (void)state;
    struct buf t = {0};
    add(&t, &(struct head){.name = "./", .type = '5'}, "", 0);
    add_file(&t, "./b.mjs", "two");
    add(&t, &(struct head){.name = "a/", .type = '5'}, "", 0);
    add_file(&t, "a/x.json", "[1]");
    add(&t, &(struct head){.name = "old", .type = 0, .magic = "\0\0\0\0\0\0\0\0"}, "v7", 2);
    add(&t, &(struct head){.name = "olddir/", .type = 0}, "", 0);
    add_file(&t, "empty", "");
    add(&t, &(struct head){.name = "name", .prefix = "deep/er", .type = '0'}, "p", 1);
    add(&t, &(struct head){.name = "gnu", .prefix = "x", .type = '0', .magic = "ustar  "}, "g", 1);
    end(&t);
    assert_listed(&t, "a/x.json=[1]|b.mjs=two|deep/er/name=p|empty=|gnu=g|old=v7|");
}

static void long_names_of_pax_and_gnu(void **state)
{
    (void)state;
    struct buf t = {0};
    char name[201], record[256];
    memset(name, 'n', 200);
    name[200] = 0;
    add(&t, &(struct head){.name = "././@LongLink", .type = 'L', .magic = "ustar  "}, name, 201);
    add_file(&t, "nnn", "gnu");
    memset(name, 'm', 200);
    snprintf(record, sizeof record, "18 ctime=12345.67\n210 path=%s\n", name);
    record[18 + 210] = 0;
    assert_int_equal(strlen(record), 18 + 210);
    add(&t, &(struct head){.name = "PaxHeaders/x", .type = 'x'}, record, strlen(record));
    add_file(&t, "mmm", "pax");
    const char *size = "10 size=3\n";
    add(&t, &(struct head){.name = "PaxHeaders/y", .type = 'x'}, size, 10);
    add(&t, &(struct head){.name = "sized", .type = '0', .size = "00000000000"}, "abc", 3);
    add(&t, &(struct head){.name = "g", .type = 'g'}, "14 comment=ab\n", 14);
    add_file(&t, "short", "s");
    end(&t);
    char *found = listed(&t);
    assert_non_null(strstr(found, "mmmm=pax|nnn"));
    assert_non_null(strstr(found, "nnnn=gnu|short=s|sized=abc|"));
    free(found);
}

static void gzip_of_one_member(void **state)
{
    (void)state;
    for (int more = 0; more < 3; more++) {
        struct buf t = {0}, z = {0};
        add_file(&t, "a", "in gzip");
        end(&t);
        unsigned char *out = mem_alloc(t.len + 100);
        z_stream s = {.next_in = (Bytef *)t.data,
                      .avail_in = (uInt)t.len,
                      .next_out = out,
                      .avail_out = (uInt)t.len + 100};
        assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
        assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
        buf_add(&z, out, s.total_out - (more == 1 ? 5 : 0));
        if (more == 2)
            buf_add(&z, "junk", 4);
        deflateEnd(&s);
        free(out);
        buf_free(&t);
        if (more == 0)
            assert_listed(&z, "a=in gzip|");
        else
            assert_refused(&z, more == 1 ? "gzip is cut off" : "4 bytes behind the end");
    }
}

static void a_bomb_is_stopped_at_the_bound(void **state)
{
    (void)state;
    struct buf z = {0};
    unsigned char *piece = mem_alloc(1 << 20), out[65536];
    z_stream s = {0};
    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
    for (int mb = 0; mb <= 200; mb++) {
        s.next_in = piece;
        s.avail_in = mb < 200 ? 1 << 20 : 0;
        do {
            s.next_out = out;
            s.avail_out = sizeof out;
            deflate(&s, mb < 200 ? Z_NO_FLUSH : Z_FINISH);
            buf_add(&z, out, sizeof out - s.avail_out);
        } while (s.avail_out == 0);
    }
    deflateEnd(&s);
    free(piece);
    assert_true(z.len < 300000);
    assert_refused(&z, "holds more than 41943040 bytes");
}

static void what_is_no_file_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        char type;
        const char *words;
    } kinds[] = {{'1', "entry 'it' is a hard link"},
                 {'2', "entry 'it' is a symbolic link"},
                 {'3', "is a device"},
                 {'4', "is a device"},
                 {'6', "is a pipe"},
                 {'S', "is a sparse file"},
                 {'K', "is of an unknown kind"},
                 {'V', "is of an unknown kind"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct buf t = {0};
        add_file(&t, "first", "1");
        add(&t, &(struct head){.name = "it", .type = kinds[i].type}, "", 0);
        end(&t);
        assert_refused(&t, kinds[i].words);
    }
}

static void paths_that_lead_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"/etc/passwd", "../x", "a/../b", "a//b", "a/./b", "..", "",
                                        "a\\b",        "a\nb", "\xff",   "a/.."};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct buf t = {0};
        add_file(&t, paths[i], "1");
        end(&t);
        assert_refused(&t, "has a path that is refused");
    }
    struct buf t = {0};
    char name[300];
    memset(name, 'n', sizeof name);
    add(&t, &(struct head){.name = "L", .type = 'L'}, name, 256);
    add_file(&t, "nnn", "");
    end(&t);
    assert_refused(&t, "nnnn…' has a path that is refused");
    add_file(&t, "a", "1");
    add_file(&t, "./a", "2");
    end(&t);
    assert_refused(&t, "entry 'a' is there twice");
}

static void lengths_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *size, *words;
    } sizes[] = {{"00000010000", "has more bytes than the archive"},
                 {"77777777777", "has more bytes than the archive"},
                 {"777777777777", "has more bytes than the archive"},
                 {"\x80\0\0\0\0\0\0\0\0\0\0\1", "no octal number"},
                 {"-1         ", "no octal number"},
                 {"           ", "no octal number"},
                 {"0000000009 ", "no octal number"}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct buf t = {0};
        add(&t, &(struct head){.name = "it", .type = '0', .size = sizes[i].size}, "1", 1);
        end(&t);
        assert_refused(&t, sizes[i].words);
    }
    static const char *const records[] = {
        "99 path=x\n",         "x",        "10 path=x",  "9 pathxx\n",
        "8 =abcd\n",           "0 path=x", "9 size=-\n", "18446744073709551616 a=b\n",
        "20 GNU.sparse.size=1"};
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        struct buf t = {0};
        add(&t, &(struct head){.name = "x", .type = 'x'}, records[i], strlen(records[i]));
        add_file(&t, "a", "1");
        end(&t);
        assert_refused(&t, "pax header that is not understood");
    }
    struct buf t = {0};
    add(&t, &(struct head){.name = "g", .type = 'g'}, "9 path=x\n", 9);
    add_file(&t, "a", "1");
    end(&t);
    assert_refused(&t, "pax header that is not understood");
}

static void what_is_cut_off_or_no_tar_is_refused(void **state)
{
    (void)state;
    struct buf t = {0};
    add_file(&t, "a", "1");
    assert_refused(&t, "there is no end");
    buf_adds(&t, "not a tar");
    assert_refused(&t, "there is no end");
    assert_refused(&t, "there is no end");
    for (int i = 0; i < 600; i++)
        buf_adds(&t, "x");
    assert_refused(&t, "sum does not fit");
    end(&t);
    assert_refused(&t, "has no files");
    buf_add(&t, "\x28\xb5\x2f\xfd\0\0", 6);
    assert_refused(&t, "is zstd; allowed: tar, plain or in gzip");
    add(&t, &(struct head){.name = "L", .type = 'L'}, "name", 5);
    end(&t);
    assert_refused(&t, "an entry that is not there");
    add_file(&t, "a", "1");
    t.data[0] = 'b';
    end(&t);
    assert_refused(&t, "sum does not fit");
}

static void counts_and_sums_are_bounded(void **state)
{
    (void)state;
    struct buf t = {0};
    char name[32];
    for (int i = 0; i <= 4096; i++) {
        snprintf(name, sizeof name, "f%d", i);
        add_file(&t, name, "");
    }
    end(&t);
    assert_refused(&t, "entry 'f4096' is one file too many");
    for (int i = 0; i <= ARCHIVE_ENTRIES_MAX; i++)
        add(&t, &(struct head){.name = "d/", .type = '5'}, "", 0);
    end(&t);
    assert_refused(&t, "more than 16384 entries");
    char *big = mem_alloc(ARCHIVE_FILES_BYTES_MAX);
    add(&t, &(struct head){.name = "big", .type = '0'}, big, ARCHIVE_FILES_BYTES_MAX);
    add_file(&t, "more", "1");
    end(&t);
    free(big);
    assert_refused(&t, "entry 'more' brings the files over 32 MiB");
}

static void hashes_are_those_of_the_files(void **state)
{
    (void)state;
    struct buf t = {0};
    struct archive a;
    char line[SHA256_HEX + 8], hex[SHA256_HEX];
    add_file(&t, "a", "abc");
    end(&t);
    assert_int_equal(archive_read(t.data, t.len, &a, NULL), 0);
    crypto_sha256_hex("abc", 3, hex);
    snprintf(line, sizeof line, "%s  a\n", hex);
    assert_int_equal(a.hashes_len, strlen(line));
    assert_memory_equal(a.hashes, line, a.hashes_len);
    archive_free(&a);
    buf_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_folders_are_taken_in_order),
        cmocka_unit_test(long_names_of_pax_and_gnu),
        cmocka_unit_test(gzip_of_one_member),
        cmocka_unit_test(a_bomb_is_stopped_at_the_bound),
        cmocka_unit_test(what_is_no_file_is_refused_by_name),
        cmocka_unit_test(paths_that_lead_elsewhere_are_refused),
        cmocka_unit_test(lengths_that_lie_are_refused),
        cmocka_unit_test(what_is_cut_off_or_no_tar_is_refused),
        cmocka_unit_test(counts_and_sums_are_bounded),
        cmocka_unit_test(hashes_are_those_of_the_files),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
