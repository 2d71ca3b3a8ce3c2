/* Deliveries in somebody's hands: taken, kept alive, acked, handed back, freed. */
#include "queue/stream/intake_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spare.h"
#include "base/text.h"
#include "queue/stream/later.h"
#include "queue/stream/leftovers.h"
#include "queue/job/signature.h"

#define NS_PER_US   ((int64_t)1000)
/* Never without a delay: that is what nats-server writes down. A job handed back without one is
 * kept until its ack_wait is over when the server is restarted, as that of `up` is. */
#define HANDED_BACK "-NAK {\"delay\":1000000}"

/* One delivery in somebody's hands. */
struct intake_slot {
    struct list node;      /* in intake.held, oldest first */
    struct puller *puller; /* NULL: acked, handed back, or the intake is closed */
    struct link_msg *msg;
    int64_t since_us;
    bool aside; /* not counted by the puller */
};

static _Thread_local struct spare spare, spare_slots; /* of deliveries that are freed */

/* ---- a job comes ---- */

static void back_at_once(struct intake *i, const char *ack_subject)
{
    struct err e = {0};
    if (link_publish(i->link, ack_subject, NULL, NULL, 0, HANDED_BACK, strlen(HANDED_BACK), &e))
        log_debug("queue", "cannot hand a job back: %s", e.msg);
}

/* Whoever may publish may send that header: it can make a job older, not younger. */
int64_t intake_first_published_us(const char *text, int64_t stored_us)
{
    if (!text || strlen(text) > 15 || strspn(text, "0123456789") != strlen(text))
        return stored_us;
    int64_t us = strtoll(text, NULL, 10) * 1000;
    return us > 0 && us < stored_us ? us : stored_us;
}

static struct delivery *take(struct intake *i, struct puller *p, struct link_msg *m,
                             const struct ack_facts *facts)
{
    struct delivery *d = spare_alloc(&spare, sizeof *d);
    struct intake_slot *s = spare_alloc(&spare_slots, sizeof *s);
    const char *msg_id = link_msg_header(m, "Nats-Msg-Id");
    text_copy(d->subject, sizeof d->subject, m->subject);
    d->msg_id = msg_id ? mem_strdup(msg_id) : NULL;
    d->stream_seq = facts->stream_seq;
    d->delivered = facts->delivered > UINT32_MAX ? UINT32_MAX : (uint32_t)facts->delivered;
    d->published_at_us =
        intake_first_published_us(link_msg_header(m, PUBLISHED_HEADER), facts->stored_at_us);
    d->slot = s;
    s->msg = link_msg_keep(m);
    d->data = (char *)(uintptr_t)s->msg->data;
    d->len = s->msg->len;
    d->carried_id = link_msg_header(s->msg, LATER_ID_HEADER);
    d->signature = link_msg_header(s->msg, SIGNATURE_HEADER);
    d->signatures = d->signature ? link_msg_header_count(s->msg, SIGNATURE_HEADER) : 0;
    s->puller = p;
    s->since_us = clock_mono_us();
    if (d->stream_seq > i->used_seq) /* for a stream that is deleted while we run */
        i->used_seq = d->stream_seq;
    list_push_back(&i->held, &s->node);
    p->kept++;
    puller_took(p, (int64_t)d->len);
    return d;
}

void intake_held_take(struct puller *p, struct link_msg *m, const struct ack_facts *facts,
                      void *arg)
{
    struct intake *i = arg;
    if (i->state == STOPPED || puller_is_full(p)) { /* of a pull that was given up as lost */
        back_at_once(i, m->reply);
        return;
    }
    struct delivery *d = take(i, p, m, facts);
    i->ev.job(d, i->arg);
    puller_go_on(p);
}

/* ---- a job goes ---- */

/* Not ours any more; what it carries stays until delivery_free(). */
static void release(struct intake_slot *s)
{
    struct puller *p = s->puller;
    if (!p)
        return;
    s->puller = NULL;
    list_remove(&s->node);
    p->kept--;
    if (!s->aside)
        puller_gave(p, (int64_t)s->msg->len);
    else
        puller_go_on(p);
}

void intake_set_aside(struct intake *i, struct delivery *d)
{
    (void)i;
    struct intake_slot *s = d->slot;
    if (!s || !s->puller || s->aside)
        return;
    s->aside = true;
    puller_gave(s->puller, (int64_t)s->msg->len);
}

void intake_take_up(struct intake *i, struct delivery *d)
{
    (void)i;
    struct intake_slot *s = d->slot;
    if (!s || !s->puller || !s->aside)
        return;
    s->aside = false;
    puller_took(s->puller, (int64_t)s->msg->len);
}

void intake_runs(struct intake *i, struct delivery *d)
{
    if (d->slot && d->slot->puller && d->slot->puller->limited)
        intake_set_aside(i, d);
}

static void answer(struct intake *i, struct delivery *d, const char *text)
{
    struct err e; /* set by what fails */
    if (!d->slot || !d->slot->puller)
        return;
    if (link_publish(i->link, d->slot->msg->reply, NULL, NULL, 0, text, strlen(text), &e))
        log_warn("queue", "job %" PRIu64 " will be delivered again: %s", d->stream_seq, e.msg);
    release(d->slot);
}

void intake_ack(struct intake *i, struct delivery *d)
{
    if (d->leftover_of)
        leftovers_remove(d->leftover_of, d->stream_seq);
    else
        answer(i, d, "+ACK");
}

void intake_hand_back(struct intake *i, struct delivery *d, int64_t delay_ms)
{
    char text[64] = HANDED_BACK;
    if (delay_ms > 0)
        snprintf(text, sizeof text, "-NAK {\"delay\":%" PRId64 "}", delay_ms * 1000 * NS_PER_US);
    answer(i, d, text);
}

void delivery_free(struct delivery *d)
{
    if (!d)
        return;
    if (d->slot) {
        release(d->slot);
        link_msg_free(d->slot->msg);
        spare_free(&spare_slots, d->slot);
    } else {
        struct leftovers *from = d->leftover_of;
        for (size_t k = 0; k < sizeof d->owned / sizeof *d->owned; k++)
            free(d->owned[k]);
        free(d->data);
        if (from)
            leftovers_freed(from);
    }
    free(d->msg_id);
    spare_free(&spare, d);
}

/* "I am still at it", for all that would otherwise run out before the next time. */
void intake_held_keep(struct intake *i)
{
    int64_t older_us = i->config->nats.ack_wait_ms * 1000 / PROGRESS_PART;
    int64_t now = clock_mono_us();
    if (!link_is_up(i->link))
        return;
    LIST_FOREACH(n, &i->held)
    {
        struct intake_slot *s = LIST_ENTRY(n, struct intake_slot, node);
        struct err e = {0};
        if (now - s->since_us < older_us / 2) /* and so are all behind it */
            break;
        if (link_publish(i->link, s->msg->reply, NULL, NULL, 0, "+WPI", 4, &e)) {
            intake_tell(i, &e);
            break;
        }
    }
}

void intake_held_forget(struct intake *i)
{
    LIST_FOREACH(n, &i->held)
    {
        list_remove(n);
        LIST_ENTRY(n, struct intake_slot, node)->puller = NULL;
    }
}
