#include "queue/schedule/zone.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/mem.h"

#define TZDATA "/usr/share/zoneinfo"

struct zone {
    GTimeZone *zone; /* GLib shares those of one name and locks what it must */
};

/* What GLib would take besides names (offsets, POSIX rules, paths) is no name of a zone. */
static bool plain_name(const char *name)
{
    size_t len = strlen(name);
    if (len < 1 || len > ZONE_NAME_MAX || !isalpha((unsigned char)name[0]) || strstr(name, "//"))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("/_+-", name[i]))
            return false;
    /* Those count leap seconds, or are the same zones again. */
    return strncmp(name, "right/", 6) != 0 && strncmp(name, "posix/", 6) != 0;
}

/* GLib speaks up on stderr about folders and other files: they do not come to it. */
static bool in_tzdata(const char *name)
{
    char path[256], magic[4];
    const char *dir = getenv("TZDIR"); /* as GLib looks */
    snprintf(path, sizeof path, "%s/%s", dir ? dir : TZDATA, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is = read(fd, magic, sizeof magic) == (ssize_t)sizeof magic && !memcmp(magic, "TZif", 4);
    close(fd);
    return is;
}

int zone_open(const char *name, struct zone **out, struct err *e)
{
    GTimeZone *zone = NULL;
    if (!strcmp(name, "UTC"))
        zone = g_time_zone_new_utc();
    else if (plain_name(name) && in_tzdata(name))
        zone = g_time_zone_new_identifier(name);
    if (!zone)
        return err_set(e, ERR_INVALID,
                       "zone: found \"%.64s\"; allowed: a time zone's name as in Europe/Berlin or "
                       "UTC (/usr/share/zoneinfo of package tzdata)",
                       name);
    struct zone *z = mem_alloc(sizeof *z);
    z->zone = zone;
    *out = z;
    return 0;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    g_time_zone_unref(z->zone);
    free(z);
}

int64_t zone_offset(const struct zone *z, int64_t at_s)
{
    gint interval = g_time_zone_find_interval(z->zone, G_TIME_TYPE_UNIVERSAL, at_s);
    return interval < 0 ? 0 : g_time_zone_get_offset(z->zone, interval);
}
