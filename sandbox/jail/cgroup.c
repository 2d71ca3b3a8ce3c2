/* How this works
 *
 *   base = own cgroup → which controllers? → what dead workers left is removed → controllers on for
 *   base's children → isolane-<pid> made, locked, limits written → a clone into it tried
 *
 * A group whose children have controllers may hold no processes itself ("no internal processes",
 * but for the root of the hierarchy). For cpu and pids alone the kernel would allow it, but then
 * only threads could go into the children, not processes. Is the worker alone in its group, as in a
 * unit with Delegate=yes, it moves to a child of its own, <base>/supervisor. Is it not, that is not
 * ours to change: the layer is not in force, and doctor says what to do.
 *
 * memory.swap.max is 0: memory is memory, and what scripts hold is not written to disk.
 * memory.oom.group stays off: out of memory, the kernel ends the largest cell and not all of them.
 *
 * Zygotes are cloned straight into the group (CLONE_INTO_CGROUP), and their forks are born in it:
 * nothing is ever moved, which would cost milliseconds. */
#include "sandbox/jail/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/jail/steps.h"

#define LEAF           "/supervisor"
#define PREFIX         "isolane-"
#define PIDS_BASE      64         /* zygotes, and what they try at their start */
#define FILE_MAX       (1u << 20) /* mountinfo of a machine with thousands of containers */
#define MAKE_TRIES     4          /* another worker's cleaning may meet the new folder */
#define REMOVE_TRIES   100        /* of REMOVE_WAIT_MS: killed processes need a moment to go */
#define REMOVE_WAIT_MS 10

enum controller { MEMORY, PIDS, CPU, CONTROLLERS };
static const char *const names[CONTROLLERS] = {"memory", "pids", "cpu"};

struct cgroup {
    char base[CGROUP_PATH_MAX];
    char folder[CGROUP_PATH_MAX + 32];
    int fd; /* the folder, locked; -1: not made */
    bool moved, wanted[CONTROLLERS], has[CONTROLLERS], switched_on[CONTROLLERS];
    struct cgroup_limits limits;
    uint64_t oom_taken;
};

/* ---- files ---- */

static int write_at(const char *folder, const char *file, const char *text)
{
    char path[CGROUP_PATH_MAX + 96];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int rc = n < 0 ? -errno : 0;
    close(fd);
    return rc;
}

/* One read: these files are made by the kernel as they are read. */
static int read_at(const char *folder, const char *file, char *out, size_t cap)
{
    char path[CGROUP_PATH_MAX + 96];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = read(fd, out, cap - 1);
    int rc = n < 0 ? -errno : 0;
    out[n < 0 ? 0 : n] = '\0';
    close(fd);
    return rc;
}

static int refused(struct err *e, int rc, const char *what, const char *where)
{
    err_set(e, ERR_UNAVAILABLE, "%s %s: %s", what, where, strerror(-rc));
    return rc;
}

static int find_base(char out[CGROUP_PATH_MAX], struct err *e)
{
    char *own = NULL, *mounts = NULL;
    size_t len;
    int rc = -ENOENT;
    if (!fs_read_file("/proc/self/cgroup", FILE_MAX, &own, &len, e) &&
        !fs_read_file("/proc/self/mountinfo", FILE_MAX, &mounts, &len, e)) {
        rc = cgroup_find(own, mounts, out);
        if (rc)
            err_set(e, ERR_UNAVAILABLE, "%s",
                    rc == -EXDEV ? "the worker's own cgroup is not mounted here"
                                 : "no cgroup v2 hierarchy is mounted");
    }
    free(own);
    free(mounts);
    return rc;
}

/* ---- what was left behind ---- */

static int remove_group(const char *folder)
{
    const struct timespec wait = {0, REMOVE_WAIT_MS * 1000000L};
    int rc = 0;
    write_at(folder, "cgroup.kill", "1"); /* since Linux 5.14 */
    for (int i = 0; i < REMOVE_TRIES; i++) {
        rc = rmdir(folder) ? -errno : 0;
        if (rc != -EBUSY)
            break;
        nanosleep(&wait, NULL);
    }
    return rc;
}

static bool is_ours(const char *name)
{
    size_t n = strlen(PREFIX);
    return !strncmp(name, PREFIX, n) && name[n] &&
           strspn(name + n, "0123456789") == strlen(name + n);
}

/* Groups of workers that live are locked. Returns how many those are. */
static int clean_up(const char *base)
{
    struct dirent *entry;
    DIR *d = opendir(base);
    int living = 0;
    while (d && (entry = readdir(d))) {
        char path[CGROUP_PATH_MAX + NAME_MAX + 2];
        if (!is_ours(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", base, entry->d_name);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
            remove_group(path);
        else
            living++;
        if (fd >= 0)
            close(fd);
    }
    if (d)
        closedir(d);
    return living;
}

/* ---- controllers ---- */

/* Only this process may be in the group, or none (systemd's DelegateSubgroup has moved it). */
static int move_out_of_the_way(struct cgroup *g)
{
    char leaf[sizeof g->base + sizeof LEAF], procs[256], own[24];
    int n = read_at(g->base, "cgroup.procs", procs, sizeof procs);
    if (n || !procs[0])
        return n;
    snprintf(own, sizeof own, "%d\n", (int)getpid());
    if (strcmp(procs, own))
        return -EBUSY;
    snprintf(leaf, sizeof leaf, "%s%s", g->base, LEAF);
    if (mkdir(leaf, 0755) && errno != EEXIST)
        return -errno;
    int rc = write_at(leaf, "cgroup.procs", "0");
    g->moved = !rc;
    return rc;
}

/* The root of the hierarchy is the only group without a type. */
static bool is_root(const char *base)
{
    char type[32];
    return read_at(base, "cgroup.type", type, sizeof type) == -ENOENT;
}

static int switch_on(struct cgroup *g, enum controller c)
{
    char text[32], on[256];
    if (!read_at(g->base, "cgroup.subtree_control", on, sizeof on) && cgroup_has_word(on, names[c]))
        return 0;
    snprintf(text, sizeof text, "+%s", names[c]);
    int rc = is_root(g->base) || g->moved ? 0 : move_out_of_the_way(g);
    if (!rc)
        rc = write_at(g->base, "cgroup.subtree_control", text);
    g->switched_on[c] = !rc;
    return rc;
}

static int switch_on_all(struct cgroup *g, struct err *e)
{
    char there[256];
    int rc = read_at(g->base, "cgroup.controllers", there, sizeof there), last = 0;
    bool any = false, asked = false;
    if (rc)
        return refused(e, rc, "cannot read the controllers of", g->base);
    for (int c = 0; c < CONTROLLERS; c++) {
        asked = asked || g->wanted[c];
        if (!g->wanted[c] || !cgroup_has_word(there, names[c]))
            continue;
        rc = switch_on(g, (enum controller)c);
        g->has[c] = !rc;
        any = any || g->has[c];
        last = rc ? rc : last;
    }
    if (any || !asked)
        return 0;
    if (last == -EBUSY)
        return refused(e, last, "other processes are in the worker's cgroup", g->base);
    if (last)
        return refused(e, last, "cannot switch on the controllers of", g->base);
    there[strcspn(there, "\n")] = '\0';
    err_set(e, ERR_UNAVAILABLE, "none of the controllers memory, pids and cpu is in %s (there: %s)",
            g->base, there[0] ? there : "none");
    return -EOPNOTSUPP;
}

/* ---- the group ---- */

static int make_folder(struct cgroup *g, struct err *e)
{
    snprintf(g->folder, sizeof g->folder, "%s/" PREFIX "%d", g->base, (int)getpid());
    for (int i = 0; i < MAKE_TRIES; i++) {
        struct stat ours, there;
        if (mkdir(g->folder, 0755) && errno != EEXIST)
            return refused(e, -errno, "cannot make", g->folder);
        int fd = open(g->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            continue; /* cleaned away between the two */
        if (!flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &ours) && !stat(g->folder, &there) &&
            ours.st_ino == there.st_ino) {
            g->fd = fd;
            return 0;
        }
        close(fd);
    }
    return refused(e, -EBUSY, "another process holds", g->folder);
}

static int set_limit(struct cgroup *g, const char *file, const char *value, struct err *e)
{
    int rc = write_at(g->folder, file, value);
    if (rc) {
        err_set(e, ERR_UNAVAILABLE, "cannot write %s into %s/%s: %s", value, g->folder, file,
                strerror(-rc));
        return rc;
    }
    return 0;
}

static int set_limits(struct cgroup *g, struct err *e)
{
    char text[64];
    int rc = 0;
    if (g->has[MEMORY]) {
        snprintf(text, sizeof text, "%lld", (long long)g->limits.memory_bytes);
        rc = set_limit(g, "memory.max", text, e);
        write_at(g->folder, "memory.swap.max", "0"); /* not there without swap in the kernel */
    }
    if (!rc && g->has[PIDS]) {
        snprintf(text, sizeof text, "%lld", (long long)g->limits.pids);
        rc = set_limit(g, "pids.max", text, e);
    }
    if (!rc && g->has[CPU]) {
        cgroup_cpu_max(g->limits.cpu_percent, text, sizeof text);
        rc = set_limit(g, "cpu.max", text, e);
    }
    return rc;
}

static int try_it(const struct cgroup *g, struct err *e)
{
    int errnum = jail_try_clone_into(0, g->fd);
    return errnum ? refused(e, -errnum, "cannot make a process in", g->folder) : 0;
}

int cgroup_open_below(const char *base, const struct cgroup_limits *l, struct cgroup **out,
                      struct err *e)
{
    struct cgroup *g = mem_alloc(sizeof *g);
    g->fd = -1;
    g->limits = *l;
    g->wanted[MEMORY] = l->memory_bytes > 0;
    g->wanted[PIDS] = l->pids > 0;
    g->wanted[CPU] = l->cpu_percent > 0;
    snprintf(g->base, sizeof g->base, "%s", base);
    clean_up(g->base);
    int rc = switch_on_all(g, e);
    if (!rc)
        rc = make_folder(g, e);
    if (!rc)
        rc = set_limits(g, e);
    if (!rc)
        rc = try_it(g, e);
    if (rc) {
        cgroup_close(g);
        return rc;
    }
    *out = g;
    return 0;
}

int cgroup_open(const struct cgroup_limits *l, struct cgroup **out, struct err *e)
{
    char base[CGROUP_PATH_MAX], control[CGROUP_PATH_MAX + 32];
    int rc = find_base(base, e);
    if (rc)
        return rc;
    /* systemd's DelegateSubgroup=supervisor has done the move already. */
    size_t n = strlen(base), leaf = strlen(LEAF);
    if (n > leaf && !strcmp(base + n - leaf, LEAF)) {
        snprintf(control, sizeof control, "%.*s/cgroup.subtree_control", (int)(n - leaf), base);
        if (!access(control, W_OK))
            base[n - leaf] = '\0';
    }
    return cgroup_open_below(base, l, out, e);
}

/* The way back, so that whoever runs in this cgroup next (systemd: the unit's next start) finds it
 * as it was. Not while another worker uses it. */
static void move_back(struct cgroup *g)
{
    char text[32], leaf[sizeof g->base + sizeof LEAF];
    if (!g->moved || clean_up(g->base) > 0)
        return;
    for (int c = 0; c < CONTROLLERS; c++)
        if (g->switched_on[c]) {
            snprintf(text, sizeof text, "-%s", names[c]);
            write_at(g->base, "cgroup.subtree_control", text);
        }
    if (write_at(g->base, "cgroup.procs", "0"))
        return;
    snprintf(leaf, sizeof leaf, "%s%s", g->base, LEAF);
    rmdir(leaf);
}

void cgroup_close(struct cgroup *g)
{
    if (!g)
        return;
    if (g->fd >= 0) {
        remove_group(g->folder);
        close(g->fd);
    }
    move_back(g);
    free(g);
}

/* ---- looking ---- */

struct cgroup_limits cgroup_limits_of(const struct config *c)
{
    struct cgroup_limits l = {.memory_bytes = c->cgroup_memory_mb * 1024 * 1024,
                              .pids = c->cgroup_pids,
                              .cpu_percent = c->cgroup_cpu_percent};
    if (c->cgroup_memory_mb == CONFIG_BY_MACHINE)
        l.memory_bytes = sysconf(_SC_PHYS_PAGES) / 4 * 3 * sysconf(_SC_PAGESIZE);
    if (c->cgroup_pids == CONFIG_BY_MACHINE)
        l.pids = 2 * (c->pool + c->max_running) + PIDS_BASE;
    return l;
}

bool cgroup_limits_any(const struct cgroup_limits *l)
{
    return l->memory_bytes || l->pids || l->cpu_percent;
}

int cgroup_fd(const struct cgroup *g)
{
    return g->fd;
}

const char *cgroup_folder(const struct cgroup *g)
{
    return g->folder;
}

void cgroup_describe(const struct cgroup *g, char *out, size_t cap)
{
    char parts[CONTROLLERS][48], without[64] = "";
    snprintf(parts[MEMORY], sizeof parts[0], "memory.max %lld MB",
             (long long)(g->limits.memory_bytes >> 20));
    snprintf(parts[PIDS], sizeof parts[0], "pids.max %lld", (long long)g->limits.pids);
    snprintf(parts[CPU], sizeof parts[0], "cpu.max %lld %%", (long long)g->limits.cpu_percent);
    size_t n = 0;
    out[0] = '\0';
    for (int c = 0; c < CONTROLLERS; c++) {
        size_t w = strlen(without);
        if (g->has[c] && n < cap)
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", parts[c]);
        else if (g->wanted[c])
            snprintf(without + w, sizeof without - w, "%s %s", w ? "," : "", names[c]);
    }
    if (without[0] && n < cap)
        n += (size_t)snprintf(out + n, cap - n, " (not to be had:%s)", without);
    if (n < cap)
        snprintf(out + n, cap - n, "%sin %s", n ? " " : "", g->base);
}

bool cgroup_take_oom(struct cgroup *g)
{
    char text[512];
    if (!g || !g->has[MEMORY] || read_at(g->folder, "memory.events", text, sizeof text) ||
        cgroup_field(text, "oom_kill") <= g->oom_taken)
        return false;
    g->oom_taken++;
    return true;
}
