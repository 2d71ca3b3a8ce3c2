#include "sandbox/jail/jail.h"

#include "syscall_names.h"

const char *jail_layer_name(enum jail_layer l)
{
    static const char *const names[LAYERS] = {
        [LAYER_USER_NS] = "userns",
        [LAYER_MOUNT_NS] = "mountns",
        [LAYER_PID_NS] = "pidns",
        [LAYER_NET_NS] = "netns",
        [LAYER_IPC_NS] = "ipcns",
        [LAYER_UTS_NS] = "utsns",
        [LAYER_CGROUP_NS] = "cgroupns",
        [LAYER_NO_CAPS] = "no_caps",
        [LAYER_NO_NEW_PRIVS] = "no_new_privs",
        [LAYER_RLIMITS] = "rlimits",
        [LAYER_LANDLOCK] = "landlock",
        [LAYER_SECCOMP] = "seccomp",
        [LAYER_NOT_DUMPABLE] = "not_dumpable",
        [LAYER_CGROUP] = "cgroup",
    };
    return (unsigned)l < LAYERS ? names[l] : "?";
}

const char *jail_syscall_name(uint32_t nr)
{
    return nr < sizeof syscall_names / sizeof syscall_names[0] ? syscall_names[nr] : NULL;
}
