/* How this works
 *
 *   SIGUSR1   from the supervisor: stop the script, send what it printed
 *   SIGUSR2   from the supervisor: send what it printed
 *   SIGSYS    from the filter: tell the name of the call, end (or note it: probe.c)
 *   SIGSEGV … a crash: send what was printed, then end by that same signal, so that the wait status
 *             tells the supervisor which it was
 *
 * All run on an alternate stack, for a crash may be an overflow of the main one, and with one
 * another blocked. They are set before the fork; afterwards the filter forbids to change them. */
#include "sandbox/zygote/signals.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>
#include <unistd.h>

#include "sandbox/zygote/hooks.h"

#define STACK_SIZE (64u << 10) /* the kernel's part alone may be 11 kB (AMX) */

static char stack[STACK_SIZE] __attribute__((aligned(64)));

static void on_stop(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    const ucontext_t *interrupted = context;
    if (cell_is_cell())
        cell_on_stop((uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP]);
}

static void on_flush(int sig)
{
    (void)sig;
    if (cell_is_cell())
        cell_on_flush();
}

static void on_denied(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    if (!cell_is_cell()) /* a zygote that does what none does */
        _exit(128 + SIGSYS);
    cell_on_denied((uint32_t)info->si_syscall);
}

/* Installed with SA_RESETHAND: the signal's own action is back, and does what it does. In the
 * zygote, pid 1 of its namespace, raise() is without effect; the instruction that faulted faults
 * again. */
static void on_crash(int sig)
{
    if (cell_is_cell())
        cell_on_crash(sig);
    raise(sig);
}

void signals_install(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction a = {.sa_flags = SA_ONSTACK | SA_RESTART};
    sigaltstack(&alternate, NULL);
    sigemptyset(&a.sa_mask);
    sigaddset(&a.sa_mask, SIGUSR1);
    sigaddset(&a.sa_mask, SIGUSR2);
    a.sa_handler = on_flush;
    sigaction(SIGUSR2, &a, NULL);
    a.sa_flags = SA_ONSTACK | SA_RESTART | SA_SIGINFO;
    a.sa_sigaction = on_stop;
    sigaction(SIGUSR1, &a, NULL);
    a.sa_sigaction = on_denied;
    sigaction(SIGSYS, &a, NULL);
    a.sa_flags = (int)(SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    a.sa_handler = on_crash;
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        sigaction(crashes[i], &a, NULL);
}
