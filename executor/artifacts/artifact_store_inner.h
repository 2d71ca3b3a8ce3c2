/* What the two kinds of artifact_store are made of. For executor/artifacts/ alone. */
#pragma once

#include "executor/artifacts/artifact_store.h"

struct artifact_ops {
    void (*free)(struct artifact_store *s);
    int (*read)(struct artifact_store *s, const char *tenant, const char *object, uint64_t size,
                const struct artifact_read_events *ev, void *arg, struct artifact_read **out,
                struct err *e);
    void (*pause)(struct artifact_read *r, bool paused);
    void (*read_free)(struct artifact_read *r);
    int (*write)(struct artifact_store *s, const char *tenant, const char *object,
                 const struct artifact_write_events *ev, void *arg, struct artifact_write **out,
                 struct err *e);
    bool (*add)(struct artifact_write *w, const char *data, size_t len);
    void (*end)(struct artifact_write *w);
    void (*write_free)(struct artifact_write *w);
    void (*remove)(struct artifact_store *s, const char *tenant, const char *object);
};

/* Each is the first member of its kind's own struct. */
struct artifact_store {
    const struct artifact_ops *ops;
    bool one_job; /* its objects are called as the job calls them */
};
struct artifact_read {
    const struct artifact_ops *ops;
};
struct artifact_write {
    const struct artifact_ops *ops;
};
