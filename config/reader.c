/* How this works: libyaml makes a tree of nodes with line numbers; the schema (file.c,
 * file_tenant.c) walks it by what it knows may stand there, so an unknown key can't slip through
 * and depth is bounded by the schema (an alias that points at its own parent is a map where a
 * scalar is allowed: an error like any other).
 *
 * libyaml and not libcyaml: the latter (1.3) knows neither ranges nor what to suggest for a wrong
 * key, and its errors come as several log lines.
 *
 * The one file that includes yaml.h. */
#include "config/reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "config/keys.h"

#define DEPTH_MAX 16 /* of nesting; the schema needs 5 */

static yaml_document_t *doc_of(struct reader *r)
{
    return r->doc;
}

int reader_refuse(struct reader *r, const struct place *p, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(r->e, ERR_INVALID, "%s:%d: %s%s%s", r->file, p->line, p->path,
                   *p->path ? ": " : "", text);
}

/* ---- nodes ---- */

const char *reader_kind(const yaml_node_t *n)
{
    if (n->type == YAML_MAPPING_NODE)
        return "a map";
    if (n->type == YAML_SEQUENCE_NODE)
        return "a list";
    return "a single value";
}

static const char *text_of(const yaml_node_t *n)
{
    return (const char *)n->data.scalar.value;
}

static bool is_plain(const yaml_node_t *n)
{
    return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool reader_is_null(const yaml_node_t *n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (n->type != YAML_SCALAR_NODE || !is_plain(n))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
        if (!strcmp(text_of(n), nulls[i]))
            return true;
    return false;
}

int reader_text(struct reader *r, const struct place *p, bool quoted, const char *allowed,
                const char **out)
{
    const yaml_node_t *n = p->node;
    if (n->type != YAML_SCALAR_NODE)
        return reader_refuse(r, p, "found %s; allowed: %s", reader_kind(n), allowed);
    if (reader_is_null(n))
        return reader_refuse(
            r, p, "found nothing; allowed: %s (leave the line out for the default)", allowed);
    if (strlen(text_of(n)) != n->data.scalar.length)
        return reader_refuse(r, p, "found a text with a NUL byte; allowed: %s", allowed);
    if (!quoted && !is_plain(n))
        return reader_refuse(r, p, "found the text \"%.60s\"; allowed: %s, without quotes",
                             text_of(n), allowed);
    *out = text_of(n);
    return 0;
}

int reader_int(struct reader *r, const struct place *p, int64_t min, int64_t max, int64_t *out)
{
    char allowed[96];
    const char *text;
    snprintf(allowed, sizeof allowed, "a whole number from %" PRId64 " to %" PRId64, min, max);
    int rc = reader_text(r, p, false, allowed, &text);
    if (rc)
        return rc;
    if (!key_parse_int(text, out) || *out < min || *out > max)
        return reader_refuse(r, p, "found '%.60s'; allowed: %s", text, allowed);
    return 0;
}

int reader_bool(struct reader *r, const struct place *p, bool *out)
{
    const char *text;
    int rc = reader_text(r, p, false, "true or false", &text);
    if (rc)
        return rc;
    *out = !strcmp(text, "true");
    if (!*out && strcmp(text, "false") != 0)
        return reader_refuse(r, p, "found '%.60s'; allowed: true or false", text);
    return 0;
}

struct place reader_item(struct reader *r, const struct place *p, ptrdiff_t i)
{
    struct place item = {
        .node = yaml_document_get_node(doc_of(r), p->node->data.sequence.items.start[i])};
    item.line = (int)item.node->start_mark.line + 1;
    snprintf(item.path, sizeof item.path, "%.100s[%td]", p->path, i);
    return item;
}

ptrdiff_t reader_items(const yaml_node_t *list)
{
    return list->data.sequence.items.top - list->data.sequence.items.start;
}

bool reader_is_list(const yaml_node_t *n)
{
    return n->type == YAML_SEQUENCE_NODE;
}

/* ---- maps ---- */

static int unknown(struct reader *r, const struct place *map, const struct place *p,
                   const char *name, const struct names *known)
{
    char list[480] = "";
    size_t at = 0;
    struct nearest n = {.word = name};
    const char *dot = strchr(name, '.');
    if (dot && key_by_name(name)) /* the spelling of messages and flags */
        return reader_refuse(r, p, "unknown key; write '%s' in the map '%.*s'", dot + 1,
                             (int)(dot - name), name);
    for (int i = 0; i < known->n; i++) {
        nearest_try(&n, known->v[i]);
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", known->v[i]);
    }
    if (n.best) /* with the path in front, as messages and flags spell it */
        return reader_refuse(r, p, "unknown key; did you mean '%s%s%s'?", map->path,
                             *map->path ? "." : "", n.best);
    return reader_refuse(r, p, "unknown key; allowed: %s", list);
}

static int index_of(const struct names *known, const char *name)
{
    for (int i = 0; i < known->n; i++)
        if (!strcmp(known->v[i], name))
            return i;
    return -1;
}

int reader_map(struct reader *r, const struct place *map, const struct names *known,
               struct place found[NAMES_MAX])
{
    memset(found, 0, sizeof *found * NAMES_MAX);
    if (map->node->type != YAML_MAPPING_NODE)
        return reader_refuse(r, map, "found %s; allowed: a map of %s, …",
                             reader_is_null(map->node) ? "nothing" : reader_kind(map->node),
                             known->v[0]);
    const yaml_node_pair_t *end = map->node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *it = map->node->data.mapping.pairs.start; it < end; it++) {
        const yaml_node_t *key = yaml_document_get_node(doc_of(r), it->key);
        struct place p = {.node = yaml_document_get_node(doc_of(r), it->value),
                          .line = (int)key->start_mark.line + 1};
        if (key->type != YAML_SCALAR_NODE) {
            p.line = (int)key->start_mark.line + 1;
            memcpy(p.path, map->path, sizeof p.path);
            return reader_refuse(r, &p, "found %s as a key; allowed: a name", reader_kind(key));
        }
        snprintf(p.path, sizeof p.path, "%.60s%s%.60s", map->path, *map->path ? "." : "",
                 text_of(key));
        int i = index_of(known, text_of(key));
        if (i < 0)
            return unknown(r, map, &p, text_of(key), known);
        if (found[i].node)
            return reader_refuse(r, &p, "found a second time (first in line %d); allowed: once",
                                 found[i].line);
        found[i] = p;
    }
    return 0;
}

int reader_each(struct reader *r, const struct place *map, const char *what, int most,
                int (*fn)(struct reader *r, const char *name, const struct place *p, void *arg),
                void *arg)
{
    if (map->node->type != YAML_MAPPING_NODE)
        return reader_refuse(r, map, "found %s; allowed: a map of %s",
                             reader_is_null(map->node) ? "nothing" : reader_kind(map->node), what);
    const yaml_node_pair_t *start = map->node->data.mapping.pairs.start;
    const yaml_node_pair_t *end = map->node->data.mapping.pairs.top;
    if (end - start > most)
        return reader_refuse(r, map, "found %td entries; allowed: at most %d", end - start, most);
    for (const yaml_node_pair_t *it = start; it < end; it++) {
        const yaml_node_t *key = yaml_document_get_node(doc_of(r), it->key);
        struct place p = {.node = yaml_document_get_node(doc_of(r), it->value),
                          .line = (int)key->start_mark.line + 1};
        memcpy(p.path, map->path, sizeof p.path);
        if (key->type != YAML_SCALAR_NODE || strlen(text_of(key)) != key->data.scalar.length)
            return reader_refuse(r, &p, "found %s as a key; allowed: a name", reader_kind(key));
        snprintf(p.path, sizeof p.path, "%.60s.%.60s", map->path, text_of(key));
        int rc = fn(r, text_of(key), &p, arg);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- YAML ---- */

static int bad_yaml(struct reader *r, const yaml_parser_t *y)
{
    const char *problem = y->problem ? y->problem : "cannot be read";
    if (y->error == YAML_READER_ERROR) /* has an offset and no mark */
        return err_set(r->e, ERR_INVALID, "%s: not YAML: %s at byte %zu", r->file, problem,
                       y->problem_offset);
    const char *hint =
        strstr(problem, "cannot start any token") ? " (a tab in the indentation? blanks only)" : "";
    return err_set(r->e, ERR_INVALID, "%s:%zu: not YAML: column %zu: %s%s%s%s", r->file,
                   y->problem_mark.line + 1, y->problem_mark.column + 1, problem,
                   y->context ? " " : "", y->context ? y->context : "", hint);
}

static int read_document(struct reader *r, yaml_parser_t *y)
{
    yaml_document_t next;
    if (!yaml_parser_load(y, doc_of(r)))
        return bad_yaml(r, y);
    int rc = r->root(r, yaml_document_get_root_node(doc_of(r)));
    yaml_document_delete(doc_of(r));
    if (rc)
        return rc;
    if (!yaml_parser_load(y, &next))
        return bad_yaml(r, y);
    yaml_node_t *second = yaml_document_get_root_node(&next);
    if (second)
        rc = err_set(r->e, ERR_INVALID, "%s:%zu: found a second YAML document; allowed: one",
                     r->file, second->start_mark.line + 1);
    yaml_document_delete(&next);
    return rc;
}

/* Runs over the whole text before a tree is made of it: libyaml takes time quadratic in the depth
 * of nesting (minutes for a megabyte of brackets), so that must be bounded while reading. */
static int check_depth(struct reader *r, yaml_parser_t *y)
{
    bool end = false;
    for (int depth = 0; !end;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(y, &ev))
            return bad_yaml(r, y);
        if (ev.type == YAML_MAPPING_START_EVENT || ev.type == YAML_SEQUENCE_START_EVENT)
            depth++;
        if (ev.type == YAML_MAPPING_END_EVENT || ev.type == YAML_SEQUENCE_END_EVENT)
            depth--;
        end = ev.type == YAML_STREAM_END_EVENT;
        size_t line = ev.start_mark.line + 1;
        yaml_event_delete(&ev);
        if (depth > DEPTH_MAX)
            return err_set(r->e, ERR_INVALID,
                           "%s:%zu: found maps and lists inside one another more than %d deep; "
                           "allowed: at most %d",
                           r->file, line, DEPTH_MAX, DEPTH_MAX);
    }
    return 0;
}

static int parse(struct reader *r, const char *text, size_t len,
                 int (*step)(struct reader *r, yaml_parser_t *y))
{
    yaml_parser_t y;
    CHECK(yaml_parser_initialize(&y));
    yaml_parser_set_input_string(&y, (const unsigned char *)text, len);
    int rc = step(r, &y);
    yaml_parser_delete(&y);
    return rc;
}

int reader_run(struct reader *r, const char *text, size_t len,
               int (*root)(struct reader *r, yaml_node_t *root))
{
    yaml_document_t doc;
    r->doc = &doc;
    r->root = root;
    int rc = parse(r, text, len, check_depth);
    if (!rc)
        rc = parse(r, text, len, read_document);
    r->doc = NULL;
    return rc;
}
