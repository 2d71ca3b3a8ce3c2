/* The set of escape attempts that a sealed cell makes against its own jail before any other cell of
 * its zygote gets a job (executor/cells/attest.c asks for it, sandbox/zygote/probe.c makes them).
 *
 * CALL(name, call, arguments): a system call that the cell's filter (LAYER_SECCOMP) must trap. Any
 * other end counts as an escape, also one that another layer brought about with an errno: the layer
 * that had to stop it did not. The arguments are real, but do no lasting harm where they succeed.
 *
 * CODE(name, layer, what): what the filter lets through and another layer must refuse; the function
 * of that name in probe.c gives 0 (succeeded) or the errno.
 *
 * The text of this table is what an attestation is about: jail_probes_text() writes it down, a line
 * a row, and the set's hash is the SHA-256 of that (`isolane attest --text | sha256sum`).
 *
 * Not here, because a process does not survive them: calls through another architecture's door (int
 * $0x80, x32 numbers), which the filter answers with SIGKILL. Not here, because nothing stops them:
 * native code in a cell may change the protection of its own pages and so its own code, use up its
 * own memory and time, and say what it likes on its own socket. */
#pragma once

#include "sandbox/jail/jail.h"

/* No layer of enum jail_layer: what every cell does about itself (nothing inherited, its own
 * memory limit), whatever the mode. */
#define PROBE_PROCESS LAYERS

/* clang-format off */
#define JAIL_PROBES(CALL, CODE)                                                                    \
    /* files */                                                                                    \
    CALL(open_file, open, "/etc/passwd", O_RDONLY)                                                 \
    CALL(open_root, openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY)                                 \
    CALL(open_root_new, openat2, AT_FDCWD, "/", zeroes, 24)                                        \
    CALL(create_file, creat, "/tmp/isolane-probe", 0600)                                           \
    CALL(create_memory_file, memfd_create, "x", 0)                                                 \
    CALL(create_secret_memory, memfd_secret, 0)                                                    \
    CALL(look_at_root, newfstatat, AT_FDCWD, "/", scratch, 0)                                      \
    CALL(read_own_link, readlink, "/proc/self/exe", scratch, 64)                                   \
    CALL(make_folder, mkdir, "/isolane-probe", 0700)                                               \
    CALL(make_device, mknod, "/isolane-probe", S_IFBLK | 0600, 0x100)                              \
    CALL(open_by_handle, open_by_handle_at, AT_FDCWD, zeroes, O_RDONLY)                            \
    /* /proc */                                                                                    \
    CALL(read_own_maps, openat, AT_FDCWD, "/proc/self/maps", O_RDONLY)                             \
    CALL(write_own_memory, open, "/proc/self/mem", O_RDWR)                                         \
    CALL(list_own_files, openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY)                \
    CALL(read_zygote_environment, openat, AT_FDCWD, "/proc/1/environ", O_RDONLY)                   \
    CALL(write_zygote_memory, openat, AT_FDCWD, "/proc/1/mem", O_RDWR)                             \
    /* mounts */                                                                                   \
    CALL(mount_something, mount, "none", "/isolane-none", "tmpfs", 0, "")                          \
    CALL(mount_new_api, fsopen, "tmpfs", 0)                                                        \
    CALL(copy_mounts, open_tree, AT_FDCWD, "/", 0)                                                 \
    CALL(unmount_something, umount2, "/isolane-none", 0)                                           \
    CALL(change_root, chroot, "/isolane-none")                                                     \
    CALL(swap_root, pivot_root, "/isolane-none", "/isolane-none")                                  \
    CALL(change_folder, chdir, "/isolane-none")                                                    \
    /* network */                                                                                  \
    CALL(socket_inet, socket, AF_INET, SOCK_STREAM, 0)                                             \
    CALL(socket_inet6, socket, AF_INET6, SOCK_DGRAM, 0)                                            \
    CALL(socket_unix, socket, AF_UNIX, SOCK_STREAM, 0)                                             \
    CALL(socket_netlink, socket, AF_NETLINK, SOCK_RAW, 0)                                          \
    CALL(socket_packet, socket, AF_PACKET, SOCK_RAW, 0)                                            \
    CALL(socket_vsock, socket, AF_VSOCK, SOCK_STREAM, 0)                                           \
    CALL(socket_alg, socket, AF_ALG, SOCK_SEQPACKET, 0)                                            \
    CALL(socket_pair, socketpair, AF_UNIX, SOCK_STREAM, 0, scratch)                                \
    CALL(connect_own_socket, connect, 0, zeroes, 2)                                                \
    CALL(bind_own_socket, bind, 0, zeroes, 2)                                                      \
    CALL(send_descriptor, sendmsg, 0, zeroes, MSG_DONTWAIT)                                        \
    CALL(receive_descriptor, recvmsg, 0, zeroes, MSG_DONTWAIT | MSG_PEEK)                          \
    CALL(set_socket_option, setsockopt, 0, SOL_SOCKET, SO_PASSCRED, zeroes, 4)                     \
    /* processes */                                                                                \
    CALL(fork_process, fork, 0)                                                                    \
    CALL(vfork_process, vfork, 0)                                                                  \
    CALL(clone_process, clone, SIGCHLD, 0, 0, 0, 0)                                                \
    CALL(clone_namespace, clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)                              \
    CALL(clone3_process, clone3, zeroes, 88)                                                       \
    CALL(run_program, execve, "/isolane-none", nothing, nothing)                                   \
    CALL(run_program_at, execveat, AT_FDCWD, "/isolane-none", nothing, nothing, 0)                 \
    CALL(trace_zygote, ptrace, PTRACE_SEIZE, 1, 0, 0)                                              \
    CALL(trace_itself, ptrace, PTRACE_SEIZE, self, 0, 0)                                           \
    CALL(read_zygote, process_vm_readv, 1, zeroes, 0, zeroes, 0, 0)                                \
    CALL(write_zygote, process_vm_writev, 1, zeroes, 0, zeroes, 0, 0)                              \
    CALL(compare_with_zygote, kcmp, self, 1, 0, 0, 0)                                              \
    CALL(find_parent, getppid, 0)                                                                  \
    /* signals to others */                                                                        \
    CALL(signal_zygote, kill, 1, 0)                                                                \
    CALL(signal_all, kill, -1, 0)                                                                  \
    CALL(signal_group, kill, 0, 0)                                                                 \
    CALL(signal_zygote_thread, tkill, 1, 0)                                                        \
    CALL(signal_zygote_group, tgkill, 1, 1, 0)                                                     \
    CALL(signal_own_group_as_zygote, tgkill, self, 1, 0)                                           \
    CALL(queue_signal, rt_sigqueueinfo, 1, 0, scratch)                                             \
    CALL(open_zygote, pidfd_open, 1, 0)                                                            \
    CALL(signal_by_descriptor, pidfd_send_signal, 0, 0, 0, 0)                                      \
    CALL(take_descriptor, pidfd_getfd, 0, 3, 0)                                                    \
    /* its own handlers and clocks */                                                              \
    CALL(change_handler, rt_sigaction, SIGSYS, 0, 0, 8)                                            \
    CALL(change_signal_stack, sigaltstack, 0, scratch)                                             \
    CALL(make_timer, timer_create, CLOCK_MONOTONIC, 0, scratch)                                    \
    CALL(set_timer, setitimer, ITIMER_VIRTUAL, zeroes, 0)                                          \
    CALL(set_clock, clock_settime, CLOCK_REALTIME, 0)                                              \
    /* descriptors */                                                                              \
    CALL(copy_descriptor, dup, 0)                                                                  \
    CALL(place_descriptor, dup2, 0, 9)                                                             \
    CALL(control_descriptor, fcntl, 0, F_DUPFD, 3)                                                 \
    CALL(type_into_terminal, ioctl, 0, TIOCSTI, "x")                                               \
    CALL(ask_device, ioctl, 0, FIONREAD, scratch)                                                  \
    CALL(make_pipe, pipe2, scratch, 0)                                                             \
    CALL(make_event, eventfd2, 0, 0)                                                               \
    CALL(make_epoll, epoll_create1, 0)                                                             \
    CALL(watch_files, inotify_init1, 0)                                                            \
    CALL(move_bytes, splice, 0, 0, 0, 0, 0, 0)                                                     \
    CODE(read_other_files, PROBE_PROCESS, "read(n, …, 0) of every descriptor 1 to 127")            \
    CODE(write_other_files, PROBE_PROCESS, "writev(n, …, 0) to every descriptor 1 to 127")         \
    /* privileges */                                                                               \
    CALL(become_root, setuid, 0)                                                                   \
    CALL(become_root_all, setresuid, 0, 0, 0)                                                      \
    CALL(become_root_group, setresgid, 0, 0, 0)                                                    \
    CALL(join_groups, setgroups, 0, 0)                                                             \
    CALL(set_capabilities, capset, zeroes, zeroes)                                                 \
    CALL(new_namespaces, unshare, CLONE_NEWUSER)                                                   \
    CALL(join_namespace, setns, 0, 0)                                                              \
    CALL(change_personality, personality, 0xffffffff)                                              \
    CALL(become_dumpable, prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)                                      \
    CALL(regain_privileges, prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)                                \
    CALL(seccomp_off, prctl, PR_SET_SECCOMP, 0, 0, 0, 0)                                           \
    CALL(seccomp_more, seccomp, SECCOMP_GET_ACTION_AVAIL, 0, scratch)                              \
    CALL(change_segment, arch_prctl, ARCH_SET_GS, 0)                                               \
    CALL(change_descriptor_table, modify_ldt, 0, scratch, 8)                                       \
    CALL(use_ports, iopl, 3)                                                                       \
    CALL(raise_priority, setpriority, PRIO_PROCESS, 0, -20)                                        \
    CALL(choose_cpus, sched_setaffinity, 0, 8, scratch)                                            \
    CALL(choose_scheduler, sched_setscheduler, 0, SCHED_FIFO, scratch)                             \
    CALL(limits_of_zygote, prlimit64, 1, RLIMIT_NOFILE, 0, scratch)                                \
    CALL(limits_old_call, setrlimit, RLIMIT_CORE, zeroes)                                          \
    CODE(raise_core, LAYER_RLIMITS, "prlimit64(0, RLIMIT_CORE, infinity)")                         \
    CODE(raise_file_size, LAYER_RLIMITS, "prlimit64(0, RLIMIT_FSIZE, infinity)")                   \
    CODE(raise_files, LAYER_RLIMITS, "prlimit64(0, RLIMIT_NOFILE, infinity)")                      \
    CODE(raise_processes, LAYER_RLIMITS, "prlimit64(0, RLIMIT_NPROC, infinity)")                   \
    CODE(raise_locked_memory, LAYER_RLIMITS, "prlimit64(0, RLIMIT_MEMLOCK, infinity)")             \
    CODE(raise_memory, PROBE_PROCESS, "prlimit64(0, RLIMIT_DATA, infinity)")                       \
    /* memory */                                                                                   \
    CODE(take_more_memory, PROBE_PROCESS, "mmap of as much again as RLIMIT_DATA allows")           \
    CODE(map_zero, LAYER_NO_CAPS, "mmap(0, 4096, …, MAP_FIXED | …)")                               \
    CALL(remap_pages, remap_file_pages, 0, 0, 0, 0, 0)                                             \
    CALL(share_memory, shmget, IPC_PRIVATE, 4096, 0600)                                            \
    CALL(message_queue, msgget, IPC_PRIVATE, 0600)                                                 \
    CALL(lock_memory, mlock, scratch, 1)                                                           \
    CALL(handle_faults, userfaultfd, 0)                                                            \
    /* doors into the kernel */                                                                    \
    CALL(ring, io_uring_setup, 1, scratch)                                                         \
    CALL(kernel_program, bpf, 0, zeroes, 48)                                                       \
    CALL(own_keyring, keyctl, 0, -3, 1)                                                            \
    CALL(add_a_key, add_key, "user", "x", "x", 1, -3)                                              \
    CALL(ask_for_key, request_key, "user", "x", 0, 0)                                              \
    CALL(count_events, perf_event_open, zeroes, 0, -1, -1, 0)                                      \
    CALL(load_module, init_module, 0, 0, "")                                                       \
    CALL(load_module_file, finit_module, 0, "", 0)                                                 \
    CALL(read_kernel_log, syslog, 10, 0, 0)                                                        \
    CALL(swap_on, swapon, "/isolane-none", 0)                                                      \
    CALL(restart_machine, reboot, 0, 0, 0, 0)                                                      \
    CALL(name_machine, sethostname, 0, 1)
/* clang-format on */

struct jail_probe {
    const char *name;
    int layer;        /* enum jail_layer or PROBE_PROCESS: what must stop it */
    int call;         /* number of the system call that must be trapped; -1: a CODE row */
    const char *what; /* "open(\"/etc/passwd\", O_RDONLY)" */
};

#define JAIL_PROBE_ONE_CALL(...) +1
#define JAIL_PROBE_ONE_CODE(...) +1
enum { JAIL_PROBE_COUNT = 0 JAIL_PROBES(JAIL_PROBE_ONE_CALL, JAIL_PROBE_ONE_CODE) };

extern const struct jail_probe jail_probes[JAIL_PROBE_COUNT];

/* "seccomp", …, or "process". */
const char *jail_probe_layer(const struct jail_probe *p);

/* The canonical text of row i, "name<TAB>layer<TAB>what<LF>", into out; its length. */
#define JAIL_PROBE_LINE_MAX 256
int jail_probe_line(int i, char out[JAIL_PROBE_LINE_MAX]);

/* A report is a JSON array with a string a row, in the table's order:
 *   "seccomp 257"   the filter trapped that system call
 *   "errno 1"       the kernel refused it
 *   "nothing"       it succeeded
 *   "skipped"       its layer is not in force: not tried */
#define JAIL_PROBE_REPORT_MAX (JAIL_PROBE_COUNT * 32)
