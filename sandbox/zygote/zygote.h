/* The zygote process: started by the supervisor with CONTROL_FD open (sandbox/zygote/control.h). */
#pragma once

/* Boots the engine, jails itself, then forks cells on request until the supervisor goes. */
_Noreturn void zygote_main(void);
