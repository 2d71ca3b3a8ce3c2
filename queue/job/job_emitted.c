/* The field "emitted": which job emitted this one, and through how many it came. Workers write it
 * (executor/services/emit.c); a publisher who does only shortens what his job may emit. */
#include <string.h>

#include "base/mem.h"
#include "queue/job/decoding.h"

static int read_member(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *by = jv_string(v, &len);
    int64_t depth = 0;
    if (!strcmp(name, "by")) {
        if (!by || !job_id_valid(by, len))
            fault_at(d, "emitted.by: found %s; allowed: the id of a job", shown(v, found));
    } else if (!strcmp(name, "depth")) {
        if (!jv_int(v, &depth) || depth < 1 || depth > EMIT_DEPTH_MAX)
            fault_at(d, "emitted.depth: found %s; allowed: a whole number from 1 to %d",
                     shown(v, found), EMIT_DEPTH_MAX);
        else
            d->job->emit_depth = (int)depth;
    } else {
        fault_at(d, "emitted: unknown field '%s'; allowed: by, depth",
                 in_line(name, strlen(name), found));
    }
    return 0;
}

void read_emitted(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    if (jv_type(v) != JV_OBJECT)
        fault_at(d, "emitted: found %s; allowed: an object", shown(v, found));
    else
        jv_each(v, read_member, d);
}
