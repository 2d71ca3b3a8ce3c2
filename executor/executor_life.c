/* The life of the executor: opened, drained, closed. */
#include "executor/executor_inner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "executor/ceilings.h"
#include "executor/net.h"
#include "executor/retention.h"
#include "executor/sources/toolchain.h"
#include "sandbox/jail/jail.h"

#define CLOSE_WAIT_MS 10000

/* A cell takes two descriptors here; the soft limit is often 1024. */
static void allow_many_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static void free_handle(uv_handle_t *h)
{
    free(h);
}

void executor_close_pools(struct executor *x)
{
    codes_close(x->codes);
    x->codes = NULL;
    branches_close(x->branches);
    x->branches = NULL;
    warm_close(x->warm); /* first: its cells are theirs */
    x->warm = NULL;
    pools_close(x->pools);
    x->pools = NULL;
}

int executor_open(uv_loop_t *loop, const struct executor_options *o,
                  const struct executor_events *ev, void *arg, struct executor **out, struct err *e)
{
    struct executor *x = mem_alloc(sizeof *x);
    x->loop = loop;
    x->config = o->config;
    x->worker = mem_strdup(o->worker);
    x->eager_output = o->eager_output;
    x->ev = *ev;
    x->arg = arg;
    x->world = (struct service_world){.loop = loop,
                                      .net = net_open(loop, o->config),
                                      .config = o->config,
                                      .link = o->link,
                                      .subjects = o->subjects,
                                      .paths = o->paths,
                                      .artifacts = o->artifacts};
    list_init(&x->running);
    list_init(&x->parked);
    x->turn_done = mem_alloc(sizeof *x->turn_done);
    uv_prepare_init(loop, x->turn_done);
    x->turn_done->data = x;
    x->wake = mem_alloc(sizeof *x->wake);
    uv_timer_init(loop, x->wake);
    x->wake->data = x;
    allow_many_files();
    secrets_guard_process();
    for (int i = 0; i < LAYERS; i++)
        x->jail_names[i] = jail_layer_name((enum jail_layer)i);
    x->backlog = backlog_new(o->config, clock_mono_us());
    x->tools = toolchain_new(o->paths ? o->paths->transforms : NULL, o->engine);
    x->filesets = filesets_new(loop, o->config, o->artifacts, executor_files_done, x);
    struct recorder_options ro = {.db_path = o->db_path, .key = &x->key, .many = !o->few_jobs};
    const struct pool_options po = {.config = o->config,
                                    .paths = o->engine,
                                    .profile = o->profile,
                                    .few_cells = o->few_jobs,
                                    .cgroup = o->cgroup};
    /* First the pool: its zygote starts while key and database are opened. */
    x->pools = pools_open(loop, &po, &executor_pool_handlers, x);
    x->warm = warm_open(loop, o->config);
    if (!o->few_jobs)
        x->codes = codes_open(o->config, &executor_codes_handlers, x);
    if (!o->few_jobs)
        x->branches = branches_open(loop, &po, &executor_branches_handlers, x);
    int rc = sign_key_open(o->key_path, o->pub_path, &x->key, e);
    if (!rc && o->seal_path) {
        x->seal = crypto_guarded(sizeof *x->seal);
        rc = seal_key_open(o->seal_path, o->seal_pub_path, x->seal, e);
    }
    if (!rc)
        rc = recorder_open(loop, &ro, &executor_recorder_handlers, x, &x->recorder, e);
    if (rc) {
        executor_close_pools(x); /* they tell nothing any more */
        net_close(x->world.net);
        uv_close((uv_handle_t *)x->turn_done, free_handle);
        uv_close((uv_handle_t *)x->wake, free_handle);
        recorder_close(x->recorder, 0, NULL);
        backlog_free(x->backlog);
        toolchain_free(x->tools);
        filesets_free(x->filesets);
        sign_key_wipe(&x->key);
        crypto_guarded_free(x->seal);
        free(x->worker);
        free(x);
        return rc;
    }
    ceilings_restore(o->config, o->db_path, x->backlog);
    x->janitor = retention_open(loop, o->config, o->db_path, x->worker, x->recorder);
    *out = x;
    return 0;
}

void executor_give_back_waiting(struct executor *x)
{
    struct backlog_entry *entry;
    for (int p = 0; p < PROFILES; p++)
        while ((entry = backlog_withdraw(x->backlog, (enum profile)p))) {
            struct attempt *a = attempt_of_entry(entry);
            x->waiting--;
            x->back(a, x->back_arg);
            attempt_free(a);
        }
}

void executor_last(struct executor *x)
{
    x->last = true;
    executor_pump(x);
}

/* clocked: only those that wait for a clock or for files, not for the front-end. */
void executor_give_back_parked(struct executor *x, bool clocked)
{
    LIST_FOREACH(n, &x->parked)
    {
        struct attempt *a = attempt_of_entry(LIST_ENTRY(n, struct backlog_entry, node));
        if (clocked && !attempt_has_clock(a) && !filesets_is_waiting(a))
            continue;
        executor_take_up(x, attempt_entry(a));
        x->back(a, x->back_arg);
        attempt_free(a);
    }
}

void executor_drain(struct executor *x, void (*back)(struct attempt *, void *), void *arg)
{
    x->draining = true;
    x->back = back;
    x->back_arg = arg;
    executor_give_back_waiting(x);
    executor_give_back_parked(x, true);
}

void executor_abandon(struct executor *x, void (*back)(struct attempt *, void *), void *arg)
{
    x->draining = true;
    struct list *n;
    while ((n = list_pop_front(&x->running))) {
        struct backlog_entry *entry = LIST_ENTRY(n, struct backlog_entry, node);
        struct attempt *a = attempt_of_entry(entry);
        if (attempt_state(a) == ATTEMPT_PREPARING)
            toolchain_stop(a);
        else
            attempt_abandon(a);
        backlog_ended(x->backlog, entry->tenant);
        x->running_count--;
        x->running_of[entry->profile]--;
        back(a, arg);
        attempt_free(a);
    }
    executor_drain(x, back, arg);
    executor_give_back_parked(x, false);
}

struct executor_stats executor_stats(const struct executor *x)
{
    return (struct executor_stats){
        .waiting = x->waiting + x->lined,
        .running = x->running_count,
        .parked = x->parked_count,
        .recording = x->recording,
        .pool = x->pools ? pools_stats(x->pools) : (struct pool_stats){0},
        .branches = branches_stats(x->branches),
        .codes = codes_stats(x->codes),
        .warm = x->warm ? warm_stats(x->warm) : (struct warm_stats){0},
    };
}

const struct zygote_info *executor_zygote(const struct executor *x)
{
    return x->pools ? pools_zygote(x->pools) : NULL;
}

const struct sign_key *executor_key(const struct executor *x)
{
    return &x->key;
}

bool executor_may_have_result(const struct executor *x, const char *tenant, const char *id)
{
    return recorder_may_have(x->recorder, tenant, id);
}

void executor_set_envelope_max(struct executor *x, size_t bytes)
{
    recorder_set_envelope_max(x->recorder, bytes);
}

void executor_close(struct executor *x)
{
    if (!x)
        return;
    CHECK(x->waiting + x->lined == 0 && x->running_count == 0 && x->parked_count == 0);
    struct err e = {0};
    janitor_close(x->janitor);
    x->janitor = NULL;
    if (recorder_close(x->recorder, CLOSE_WAIT_MS, &e))
        log_error("executor", "results not committed: %s", e.msg);
    uv_close((uv_handle_t *)x->turn_done, free_handle);
    uv_close((uv_handle_t *)x->wake, free_handle);
    executor_close_pools(x);
    net_close(x->world.net);
    backlog_free(x->backlog);
    toolchain_free(x->tools);
    filesets_free(x->filesets);
    sign_key_wipe(&x->key);
    crypto_guarded_free(x->seal);
    free(x->worker);
    free(x);
}
