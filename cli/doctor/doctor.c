#include "cli/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/doctor/doctor_disk.h"
#include "cli/doctor/engine.h"
#include "cli/print/format.h"
#include "cli/doctor/probe.h"
#include "config/paths.h"
#include "executor/embedded.h"
#include "results/store.h"
#include "sandbox/jail/cgroup.h"
#include "sandbox/jail/jail.h"

#define PROBE_TIMEOUT_MS 5000
#define SPACE_LEAST      (32.0 * 1024 * 1024)   /* less: the next commit may fail */
#define SPACE_GOOD       (1024.0 * 1024 * 1024) /* less: worth telling */
#define CLOCK_EARLIEST   1767225600             /* 2026-01-01: this program is younger */
#define FILES_BASE       128                    /* descriptors of a worker without cells */
#define FILES_PER_CELL   4                      /* socket, pidfd, and a new one being made */
#define PROCESSES_BASE   32
#define SYNC_SLOW_US     20000 /* a commit each: under 50 jobs a second one by one */

static struct finding *add(struct findings *f, const char *check, enum finding_state state,
                           const char *detail, ...) __attribute__((format(printf, 4, 5)));
static struct finding *add(struct findings *f, const char *check, enum finding_state state,
                           const char *detail, ...)
{
    CHECK(f->n < FINDINGS_MAX);
    struct finding *x = &f->v[f->n++];
    va_list ap;
    memset(x, 0, sizeof *x);
    snprintf(x->check, sizeof x->check, "%s", check);
    x->state = state;
    va_start(ap, detail);
    vsnprintf(x->detail, sizeof x->detail, detail, ap);
    va_end(ap);
    return x;
}

static void remedy(struct finding *x, const char *text)
{
    snprintf(x->remedy, sizeof x->remedy, "%s", text);
}

static void examine_jail(const struct config *c, struct findings *f)
{
    struct jail_check checks[LAYERS];
    const struct cgroup_limits limits = cgroup_limits_of(c);
    int n = jail_doctor(&limits, checks, LAYERS);
    for (int i = 0; i < n; i++) {
        char name[40];
        bool needed = c->jail == JAIL_REQUIRE && !checks[i].optional;
        enum finding_state state = checks[i].available ? FINDING_OK
                                   : needed            ? FINDING_BAD
                                                       : FINDING_WARN;
        snprintf(name, sizeof name, "jail %.30s", checks[i].layer);
        struct finding *x = add(f, name, state, "%s", checks[i].detail);
        if (!checks[i].available)
            remedy(x, checks[i].remedy);
    }
    if (c->jail == JAIL_OFF)
        remedy(add(f, "jail mode", FINDING_WARN, "jail: off, so layers that are there go unused"),
               "set jail: require in the configuration");
}

static void examine_engine(struct findings *f)
{
    struct err e;
    char text[ENGINE_TEXT_MAX];
    if (engine_describe(text, &e))
        remedy(add(f, "engine", FINDING_BAD, "%s", e.msg),
               "run make, or set ISOLANE_ENGINE_DIR to the folder that make filled");
    else
        add(f, "engine", FINDING_OK, "%s", text);
    struct engine_paths paths;
    struct stat st;
    if (!engine_paths(&paths, &e) && !stat(paths.snapshot, &st))
        add(f, "snapshot", FINDING_OK, "%lld kB, in %.250s", (long long)st.st_size / 1024,
            paths.dir);
}

/* Only `up` needs the program: a worker may use a server elsewhere. */
static void examine_nats_server(const struct config *c, struct findings *f)
{
    static const char install[] = "install nats-server 2.9 or newer (Debian: apt install "
                                  "nats-server), or use a server elsewhere";
    struct err e;
    char path[PATH_MAX], option[] = "--version", text[100];
    int major = 0, minor = 0;
    if (embedded_find_server(c->nats_server, path, sizeof path, &e)) {
        remedy(add(f, "nats-server", FINDING_WARN, "%s", e.msg), install);
        return;
    }
    char *const argv[] = {path, option, NULL};
    if (probe_line(argv, PROBE_TIMEOUT_MS, text, sizeof text, &e)) {
        remedy(add(f, "nats-server", FINDING_WARN, "%s", e.msg), install);
        return;
    }
    const char *v = strstr(text, "v");
    for (; v && sscanf(v, "v%d.%d", &major, &minor) != 2; v = strstr(v + 1, "v"))
        ;
    /* Direct get by subject, which polling needs, came with 2.9. */
    bool old = major < 2 || (major == 2 && minor < 9);
    struct finding *x =
        add(f, "nats-server", old ? FINDING_WARN : FINDING_OK, "%s (%.250s)", text, path);
    if (old)
        remedy(x, install);
}

/* The folder, or the nearest of its parents that is there. */
static void nearest_folder(const char *dir, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", dir);
    while (access(out, F_OK) && errno == ENOENT) {
        char *slash = strrchr(out, '/');
        if (!slash || slash == out) {
            strcpy(out, "/");
            return;
        }
        *slash = 0;
    }
}

/* Written and taken away again: what a commit needs, and how long it takes here. */
static void examine_disk(struct findings *f, const char *dir)
{
    struct err e;
    double us = 0;
    if (disk_try_database(dir, &e))
        remedy(add(f, "sqlite", FINDING_BAD, "%s: %s", store_sqlite_version(), e.msg),
               "put the data folder on a local disk: WAL needs shared memory and locks");
    else
        add(f, "sqlite", FINDING_OK, "%s, WAL can be had in the data folder",
            store_sqlite_version());
    if (disk_sync_us(dir, &us, &e)) {
        remedy(add(f, "disk sync", FINDING_BAD, "%s", e.msg), "check the disk of the data folder");
        return;
    }
    bool slow = us > SYNC_SLOW_US;
    struct finding *x = add(f, "disk sync", slow ? FINDING_WARN : FINDING_OK,
                            "4 kB and fdatasync in %.2f ms (median)", us / 1e3);
    if (slow)
        remedy(x, "each commit waits for one: put the data folder on a faster disk");
}

static void examine_data(const struct config *c, struct findings *f)
{
    struct data_paths paths;
    struct err e;
    struct statvfs v;
    char dir[PATH_MAX], space[FIGURE_MAX];
    if (data_paths(c->data_dir, &paths, &e)) {
        add(f, "data folder", FINDING_BAD, "%s", e.msg);
        return;
    }
    nearest_folder(paths.dir, dir);
    bool there = !strcmp(dir, paths.dir);
    if (access(dir, W_OK | X_OK))
        remedy(
            add(f, "data folder", FINDING_BAD, "cannot write to %.250s: %s", dir, strerror(errno)),
            "name another with --data or data_dir, or change its owner");
    else
        add(f, "data folder", FINDING_OK, "%.250s%s", paths.dir,
            there ? "" : " (made at the first start)");
    if (!access(dir, W_OK | X_OK))
        examine_disk(f, dir);
    else
        add(f, "sqlite", FINDING_OK, "%s", store_sqlite_version());
    if (statvfs(dir, &v)) {
        add(f, "free space", FINDING_WARN, "cannot tell: %s", strerror(errno));
        return;
    }
    double bytes = (double)v.f_bavail * (double)v.f_frsize;
    figure_bytes(bytes, space);
    struct finding *x = add(f, "free space",
                            bytes < SPACE_LEAST  ? FINDING_BAD
                            : bytes < SPACE_GOOD ? FINDING_WARN
                                                 : FINDING_OK,
                            "%s free in the data folder", space);
    if (x->state != FINDING_OK)
        remedy(x, "make room: no job is taken while results cannot be written");
}

static void examine_clock(struct findings *f)
{
    struct timex t = {0};
    char now[40] = "";
    time_t s = time(NULL);
    struct tm utc;
    if (gmtime_r(&s, &utc))
        strftime(now, sizeof now, "%Y-%m-%d %H:%M:%S UTC", &utc);
    int state = adjtimex(&t);
    if (s < CLOCK_EARLIEST)
        remedy(add(f, "clock", FINDING_BAD, "%s, which cannot be", now),
               "set the clock: results are stamped with it");
    else if (state < 0 || state == TIME_ERROR || (t.status & STA_UNSYNC))
        remedy(add(f, "clock", FINDING_WARN, "%s, not kept in time by NTP", now),
               "run an NTP client (systemd-timesyncd, chrony), so that times in results are right");
    else
        add(f, "clock", FINDING_OK, "%s, kept in time", now);
}

static void examine_timer(struct findings *f)
{
    static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    struct timespec r = {0};
    char *source = NULL;
    size_t len;
    clock_getres(CLOCK_MONOTONIC, &r);
    if (!fs_read_file(path, 256, &source, &len, NULL))
        source[strcspn(source, "\n")] = '\0';
    bool coarse = r.tv_sec > 0 || r.tv_nsec > 1000000;
    struct finding *x =
        add(f, "timer", coarse ? FINDING_WARN : FINDING_OK, "clock source %.40s, resolution %ld ns",
            source ? source : "not known", r.tv_nsec);
    if (coarse)
        remedy(x, "budgets are in milliseconds: boot a kernel with high-resolution timers");
    free(source);
}

/* Lowers *least to the number in the file; "max" or no such file: as it is. */
static void cgroup_least(const char *folder, const char *file, double *least)
{
    char path[CGROUP_PATH_MAX + 32], *text = NULL;
    size_t len;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (fs_read_file(path, 64, &text, &len, NULL))
        return;
    double v = strtod(text, NULL);
    if (v > 0 && (*least <= 0 || v < *least))
        *least = v;
    free(text);
}

/* What the machine, a unit or a container gives this process and all below it: the least on the way
 * to the root. */
static void examine_own_cgroup(struct findings *f)
{
    char *own = NULL, *mounts = NULL, at[CGROUP_PATH_MAX] = "", space[FIGURE_MAX] = "no limit";
    const size_t text_max = 1 << 20;
    size_t len;
    double memory = 0, pids = 0;
    char processes[32] = "no limit";
    bool found = !fs_read_file("/proc/self/cgroup", text_max, &own, &len, NULL) &&
                 !fs_read_file("/proc/self/mountinfo", text_max, &mounts, &len, NULL) &&
                 !cgroup_find(own, mounts, at);
    free(own);
    free(mounts);
    if (!found) {
        add(f, "own cgroup", FINDING_OK, "no cgroup v2 is mounted");
        return;
    }
    char folder[CGROUP_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", at);
    while (strlen(folder) > strlen("/sys/fs/cgroup")) {
        cgroup_least(folder, "memory.max", &memory);
        cgroup_least(folder, "pids.max", &pids);
        *strrchr(folder, '/') = '\0';
    }
    if (memory > 0)
        figure_bytes(memory, space);
    if (pids > 0)
        snprintf(processes, sizeof processes, "%.0f", pids);
    add(f, "own cgroup", FINDING_OK, "%.200s: memory %s, processes %s", at, space, processes);
}

static void examine_limit(struct findings *f, const char *check, __rlimit_resource_t which,
                          int64_t needed, const char *what, const char *how)
{
    struct rlimit l;
    char have[32] = "no limit";
    if (getrlimit(which, &l)) {
        add(f, check, FINDING_WARN, "cannot tell: %s", strerror(errno));
        return;
    }
    bool enough = l.rlim_cur == RLIM_INFINITY || l.rlim_cur >= (rlim_t)needed;
    if (l.rlim_cur != RLIM_INFINITY)
        snprintf(have, sizeof have, "%" PRIu64, (uint64_t)l.rlim_cur);
    struct finding *x =
        add(f, check, enough ? FINDING_OK : FINDING_BAD,
            "%s %s; needed with pool and max_running as they are: %" PRId64, have, what, needed);
    if (!enough)
        remedy(x, how);
}

static void examine_limits(const struct config *c, struct findings *f)
{
    int64_t cells = c->pool + c->max_running;
    examine_limit(f, "open files", RLIMIT_NOFILE, FILES_BASE + FILES_PER_CELL * cells, "open files",
                  "raise it: ulimit -n, or LimitNOFILE= in the unit");
    if (geteuid()) /* the kernel does not count root's */
        examine_limit(f, "processes", RLIMIT_NPROC, PROCESSES_BASE + cells,
                      "processes of this user", "raise it: ulimit -u, or LimitNPROC= in the unit");
}

static void examine_kernel(struct findings *f)
{
    struct utsname u;
    if (uname(&u)) {
        add(f, "kernel", FINDING_WARN, "cannot tell: %s", strerror(errno));
        return;
    }
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd >= 0) {
        close(fd);
        add(f, "kernel", FINDING_OK, "%s %.60s, %.60s", u.sysname, u.release, u.machine);
    } else {
        remedy(add(f, "kernel", FINDING_BAD, "%s %.60s has no pidfd_open: %s", u.sysname, u.release,
                   strerror(errno)),
               "Linux 5.10 or newer is needed");
    }
}

/* The zygote puts V8's hot text on huge pages: cells start faster with them, and start without. */
static void examine_huge_pages(struct findings *f)
{
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    static const char how[] =
        "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled: cells start faster";
    char *text = NULL;
    size_t len;
    if (fs_read_file(path, 4096, &text, &len, NULL)) {
        add(f, "huge pages", FINDING_WARN, "not to be had: %s is not there", path);
        return;
    }
    char *mode = strchr(text, '[');
    size_t n = mode ? strcspn(++mode, "]") : 0;
    bool never = !mode || (n == 5 && !strncmp(mode, "never", 5));
    struct finding *x = add(f, "huge pages", never ? FINDING_WARN : FINDING_OK, "transparent: %.*s",
                            (int)n, mode ? mode : "");
    if (never)
        remedy(x, how);
    free(text);
}

void doctor_examine(const struct config *c, struct findings *out)
{
    out->n = 0;
    examine_kernel(out);
    examine_jail(c, out);
    examine_engine(out);
    examine_nats_server(c, out);
    examine_data(c, out);
    examine_clock(out);
    examine_timer(out);
    examine_limits(c, out);
    examine_own_cgroup(out);
    examine_huge_pages(out);
}

bool doctor_ready(const struct findings *f)
{
    for (int i = 0; i < f->n; i++)
        if (f->v[i].state == FINDING_BAD)
            return false;
    return true;
}
