/* The system calls a cell may make once it is sealed; everything else is trapped, named in the
 * result (`denied`) and ends the cell. Build-time table: tools/mkfilter turns it into the filter.
 *
 * ALWAYS(name, why): with any arguments.
 *
 * SELF(name, why): when every argument counted in SELF_ARGS is the cell's own pid (which is its
 * only thread's id): the cells of a zygote share a user and a pid namespace, and one must not be
 * able to signal another.
 *
 * ZERO(name, why): when the first argument is 0, the caller itself.
 *
 * CODE(name, why): with any arguments; in cells whose profile makes no machine code only while
 * PROT_EXEC is not among the flags of the third argument, so that no memory there can become code.
 *
 * Left out on purpose although V8 or glibc know them: openat (all files are mapped before the
 * fork), clone, clone3, fork, vfork, execve, rt_sigaction (handlers are set before the fork),
 * socket, connect, sendmsg and recvmsg (no descriptors travel), ptrace, kill, memfd_create,
 * userfaultfd, io_uring_setup, bpf, keyctl, process_vm_*, pidfd_*, prctl, seccomp, unshare, setns,
 * ioctl, fcntl, dup, close. */
#pragma once

/* Stands in the compiled filter for the pid that jail_seal_cell() puts there. Any value that no
 * system call number or other constant of the filter has. */
#define SELF_PLACEHOLDER 0x5e1f5e1fu
/* Comparisons with it in each of the cells' filters: tgkill's two. mkfilter and the cell check it.
 */
#define SELF_ARGS        2

#define CELL_SYSCALLS(ALWAYS, SELF, ZERO, CODE)                                                    \
    ALWAYS(read, "frames from the supervisor")                                                     \
    ALWAYS(write, "frames to the supervisor")                                                      \
    ALWAYS(writev, "frames to the supervisor")                                                     \
    ALWAYS(poll, "waiting for frames and timers")                                                  \
    ALWAYS(ppoll, "waiting for frames and timers")                                                 \
    CODE(mmap, "V8's heap, malloc")                                                                \
    ALWAYS(munmap, "V8's heap, malloc")                                                            \
    ALWAYS(mremap, "malloc of large blocks")                                                       \
    CODE(mprotect, "V8 commits reserved memory and code with it")                                  \
    CODE(pkey_mprotect, "V8's code space under protection keys")                                   \
    ALWAYS(madvise, "V8 and malloc give pages back")                                               \
    ALWAYS(brk, "malloc")                                                                          \
    ALWAYS(futex, "locks inside V8 and glibc, Atomics.wait")                                       \
    ALWAYS(sched_yield, "spin locks inside V8")                                                    \
    ALWAYS(clock_gettime, "where the vDSO has no clock to read")                                   \
    ALWAYS(gettimeofday, "where the vDSO has no clock to read")                                    \
    ALWAYS(clock_nanosleep, "back-off inside V8")                                                  \
    ALWAYS(restart_syscall, "the kernel's own way to go on after a stop")                          \
    ALWAYS(getrandom, "every source of random numbers")                                            \
    ALWAYS(getrusage, "peak memory")                                                               \
    ALWAYS(getpid, "abort()")                                                                      \
    ALWAYS(gettid, "abort()")                                                                      \
    SELF(tgkill, "abort(); signals to itself")                                                     \
    ZERO(prlimit64, "lowering its own RLIMIT_DATA to the job's memory")                            \
    ALWAYS(rt_sigprocmask, "abort()")                                                              \
    ALWAYS(rt_sigreturn, "the end of a signal handler")                                            \
    ALWAYS(exit, "the end")                                                                        \
    ALWAYS(exit_group, "the end")
