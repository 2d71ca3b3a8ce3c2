#include "link/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void outbox_init(struct outbox *o)
{
    list_init(&o->kept);
    o->bytes = 0;
}

static size_t text_size(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static const char *put_text(char **at, const char *s)
{
    size_t n = text_size(s);
    if (!n)
        return NULL;
    char *to = memcpy(*at, s, n);
    *at += n;
    return to;
}

bool outbox_add(struct outbox *o, const char *subject, const char *reply,
                const struct link_header *headers, int header_count, const void *data, size_t len)
{
    size_t head = sizeof(struct kept_message) + (size_t)header_count * sizeof *headers;
    size_t size = head + text_size(subject) + text_size(reply) + len;
    for (int i = 0; i < header_count; i++)
        size += text_size(headers[i].name) + text_size(headers[i].value);
    if (size > LINK_PENDING_MAX || o->bytes > LINK_PENDING_MAX - size)
        return false;
    struct kept_message *m = mem_alloc(size);
    char *at = (char *)m + head;
    m->size = size;
    m->subject = put_text(&at, subject);
    m->reply = put_text(&at, reply);
    m->header_count = header_count;
    for (int i = 0; i < header_count; i++) {
        m->headers[i].name = put_text(&at, headers[i].name);
        m->headers[i].value = put_text(&at, headers[i].value);
    }
    if (len)
        memcpy(at, data, len);
    m->data = at;
    m->len = len;
    o->bytes += size;
    list_push_back(&o->kept, &m->node);
    return true;
}

struct kept_message *outbox_take(struct outbox *o)
{
    struct list *n = list_pop_front(&o->kept);
    if (!n)
        return NULL;
    struct kept_message *m = LIST_ENTRY(n, struct kept_message, node);
    o->bytes -= m->size;
    return m;
}

void outbox_put_back(struct outbox *o, struct kept_message *m)
{
    list_push_front(&o->kept, &m->node);
    o->bytes += m->size;
}

void outbox_clear(struct outbox *o)
{
    for (struct kept_message *m; (m = outbox_take(o));)
        free(m);
}
