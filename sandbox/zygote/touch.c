/* How this works
 *
 * Everything to be traced is made inaccessible. The first access to a page raises SIGSEGV; the
 * handler notes the page, makes it accessible again, and the instruction is tried once more.
 *
 * Text of libc is traced as well, so nothing here may call it: system calls are made by hand, and
 * code and constants of the tracer stand in a section of their own, whose pages are left alone. */
#include "sandbox/zygote/touch.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define OWN __attribute__((section("isolane_touch"), noinline, used, no_stack_protector))

extern const char __start_isolane_touch[] __attribute__((visibility("hidden")));
extern const char __stop_isolane_touch[] __attribute__((visibility("hidden")));

/* rt_sigaction(2) as the kernel takes it; libc's would bring a return path that is libc's text. */
struct kernel_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};
#define KERNEL_SA_RESTORER 0x04000000ul

static struct touched *noted;

__asm__(".pushsection isolane_touch,\"ax\",@progbits\n"
        ".type touch_restorer,@function\n"
        "touch_restorer:\n"
        "    mov $15, %eax\n" /* rt_sigreturn */
        "    syscall\n"
        ".popsection\n");
extern void touch_restorer(void) __attribute__((visibility("hidden")));

OWN static long call(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long rc;
    __asm__ volatile("syscall"
                     : "=a"(rc)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return rc;
}

OWN static void on_touch(int sig, siginfo_t *info, void *context)
{
    struct touched *t = noted;
    const uintptr_t page = (uintptr_t)info->si_addr & ~(TOUCH_PAGE - 1);
    (void)context;
    for (size_t i = 0; i < t->ranges; i++)
        if (t->range[i].start <= page && page < t->range[i].end && t->pages < TOUCH_PAGES_MAX) {
            t->page[t->pages++] = page;
            call(SYS_mprotect, (long)page, (long)TOUCH_PAGE, t->range[i].prot, 0);
            return;
        }
    const struct kernel_sigaction usual = {.handler = 0}; /* a fault of another kind: the end */
    call(SYS_rt_sigaction, sig, (long)&usual, 0, sizeof usual.mask);
}

OWN void touch_trace(struct touched *t)
{
    const struct kernel_sigaction a = {
        .handler = on_touch,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | KERNEL_SA_RESTORER,
        .restorer = touch_restorer,
    };
    noted = t;
    if (call(SYS_rt_sigaction, SIGSEGV, (long)&a, 0, sizeof a.mask))
        return;
    for (size_t i = 0; i < t->ranges; i++)
        call(SYS_mprotect, (long)t->range[i].start, (long)(t->range[i].end - t->range[i].start),
             PROT_NONE, 0);
}

bool touch_is_own(uintptr_t page)
{
    return page >= ((uintptr_t)__start_isolane_touch & ~(TOUCH_PAGE - 1)) &&
           page < (uintptr_t)__stop_isolane_touch;
}
