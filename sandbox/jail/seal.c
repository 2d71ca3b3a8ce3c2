/* How this works
 *
 * The filter is an array in read-only memory, made at build time. Two of its constants are the
 * cell's own pid, which nobody knows at build time: a copy on the stack gets it. The filter traps
 * what it does not allow: the SIGSYS handler (sandbox/zygote/signals.c) names the call and ends the
 * cell. There are two: the one for cells whose profile makes no machine code lets no memory become
 * executable. */
#include "sandbox/jail/steps.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/jail/layers_for_test.h"
#include "sandbox/jail/syscalls.h"
#include "seccomp_filter.h"

#define LENGTH(filter) (sizeof(filter) / sizeof(filter)[0])
#define LONGER(a, b)   (LENGTH(a) > LENGTH(b) ? LENGTH(a) : LENGTH(b))

static int install_filter(bool no_code)
{
    struct sock_filter own[LONGER(cell_filter, no_code_filter)];
    const struct sock_fprog program = {
        .len = no_code ? LENGTH(no_code_filter) : LENGTH(cell_filter), .filter = own};
    const uint32_t self = (uint32_t)getpid();
    unsigned selves = 0;
    memcpy(own, no_code ? no_code_filter : cell_filter, program.len * sizeof own[0]);
    for (unsigned i = 0; i < program.len; i++)
        if (own[i].k == SELF_PLACEHOLDER) {
            own[i].k = self;
            selves++;
        }
    if (selves != SELF_ARGS)
        return -EINVAL;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? -errno : 0;
}

int jail_seal_cell(enum jail_mode mode, bool no_code, uint32_t *layers)
{
    if (mode == JAIL_OFF)
        return 0;
    const unsigned long dumpable = jail_off(LAYER_NOT_DUMPABLE);
    if (prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
        *layers |= 1u << LAYER_NOT_DUMPABLE;
    else if (mode == JAIL_REQUIRE)
        return -EPERM;
    if (jail_off(LAYER_SECCOMP))
        return 0;
    int rc = install_filter(no_code);
    if (rc == 0)
        *layers |= 1u << LAYER_SECCOMP;
    return mode == JAIL_REQUIRE ? rc : 0;
}
