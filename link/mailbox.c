#include "link/mailbox.h"

#include <stdlib.h>

#include "base/mem.h"

struct mailbox {
    mailbox_reader read;
    void (*closed)(void *arg);
    void *arg;
    uv_async_t wake;
    uv_mutex_t lock;
    struct list letters; /* under the lock */
};

static void on_wake(uv_async_t *h)
{
    mailbox_read(h->data);
}

int mailbox_open(uv_loop_t *loop, mailbox_reader read, void *arg, struct mailbox **out,
                 struct err *e)
{
    struct mailbox *m = mem_alloc(sizeof *m);
    int rc = uv_async_init(loop, &m->wake, on_wake);
    if (rc) {
        free(m);
        return err_set(e, ERR_UNAVAILABLE, "cannot wake the loop: %s", uv_strerror(rc));
    }
    CHECK(uv_mutex_init(&m->lock) == 0);
    m->wake.data = m;
    m->read = read;
    m->arg = arg;
    list_init(&m->letters);
    *out = m;
    return 0;
}

void mailbox_post(struct mailbox *m, struct letter *l)
{
    uv_mutex_lock(&m->lock);
    bool first = list_empty(&m->letters);
    list_push_back(&m->letters, &l->node);
    /* Inside the lock: after it the reader may have the letter already, and close the mailbox. */
    if (first)
        uv_async_send(&m->wake);
    uv_mutex_unlock(&m->lock);
}

void mailbox_read(struct mailbox *m)
{
    struct list batch;
    list_init(&batch);
    uv_mutex_lock(&m->lock);
    if (!list_empty(&m->letters)) {
        batch = m->letters;
        batch.next->prev = batch.prev->next = &batch;
        list_init(&m->letters);
    }
    uv_mutex_unlock(&m->lock);
    for (struct list *n; (n = list_pop_front(&batch));)
        m->read(LIST_ENTRY(n, struct letter, node), m->arg);
}

static void on_closed(uv_handle_t *h)
{
    struct mailbox *m = h->data;
    uv_mutex_destroy(&m->lock);
    m->closed(m->arg);
    free(m);
}

void mailbox_close(struct mailbox *m, void (*closed)(void *arg))
{
    mailbox_read(m);
    m->closed = closed;
    uv_close((uv_handle_t *)&m->wake, on_closed);
}
