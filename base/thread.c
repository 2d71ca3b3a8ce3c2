#include "base/thread.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>

int thread_start(pthread_t *t, const char *name, void *(*fn)(void *), void *arg, struct err *e)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(t, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc)
        return err_set(e, ERR_UNAVAILABLE, "cannot start the thread %s: %s", name, strerror(rc));
    pthread_setname_np(*t, name);
    return 0;
}

void thread_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t mono;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(c, &mono);
    pthread_condattr_destroy(&mono);
}

struct timespec thread_in_ms(double ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + (int64_t)(ms * 1e6);
    t.tv_sec += ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}
