/* Fuzz target: cron_parse(), and the times of what it takes: ticks only go forward, the newest up
 * to a tick is that tick, and what is refused says so in one printable line. The first byte chooses
 * zone and moment. `make fuzz T=cron`. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/schedule/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const zone_names[] = {"UTC", "Europe/Berlin", "America/New_York",
                                         "Australia/Lord_Howe"};
static const int64_t moments[] = {0,          1774742400, 1792800000, 1772928000,
                                  1775314800, 4102444800, 951782400,  1330473600};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone *zones[ARRAY_LEN(zone_names)];
    struct cron c;
    struct err e = {0};
    if (size < 1)
        return 0;
    unsigned choice = data[0];
    if (cron_parse((const char *)data + 1, size - 1, &c, &e)) {
        CHECK(e.code == ERR_INVALID && strstr(e.msg, "allowed: "));
        for (const char *p = e.msg; *p; p++)
            CHECK((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
        return 0;
    }
    struct zone **z = &zones[choice % ARRAY_LEN(zones)];
    if (!*z)
        CHECK(zone_open(zone_names[choice % ARRAY_LEN(zones)], z, NULL) == 0);
    int64_t begin = moments[choice / 4 % ARRAY_LEN(moments)], at = begin;
    for (int i = 0; i < 4 && at >= 0; i++) {
        int64_t next = cron_next(&c, *z, begin, at);
        CHECK(next == -1 || next > at);
        if (next >= 0 && i == 1) {
            CHECK(cron_next(&c, *z, begin, next - 1) == next);
            CHECK(cron_newest(&c, *z, begin, begin, next) == next);
            CHECK(cron_newest(&c, *z, begin, at, next - 1) == -1);
        }
        at = next;
    }
    return 0;
}
