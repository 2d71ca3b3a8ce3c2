#include "sandbox/host/claims.h"

#include <string.h>

#include "base/utf8.h"
#include "sandbox/jail/jail.h"

static bool known(const struct claims *c, uint64_t number)
{
    return number >= c->first && number < c->next;
}

static void make_plain(char *text, size_t cap)
{
    text[cap - 1] = '\0';
    for (char *p = text; *p; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
}

/* The engine's version and flags are shown and signed. */
static void take_up(struct control_up *up)
{
    make_plain(up->engine, sizeof up->engine);
    make_plain(up->flags, sizeof up->flags);
    up->layers &= (1u << LAYERS) - 1;
}

/* A path in it may be in any alphabet; it goes into the log. */
static void take_failed(struct control_failed *f)
{
    f->text[sizeof f->text - 1] = '\0';
    bool good = utf8_valid_prefix(f->text, strlen(f->text)) == strlen(f->text);
    for (char *p = f->text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || (!good && (unsigned char)*p > 0x7f))
            *p = ' ';
}

static enum claim take_forked(struct claims *c, const struct control_forked *f, int fds,
                              const char **why)
{
    if (!known(c, f->number))
        *why = "the zygote spoke of a cell that was never asked for";
    else if (fds != (f->pid > 0 ? 1 : 0))
        *why = "the zygote told of a fork without its one pidfd";
    else if (c->forked == c->next - c->first)
        *why = "the zygote told of more forks than were asked for";
    else {
        c->forked++;
        return CLAIM_FORKED;
    }
    return CLAIM_LIE;
}

static enum claim take_exited(struct claims *c, const struct control_exited *x, size_t n,
                              const char **why)
{
    for (size_t i = 0; i < n; i++)
        if (x[i].kind != CONTROL_EXITED) {
            *why = "the zygote sent a message that makes no sense";
            return CLAIM_LIE;
        } else if (!known(c, x[i].number)) {
            *why = "the zygote spoke of a cell that was never asked for";
            return CLAIM_LIE;
        }
    if (n > c->forked - c->exited) {
        *why = "the zygote told of more ends than forks";
        return CLAIM_LIE;
    }
    c->exited += n;
    return CLAIM_EXITED;
}

enum claim claims_take(struct claims *c, union control_message *m, size_t len, int fds, size_t *n,
                       const char **why)
{
    bool forked = m->kind == CONTROL_FORKED && len == sizeof m->forked;
    if (fds != 0 && !(forked && fds == 1)) {
        *why = "the zygote sent descriptors that nobody asked for";
        return CLAIM_LIE;
    }
    if (m->kind == CONTROL_FAILED && len == sizeof m->failed) {
        take_failed(&m->failed);
        return CLAIM_FAILED;
    }
    if (!c->up && m->kind == CONTROL_UP && len == sizeof m->up) {
        take_up(&m->up);
        c->up = true;
        return CLAIM_UP;
    }
    if (c->up && forked)
        return take_forked(c, &m->forked, fds, why);
    *n = len / sizeof m->exited[0];
    if (c->up && m->kind == CONTROL_EXITED && *n > 0 && len == *n * sizeof m->exited[0])
        return take_exited(c, m->exited, *n, why);
    *why = "the zygote sent a message that makes no sense";
    return CLAIM_LIE;
}
