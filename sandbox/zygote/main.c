/* How this works
 *
 * This shared object is preloaded into node's executable, which carries V8 and exports it. Its
 * start-up code calls __libc_start_main(main, …); ours is found first and gives libc another main.
 * Node itself never runs. What is to be done stands in the first argument:
 *
 *   isolane-zygote                     the control socket is descriptor 3
 *   isolane-snapshot BUNDLE OUT        the build's: bundle of built-ins → startup snapshot */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/engine/engine.h"
#include "sandbox/zygote/zygote.h"

static int make_snapshot(const char *bundle, const char *out)
{
    char why[512] = "";
    if (!engine_snapshot(bundle, out, why, sizeof why))
        return 0;
    fprintf(stderr, "isolane-snapshot: %s\n", why);
    return 1;
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
    else
        fprintf(stderr, "usage: isolane-zygote | isolane-snapshot BUNDLE OUT\n"
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
