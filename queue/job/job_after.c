/* The fields "after" and "on_failure": which jobs a job waits for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/job/decoding.h"

const char *const on_failure_names[] = {"skip", "run", "fail", NULL};

static bool named_before(const struct job *j, const char *id)
{
    for (int i = 0; i < j->after_count; i++)
        if (!strcmp(j->after[i], id))
            return true;
    return false;
}

void read_after(struct decoding *d, const struct jv *v)
{
    struct job *j = d->job;
    char found[FOUND_TEXT];
    size_t n = jv_count(v);
    if (jv_type(v) != JV_ARRAY || n < 1 || n > JOB_AFTER_MAX) {
        if (jv_type(v) == JV_ARRAY)
            fault_at(d, "after: found %zu entries; allowed: 1 to %d job ids", n, JOB_AFTER_MAX);
        else
            fault_at(d, "after: found %s; allowed: an array of 1 to %d job ids", shown(v, found),
                     JOB_AFTER_MAX);
        return;
    }
    j->after = mem_alloc(n * sizeof *j->after);
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *id = jv_string(jv_at(v, i), &len);
        if (!id || !job_id_valid(id, len))
            fault_at(d,
                     "after[%zu]: found %s; allowed: the id of a job (1 to %d of the characters "
                     "A-Z a-z 0-9 _ . : = @ + -)",
                     i, shown(jv_at(v, i), found), JOB_ID_MAX);
        else if (named_before(j, id))
            fault_at(d, "after[%zu]: found %s again; allowed: each job once", i,
                     shown(jv_at(v, i), found));
        else
            j->after[j->after_count++] = mem_strdup(id);
    }
}

void read_on_failure(struct decoding *d, const struct jv *v)
{
    char found[FOUND_TEXT];
    const char *s = jv_string(v, NULL);
    d->on_failure_given = true;
    for (int i = 0; s && on_failure_names[i]; i++)
        if (!strcmp(s, on_failure_names[i])) {
            d->job->on_failure = (enum on_failure)i;
            return;
        }
    fault_at(d, "on_failure: found %s; allowed: \"skip\", \"run\", \"fail\"", shown(v, found));
}

/* A job that waits is put into the stream anew when it is ready, and must be the same job then: so
 * the id has to stand in the message itself. */
void check_after(struct decoding *d)
{
    const struct job *j = d->job;
    if (d->on_failure_given && !j->after_count)
        fault_at(d, "on_failure: found without after; allowed: with it");
    if (j->after_count && !d->id_given)
        fault_at(d, "after: found in a job without an id; allowed: with the field id");
    if (d->id_given && named_before(j, j->id))
        fault_at(d, "after: found the job's own id '%s'; allowed: ids of other jobs", j->id);
}

void free_after(struct job *j)
{
    for (int i = 0; i < j->after_count; i++)
        free(j->after[i]);
    free(j->after);
}
