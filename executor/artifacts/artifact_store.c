#include "executor/artifacts/artifact_store_inner.h"

#include <stdio.h>

void artifact_object_name(const struct artifact_store *s, const char *job, const char *run,
                          const char *name, char out[ARTIFACT_OBJECT_MAX])
{
    if (s->one_job)
        snprintf(out, ARTIFACT_OBJECT_MAX, "%s", name);
    else
        snprintf(out, ARTIFACT_OBJECT_MAX, "out/%s/%s/%s", job, run, name);
}

void artifact_store_free(struct artifact_store *s)
{
    if (s)
        s->ops->free(s);
}

int artifact_read_begin(struct artifact_store *s, const char *tenant, const char *object,
                        uint64_t size, const struct artifact_read_events *ev, void *arg,
                        struct artifact_read **out, struct err *e)
{
    return s->ops->read(s, tenant, object, size, ev, arg, out, e);
}

void artifact_read_pause(struct artifact_read *r, bool paused)
{
    r->ops->pause(r, paused);
}

void artifact_read_free(struct artifact_read *r)
{
    if (r)
        r->ops->read_free(r);
}

int artifact_write_begin(struct artifact_store *s, const char *tenant, const char *object,
                         const struct artifact_write_events *ev, void *arg,
                         struct artifact_write **out, struct err *e)
{
    return s->ops->write(s, tenant, object, ev, arg, out, e);
}

bool artifact_write_add(struct artifact_write *w, const char *data, size_t len)
{
    return w->ops->add(w, data, len);
}

void artifact_write_end(struct artifact_write *w)
{
    w->ops->end(w);
}

void artifact_write_free(struct artifact_write *w)
{
    if (w)
        w->ops->write_free(w);
}

void artifact_remove(struct artifact_store *s, const char *tenant, const char *object)
{
    s->ops->remove(s, tenant, object);
}
