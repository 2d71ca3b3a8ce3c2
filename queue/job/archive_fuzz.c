/* Fuzz target: archive_read(): what is taken is a pack in order, within its bounds, with a line of
 * hashes for each file; what is refused says so in one printable line. `make fuzz T=archive`.
 *
 * Sums over headers would keep a fuzzer outside for ever: with a first byte that is odd, every
 * block that says "ustar" gets the sum that fits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "queue/job/archive.h"
#include "queue/job/job.h"

#define BLOCK 512
#define SUM   148
#define MAGIC 257

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_sums(char *tar, size_t len)
{
    for (size_t at = 0; len - at >= BLOCK; at += BLOCK) {
        char *h = tar + at, text[8];
        unsigned sum = 0;
        if (memcmp(h + MAGIC, "ustar", 5) != 0)
            continue;
        memset(h + SUM, ' ', 8);
        for (int i = 0; i < BLOCK; i++)
            sum += (unsigned char)h[i];
        snprintf(text, sizeof text, "%06o", sum);
        memcpy(h + SUM, text, 7);
    }
}

static void check_words(const struct err *e)
{
    CHECK(e->code == ERR_INVALID && *e->msg);
    for (const char *p = e->msg; *p; p++)
        CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    CHECK(utf8_valid_prefix(e->msg, strlen(e->msg)) == strlen(e->msg));
}

static void check_taken(const struct archive *a)
{
    struct pack_file f;
    size_t count = 0, lines = 0, bytes = 0, at = 0;
    CHECK(pack_check(a->pack, a->len, &count) && count > 0 && count <= JOB_FILES_MAX);
    while (pack_next(a->pack, a->len, &at, &f)) {
        bytes += f.data_len;
        CHECK(utf8_valid_prefix(f.path, f.path_len) == f.path_len);
    }
    CHECK(bytes <= ARCHIVE_FILES_BYTES_MAX);
    for (size_t i = 0; i < a->hashes_len; i++)
        lines += a->hashes[i] == '\n';
    CHECK(lines == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct archive a;
    struct err e = {0};
    char *tar = mem_copy(data + (size > 0), size ? size - 1 : 0);
    size_t len = size ? size - 1 : 0;
    if (size && (data[0] & 1))
        mend_sums(tar, len);
    if (archive_read(tar, len, &a, &e))
        check_words(&e);
    else
        check_taken(&a);
    archive_free(&a);
    free(tar);
    return 0;
}
