/* How this works
 *
 * This shared object is preloaded into node's executable, which carries V8 and exports it. Its
 * start-up code calls __libc_start_main(main, …); ours is found first and gives libc another main.
 * Node itself never runs. What is to be done stands in the first argument:
 *
 *   isolane-zygote                     the control socket is descriptor 3
 *   isolane-snapshot BUNDLE OUT        the build's: bundle of built-ins → startup snapshot
 *   isolane-globals SNAPSHOT           the build's: what a script finds, its names as JSON */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/engine/engine.h"
#include "sandbox/frame.h"
#include "sandbox/zygote/zygote.h"

static int make_snapshot(const char *bundle, const char *out)
{
    char why[512] = "";
    if (!engine_snapshot(bundle, out, why, sizeof why))
        return 0;
    fprintf(stderr, "isolane-snapshot: %s\n", why);
    return 1;
}

static bool no_output(int stream, const char *text, size_t len)
{
    (void)stream, (void)text, (void)len;
    return true;
}

static bool no_call(uint64_t id, const char *name, const char *json, size_t len)
{
    (void)id, (void)name, (void)json, (void)len;
    return true;
}

static bool no_stream(int what, uint64_t id, const char *data, size_t len)
{
    (void)what, (void)id, (void)data, (void)len;
    return true;
}

static _Noreturn void on_fatal(int end, const char *message)
{
    fprintf(stderr, "isolane-globals: %d: %s\n", end, message);
    _exit(1);
}

static int list_globals(const char *snapshot)
{
    static const struct engine_host host = {
        .output = no_output, .call = no_call, .stream = no_stream, .fatal = on_fatal};
    static const char script[] = "export default Object.getOwnPropertyNames(globalThis).sort()";
    const struct engine_job job = {
        .source = FRAME_MODULE,
        .attempt = 1,
        .clock_us = 1000,
        .permissions = FRAME_ALLOW_WASM | FRAME_ALLOW_SAB,
        .heap_bytes = 64u << 20,
        .memory_bytes = 64u << 20,
        .value_bytes = 1u << 20,
        .id = "globals",
        .id_len = 7,
        .tenant = "globals",
        .tenant_len = 7,
        .name = "globals.mjs",
        .name_len = 11,
        .script = script,
        .script_len = sizeof script - 1,
        .env = "{}",
        .env_len = 2,
    };
    char why[512] = "";
    struct engine_result r;
    if (engine_boot(snapshot, NULL, true, &host, why, sizeof why)) {
        fprintf(stderr, "isolane-globals: %s\n", why);
        return 1;
    }
    engine_begin(&job);
    while (engine_pending() && engine_wait_us() == 0)
        engine_tick();
    engine_finish(&r);
    if (r.end != FRAME_END_OK) {
        fprintf(stderr, "isolane-globals: %.*s\n", (int)r.message_len, r.message);
        return 1;
    }
    printf("%.*s\n", (int)r.value_len, r.value);
    return 0;
}

static int our_main(int argc, char **argv, char **env)
{
    (void)env;
    unsetenv("LD_PRELOAD");
    if (argc == 2 && !strcmp(argv[1], "isolane-zygote"))
        zygote_main();
    int rc = 2;
    if (argc == 4 && !strcmp(argv[1], "isolane-snapshot"))
        rc = make_snapshot(argv[2], argv[3]);
    else if (argc == 3 && !strcmp(argv[1], "isolane-globals"))
        rc = list_globals(argv[2]);
    else
        fprintf(stderr,
                "usage: isolane-zygote | isolane-snapshot BUNDLE OUT | isolane-globals SNAPSHOT\n"
                "This program is started by `isolane` and by its build, not by hand.\n");
    fflush(NULL);
    _exit(rc); /* node's static destructors expect a node that ran */
}

typedef int main_fn(int, char **, char **);
typedef int start_fn(main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void),
                     void *);

__attribute__((visibility("default"))) int __libc_start_main(main_fn *theirs, int argc, char **argv,
                                                             void (*init)(void), void (*fini)(void),
                                                             void (*rtld_fini)(void), void *stack)
{
    (void)theirs;
    start_fn *real = (start_fn *)(uintptr_t)dlsym(RTLD_NEXT, "__libc_start_main");
    return real(our_main, argc, argv, init, fini, rtld_fini, stack);
}
