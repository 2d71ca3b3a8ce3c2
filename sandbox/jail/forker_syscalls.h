/* What a zygote may do, once it is jailed, besides what its cells may (syscalls.h): no more than to
 * fork cells, tell of them, and shut their doors. Its cells have this filter from their first
 * instruction on. On top of it comes one of their own that takes all of this away again; the two
 * together are what syscalls.h says (tools/mkfilter.c proves it), and the second one is short, for
 * each cell has the kernel translate it.
 *
 * MORE(name, why): with any arguments. FORK, PRCTL, SECCOMP, UNSHARE(name, why): with those that
 * tools/mkfilter.c says. */
#pragma once

#define FORKER_SYSCALLS(MORE, FORK, PRCTL, SECCOMP, UNSHARE)                                       \
    FORK(clone, "a cell: with fork()'s own flags, so no thread and no namespace")                  \
    MORE(set_robust_list, "fork(), in the child")                                                  \
    MORE(wait4, "the ends of cells")                                                               \
    MORE(pidfd_open, "cells are handed over by it")                                                \
    MORE(recvmsg, "FORK, with the cells' sockets")                                                 \
    MORE(sendmsg, "FORKED, with a pidfd")                                                          \
    MORE(sendto, "UP, EXITED")                                                                     \
    MORE(close, "descriptors that were handed over")                                               \
    MORE(pipe2, "the report of the first cell")                                                    \
    MORE(getppid, "by which a first cell shows that it has a filter of its own; tells nothing")    \
    MORE(lseek, "its own figures, from files under /proc that it has open")                        \
    MORE(dup2, "a cell's socket becomes its one descriptor")                                       \
    MORE(close_range, "and all others are closed")                                                 \
    MORE(tgkill, "abort() in a cell that is not sealed yet, whose pid the filter cannot know")     \
    PRCTL(prctl, "a cell is not dumpable, and dies with its zygote")                               \
    SECCOMP(seccomp, "the cell's filter")                                                          \
    UNSHARE(unshare, "the way to see that there is one thread; makes nothing")
