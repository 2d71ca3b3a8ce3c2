/* Buckets of the object store against a real nats-server; what other clients see of them:
 * tests/e2e/artifacts.test.mjs. */
#include "base/buf.h"
#include "base/crypto.h"
#include "base/jv.h"
#include "link/js.h"
#include "link/obj.h"
#include "tests/unit/link_fixture.h"

/* ---- calls, waited for ---- */

struct seen {
    int done, code, rooms, entries;
    char text[800];
    struct obj_info info;
    struct buf bytes;
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

static void on_info(const struct obj_info *info, const struct err *why, void *arg)
{
    struct seen *s = arg;
    note(s, why);
    if (info)
        s->info = *info;
}

static void on_room(void *arg)
{
    ((struct seen *)arg)->rooms++;
}

static void on_data(const char *data, size_t len, void *arg)
{
    buf_add(&((struct seen *)arg)->bytes, data, len);
}

static void on_entry(const struct obj_info *info, void *arg)
{
    struct seen *s = arg;
    s->entries++;
    s->info = *info;
}

static const struct obj_put_events put_events = {on_room, on_info};
static const struct obj_get_events get_events = {NULL, on_data, on_info};
static const struct obj_list_events list_events = {on_entry, on_done};

static struct obj *bucket_of(struct fixture *f, int64_t max_bytes)
{
    const struct obj_options o = {.bucket = "B", .max_bytes = max_bytes, .replicas = 1};
    struct seen s = {0};
    struct obj *b = obj_new(&f->loop, f->link, &o);
    obj_ensure(b, on_done, &s);
    UNTIL(f, s.done);
    assert_int_equal(s.code, 0);
    return b;
}

static char *noise(size_t len)
{
    char *p = mem_alloc(len + 1);
    for (size_t i = 0; i < len; i++)
        p[i] = (char)(i * 2654435761u >> 13);
    return p;
}

static struct seen put(struct fixture *f, struct obj *b, const char *name, const char *data,
                       size_t len, size_t piece)
{
    struct seen s = {0};
    struct err e = {0};
    struct obj_put *p = NULL;
    assert_int_equal(obj_put_begin(b, name, &put_events, &s, &p, &e), 0);
    for (size_t at = 0; at < len && !s.done; at += piece) {
        int rooms = s.rooms;
        if (!obj_put_add(p, data + at, len - at < piece ? len - at : piece))
            UNTIL(f, s.rooms > rooms || s.done);
    }
    if (!s.done)
        obj_put_end(p);
    UNTIL(f, s.done);
    obj_put_free(p);
    return s;
}

static struct seen get(struct fixture *f, struct obj *b, const char *name)
{
    struct seen s = {0};
    struct err e = {0};
    struct obj_get *g = NULL;
    assert_int_equal(obj_get_begin(b, name, &get_events, &s, &g, &e), 0);
    UNTIL(f, s.done);
    obj_get_free(g);
    return s;
}

static int list(struct fixture *f, struct obj *b)
{
    struct seen s = {0};
    struct err e = {0};
    struct obj_list *l = NULL;
    assert_int_equal(obj_list_begin(b, &list_events, &s, &l, &e), 0);
    UNTIL(f, s.done);
    assert_int_equal(s.code, 0);
    obj_list_free(l);
    return s.entries;
}

/* Messages in the stream: chunks and what describes objects. */
static void on_stream(const struct jv *doc, const struct err *why, void *arg)
{
    int64_t n = -1;
    (void)why;
    if (doc)
        jv_int(jv_get(jv_get(doc, "state"), "messages"), &n);
    *(int64_t *)arg = n;
}

static int64_t messages(struct fixture *f)
{
    int64_t n = -2;
    struct err e = {0};
    assert_int_equal(js_ask(f->link, "STREAM.INFO.OBJ_B", NULL, on_stream, &n, &e), 0);
    UNTIL(f, n != -2);
    return n;
}

/* ---- tests ---- */

static void what_is_put_can_be_got(void **state)
{
    static const size_t sizes[] = {0, 1, OBJ_CHUNK - 1, OBJ_CHUNK, OBJ_CHUNK + 1, 5000000};
    struct fixture *f = *state;
    struct obj *b = bucket_of(f, -1);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *data = noise(sizes[i]), hex[SHA256_HEX];
        struct seen s = put(f, b, "a name/with \xc3\xbc", data, sizes[i], 70001);
        crypto_sha256_hex(data, sizes[i], hex);
        assert_int_equal(s.code, 0);
        assert_int_equal(s.info.size, sizes[i]);
        assert_int_equal(s.info.chunks, (sizes[i] + OBJ_CHUNK - 1) / OBJ_CHUNK);
        assert_string_equal(s.info.sha256, hex);
        struct seen g = get(f, b, "a name/with \xc3\xbc");
        if (g.code)
            fail_msg("%s", g.text);
        assert_int_equal(g.bytes.len, sizes[i]);
        if (sizes[i])
            assert_memory_equal(g.bytes.data, data, sizes[i]);
        assert_string_equal(g.info.sha256, hex);
        buf_free(&g.bytes);
        free(data);
    }
    /* Of those that were replaced nothing stays. */
    UNTIL(f, messages(f) == (5000000 + OBJ_CHUNK - 1) / OBJ_CHUNK + 1);
    assert_int_equal(list(f, b), 1);
    obj_free(b);
}

static void removing_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct obj *b = bucket_of(f, -1);
    struct seen s = {0};
    struct err e = {0};
    assert_int_equal(list(f, b), 0);
    assert_int_equal(put(f, b, "one", "1", 1, 1).code, 0);
    assert_int_equal(put(f, b, "two", "2", 1, 1).code, 0);
    assert_int_equal(list(f, b), 2);
    assert_int_equal(obj_delete(b, "one", on_done, &s, &e), 0);
    UNTIL(f, s.done);
    assert_int_equal(s.code, 0);
    UNTIL(f, messages(f) == 3); /* two descriptions, one chunk */
    assert_int_equal(list(f, b), 1);
    struct seen g = get(f, b, "one");
    assert_int_equal(g.code, ERR_NOT_FOUND);
    assert_non_null(strstr(g.text, "no object 'one'"));
    assert_int_equal(put(f, b, "one", "again", 5, 5).code, 0); /* the marker is in nobody's way */
    g = get(f, b, "one");
    assert_int_equal(g.bytes.len, 5);
    buf_free(&g.bytes);
    assert_int_equal(obj_delete(b, "", on_done, &s, &e), ERR_INVALID);
    obj_free(b);
}

static void a_put_that_is_broken_off_is_seen_by_nobody(void **state)
{
    struct fixture *f = *state;
    struct obj *b = bucket_of(f, -1);
    char *data = noise(OBJ_CHUNK * 4);
    for (int early = 0; early < 2; early++) {
        struct seen s = {0};
        struct err e = {0};
        struct obj_put *p = NULL;
        assert_int_equal(obj_put_begin(b, "half", &put_events, &s, &p, &e), 0);
        obj_put_add(p, data, OBJ_CHUNK * 4);
        if (!early)
            UNTIL(f, messages(f) == 4);
        obj_put_free(p);
        UNTIL(f, messages(f) == 0);
        assert_int_equal(s.done, 0);
    }
    assert_int_equal(get(f, b, "half").code, ERR_NOT_FOUND);
    free(data);
    obj_free(b);
}

static void a_full_bucket_refuses_and_keeps_what_it_has(void **state)
{
    struct fixture *f = *state;
    struct obj *b = bucket_of(f, 1 << 20);
    char *data = noise(4 << 20);
    assert_int_equal(put(f, b, "kept", data, 300000, 300000).code, 0);
    struct seen s = put(f, b, "kept", data, 4 << 20, 300000);
    assert_int_not_equal(s.code, 0);
    assert_non_null(strstr(s.text, "maximum bytes exceeded"));
    struct seen g = get(f, b, "kept");
    assert_int_equal(g.code, 0);
    assert_int_equal(g.bytes.len, 300000);
    buf_free(&g.bytes);
    UNTIL(f, messages(f) == 4);
    free(data);
    obj_free(b);
}

static void on_stored(uint64_t seq, bool duplicate, const struct err *why, void *arg)
{
    (void)seq;
    (void)duplicate;
    note(arg, why);
}

static void what_was_altered_is_refused(void **state)
{
    static const struct {
        const char *meta, *says;
    } cases[] = {
        {"{\"name\":\"x\",\"nuid\":\"N\",\"size\":3,\"chunks\":1,\"digest\":"
         "\"SHA-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}",
         "its bytes have the SHA-256"},
        {"{\"name\":\"x\",\"nuid\":\"N\",\"size\":4,\"chunks\":1}", "it should have 4"},
        {"{\"name\":\"x\",\"nuid\":\"N\",\"size\":2,\"chunks\":1}", "it should have 2"},
        {"{\"name\":\"x\",\"nuid\":\"N\",\"size\":3,\"chunks\":2}", "only 1 of its 2 chunks"},
        {"{\"name\":\"x\",\"nuid\":\"N.>\",\"size\":3,\"chunks\":1}", "nuid, size, chunks"},
        {"{\"name\":\"x\",\"nuid\":\"N\",\"size\":-1,\"chunks\":1}", "nuid, size, chunks"},
        {"{\"name\":\"x\",\"nuid\":\"N\",\"size\":3,\"chunks\":1,\"digest\":\"MD5=\"}",
         "nuid, size, chunks or digest"},
        {"{\"name\":\"x\",\"nuid\":\"N\",\"options\":{\"link\":{\"bucket\":\"C\"}}}", "a link"},
        {"[]", "no JSON object"},
    };
    struct fixture *f = *state;
    struct obj *b = bucket_of(f, -1);
    struct seen s = {0};
    struct err e = {0};
    js_publish(f->link, "$O.B.C.N", NULL, 0, "abc", 3, JS_ANY, on_stored, &s, &e);
    UNTIL(f, s.done == 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct link_header h = {"Nats-Rollup", "sub"};
        js_publish(f->link, "$O.B.M.eA==", &h, 1, cases[i].meta, strlen(cases[i].meta), JS_ANY,
                   on_stored, &s, &e);
        UNTIL(f, s.done == (int)i + 2);
        struct seen g = get(f, b, "x");
        if (!g.code || !strstr(g.text, cases[i].says))
            fail_msg("%zu: %d %s", i, g.code, g.text);
        buf_free(&g.bytes);
    }
    obj_free(b);
}

static void a_get_may_be_left_at_any_time(void **state)
{
    struct fixture *f = *state;
    struct obj *b = bucket_of(f, -1);
    char *data = noise(2 << 20);
    assert_int_equal(put(f, b, "x", data, 2 << 20, 1 << 20).code, 0);
    for (int turns = 0; turns < 12; turns++) {
        struct seen s = {0};
        struct err e = {0};
        struct obj_get *g = NULL;
        assert_int_equal(obj_get_begin(b, "x", &get_events, &s, &g, &e), 0);
        for (int i = 0; i < turns; i++)
            uv_run(&f->loop, UV_RUN_ONCE);
        obj_get_free(g);
        buf_free(&s.bytes);
    }
    struct seen g = get(f, b, "x");
    assert_int_equal(g.code, 0);
    buf_free(&g.bytes);
    free(data);
    obj_free(b);
}

struct slow {
    struct seen s;
    struct obj_get *g;
    size_t most; /* bytes of one `data` */
};

static void on_slow_data(const char *data, size_t len, void *arg)
{
    struct slow *w = arg;
    buf_add(&w->s.bytes, data, len);
    w->most = len > w->most ? len : w->most;
    obj_get_pause(w->g, true);
}

static void on_slow_info(const struct obj_info *info, const struct err *why, void *arg)
{
    on_info(info, why, &((struct slow *)arg)->s);
}

/* Paused at each piece: everything comes, in order, and little is held meanwhile. */
static void a_get_can_be_paused(void **state)
{
    static const struct obj_get_events events = {NULL, on_slow_data, on_slow_info};
    struct fixture *f = *state;
    struct obj *b = bucket_of(f, -1);
    const size_t size = 40 * OBJ_CHUNK + 7;
    char *data = noise(size);
    struct err e = {0};
    assert_int_equal(put(f, b, "x", data, size, 1 << 20).code, 0);
    struct slow w = {0};
    assert_int_equal(obj_get_begin(b, "x", &events, &w, &w.g, &e), 0);
    int pauses = 0;
    for (size_t had = 0; !w.s.done && pauses < 1000;) {
        UNTIL(f, w.s.bytes.len > had || w.s.done);
        int64_t quiet_us = clock_mono_us() + (pauses < 3 ? 50000 : 2000);
        size_t paused_at = w.s.bytes.len;
        while (clock_mono_us() < quiet_us)
            uv_run(&f->loop, UV_RUN_ONCE);
        assert_int_equal(w.s.bytes.len, paused_at);
        pauses++;
        had = paused_at;
        obj_get_pause(w.g, false);
    }
    assert_int_equal(w.s.code, 0);
    assert_true(pauses > 2);
    assert_true(w.most <= 8 * OBJ_CHUNK);
    assert_int_equal(w.s.bytes.len, size);
    assert_memory_equal(w.s.bytes.data, data, size);
    obj_get_free(w.g);
    buf_free(&w.s.bytes);
    free(data);
    obj_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(what_is_put_can_be_got),
        WITH_SERVER(removing_leaves_nothing),
        WITH_SERVER(a_put_that_is_broken_off_is_seen_by_nobody),
        WITH_SERVER(a_full_bucket_refuses_and_keeps_what_it_has),
        WITH_SERVER(what_was_altered_is_refused),
        WITH_SERVER(a_get_may_be_left_at_any_time),
        WITH_SERVER(a_get_can_be_paused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
