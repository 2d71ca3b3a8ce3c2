/* Build step: compiles the system-call tables of cells (sandbox/jail/syscalls.h) and zygotes
 * (forker_syscalls.h) with libseccomp, so that a cell installs a ready-made filter: compiling it in
 * each cell would cost more than the fork.
 *
 *   mkfilter filter   the filters of sandbox/jail/seal.c as C arrays of struct sock_filter
 *   mkfilter filter NAME   for tests: the same with a hole, that system call. "all": nearly every
 *                     one
 *   mkfilter names    number → name of every system call of this architecture, as a C array
 *
 * Runs at build time only; libseccomp is not linked into the program.
 *
 * Cells have a filter above their zygote's. That both together allow exactly what one filter made
 * of the cells' table does is tried here, call by call: the build fails where it is not so. */
#include <linux/audit.h>
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
static bool is_hole(const char *hole, int nr)
{
    static const int kept[] = {SCMP_SYS(getppid), SCMP_SYS(tgkill), SCMP_SYS(prlimit64)};
    if (!hole || strcmp(hole, "all"))
        return hole && nr == seccomp_syscall_resolve_name(hole);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (nr == kept[i])
            return false;
    return true;
}

static void tear(scmp_filter_ctx c, const char *hole)
{
    for (int nr = 0; nr < NUMBERS_MAX; nr++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
        if (name && is_hole(hole, nr))
            allow(c, name, nr, 0, NULL);
        free(name);
    }
}

static scmp_filter_ctx begin(uint32_t otherwise)
{
    scmp_filter_ctx c = seccomp_init(otherwise);
    if (!c)
        die("seccomp_init", 0);
    /* Another architecture's calls (or x32's) have other numbers: never legitimate, so no name. */
    int rc = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!rc)
        rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree, not a list */
    if (rc)
        die("seccomp_attr_set", rc);
    return c;
}

/* no_code: the variant for cells that make no machine code. */
static scmp_filter_ctx compile(const char *hole, bool no_code)
{
    scmp_filter_ctx c = begin(SCMP_ACT_TRAP);
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

/* The zygote's: the cells' calls, and those of forker_syscalls.h. */
static scmp_filter_ctx compile_forker(const char *hole)
{
    static const unsigned prctls[] = {PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_PDEATHSIG};
    scmp_filter_ctx c = compile(hole, false);
    const struct scmp_arg_cmp fork[] = {
        SCMP_A0(SCMP_CMP_EQ, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)};
    const struct scmp_arg_cmp set_filter[] = {SCMP_A0(SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER)};
    const struct scmp_arg_cmp one_thread[] = {
        SCMP_A0(SCMP_CMP_EQ, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)};
    const struct scmp_arg_cmp is[][1] = {{SCMP_A0(SCMP_CMP_EQ, prctls[0])},
                                         {SCMP_A0(SCMP_CMP_EQ, prctls[1])},
                                         {SCMP_A0(SCMP_CMP_EQ, prctls[2])}};
#define WITH(name, args)                                                                           \
    if (!is_hole(hole, SCMP_SYS(name)))                                                            \
        allow(c, #name, SCMP_SYS(name), 1, args);
#define MORE(name, why)    allow(c, #name, SCMP_SYS(name), 0, NULL);
#define FORK(name, why)    WITH(name, fork)
#define SECCOMP(name, why) WITH(name, set_filter)
#define UNSHARE(name, why) WITH(name, one_thread)
#define PRCTL(name, why)   WITH(name, is[0]) WITH(name, is[1]) WITH(name, is[2])
    FORKER_SYSCALLS(MORE, FORK, PRCTL, SECCOMP, UNSHARE)
#undef MORE
#undef FORK
#undef SECCOMP
#undef UNSHARE
#undef PRCTL
    return c;
}

static void trap(scmp_filter_ctx c, const char *name, int nr, unsigned n,
                 const struct scmp_arg_cmp *args)
{
    int rc = seccomp_rule_add_array(c, SCMP_ACT_TRAP, nr, n, args);
    if (rc < 0)
        die(name, rc);
}

/* A cell's own above the zygote's: traps what that one allows and the cells' table does not. */
static scmp_filter_ctx compile_rest(const char *hole, bool no_code)
{
    scmp_filter_ctx c = begin(SCMP_ACT_ALLOW);
    const struct scmp_arg_cmp other[][1] = {{SCMP_A0(SCMP_CMP_NE, SELF_PLACEHOLDER)},
                                            {SCMP_A1(SCMP_CMP_NE, SELF_PLACEHOLDER)}};
    const struct scmp_arg_cmp exec[] = {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)};
#define TRAP(name, why)                                                                            \
    if (!is_hole(hole, SCMP_SYS(name)) && SCMP_SYS(name) != SCMP_SYS(tgkill))                      \
        trap(c, #name, SCMP_SYS(name), 0, NULL);
    FORKER_SYSCALLS(TRAP, TRAP, TRAP, TRAP, TRAP)
#define NOTHING(name, why)
#define OTHER(name, why)                                                                           \
    trap(c, #name, SCMP_SYS(name), 1, other[0]);                                                   \
    trap(c, #name, SCMP_SYS(name), 1, other[1]);
#define EXEC(name, why)                                                                            \
    if (no_code && !is_hole(hole, SCMP_SYS(name)))                                                 \
        trap(c, #name, SCMP_SYS(name), 1, exec);
    CELL_SYSCALLS(NOTHING, OTHER, NOTHING, EXEC)
    return c;
}

/* ---- the proof ---- */

/* What the kernel would answer: the instructions that libseccomp makes. */
static uint32_t verdict(const struct sock_filter *program, size_t n, const struct seccomp_data *d)
{
    uint32_t a = 0;
    for (size_t at = 0; at < n; at++) {
        const struct sock_filter *i = &program[at];
        bool holds;
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (i->k > sizeof *d - sizeof a)
                die("a filter reads beyond what it is given", 0);
            memcpy(&a, (const char *)d + i->k, sizeof a);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            continue;
        case BPF_JMP | BPF_JA:
            at += i->k;
            continue;
        case BPF_RET | BPF_K:
            return i->k;
        case BPF_JMP | BPF_JEQ | BPF_K:
            holds = a == i->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            holds = a >= i->k;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            holds = a > i->k;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            holds = (a & i->k) != 0;
            break;
        default:
            die("a filter has an instruction that is not known here", 0);
            return 0;
        }
        at += holds ? i->jt : i->jf;
    }
    die("a filter has no end", 0);
    return 0;
}

struct program {
    size_t n;
    struct sock_filter code[PROGRAM_MAX];
};

static void prove(const struct program *all, const struct program *forker,
                  const struct program *rest)
{
    static const uint64_t values[] = {0,
                                      1,
                                      SELF_PLACEHOLDER,
                                      SELF_PLACEHOLDER | 1ull << 32,
                                      PROT_READ | PROT_EXEC,
                                      PROT_EXEC | 1ull << 32,
                                      PR_SET_DUMPABLE,
                                      CLONE_THREAD | CLONE_SIGHAND | CLONE_VM,
                                      CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD};
    enum { VALUES = sizeof values / sizeof values[0], TRIALS = VALUES * VALUES * VALUES };
    static const uint32_t archs[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};
    static const uint32_t bases[] = {0, 0x40000000 /* x32 */};
    for (size_t k = 0; k < TRIALS * 4; k++)
        for (uint32_t nr = 0; nr < NUMBERS_MAX; nr++) {
            const struct seccomp_data d = {.nr = (int)(nr + bases[k / TRIALS % 2]),
                                           .arch = archs[k / TRIALS / 2],
                                           .args = {values[k % VALUES], values[k / VALUES % VALUES],
                                                    values[k / VALUES / VALUES % VALUES]}};
            const uint32_t one = verdict(all->code, all->n, &d);
            const uint32_t above = verdict(rest->code, rest->n, &d);
            const uint32_t below = verdict(forker->code, forker->n, &d);
            const uint32_t both = (int32_t)above < (int32_t)below ? above : below; /* the sterner */
            if (one != both) {
                fprintf(stderr, "mkfilter: call %d of %x (%llx, %llx, %llx): %x, not %x\n", d.nr,
                        d.arch, d.args[0], d.args[1], d.args[2], both, one);
                exit(1);
            }
        }
}

/* ---- output ---- */

static void print_program(const char *name, const struct program *p)
{
    printf("static const struct sock_filter %s[] = {\n", name);
    for (size_t i = 0; i < p->n; i++) {
        const struct sock_filter *s = &p->code[i];
        printf("    {0x%02x, %u, %u, 0x%08x},\n", s->code, s->jt, s->jf, s->k);
    }
    printf("};\n");
}

/* Releases c. */
static void make(struct program *p, scmp_filter_ctx c)
{
    p->n = export(c, p->code);
    seccomp_release(c);
}

static void need_selves(const struct program *p)
{
    size_t selves = 0;
    for (size_t i = 0; i < p->n; i++)
        selves += p->code[i].k == SELF_PLACEHOLDER;
    if (selves != SELF_ARGS)
        die("a filter does not compare with SELF_PLACEHOLDER exactly SELF_ARGS times", 0);
}

static int print_filters(const char *hole)
{
    static const char *const names[2][2] = {{"cell_filter", "rest_filter"},
                                            {"no_code_filter", "rest_no_code_filter"}};
    static struct program forker, all, rest;
    size_t longest = 0;
    printf("/* Made by tools/mkfilter from sandbox/jail/syscalls.h and forker_syscalls.h. */\n");
    make(&forker, compile_forker(hole));
    print_program("forker_filter", &forker);
    for (int no_code = 0; no_code < 2; no_code++) {
        make(&all, compile(hole, no_code));
        make(&rest, compile_rest(hole, no_code));
        need_selves(&all);
        need_selves(&rest);
        prove(&all, &forker, &rest);
        print_program(names[no_code][0], &all);
        print_program(names[no_code][1], &rest);
        longest = all.n > longest ? all.n : longest;
        longest = rest.n > longest ? rest.n : longest;
    }
    printf("#define OWN_FILTER_MAX %zu\n", longest);
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
    if (argc == 2 && !strcmp(argv[1], "names"))
        return print_names();
    fprintf(stderr, "usage: mkfilter filter [NAME] | names\n");
    return 2;
}
