/* The supervisor that the engine-shell imitates: takes the output within its budget, answers host
 * calls, serves streams with credit, and writes the result as one line of JSON. What it owes to the
 * engine waits in a queue until the cell's next turn, as frames would. */
#include "tests/engine/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/frame.h"

#define SHELL_TEXT_MAX (256u << 20)

static struct text out_text[3]; /* by stream, 1 and 2; 0: the result */
static int out_fd[3]; /* the streams as we were given them; 0..2 are /dev/null in a cell */
static uint64_t out_total;
static double run_us;

/* A reply that the imitated supervisor owes to a host call, or a frame of a stream. */
static struct reply {
    struct reply *next;
    int type; /* FRAME_REPLY, or of a stream */
    uint64_t id;
    bool ok;
    char *json;
    size_t len;
} * replies, **replies_end = &replies;

#define SHELL_STREAMS     512
#define SHELL_ECHO_WINDOW 1000u

/* A stream of the imitated supervisor: `source` sends `left` bytes as far as it has credit, then
 * closes; `echo` sends back what comes. */
static struct shell_stream {
    bool echo, closed;
    uint64_t left;
    uint32_t credit, at_once; /* most bytes in a frame */
    struct text held;         /* of an echo */
    const char *abort;
} streams[SHELL_STREAMS]; /* by number / 2 */
static unsigned stream_count;

/* ---- text ---- */

/* Room for all that is ever put in, taken before it is needed: host_fatal() is called from signal
 * handlers, where nothing may be allocated. A shared mapping does not count as data (ulimit -d). */
void text_reserve(struct text *t)
{
    t->p = mmap(NULL, SHELL_TEXT_MAX, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (t->p == MAP_FAILED)
        die("mmap: %s", strerror(errno));
}

void text_append(struct text *t, const char *p, size_t len)
{
    if (len > SHELL_TEXT_MAX - t->len)
        len = SHELL_TEXT_MAX - t->len;
    if (len)
        memcpy(t->p + t->len, p, len);
    t->len += len;
}

static void put(struct text *t, const char *s)
{
    text_append(t, s, strlen(s));
}

static void put_json(struct text *t, const char *key, const char *p, size_t len)
{
    put(t, ",\"");
    put(t, key);
    put(t, "\":\"");
    for (size_t i = 0; i < len; i++) {
        char esc[8];
        unsigned char c = (unsigned char)p[i];
        if (c == '"' || c == '\\' || c < 0x20) {
            snprintf(esc, sizeof esc, c < 0x20 ? "\\u%04x" : "\\%c", c);
            put(t, esc);
        } else {
            text_append(t, p + i, 1);
        }
    }
    put(t, "\"");
}

static void put_number(struct text *t, const char *key, double v)
{
    char s[64];
    snprintf(s, sizeof s, ",\"%s\":%.0f", key, v);
    put(t, s);
}

/* ---- the engine's side of it ---- */

/* Signals to stop come all the time: writes are cut short by them. */
static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool host_output(int stream, const char *text, size_t len)
{
    out_total += len;
    if (out_total > opt.output_kb << 10)
        return false;
    if (opt.json) {
        text_append(&out_text[stream], text, len);
        return true;
    }
    return write_all(out_fd[stream], text, len);
}

static void owe(int type, uint64_t id, bool ok, const char *p, size_t len)
{
    struct reply *r = calloc(1, sizeof *r);
    if (!r || !(r->json = malloc(len + 1)))
        die("out of memory");
    r->type = type;
    r->id = id;
    r->ok = ok;
    r->len = len;
    if (len)
        memcpy(r->json, p, len);
    *replies_end = r;
    replies_end = &r->next;
}

static void owe_word(int type, uint64_t id, uint32_t word, const char *text)
{
    char payload[256];
    memcpy(payload, &word, sizeof word);
    snprintf(payload + sizeof word, sizeof payload - sizeof word, "%s", text);
    owe(type, id, true, payload, sizeof word + strlen(text));
}

/* Bytes of a source count up, so that a test sees when some are missing. */
static void pump(uint64_t id)
{
    struct shell_stream *s = &streams[id / 2];
    static char bytes[FRAME_DATA_MAX];
    while (s->left && s->credit && !s->closed) {
        uint32_t n = s->credit < s->at_once ? s->credit : s->at_once;
        n = s->left < n ? (uint32_t)s->left : n;
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = (char)(s->left - i);
        owe(FRAME_DATA, id, true, bytes, n);
        s->left -= n;
        s->credit -= n;
    }
    size_t echo = s->held.len < s->credit ? s->held.len : s->credit;
    if (echo && !s->closed) {
        owe(FRAME_DATA, id, true, s->held.p, echo);
        owe_word(FRAME_WINDOW, id, (uint32_t)echo, "");
        memmove(s->held.p, s->held.p + echo, s->held.len - echo);
        s->held.len -= echo;
        s->credit -= (uint32_t)echo;
    }
    if (!s->echo && !s->left && !s->closed) {
        s->closed = true;
        owe_word(FRAME_CLOSE, id, !s->abort, s->abort ? s->abort : "");
    }
}

static bool host_stream(int type, uint64_t id, const char *payload, size_t len)
{
    struct shell_stream *s = &streams[id / 2];
    uint32_t word = 0;
    if (type == FRAME_WINDOW) {
        memcpy(&word, payload, sizeof word);
        s->credit += word;
    } else if (type == FRAME_DATA) {
        if (!s->echo || len > SHELL_ECHO_WINDOW - s->held.len)
            die("DATA beyond its credit");
        text_append(&s->held, payload, len);
    } else if (!s->closed) {
        s->closed = true;
        owe_word(FRAME_CLOSE, id, 1, "");
    }
    if (opt.stats)
        fprintf(stderr, "stream %d %d %.*s\n", type, (int)id,
                type == FRAME_CLOSE ? (int)len - 4 : 0, payload + 4);
    pump(id);
    return true;
}

/* {"bytes": N, "piece": N, "abort": "…"}, in this order; the answer is the stream's number. */
static void open_stream(uint64_t call, bool echo, const char *json)
{
    if (stream_count + 1 >= SHELL_STREAMS)
        die("too many streams");
    uint64_t id = 2 * ++stream_count;
    struct shell_stream *s = &streams[id / 2];
    const char *bytes = strstr(json, "\"bytes\":"), *piece = strstr(json, "\"piece\":");
    s->echo = echo;
    s->left = bytes ? strtoull(bytes + 8, NULL, 10) : 0;
    s->at_once = piece ? (uint32_t)strtoul(piece + 8, NULL, 10) : FRAME_DATA_MAX;
    if (strstr(json, "\"abort\":"))
        s->abort = "{\"name\":\"NotFound\",\"message\":\"it broke off\"}";
    if (echo)
        text_reserve(&s->held);
    struct frame_open head = {.window = echo ? SHELL_ECHO_WINDOW : 0, .kind_len = 1};
    char payload[sizeof head + 1];
    memcpy(payload, &head, sizeof head);
    payload[sizeof head] = 'x';
    owe(FRAME_OPEN, id, true, payload, sizeof payload);
    char number[24];
    snprintf(number, sizeof number, "%d", (int)id);
    owe(FRAME_REPLY, call, true, number, strlen(number));
}

/* Services of the imitated supervisor: `echo` answers with its arguments, `source` and `mirror`
 * open a stream, all else is refused. */
static bool host_call(uint64_t id, const char *name, const char *json, size_t len)
{
    static const char refused[] = "{\"name\":\"Error\",\"message\":\"no such service\"}";
    if (id == 0) {
        if (opt.stats)
            fprintf(stderr, "note %s %.*s\n", name, (int)len, json);
        return true;
    }
    char argument[256];
    snprintf(argument, sizeof argument, "%.*s", (int)len, json);
    if (!strcmp(name, "source") || !strcmp(name, "mirror"))
        open_stream(id, name[0] == 'm', argument);
    else if (!strcmp(name, "echo"))
        owe(FRAME_REPLY, id, true, json, len);
    else
        owe(FRAME_REPLY, id, false, refused, sizeof refused - 1);
    return true;
}

static const char *end_name(int end)
{
    static const char *const names[] = {"?",      "ok",     "threw",      "heap",
                                        "memory", "output", "terminated", "internal"};
    return end >= 1 && end <= FRAME_END_INTERNAL ? names[end] : "?";
}

void host_report(const struct engine_result *r)
{
    struct text t = out_text[0];
    put(&t, "{\"end\":\"");
    put(&t, end_name(r->end));
    put(&t, "\"");
    if (r->value_len) {
        put(&t, ",\"value\":");
        text_append(&t, r->value, r->value_len);
    }
    if (r->end != FRAME_END_OK) {
        put_json(&t, "name", r->name, r->name_len);
        put_json(&t, "message", r->message, r->message_len);
        put_json(&t, "stack", r->stack, r->stack_len);
        put_number(&t, "line", r->line);
        put_number(&t, "column", r->column);
    }
    if (opt.json) {
        put_json(&t, "stdout", out_text[1].p, out_text[1].len);
        put_json(&t, "stderr", out_text[2].p, out_text[2].len);
    }
    put_number(&t, "heap_peak", (double)r->heap_peak);
    put_number(&t, "run_us", run_us ? now_us() - run_us : 0);
    put(&t, "}\n");
    if (!write_all(out_fd[opt.json ? 1 : 2], t.p, t.len))
        _exit(3);
}

static void host_fatal(int end, const char *message) __attribute__((noreturn));
static void host_fatal(int end, const char *message)
{
    struct engine_result r = {.end = end,
                              .message = message,
                              .message_len = strlen(message),
                              .heap_peak = engine_heap_peak()};
    host_report(&r);
    _exit(1);
}

const struct engine_host shell_host = {host_output, host_call, host_stream, host_fatal};

/* ---- the cell's side of it ---- */

void host_keep_streams(void)
{
    for (int stream = 1; stream <= 2; stream++)
        out_fd[stream] = fcntl(stream, F_DUPFD_CLOEXEC, 10);
}

void host_begin_cell(void)
{
    for (int i = 0; i < 3; i++)
        text_reserve(&out_text[i]);
}

void host_begin_job(void)
{
    run_us = now_us();
}

bool host_owes(void)
{
    return replies != NULL;
}

void host_deliver(void)
{
    while (replies) {
        struct reply *r = replies;
        replies = r->next;
        if (!replies)
            replies_end = &replies;
        if (r->type == FRAME_REPLY)
            engine_reply(r->id, r->ok, r->json, r->len);
        else
            engine_stream(r->type, r->id, r->json, r->len);
        free(r->json);
        free(r);
    }
}
