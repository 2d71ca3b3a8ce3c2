/* The filter of a zygote that compiles what a tenant wrote: see forker_syscalls.h. Made at build
 * time like the cells' (seal.c). What it does not allow is trapped, and ends the zygote. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forker_filter.h"
#include "sandbox/jail/jail.h"
#include "sandbox/jail/layers_for_test.h"

int jail_seal_forker(enum jail_mode mode, struct err *e)
{
    const struct sock_fprog program = {.len = sizeof forker_filter / sizeof forker_filter[0],
                                       .filter = (struct sock_filter *)(uintptr_t)forker_filter};
    if (mode == JAIL_OFF || jail_off(LAYER_SECCOMP))
        return 0;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) && mode == JAIL_REQUIRE)
        return err_errno(e, "the filter of a zygote that compiles sources");
    return 0;
}
