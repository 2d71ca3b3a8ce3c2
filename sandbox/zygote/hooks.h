/* What the signal handlers (signals.c) call in a cell (cell.c). All of it is async-signal-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool cell_is_cell(void);         /* false in the zygote, where a signal means nothing special */
void cell_on_stop(uintptr_t pc); /* pc: the interrupted instruction */
void cell_on_flush(void);
/* Ends the process, unless it is there to be denied things (probe.h). */
void cell_on_denied(uint32_t syscall_number);
void cell_on_crash(int sig); /* last chance to send what was printed */
