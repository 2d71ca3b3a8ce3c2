/* How this works: defaults, then the file, then the environment; each value goes through key_set()
 * of config/keys.c. Flags come later, through config_set(). What depends on several keys at once is
 * checked at the end of config_load(). */
#include "config/config.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "config/file.h"
#include "config/keys.h"
#include "config/tenant.h"

#define RUNNING_PER_CPU 2 /* attempts wait for timers and replies too, not for the CPU alone */
#define RUNNING_LEAST   4

/* $XDG_DATA_HOME/isolane, else ~/.local/share/isolane (XDG base directory specification: relative
 * paths in the variable are to be ignored). */
static int default_data_dir(char **out, struct err *e)
{
    char path[PATH_MAX];
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int rc;
    if (xdg && xdg[0] == '/')
        rc = fs_path(path, sizeof path, e, "%s/isolane", xdg);
    else if (home && home[0] == '/')
        rc = fs_path(path, sizeof path, e, "%s/.local/share/isolane", home);
    else
        rc = err_set(e, ERR_INVALID,
                     "data_dir: no default, for neither HOME nor XDG_DATA_HOME is set; give --data "
                     "DIR or set ISOLANE_DATA_DIR");
    if (!rc)
        *out = mem_strdup(path);
    return rc;
}

static char *default_worker(void)
{
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) || !*host)
        return mem_strdup("worker");
    for (char *p = host; *p; p++)
        if (!isalnum((unsigned char)*p) &&
            (!strchr("_.-", *p) || (*p == '.' && (p == host || p[-1] == '.' || !p[1]))))
            *p = '-';
    return mem_strdup(host);
}

static int64_t default_max_running(void)
{
    const struct config_key *k = key_by_name("max_running");
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t n = (cpus < 1 ? 1 : (int64_t)cpus) * RUNNING_PER_CPU;
    if (n < RUNNING_LEAST)
        n = RUNNING_LEAST;
    return n > k->max ? k->max : n;
}

/* What depends on the machine, where nobody has said. */
static int fill_machine(struct config *c, struct err *e)
{
    if (!c->worker)
        c->worker = default_worker();
    if (!c->max_running)
        c->max_running = default_max_running();
    return c->data_dir ? 0 : default_data_dir(&c->data_dir, e);
}

static int read_environment(struct config *c, struct err *e)
{
    for (int i = 0; i < config_key_count; i++) {
        char name[KEY_ENV_MAX];
        key_env(&config_keys[i], name);
        const char *value = getenv(name);
        struct err why;
        /* Set and empty is how a variable is taken back in a unit file or a compose file. */
        if (value && *value && key_set(c, &config_keys[i], value, &why))
            return err_set(e, ERR_INVALID, "%s: %s", name, why.msg);
    }
    return 0;
}

int config_check(const struct config *c, struct err *e)
{
    const struct nats_config *n = &c->nats;
    static const char ways[] =
        "nats.user with nats.password, nats.token, nats.nkey_seed_file, or nats.creds_file";
    const char *given[] = {n->user ? "nats.user" : NULL, n->token ? "nats.token" : NULL,
                           n->nkey_seed_file ? "nats.nkey_seed_file" : NULL,
                           n->creds_file ? "nats.creds_file" : NULL};
    const char *first = NULL;
    if (n->password && !n->user)
        return err_set(e, ERR_INVALID,
                       "nats.password: found without nats.user; allowed: both, or neither");
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        if (given[i] && first)
            return err_set(e, ERR_INVALID, "found %s and %s; allowed: one way to log in: %s", first,
                           given[i], ways);
        if (given[i])
            first = given[i];
    }
    if (!n->tls_cert_file != !n->tls_key_file)
        return err_set(e, ERR_INVALID, "%s: found without %s; allowed: both, or neither",
                       n->tls_cert_file ? "nats.tls_cert_file" : "nats.tls_key_file",
                       n->tls_cert_file ? "nats.tls_key_file" : "nats.tls_cert_file");
    return 0;
}

int config_load(const char *file, struct config **out, struct err *e)
{
    const struct limits none = {0};
    struct config *c = mem_alloc(sizeof *c);
    int rc = 0;
    keys_default(c);
    if (file) {
        c->file = mem_strdup(file);
        rc = config_file_read(file, c, e);
    } else {
        tenants_default(c, &none, &none, NULL);
    }
    if (!rc)
        rc = read_environment(c, e);
    if (!rc)
        rc = fill_machine(c, e);
    if (!rc)
        rc = config_check(c, e);
    if (rc) {
        config_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    keys_free(c);
    free(c->file);
    for (int i = 0; i < c->tenant_count; i++)
        tenant_clear(&c->tenants[i]);
    free(c->tenants);
    free(c->tenants_by_name);
    free(c);
}

int config_set(struct config *c, const char *key, const char *value, const char *source,
               struct err *e)
{
    struct err why;
    const struct config_key *k = key_by_name(key);
    if (!k) {
        struct nearest n = {.word = key};
        for (int i = 0; i < config_key_count; i++)
            nearest_try(&n, config_keys[i].name);
        return err_set(e, ERR_INVALID, "%s: unknown key '%.100s'%s%s%s", source, key,
                       n.best ? "; did you mean '" : "", n.best ? n.best : "", n.best ? "'?" : "");
    }
    if (key_set(c, k, value, &why))
        return err_set(e, ERR_INVALID, "%s: %s: %s", source, key, why.msg);
    return 0;
}
