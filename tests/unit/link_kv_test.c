/* JetStream requests, following a stream, and key-value buckets, against a real nats-server. */
#include "link/follow.h"
#include "link/js.h"
#include "link/kv.h"
#include "tests/unit/link_fixture.h"

/* ---- what callbacks brought ---- */

struct seen {
    int done, code;
    uint64_t seq;
    bool duplicate;
    char text[256], key[KV_KEY_MAX + 1];
    int64_t at_us;
};

static void note(struct seen *s, const struct err *why)
{
    s->done++;
    s->code = why ? why->code : 0;
    if (why)
        snprintf(s->text, sizeof s->text, "%s", why->msg);
}

static void on_done(const struct err *why, void *arg)
{
    note(arg, why);
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    struct seen *s = arg;
    note(s, why);
    s->seq = seq;
    s->duplicate = duplicate;
}

static void on_found(const struct js_message *m, const struct err *why, void *arg)
{
    struct seen *s = arg;
    note(s, why);
    if (m) {
        snprintf(s->text, sizeof s->text, "%.*s", (int)m->m->len, m->m->data);
        s->seq = m->seq;
        s->at_us = m->stored_at_us;
    }
}

static void ensure(struct fixture *f, const char *name, const char *config)
{
    struct seen s = {0};
    struct err e = {0};
    assert_int_equal(js_ensure_stream(f->link, name, config, on_done, &s, &e), 0);
    UNTIL(f, s.done);
    if (s.code)
        fail_msg("%s", s.text);
}

static struct seen publish(struct fixture *f, const char *subject, const char *id, const char *text,
                           uint64_t last)
{
    struct seen s = {0};
    struct err e = {0};
    struct link_header h = {"Nats-Msg-Id", id};
    assert_int_equal(
        js_publish(f->link, subject, &h, id ? 1 : 0, text, strlen(text), last, on_stored, &s, &e),
        0);
    UNTIL(f, s.done);
    return s;
}

#define STREAM "{\"name\":\"S\",\"subjects\":[\"s.*\"],\"storage\":\"file\",\"allow_direct\":true}"

static void requests_to_jetstream(void **state)
{
    struct fixture *f = *state;
    struct seen s = {0};
    struct err e = {0};
    ensure(f, "S", STREAM);
    ensure(f, "S", STREAM); /* again, and with other settings: left as it is */
    ensure(f, "S", "{\"name\":\"S\",\"subjects\":[\"other.*\"],\"storage\":\"memory\"}");
    s = publish(f, "s.a", "m1", "one", JS_ANY);
    assert_int_equal(s.code, 0);
    assert_int_equal(s.seq, 1);
    s = publish(f, "s.a", "m1", "one", JS_ANY);
    assert_true(s.duplicate);
    assert_int_equal(publish(f, "s.a", NULL, "two", 0).code, ERR_CONFLICT);
    assert_int_equal(publish(f, "s.a", NULL, "two", 1).seq, 2);
    assert_int_equal(publish(f, "s.b", NULL, "three", 0).seq, 3);
    assert_int_equal(publish(f, "nowhere", NULL, "x", JS_ANY).code, ERR_UNAVAILABLE);

    memset(&s, 0, sizeof s);
    assert_int_equal(js_get_last(f->link, "S", "s.a", on_found, &s, &e), 0);
    UNTIL(f, s.done);
    assert_string_equal(s.text, "two");
    assert_true(s.at_us > 1700000000000000 && s.at_us <= clock_real_us() + 1000000);
    assert_int_equal(js_get(f->link, "S", 3, on_found, &s, &e), 0);
    UNTIL(f, s.done == 2);
    assert_string_equal(s.text, "three");
    assert_int_equal(js_get(f->link, "S", 99, on_found, &s, &e), 0);
    UNTIL(f, s.done == 3);
    assert_int_equal(s.code, ERR_NOT_FOUND);
    assert_int_equal(js_get_last(f->link, "S", "s.none", on_found, &s, &e), 0);
    UNTIL(f, s.done == 4);
    assert_int_equal(s.code, ERR_NOT_FOUND);
}

/* ---- following ---- */

struct followed {
    int count, caught_up, failed;
    uint64_t last;
    bool in_order;
    char text[32];
    struct follow *close_at_first;
};

static void on_message(const struct follow_message *m, void *arg)
{
    struct followed *f = arg;
    f->in_order &= m->seq > f->last;
    f->last = m->seq;
    f->count++;
    snprintf(f->text, sizeof f->text, "%.*s", (int)m->m->len, m->m->data);
    if (f->close_at_first)
        follow_close(f->close_at_first);
}

static void on_caught_up(void *arg)
{
    ((struct followed *)arg)->caught_up++;
}

static void on_failed(const struct err *why, void *arg)
{
    (void)why;
    ((struct followed *)arg)->failed++;
}

static const struct follow_events follow_handlers = {on_message, on_caught_up, on_failed};

static struct follow *follow(struct fixture *f, struct followed *to, struct follow_options o)
{
    struct follow *x = NULL;
    struct err e = {0};
    to->in_order = true;
    o.stream = o.stream ? o.stream : "S";
    o.batch = 7;
    assert_int_equal(follow_open(&f->loop, f->link, &o, &follow_handlers, to, &x, &e), 0);
    return x;
}

static void fill(struct fixture *f, int n)
{
    struct seen s = {0};
    struct err e = {0};
    for (int i = 0; i < n; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(js_publish(f->link, i % 2 ? "s.odd" : "s.even", NULL, 0, text,
                                    strlen(text), JS_ANY, on_stored, &s, &e),
                         0);
        if (i % 100 == 99)
            UNTIL(f, s.done == i + 1);
    }
    UNTIL(f, s.done == n);
}

static void followers_see_everything_once(void **state)
{
    struct fixture *f = *state;
    struct followed all = {0}, odd = {0}, late = {0}, fresh = {0}, each = {0}, none = {0};
    ensure(f, "S", STREAM);
    struct follow *x[6];
    x[0] = follow(f, &none, (struct follow_options){0});
    UNTIL(f, none.caught_up == 1); /* an empty stream is caught up with at once */
    fill(f, 500);
    x[1] = follow(f, &all, (struct follow_options){0});
    x[2] = follow(f, &odd, (struct follow_options){.filter = "s.odd"});
    x[3] = follow(f, &late, (struct follow_options){.from_seq = 401});
    x[4] = follow(f, &fresh, (struct follow_options){.new_only = true});
    x[5] = follow(f, &each, (struct follow_options){.last_each = true});
    UNTIL(f, all.caught_up && odd.caught_up && late.caught_up && fresh.caught_up && each.caught_up);
    assert_int_equal(all.count, 500);
    assert_int_equal(odd.count, 250);
    assert_int_equal(late.count, 100);
    assert_int_equal(fresh.count, 0);
    assert_int_equal(each.count, 2);
    fill(f, 20);
    UNTIL(f, all.count == 520 && odd.count == 260 && late.count == 120 && fresh.count == 20 &&
                 each.count == 22 && none.count == 520);
    assert_true(all.in_order && odd.in_order && late.in_order && fresh.in_order && each.in_order);
    for (int i = 0; i < 6; i++)
        follow_close(x[i]);
}

static void followers_go_on_after_a_crash_of_the_server(void **state)
{
    struct fixture *f = *state;
    struct followed all = {0}, gone = {0};
    ensure(f, "S", STREAM);
    fill(f, 50);
    struct follow *x = follow(f, &all, (struct follow_options){0});
    UNTIL(f, all.caught_up);
    nats_server_end(&f->server, SIGTERM); /* what it has told us it has on disk */
    nats_server_start(&f->server);
    UNTIL(f, f->connected == 2);
    fill(f, 50);
    UNTIL(f, all.count == 100);
    assert_true(all.in_order);
    follow_close(x);
    x = follow(f, &gone, (struct follow_options){.stream = "NONE"});
    UNTIL(f, gone.failed);
    follow_close(x);
}

static void a_follower_may_be_closed_from_inside(void **state)
{
    struct fixture *f = *state;
    struct followed one = {0};
    ensure(f, "S", STREAM);
    fill(f, 20);
    one.close_at_first = follow(f, &one, (struct follow_options){0});
    UNTIL(f, one.count == 1);
    for (int i = 0; i < 20; i++)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(one.count, 1);
    follow_close(follow(f, &one, (struct follow_options){0})); /* while its request is under way */
}

/* ---- buckets ---- */

static void on_got(const struct kv_entry *entry, const struct err *why, void *arg)
{
    struct seen *s = arg;
    note(s, why);
    if (entry) {
        snprintf(s->text, sizeof s->text, "%.*s", (int)entry->len, entry->value);
        snprintf(s->key, sizeof s->key, "%s", entry->key);
        s->seq = entry->revision;
    }
}

static void on_put(uint64_t revision, const struct err *why, void *arg)
{
    struct seen *s = arg;
    note(s, why);
    s->seq = revision;
}

static struct seen put(struct fixture *f, struct kv *kv, const char *key, const char *value,
                       uint64_t revision)
{
    struct seen s = {0};
    struct err e = {0};
    assert_int_equal(kv_put(kv, key, value, strlen(value), revision, on_put, &s, &e), 0);
    UNTIL(f, s.done);
    return s;
}

static struct seen drop(struct fixture *f, struct kv *kv, const char *key, uint64_t revision)
{
    struct seen s = {0};
    struct err e = {0};
    assert_int_equal(kv_delete(kv, key, revision, on_put, &s, &e), 0);
    UNTIL(f, s.done);
    return s;
}

static struct seen get(struct fixture *f, struct kv *kv, const char *key)
{
    struct seen s = {0};
    struct err e = {0};
    assert_int_equal(kv_get(kv, key, on_got, &s, &e), 0);
    UNTIL(f, s.done);
    return s;
}

static struct kv *open_kv(struct fixture *f)
{
    struct kv_options o = {
        .bucket = "things", .history = 3, .max_bytes = 1 << 20, .max_value = 4096, .replicas = 1};
    struct seen s = {0};
    struct kv *kv = kv_new(&f->loop, f->link, &o);
    kv_ensure(kv, on_done, &s);
    UNTIL(f, s.done);
    if (s.code)
        fail_msg("%s", s.text);
    return kv;
}

static void keys_are_put_by_revision(void **state)
{
    struct fixture *f = *state;
    struct kv *kv = open_kv(f);
    struct err e = {0};
    assert_int_equal(get(f, kv, "a").code, ERR_NOT_FOUND);
    struct seen first = put(f, kv, "a", "1", 0);
    assert_int_equal(first.code, 0);
    assert_int_equal(put(f, kv, "a", "2", 0).code, ERR_CONFLICT);
    struct seen second = put(f, kv, "a", "2", first.seq);
    assert_int_equal(second.code, 0);
    assert_int_equal(put(f, kv, "a", "3", first.seq).code, ERR_CONFLICT);
    assert_int_equal(put(f, kv, "a", "3", KV_ANY).code, 0);
    assert_string_equal(get(f, kv, "a").text, "3");
    assert_int_equal(drop(f, kv, "a", second.seq).code, ERR_CONFLICT);
    assert_int_equal(drop(f, kv, "a", KV_ANY).code, 0);
    assert_int_equal(get(f, kv, "a").code, ERR_NOT_FOUND);
    assert_int_equal(put(f, kv, "a", "again", 0).code, 0); /* a deleted key is not there */
    assert_string_equal(get(f, kv, "a").text, "again");
    assert_int_equal(put(f, kv, "a", "x", 0).code, ERR_CONFLICT);
    struct seen past = {0};
    assert_int_equal(kv_put_until(kv, "short", "x", 1, 0, 1000, on_put, &past, &e), 0);
    UNTIL(f, past.done);
    assert_int_equal(past.code, 0);
    assert_int_equal(get(f, kv, "short").code, ERR_NOT_FOUND); /* its time is over */
    assert_int_equal(put(f, kv, "short", "new", 0).code, 0);   /* so it can be made anew */
    assert_string_equal(get(f, kv, "short").text, "new");
    for (const char *const *bad =
             (const char *const[]){"", ".a", "a.", "a..b", "a b", "ä", "a*", NULL};
         *bad; bad++)
        assert_int_equal(kv_put(kv, *bad, "x", 1, 0, on_put, NULL, &e), ERR_INVALID);
    kv_free(kv);
    struct seen lost = {0};
    kv = open_kv(f);
    assert_int_equal(kv_get(kv, "a", on_got, &lost, &e), 0);
    kv_free(kv); /* the answer comes to nobody */
    for (int i = 0; i < 20; i++)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(lost.done, 0);
}

struct watched {
    int entries, deleted, current, at_current;
    char keys[256];
};

static void on_entry(const struct kv_entry *entry, void *arg)
{
    struct watched *w = arg;
    w->entries++;
    w->deleted += entry->deleted;
    strncat(w->keys, entry->key, sizeof w->keys - strlen(w->keys) - 1);
    strncat(w->keys, entry->deleted ? "- " : " ", sizeof w->keys - strlen(w->keys) - 1);
}

static void on_current(void *arg)
{
    struct watched *w = arg;
    w->current++;
    w->at_current = w->entries;
}

static void watches_tell_what_is_and_what_changes(void **state)
{
    static const struct kv_watch_events ev = {on_entry, on_current, on_failed};
    struct fixture *f = *state;
    struct kv *kv = open_kv(f);
    struct kv_watch *all, *some;
    struct watched w = {0}, p = {0};
    struct err e = {0};
    put(f, kv, "a.x", "1", 0);
    put(f, kv, "a.y", "1", 0);
    put(f, kv, "a.y", "2", KV_ANY);
    put(f, kv, "b", "1", 0);
    put(f, kv, "gone", "1", 0);
    drop(f, kv, "gone", KV_ANY);
    assert_int_equal(kv_watch(kv, NULL, &ev, &w, &all, &e), 0);
    assert_int_equal(kv_watch(kv, "a.*", &ev, &p, &some, &e), 0);
    UNTIL(f, w.current && p.current);
    assert_string_equal(w.keys, "a.x a.y b ");
    assert_string_equal(p.keys, "a.x a.y ");
    drop(f, kv, "a.x", KV_ANY);
    put(f, kv, "c", "1", 0);
    UNTIL(f, w.entries == 5 && p.entries == 3);
    assert_string_equal(w.keys, "a.x a.y b a.x- c ");
    assert_int_equal(w.current, 1);
    kv_watch_free(all);
    kv_watch_free(some);
    kv_free(kv);
}

static void on_any(const struct kv_entry *entry, void *arg)
{
    (void)entry;
    (void)arg;
}

static void on_put_done(uint64_t revision, const struct err *why, void *arg)
{
    (void)revision;
    (void)why;
    ++*(int *)arg;
}

/* The value that a watch would begin with is replaced while it begins. */
static void a_watch_is_current_though_its_first_value_goes(void **state)
{
    static const struct kv_watch_events ev = {on_any, on_current, on_failed};
    struct fixture *f = *state;
    struct kv_options o = {
        .bucket = "LAST", .history = 1, .max_bytes = -1, .max_value = -1, .replicas = 1};
    struct kv *kv = kv_new(&f->loop, f->link, &o);
    struct seen made = {0};
    struct err e = {0};
    kv_ensure(kv, on_done, &made);
    UNTIL(f, made.done);
    for (int i = 0; i < 2; i++) {
        struct watched w = {0};
        struct kv_watch *watch;
        int done = 0;
        assert_int_equal(kv_put(kv, "k", "1", 1, KV_ANY, on_put_done, &done, &e), 0);
        UNTIL(f, done);
        assert_int_equal(kv_watch(kv, NULL, &ev, &w, &watch, &e), 0);
        for (int k = 0; k < i; k++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        done = 0;
        assert_int_equal(kv_delete(kv, "k", KV_ANY, on_put_done, &done, &e), 0);
        UNTIL(f, done && w.current);
        kv_watch_free(watch);
    }
    kv_free(kv);
}

#define PUTS_AT_ONCE 16

struct churn {
    struct kv *kv;
    bool stop;
    int under_way, puts;
};

static void on_churned(uint64_t revision, const struct err *why, void *arg)
{
    struct churn *c = arg;
    struct err e = {0};
    (void)revision;
    (void)why;
    c->puts++;
    c->under_way--;
    while (!c->stop && c->under_way < PUTS_AT_ONCE &&
           !kv_put(c->kv, "busy", "1", 1, KV_ANY, on_churned, c, &e))
        c->under_way++;
}

/* Replaced again and again, also between a watch's beginning and its first message. */
static void a_watch_is_current_while_values_go_on_to_change(void **state)
{
    static const struct kv_watch_events ev = {on_entry, on_current, on_failed};
    struct fixture *f = *state;
    struct kv *kv = open_kv(f);
    struct churn c = {.kv = kv, .under_way = 1};
    put(f, kv, "calm", "1", 0);
    on_churned(0, NULL, &c);
    UNTIL(f, c.puts > 2);
    for (int i = 0; i < 10; i++) {
        struct watched w = {0};
        struct kv_watch *watch;
        struct err e = {0};
        assert_int_equal(kv_watch(kv, NULL, &ev, &w, &watch, &e), 0);
        UNTIL(f, w.current);
        kv_watch_free(watch);
        assert_non_null(strstr(w.keys, "calm "));
        assert_non_null(strstr(w.keys, "busy "));
    }
    c.stop = true;
    UNTIL(f, c.under_way == 0);
    kv_free(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(requests_to_jetstream),
        WITH_SERVER(followers_see_everything_once),
        WITH_SERVER(followers_go_on_after_a_crash_of_the_server),
        WITH_SERVER(a_follower_may_be_closed_from_inside),
        WITH_SERVER(keys_are_put_by_revision),
        WITH_SERVER(watches_tell_what_is_and_what_changes),
        WITH_SERVER(a_watch_is_current_though_its_first_value_goes),
        WITH_SERVER(a_watch_is_current_while_values_go_on_to_change),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
