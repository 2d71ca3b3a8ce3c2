/* How this works
 *
 * Aho-Corasick: all patterns in one trie; a node's `fail` is the node of its longest proper suffix.
 * Reading a text byte by byte, the node in hand is always the longest suffix of the text that
 * begins a pattern. So its depth is how much must be held back, and whatever pattern ends here is
 * found on the way, in time linear in the text. Simpler searches are not: a script that knows its
 * secret can print what makes them compare 64 kB at every byte.
 *
 * The trie is kept small rather than fast: children are a list, except the root's, which are a
 * table. Long patterns are chains, and most text never leaves the root.
 *
 * Matches come in the order of their ends; merged as they come they are a stack of spans, all of
 * them within what is held. */
#include "executor/attempt/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/jv.h"
#include "base/mem.h"

#define DEPTH_BITS 23 /* the longest pattern is 6 times 64 kB */
#define DEPTH_MAX  ((1u << DEPTH_BITS) - 1)

struct node {
    uint32_t child, sibling, fail; /* 0: none; the root is nobody's child */
    uint32_t out;                  /* length of the longest pattern that ends here, 0: none */
    uint32_t depth : DEPTH_BITS;
    uint32_t ends : 1; /* a pattern ends with this very node */
    uint32_t byte : 8;
};

struct mask {
    struct node *nodes; /* guarded; [0] is the root */
    uint32_t count, cap;
    uint32_t root[256];
};

/* In a text being fed: [from, to) of held, to be masked. */
struct span {
    size_t from, to;
};

/* ---- patterns ---- */

typedef void (*pattern_sink)(const char *p, size_t len, void *arg);

static void give(struct buf *b, pattern_sink sink, void *arg)
{
    CHECK(!b->full && b->len <= DEPTH_MAX);
    sink(b->data ? b->data : "", b->len, arg);
    buf_clear(b);
}

/* As JSON.stringify() writes it; quote: the one that is escaped; control: how other control
 * characters are written; slash: "/" too, as some encoders do. */
static void escaped(const char *v, size_t len, char quote, const char *control, bool slash,
                    struct buf *out)
{
    static const char plain[] = "\b\t\n\f\r\\/", letter[] = "btnfr\\/";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)v[i];
        const char *at = c ? strchr(plain, c) : NULL;
        if (at && (c != '/' || slash)) {
            buf_addc(out, '\\');
            buf_addc(out, letter[at - plain]);
        } else if (c == (unsigned char)quote) {
            buf_addc(out, '\\');
            buf_addc(out, quote);
        } else if (c < 0x20) {
            buf_addf(out, control, c);
        } else {
            buf_addc(out, (char)c);
        }
    }
}

static void percent(const char *v, size_t len, const char *safe, const char *fmt, bool plus,
                    struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)v[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || (c && strchr(safe, c)))
            buf_addc(out, (char)c);
        else if (plus && c == ' ')
            buf_addc(out, '+');
        else
            buf_addf(out, fmt, c);
    }
}

/* The digits that depend on the secret alone when `skip` bytes stand in front of it in a group of
 * three. */
static void base64(const char *v, size_t len, size_t skip, const char *digits, struct buf *out)
{
    size_t from = (skip * 8 + 5) / 6, to = (skip + len) * 8 / 6;
    for (size_t d = from; d < to; d++) {
        size_t bit = d * 6 - skip * 8, at = bit / 8;
        unsigned pair = (unsigned)(unsigned char)v[at] << 8;
        if (at + 1 < len)
            pair |= (unsigned char)v[at + 1];
        buf_addc(out, digits[pair >> (10 - bit % 8) & 63]);
    }
}

static void as_text(const char *v, size_t len, struct buf *b, pattern_sink sink, void *arg)
{
    sink(v, len, arg);
    escaped(v, len, '"', "\\u%04x", false, b);
    give(b, sink, arg);
    escaped(v, len, '"', "\\u%04x", true, b);
    give(b, sink, arg);
    escaped(v, len, '\'', "\\x%02X", false, b);
    give(b, sink, arg);
    escaped(v, len, '\0', "\\x%02X", false, b); /* inspect takes quotes that need no escape */
    give(b, sink, arg);
}

static void lines_of(const char *v, size_t len, struct buf *b, pattern_sink sink, void *arg)
{
    if (!memchr(v, '\n', len))
        return;
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(v + at, '\n', len - at);
        size_t end = nl ? (size_t)(nl - v) : len, from = at, to = end;
        while (from < to && strchr(" \t\r", v[from]))
            from++;
        while (to > from && strchr(" \t\r", v[to - 1]))
            to--;
        if (to - from >= MASK_LINE_MIN)
            as_text(v + from, to - from, b, sink, arg);
        at = end + 1;
    }
}

static void patterns_of(const struct mask_secret *s, pattern_sink sink, void *arg)
{
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    static const char *const alphabets[] = {LETTERS "+/", LETTERS "-_"};
    static const char *const hex[] = {"%02x", "%02X"}, *const pct[] = {"%%%02x", "%%%02X"};
    static const char component[] = "-_.!~*'()", rfc3986[] = "-_.~", form[] = "-_.*";
    struct buf b = {.secret = true};
    buf_reserve(&b, s->len * 6);
    as_text(s->value, s->len, &b, sink, arg);
    lines_of(s->value, s->len, &b, sink, arg);
    for (size_t a = 0; a < ARRAY_LEN(alphabets); a++)
        for (size_t skip = 0; skip < 3; skip++) {
            base64(s->value, s->len, skip, alphabets[a], &b);
            give(&b, sink, arg);
        }
    for (int upper = 0; upper < 2; upper++) {
        for (size_t i = 0; i < s->len; i++)
            buf_addf(&b, hex[upper], (unsigned char)s->value[i]);
        give(&b, sink, arg);
        percent(s->value, s->len, component, pct[upper], false, &b);
        give(&b, sink, arg);
        percent(s->value, s->len, rfc3986, pct[upper], false, &b);
        give(&b, sink, arg);
        percent(s->value, s->len, form, pct[upper], true, &b);
        give(&b, sink, arg);
    }
    buf_free(&b);
}

/* ---- the trie ---- */

static uint32_t find(const struct mask *m, uint32_t at, unsigned char c)
{
    if (at == 0)
        return m->root[c];
    uint32_t n = m->nodes[at].child;
    while (n && m->nodes[n].byte != c)
        n = m->nodes[n].sibling;
    return n;
}

/* Doubles: how many nodes there will be is not known before the patterns have shared theirs. */
static void grow(struct mask *m)
{
    uint32_t cap = m->cap ? m->cap * 2 : 1024;
    struct node *nodes = crypto_guarded(cap * sizeof *nodes);
    if (m->count)
        memcpy(nodes, m->nodes, m->count * sizeof *nodes);
    crypto_guarded_free(m->nodes);
    m->nodes = nodes;
    m->cap = cap;
}

static uint32_t add_node(struct mask *m, uint32_t parent, unsigned char c)
{
    if (m->count == m->cap)
        grow(m);
    uint32_t n = m->count++;
    m->nodes[n] = (struct node){.byte = c};
    if (n == 0)
        return n;
    m->nodes[n].depth = (m->nodes[parent].depth + 1) & DEPTH_MAX;
    m->nodes[n].sibling = m->nodes[parent].child;
    m->nodes[parent].child = n;
    if (parent == 0)
        m->root[c] = n;
    return n;
}

static void add_pattern(const char *p, size_t len, void *arg)
{
    struct mask *m = arg;
    uint32_t at = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t next = find(m, at, (unsigned char)p[i]);
        at = next ? next : add_node(m, at, (unsigned char)p[i]);
    }
    m->nodes[at].ends = len > 0;
}

static uint32_t step(const struct mask *m, uint32_t at, unsigned char c)
{
    uint32_t next;
    while (!(next = find(m, at, c)) && at)
        at = m->nodes[at].fail;
    return next;
}

/* Breadth first, so that shorter suffixes are known. The queue is a list through `out`, which a
 * node needs only when its turn has come. */
static void link_suffixes(struct mask *m)
{
    uint32_t first = 0, last = 0;
    for (uint32_t at = 0;;) {
        for (uint32_t n = m->nodes[at].child; n; n = m->nodes[n].sibling) {
            m->nodes[n].fail = at ? step(m, m->nodes[at].fail, (unsigned char)m->nodes[n].byte) : 0;
            if (first)
                m->nodes[last].out = n;
            else
                first = n;
            last = n;
        }
        struct node *done = &m->nodes[at];
        done->out = done->ends ? done->depth : at ? m->nodes[done->fail].out : 0;
        if (!first)
            return;
        at = first;
        first = at == last ? 0 : m->nodes[at].out;
    }
}

struct mask *mask_new(const struct mask_secret *secrets, int n)
{
    struct mask *m = mem_alloc(sizeof *m);
    add_node(m, 0, 0);
    for (int i = 0; i < n; i++)
        patterns_of(&secrets[i], add_pattern, m);
    link_suffixes(m);
    return m;
}

void mask_free(struct mask *m)
{
    if (!m)
        return;
    crypto_guarded_free(m->nodes);
    crypto_wipe(m, sizeof *m);
    free(m);
}

/* ---- a text ---- */

static void add_span(struct mask_stream *s, size_t from, size_t to)
{
    while (s->spans.len) {
        struct span *top = (struct span *)(void *)(s->spans.data + s->spans.len) - 1;
        if (top->to < from)
            break;
        if (top->from < from)
            from = top->from;
        s->spans.len -= sizeof *top;
    }
    const struct span new = {from, to};
    buf_add(&s->spans, &new, sizeof new);
}

static void give_masked(struct mask_stream *s, struct buf *out)
{
    if (!s->open)
        buf_adds(out, MASK_TEXT);
    s->open = true;
}

static void give_plain(struct mask_stream *s, const char *text, size_t len, struct buf *out)
{
    if (!len)
        return;
    buf_add(out, text, len);
    s->open = false;
}

/* Gives out the first n bytes of held, and moves what is left to the front. */
static void give_out(struct mask_stream *s, size_t n, struct buf *out)
{
    struct span *spans = (struct span *)(void *)s->spans.data;
    size_t count = s->spans.len / sizeof *spans, used = 0, at = 0;
    for (size_t i = 0; i < count && spans[i].from < n; i++) {
        size_t to = spans[i].to < n ? spans[i].to : n;
        give_plain(s, s->held.data + at, spans[i].from - at, out);
        give_masked(s, out);
        at = to;
        if (spans[i].to > n)
            spans[i].from = n;
        else
            used++;
    }
    give_plain(s, s->held.data + at, n - at, out);
    buf_consume(&s->spans, used * sizeof *spans);
    spans = (struct span *)(void *)s->spans.data;
    for (size_t i = 0; i < count - used; i++) {
        spans[i].from -= n;
        spans[i].to -= n;
    }
    buf_consume(&s->held, n);
}

void mask_feed(const struct mask *m, struct mask_stream *s, const char *text, size_t len,
               struct buf *out)
{
    const unsigned char *t = (const unsigned char *)text;
    size_t before = out->len;
    s->held.secret = true;
    s->taken += len;
    for (size_t i = 0; i < len;) {
        size_t from = i;
        if (s->state == 0 && s->held.len == 0) { /* nearly all text */
            while (i < len && !m->root[t[i]])
                i++;
            give_plain(s, text + from, i - from, out);
            from = i;
        }
        /* As far as something looks like a secret. */
        size_t base = s->held.len;
        while (i < len) {
            s->state = step(m, s->state, t[i++]);
            uint32_t found = m->nodes[s->state].out;
            if (found)
                add_span(s, base + (i - from) - found, base + (i - from));
            if (s->state == 0)
                break;
        }
        buf_add(&s->held, text + from, i - from);
        give_out(s, s->held.len - m->nodes[s->state].depth, out);
    }
    s->given += out->len - before;
}

void mask_end(const struct mask *m, struct mask_stream *s, struct buf *out)
{
    (void)m;
    size_t before = out->len;
    if (s->held.len)
        give_out(s, s->held.len, out);
    s->given += out->len - before;
    s->state = 0;
}

void mask_stream_free(struct mask_stream *s)
{
    buf_free(&s->held);
    buf_free(&s->spans);
    *s = (struct mask_stream){0};
}

bool mask_text(const struct mask *m, const char *text, size_t len, struct buf *out)
{
    struct mask_stream s = {0};
    size_t before = out->len;
    mask_feed(m, &s, text, len, out);
    mask_end(m, &s, out);
    mask_stream_free(&s);
    return out->len - before != len || (len && memcmp(out->data + before, text, len) != 0);
}

bool mask_json(const struct mask *m, const char *json, size_t len, struct buf *out)
{
    static const char all[] = "\"" MASK_TEXT "\"";
    struct buf b = {.secret = true};
    bool masked = mask_text(m, json, len, &b);
    if (masked && !jv_check_inner(b.data, b.len))
        buf_adds(out, all);
    else
        buf_add(out, b.data ? b.data : "", b.len);
    buf_free(&b);
    return masked;
}
