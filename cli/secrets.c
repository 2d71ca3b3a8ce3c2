#include "cli/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/command.h"

#define SEALED_FILE_MAX ((size_t)SEALED_EACH_MAX * (SEALED_TEXT_MAX + 2))

int secret_read(const char *path, bool keep, struct secret_text *out, struct err *e)
{
    const size_t cap =
        SECRET_VALUE_MAX + 3; /* a line end, and one byte to see that there is more */
    int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, rc = 0;
    if (fd < 0)
        return err_errno(e, "cannot open %s", path);
    char *text = crypto_guarded(cap);
    size_t len = 0;
    ssize_t n = 1;
    while (len < cap && n != 0) {
        n = read(fd, text + len, cap - len);
        if (n < 0 && errno != EINTR) {
            rc = err_errno(e, "cannot read %s", path);
            break;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd != STDIN_FILENO)
        close(fd);
    if (!keep && len && text[len - 1] == '\n')
        len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
    if (!rc && secret_value_check(text, len, e))
        rc = err_wrap(e, "%s", strcmp(path, "-") ? path : "standard input");
    if (rc) {
        crypto_guarded_free(text);
        return rc;
    }
    *out = (struct secret_text){text, len};
    return 0;
}

static int add_lines(struct sealed_secret *s, const char *text, struct err *e)
{
    int rc = 0;
    for (const char *at = text; *at && !rc;) {
        size_t n = strcspn(at, "\r\n");
        if (n)
            rc = sealed_secret_add(s, at, n, e);
        at += n + strspn(at + n, "\r\n");
    }
    if (!rc && !s->n)
        rc = err_set(e, ERR_INVALID, "found no sealed text; allowed: 1 to %d, one a line",
                     SEALED_EACH_MAX);
    return rc;
}

static int add_sealed(struct sealed_secrets *list, const char *name, const char *path,
                      struct err *e)
{
    struct sealed_secret *s;
    char *text = NULL;
    size_t len = 0;
    int rc = sealed_secrets_new(list, name, &s, e);
    if (!rc)
        rc = fs_read_file(path, SEALED_FILE_MAX, &text, &len, e);
    if (!rc)
        rc = add_lines(s, text, e);
    free(text);
    return rc;
}

int secrets_for_job(const struct option_list *given, struct sealed_secrets *sealed,
                    struct permission_entries *named, struct err *e)
{
    for (int i = 0; i < given->n; i++) {
        const char *what = given->v[i], *equals = strchr(what, '=');
        char *name = equals ? mem_copy(what, (size_t)(equals - what)) : mem_strdup(what);
        int rc = 0;
        if (!secret_name_valid(name) || (equals && (equals[1] != '@' || !equals[2])))
            rc = err_set(e, ERR_INVALID,
                         "found '%.80s%s'; allowed: NAME, or NAME=@FILE with sealed texts "
                         "(isolane secret seal)",
                         name, equals ? "=…" : "");
        else if (equals)
            rc = add_sealed(sealed, name, equals + 2, e);
        else if (!permission_add(named, name, strlen(name)))
            rc = err_set(e, ERR_INVALID, "found more than %d names", PERMISSION_LIST_MAX);
        free(name);
        if (rc) {
            return err_of_option(e, "--secret");
        }
    }
    return 0;
}

static int from_variable(const char *variable, struct secret_text *out, struct err *e)
{
    const char *value = getenv(variable);
    if (!value)
        return err_set(e, ERR_INVALID, "the environment has no variable %s", variable);
    size_t len = strlen(value);
    int rc = secret_value_check(value, len, e);
    if (rc)
        return err_wrap(e, "%s", variable);
    out->value = crypto_guarded(len);
    out->len = len;
    memcpy(out->value, value, len);
    return 0;
}

static int add_given(struct given_secrets *g, const char *what, struct err *e)
{
    const char *equals = strchr(what, '=');
    size_t name_len = equals ? (size_t)(equals - what) : strlen(what);
    struct plain_secret *p = &g->v[g->n];
    struct secret_text text = {0};
    int rc = 0;
    snprintf(p->name, sizeof p->name, "%.*s", (int)name_len, what);
    bool file = equals && equals[1] == '@' && equals[2];
    bool variable = equals && !strncmp(equals + 1, "env:", 4) && equals[5];
    if (name_len > SECRET_NAME_MAX || !secret_name_valid(p->name) || (!file && !variable))
        return err_set(
            e, ERR_INVALID,
            "found '%.*s%s'; allowed: NAME=@FILE or NAME=env:VARIABLE, NAME " SECRET_NAME_ALLOWED,
            name_len < 80 ? (int)name_len : 80, what, equals ? "=…" : "");
    for (int i = 0; i < g->n; i++)
        if (!strcmp(g->v[i].name, p->name))
            return err_set(e, ERR_INVALID, "found '%s' a second time; allowed: once", p->name);
    rc = file ? secret_read(equals + 2, false, &text, e) : from_variable(equals + 5, &text, e);
    if (rc)
        return err_wrap(e, "%s", p->name);
    p->value = g->memory[g->n++] = text.value;
    p->len = text.len;
    return 0;
}

int secrets_for_run(const struct option_list *given, struct given_secrets *out, struct err *e)
{
    int rc = 0;
    *out = (struct given_secrets){.n = 0};
    if (given->n > SECRETS_MAX)
        rc = err_set(e, ERR_INVALID, "found %d; allowed: at most %d", given->n, SECRETS_MAX);
    for (int i = 0; i < given->n && !rc; i++)
        rc = add_given(out, given->v[i], e);
    if (!rc)
        return 0;
    secrets_release(out);
    return err_of_option(e, "--secret");
}

void secrets_release(struct given_secrets *g)
{
    for (int i = 0; i < g->n; i++)
        crypto_guarded_free(g->memory[i]);
    g->n = 0;
}
