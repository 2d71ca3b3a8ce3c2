/* The attested start's part in the cell: makes the attempts of sandbox/jail/probes.h, natively. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Makes them all, in a cell that is sealed and under its memory limit. layers: those in force; rows
 * of others are skipped. Returns the report (JSON, static) and its length; the process is good for
 * nothing else afterwards. */
const char *probe_run(uint32_t layers, size_t *len);

/* [signal] The filter trapped a system call: the attempt goes on, and is told. */
void probe_on_denied(uint32_t syscall_number);
