/* Build step: compiles the cells' system-call table (sandbox/jail/syscalls.h) with libseccomp, so
 * that a cell installs a ready-made filter: compiling it in each cell would cost more than the
 * fork.
 *
 *   mkfilter filter   the filter as a C array of struct sock_filter, and its variant for cells that
 *                     make no machine code
 *   mkfilter filter NAME   for tests: the same with a hole, that system call. "all": nearly every
 * one
 *   mkfilter forker   the filter of zygotes that compile a tenant's source
 *   mkfilter names    number → name of every system call of this architecture, as a C array
 *
 * Runs at build time only; libseccomp is not linked into the program. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox/jail/forker_syscalls.h"
#include "sandbox/jail/syscalls.h"

#define PROGRAM_MAX 1024 /* instructions; the kernel takes 4096 */
#define NUMBERS_MAX 1024 /* system call numbers that are looked up */

static void die(const char *what, int rc)
{
    fprintf(stderr, "mkfilter: %s: %s\n", what, rc < 0 ? strerror(-rc) : "failed");
    exit(1);
}

static void allow(scmp_filter_ctx c, const char *name, int nr, unsigned n,
                  const struct scmp_arg_cmp *args)
{
    int rc = nr < 0 ? nr : seccomp_rule_add_array(c, SCMP_ACT_ALLOW, nr, n, args);
    if (rc < 0)
        die(name, rc);
}

/* What tests tear open. getppid stays: cells show with it that there is a filter. Calls with rules
 * on their arguments keep them. */
static void tear(scmp_filter_ctx c, const char *hole)
{
    static const int kept[] = {SCMP_SYS(getppid), SCMP_SYS(tgkill), SCMP_SYS(prlimit64)};
    if (strcmp(hole, "all")) {
        allow(c, hole, seccomp_syscall_resolve_name(hole), 0, NULL);
        return;
    }
    for (int nr = 0; nr < NUMBERS_MAX; nr++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
        bool keep = !name;
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
            keep = keep || nr == kept[i];
        if (!keep)
            allow(c, name, nr, 0, NULL);
        free(name);
    }
}

/* no_code: the variant for cells that make no machine code. */
static scmp_filter_ctx compile(const char *hole, bool no_code)
{
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_TRAP);
    if (!c)
        die("seccomp_init", 0);
    /* Another architecture's calls (or x32's) have other numbers: never legitimate, so no name. */
    int rc = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!rc)
        rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree, not a list */
    if (rc)
        die("seccomp_attr_set", rc);
    const struct scmp_arg_cmp self[] = {SCMP_A0(SCMP_CMP_EQ, SELF_PLACEHOLDER),
                                        SCMP_A1(SCMP_CMP_EQ, SELF_PLACEHOLDER)};
    const struct scmp_arg_cmp zero[] = {SCMP_A0(SCMP_CMP_EQ, 0)};
    const struct scmp_arg_cmp no_exec[] = {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)};
#define ALWAYS(name, why) allow(c, #name, SCMP_SYS(name), 0, NULL);
#define SELF(name, why)   allow(c, #name, SCMP_SYS(name), 2, self);
#define ZERO(name, why)   allow(c, #name, SCMP_SYS(name), 1, zero);
#define CODE(name, why)   allow(c, #name, SCMP_SYS(name), no_code ? 1 : 0, no_exec);
    CELL_SYSCALLS(ALWAYS, SELF, ZERO, CODE)
    if (hole)
        tear(c, hole);
    return c;
}

static size_t export(scmp_filter_ctx c, struct sock_filter program[PROGRAM_MAX])
{
    FILE *f = tmpfile();
    if (!f)
        die("tmpfile", 0);
    int rc = seccomp_export_bpf(c, fileno(f));
    if (rc)
        die("seccomp_export_bpf", rc);
    rewind(f);
    size_t n = fread(program, sizeof *program, PROGRAM_MAX, f);
    if (n == 0 || n == PROGRAM_MAX)
        die("the filter is empty or too long", 0);
    fclose(f);
    return n;
}

/* Releases c. The number of comparisons with SELF_PLACEHOLDER in it. */
static size_t print_program(const char *name, scmp_filter_ctx c)
{
    struct sock_filter program[PROGRAM_MAX];
    size_t n = export(c, program), selves = 0;
    seccomp_release(c);
    printf("static const struct sock_filter %s[] = {\n", name);
    for (size_t i = 0; i < n; i++) {
        const struct sock_filter *s = &program[i];
        printf("    {0x%02x, %u, %u, 0x%08x},\n", s->code, s->jt, s->jf, s->k);
        selves += s->k == SELF_PLACEHOLDER;
    }
    printf("};\n");
    return selves;
}

static void print_filter(const char *name, const char *hole, bool no_code)
{
    if (print_program(name, compile(hole, no_code)) != SELF_ARGS)
        die("the filter does not compare with SELF_PLACEHOLDER exactly SELF_ARGS times", 0);
}

static int print_filters(const char *hole)
{
    printf("/* Made by tools/mkfilter from sandbox/jail/syscalls.h. */\n");
    print_filter("cell_filter", hole, false);
    print_filter("no_code_filter", hole, true);
    return 0;
}

/* The cells' calls with any arguments, and those of forker_syscalls.h. */
static scmp_filter_ctx compile_forker(void)
{
    static const unsigned prctls[] = {PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_PDEATHSIG};
    scmp_filter_ctx c = compile(NULL, false);
    const struct scmp_arg_cmp fork[] = {
        SCMP_A0(SCMP_CMP_EQ, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)};
    const struct scmp_arg_cmp set_filter[] = {SCMP_A0(SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER)};
    const struct scmp_arg_cmp one_thread[] = {
        SCMP_A0(SCMP_CMP_EQ, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)};
#define MORE(name, why)    allow(c, #name, SCMP_SYS(name), 0, NULL);
#define FORK(name, why)    allow(c, #name, SCMP_SYS(name), 1, fork);
#define SECCOMP(name, why) allow(c, #name, SCMP_SYS(name), 1, set_filter);
#define UNSHARE(name, why) allow(c, #name, SCMP_SYS(name), 1, one_thread);
#define PRCTL(name, why)                                                                           \
    for (size_t i = 0; i < sizeof prctls / sizeof prctls[0]; i++) {                                \
        const struct scmp_arg_cmp is[] = {SCMP_A0(SCMP_CMP_EQ, prctls[i])};                        \
        allow(c, #name, SCMP_SYS(name), 1, is);                                                    \
    }
    FORKER_SYSCALLS(MORE, FORK, PRCTL, SECCOMP, UNSHARE)
    return c;
}

static int print_forker(void)
{
    printf("/* Made by tools/mkfilter from sandbox/jail/forker_syscalls.h. */\n");
    print_program("forker_filter", compile_forker());
    return 0;
}

static int print_names(void)
{
    printf("/* Made by tools/mkfilter: system calls of this architecture by number. */\n");
    printf("static const char *const syscall_names[] = {\n");
    for (int nr = 0; nr < NUMBERS_MAX; nr++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
        if (name)
            printf("    [%d] = \"%s\",\n", nr, name);
        free(name);
    }
    printf("};\n");
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 2 || argc == 3) && !strcmp(argv[1], "filter"))
        return print_filters(argv[2]);
    if (argc == 2 && !strcmp(argv[1], "forker"))
        return print_forker();
    if (argc == 2 && !strcmp(argv[1], "names"))
        return print_names();
    fprintf(stderr, "usage: mkfilter filter [NAME] | forker | names\n");
    return 2;
}
