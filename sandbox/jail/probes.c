#include "sandbox/jail/probes.h"

#include <stdio.h>
#include <sys/syscall.h>

#define AS_CALL(name, call, ...)   {#name, LAYER_SECCOMP, SYS_##call, #call "(" #__VA_ARGS__ ")"},
#define AS_CODE(name, layer, what) {#name, layer, -1, what},

const struct jail_probe jail_probes[JAIL_PROBE_COUNT] = {JAIL_PROBES(AS_CALL, AS_CODE)};

const char *jail_probe_layer(const struct jail_probe *p)
{
    return p->layer == PROBE_PROCESS ? "process" : jail_layer_name((enum jail_layer)p->layer);
}

int jail_probe_line(int i, char out[JAIL_PROBE_LINE_MAX])
{
    const struct jail_probe *p = &jail_probes[i];
    return snprintf(out, JAIL_PROBE_LINE_MAX, "%s\t%s\t%s\n", p->name, jail_probe_layer(p),
                    p->what);
}
