/* How this works
 *
 * A filter is an array in read-only memory, made at build time. Two of a cell's constants are the
 * cell's own pid, which nobody knows at build time: a copy on the stack gets it. The filters trap
 * what they do not allow: the SIGSYS handler (sandbox/zygote/signals.c) names the call and ends the
 * cell.
 *
 *   the zygote's   what its cells may do and what forking them takes (forker_syscalls.h); inherited
 *   rest           a cell's own above it: takes away what forking takes
 *   cell           all that a cell needs, by itself: where the zygote has none
 *
 * Of the last two there are two each: the others are for cells whose profile makes no machine code,
 * and let no memory become executable. */
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

#define FILTER(array)                                                                              \
    {                                                                                              \
        array, sizeof(array) / sizeof(array)[0]                                                    \
    }

static const struct {
    const struct sock_filter *filter;
    unsigned short len;
} own[2][2] = {{FILTER(cell_filter), FILTER(no_code_filter)},
               {FILTER(rest_filter), FILTER(rest_no_code_filter)}};

static bool
    inherited; /* the zygote's filter is in force here, and in whatever is forked from here */

static int install(const struct sock_filter *filter, unsigned short len)
{
    const struct sock_fprog program = {.len = len,
                                       .filter = (struct sock_filter *)(uintptr_t)filter};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? -errno : 0;
}

static int install_own(bool no_code)
{
    const unsigned short len = own[inherited][no_code].len;
    struct sock_filter copy[OWN_FILTER_MAX];
    const uint32_t self = (uint32_t)getpid();
    unsigned selves = 0;
    memcpy(copy, own[inherited][no_code].filter, len * sizeof copy[0]);
    for (unsigned i = 0; i < len; i++)
        if (copy[i].k == SELF_PLACEHOLDER) {
            copy[i].k = self;
            selves++;
        }
    return selves == SELF_ARGS ? install(copy, len) : -EINVAL;
}

void jail_touch_seal(void)
{
    const volatile struct sock_filter *rest = own[true][false].filter;
    for (unsigned i = 0; i < own[true][false].len; i++)
        (void)rest[i].k;
}

int jail_seal_zygote(enum jail_mode mode, struct err *e)
{
    if (mode == JAIL_OFF || jail_off(LAYER_SECCOMP))
        return 0;
    int rc = install(forker_filter, sizeof forker_filter / sizeof forker_filter[0]);
    inherited = rc == 0;
    if (rc == 0 || mode != JAIL_REQUIRE)
        return 0;
    errno = -rc;
    return err_errno(e, "the zygote's system-call filter");
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
    int rc = install_own(no_code);
    if (rc == 0)
        *layers |= 1u << LAYER_SECCOMP;
    return mode == JAIL_REQUIRE ? rc : 0;
}
