#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/jv.h"
#include "base/mem.h"
#include "base/nearest.h"

/* getopt's value of row i is ROW_BASE + i, above every letter. */
enum { ROW_BASE = 1000, HELP = 'h' };

void options_add(struct options *o, const struct option_row *rows, size_t n)
{
    CHECK((size_t)o->n + n <= OPTIONS_MAX);
    memcpy(o->rows + o->n, rows, n * sizeof *rows);
    o->n += (int)n;
}

void options_add_limits(struct options *o, struct limits *to)
{
    for (int i = 0; i < LIMITS; i++) {
        const struct limit_info *info = &limit_table[i];
        char *name = o->limit_names[i];
        snprintf(name, sizeof o->limit_names[i], "%s", info->name);
        for (char *p = name; *p; p++)
            if (*p == '_')
                *p = '-';
        const struct option_row row = {.name = name,
                                       .type = OPTION_INT,
                                       .to = &to->v[i],
                                       .arg = "N",
                                       .min = info->min,
                                       .max = info->most,
                                       .help = info->help};
        options_add(o, &row, 1);
    }
}

/* ---- help ---- */

/* "-f, --follow" / "    --wait[=S]" */
static int row_spelling(const struct option_row *r, char *out, size_t cap)
{
    char letter[8] = "    ";
    if (r->letter)
        snprintf(letter, sizeof letter, "-%c, ", r->letter);
    const char *arg = r->type == OPTION_FLAG ? "" : r->arg;
    return snprintf(out, cap,
                    r->optional ? "%s--%s[=%s]"
                    : *arg      ? "%s--%s %s"
                                : "%s--%s",
                    letter, r->name, arg);
}

static void print_help(const struct options *o)
{
    const struct command *c = o->command;
    char spelling[96];
    int width = 0;
    for (int i = 0; i < o->n; i++) {
        int w = row_spelling(&o->rows[i], spelling, sizeof spelling);
        width = w > width ? w : width;
    }
    printf("isolane %s: %s\n\nUsage: isolane %s%s%s\n", c->name, c->summary, c->name,
           *c->usage ? " " : "", c->usage);
    if (c->about)
        printf("\n%s\n", c->about);
    printf("\nOptions:\n");
    for (int i = 0; i < o->n; i++) {
        const struct option_row *r = &o->rows[i];
        row_spelling(r, spelling, sizeof spelling);
        printf("  %-*s  %s", width, spelling, r->help);
        if (r->type == OPTION_INT)
            printf(" (%" PRId64 " to %" PRId64 ")", r->min, r->max);
        for (int k = 0; r->type == OPTION_CHOICE && r->choices[k]; k++)
            printf("%s%s%s", k ? ", " : " (", r->choices[k], r->choices[k + 1] ? "" : ")");
        printf("\n");
    }
    printf("  %-*s  %s\n", width, "-h, --help", "show this");
    printf("\nExit codes: %s\n\nExample:\n%s\n", c->exits ? c->exits : EXITS_JOB, c->example);
}

/* ---- values ---- */

static int take_int(const struct options *o, const struct option_row *r, const char *value)
{
    char *end;
    errno = 0;
    long long v = strtoll(value, &end, 10);
    bool number = *value && !*end && !errno && *value != ' ' && *value != '+';
    if (!number || v < r->min || v > r->max)
        return fail_usage(o->command,
                          "--%s: found '%s'; allowed: a whole number from %" PRId64 " to %" PRId64,
                          r->name, value, r->min, r->max);
    *(int64_t *)r->to = v;
    return OPTIONS_GO;
}

static int take_choice(const struct options *o, const struct option_row *r, const char *value)
{
    char allowed[256] = "";
    struct nearest n = {.word = value};
    for (int i = 0; r->choices[i]; i++) {
        if (!strcmp(r->choices[i], value)) {
            *(int *)r->to = i;
            return OPTIONS_GO;
        }
        nearest_try(&n, r->choices[i]);
        size_t at = strlen(allowed);
        snprintf(allowed + at, sizeof allowed - at, "%s%s", i ? ", " : "", r->choices[i]);
    }
    return fail_usage(o->command, "--%s: found '%s'; allowed: %s%s%s%s", r->name, value, allowed,
                      n.best ? "; did you mean '" : "", n.best ? n.best : "", n.best ? "'?" : "");
}

static bool is_pair(const char *value)
{
    size_t n = 0;
    while (isalnum((unsigned char)value[n]) || (value[n] && strchr("_.-", value[n])))
        n++;
    return n > 0 && value[n] == '=';
}

static int take_list(const struct options *o, const struct option_row *r, const char *value)
{
    struct option_list *l = r->to;
    if (r->pairs && !is_pair(value))
        return fail_usage(o->command,
                          "--%s: found '%s'; allowed: %s, the name of A-Z a-z 0-9 _ . -", r->name,
                          value, r->arg);
    if (l->n == OPTION_LIST_MAX)
        return fail_usage(o->command, "--%s: found more than %d; allowed: at most %d", r->name,
                          OPTION_LIST_MAX, OPTION_LIST_MAX);
    l->v[l->n++] = value;
    return OPTIONS_GO;
}

static int take_json(const struct options *o, const struct option_row *r, const char *value)
{
    struct option_json *to = r->to;
    struct err e;
    struct jv *v;
    const char *where = "the text given";
    free(to->text);
    *to = (struct option_json){0};
    if (value[0] == '@') {
        where = value + 1;
        to->from_stdin = !strcmp(where, "-");
        if (fs_read_file(where, OPTION_JSON_MAX, &to->text, &to->len, &e))
            return fail_usage(o->command, "--%s: %s", r->name, e.msg);
    } else {
        to->len = strlen(value);
        to->text = mem_copy(value, to->len);
    }
    if (jv_parse(to->text, to->len, &v, &e))
        return fail_usage(o->command,
                          "--%s: %s is %s; allowed: a JSON text, or @FILE that holds one", r->name,
                          where, e.msg);
    jv_free(v);
    return OPTIONS_GO;
}

static int take(const struct options *o, const struct option_row *r, const char *value)
{
    switch (r->type) {
    case OPTION_FLAG:
        *(bool *)r->to = true;
        return OPTIONS_GO;
    case OPTION_INT:
        if (!value) {
            *(int64_t *)r->to = r->implied;
            return OPTIONS_GO;
        }
        return take_int(o, r, value);
    case OPTION_TEXT:
        if (!*value)
            return fail_usage(o->command, "--%s: found an empty text; allowed: %s", r->name,
                              r->arg);
        *(const char **)r->to = value;
        return OPTIONS_GO;
    case OPTION_CHOICE:
        return take_choice(o, r, value);
    case OPTION_LIST:
        return take_list(o, r, value);
    case OPTION_JSON:
        return take_json(o, r, value);
    }
    CHECK(!"option type");
    return EXIT_OURS;
}

/* ---- parsing ---- */

static int unknown_option(const struct options *o, const char *typed)
{
    char name[NEAREST_WORD_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
    struct nearest n = {.word = name};
    for (int i = 0; i < o->n; i++)
        nearest_try(&n, o->rows[i].name);
    nearest_try(&n, "help");
    if (n.best)
        return fail_usage(o->command, "unknown option '--%s'; did you mean '--%s'?", name, n.best);
    return fail_usage(o->command, "unknown option '--%s'; `isolane %s --help` lists them", name,
                      o->command->name);
}

/* What getopt_long answered with '?' or ':'. typed is the word it stumbled over. */
static int refused(const struct options *o, int how, int which, const char *typed)
{
    if (which >= ROW_BASE && which < ROW_BASE + o->n) {
        const struct option_row *r = &o->rows[which - ROW_BASE];
        if (how == ':')
            return fail_usage(o->command, "--%s: its value %s is missing", r->name, r->arg);
        return fail_usage(o->command, "--%s: found a value in '%s'; allowed: none", r->name, typed);
    }
    if (!strncmp(typed, "--", 2))
        return unknown_option(o, typed);
    for (int i = 0; i < o->n && how == ':'; i++)
        if (o->rows[i].letter == which)
            return fail_usage(o->command, "-%c: its value %s is missing", which, o->rows[i].arg);
    return fail_usage(o->command, "unknown option '-%c'; `isolane %s --help` lists them", which,
                      o->command->name);
}

/* getopt_long takes any unambiguous beginning of a name. A script that says --js would break on the
 * day another option begins so: only whole names are taken. */
static bool whole_name(const char *typed, const char *name)
{
    size_t n = strlen(name);
    return strncmp(typed, "--", 2) ||
           (!strncmp(typed + 2, name, n) && (typed[2 + n] == 0 || typed[2 + n] == '='));
}

static void getopt_tables(const struct options *o, struct option *longs, char *letters)
{
    *letters++ = ':'; /* a missing value is ':' then, not '?' */
    *letters++ = HELP;
    for (int i = 0; i < o->n; i++) {
        const struct option_row *r = &o->rows[i];
        int has = r->type == OPTION_FLAG ? no_argument
                  : r->optional          ? optional_argument
                                         : required_argument;
        longs[i] = (struct option){.name = r->name, .has_arg = has, .val = ROW_BASE + i};
        if (!r->letter)
            continue;
        *letters++ = r->letter;
        for (int colons = has; colons > 0; colons--)
            *letters++ = ':';
    }
    longs[o->n] = (struct option){.name = "help", .has_arg = no_argument, .val = HELP};
    *letters = 0;
}

static int take_all(struct options *o, int argc, char **argv)
{
    struct option longs[OPTIONS_MAX + 2] = {0};
    char letters[OPTIONS_MAX * 3 + 4];
    getopt_tables(o, longs, letters);
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    for (;;) {
        int v = getopt_long(argc, argv, letters, longs, NULL);
        if (v == -1)
            return OPTIONS_GO;
        bool apart = optarg && optarg == argv[optind - 1]; /* "--name value" */
        const char *typed = argv[optind - (apart ? 2 : 1)];
        if (v == '?' || v == ':')
            return refused(o, v, optopt, typed);
        if (v == HELP) {
            if (!whole_name(typed, "help"))
                return unknown_option(o, typed);
            print_help(o);
            return out_finish(EXIT_JOB_OK);
        }
        int i = v - ROW_BASE;
        for (int k = 0; v < ROW_BASE && k < o->n; k++)
            if (o->rows[k].letter == v)
                i = k;
        if (v >= ROW_BASE && !whole_name(typed, o->rows[i].name))
            return unknown_option(o, typed);
        int rc = take(o, &o->rows[i], optarg);
        if (rc != OPTIONS_GO)
            return rc;
    }
}

int options_parse(struct options *o, int argc, char **argv, int min_args, int max_args,
                  const char *arg_names)
{
    int rc = take_all(o, argc, argv);
    if (rc != OPTIONS_GO)
        return rc;
    o->args = argv + optind;
    o->arg_count = argc - optind;
    if (o->arg_count < min_args)
        return fail_usage(o->command, "%s is missing; usage: isolane %s %s", arg_names,
                          o->command->name, o->command->usage);
    if (max_args >= 0 && o->arg_count > max_args)
        return fail_usage(o->command, "found '%s' too many; usage: isolane %s %s",
                          o->args[max_args], o->command->name, o->command->usage);
    return OPTIONS_GO;
}

void options_free(struct options *o)
{
    for (int i = 0; i < o->n; i++) {
        if (o->rows[i].type != OPTION_JSON)
            continue;
        struct option_json *j = o->rows[i].to;
        free(j->text);
        *j = (struct option_json){0};
    }
}
