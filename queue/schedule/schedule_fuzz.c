/* Fuzz target: schedule_read(): what is taken keeps to its bounds, is written so that it reads back
 * as itself, and is due at some time or other; what is refused says so in one printable line. The
 * text up to the first line end is the key. `make fuzz T=schedule`. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/schedule/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const struct err *e)
{
    CHECK(e->code == ERR_INVALID);
    for (const char *p = e->msg; *p; p++)
        CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_taken(const char *key, const struct schedule *s)
{
    struct buf a = {0}, b = {0};
    struct schedule again;
    struct schedule_due due;
    char id[JOB_ID_MAX + 1];
    schedule_write(s, &a);
    if (a.len <= SCHEDULE_VALUE_MAX) {
        CHECK(schedule_read(key, a.data, a.len, 0, &again, NULL) == 0);
        schedule_write(&again, &b);
        CHECK(a.len == b.len && !memcmp(a.data, b.data, a.len));
        schedule_clear(&again);
    }
    buf_free(&a);
    buf_free(&b);
    schedule_tick_id(s, 1795255200, id);
    CHECK(job_id_valid(id, strlen(id)) && !job_id_is_sequence(id));
    schedule_due(s, 1795255200000000, SCHEDULE_LATE_MS, &due);
    CHECK(due.step == STEP_WAIT || due.tick_s <= 1795255200);
    CHECK(due.step == STEP_WAIT || due.tick_s > s->last_tick_s);
    CHECK(!s->paused || due.step == STEP_WAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = memchr(data, '\n', size);
    size_t key_len = line ? (size_t)(line - data) : 0, begin = line ? key_len + 1 : 0;
    char *key = line ? mem_copy(data, key_len) : mem_strdup("default.nightly");
    struct schedule s;
    struct err e = {0};
    if (schedule_read(key, (const char *)data + begin, size - begin, 1700000000000000, &s, &e))
        check_words(&e);
    else
        check_taken(key, &s);
    schedule_clear(&s);
    free(key);
    return 0;
}
