/* The parts that no design gets rid of, on this machine at this moment: the other figures are told
 * as multiples of these, so that runs on different machines, or beside other work, can be compared.
 * The larger parts are in floor_fork.c, floor_sqlite.c and floor_nats.c; metrics.mjs says which of
 * them are on the way of a job. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fs.h"
#include "base/mem.h"
#include "bench/bed.h"
#include "bench/floor_parts.h"
#include "bench/measure.h"

#define BUSY_MS        500
#define STATEMENT_SIZE 1300 /* of the statement of a small result */
#define PAGE           4096
#define SYNC_FILE_SIZE (1 << 20)

static int64_t count = 400, pause_ms = 2;

/* A small process: this one, before it has anything. */
static void time_fork(void)
{
    struct samples s = {0};
    floor_forks(count, &s);
    metric("floor.fork.p50", "us", samples_percentile(&s, 50));
    samples_free(&s);
}

/* Overwriting a page of a file that has its blocks: what a commit into a grown WAL asks of the
 * disk. */
static void time_fdatasync(const char *dir)
{
    struct samples s = {0};
    struct err e = {0};
    char path[PATH_MAX];
    static char page[PAGE];
    must(fs_path(path, sizeof path, &e, "%s/sync", dir), &e, "file");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        die("cannot make %s: %s", path, strerror(errno));
    for (int at = 0; at < SYNC_FILE_SIZE; at += PAGE)
        if (pwrite(fd, page, sizeof page, at) != (ssize_t)sizeof page)
            die("cannot write %s: %s", path, strerror(errno));
    fsync(fd);
    for (int64_t i = 0; i < count; i++) {
        off_t at = (off_t)(i * PAGE % SYNC_FILE_SIZE);
        crypto_random(page, 16);
        double from = now_us();
        if (pwrite(fd, page, sizeof page, at) != (ssize_t)sizeof page || fdatasync(fd))
            die("cannot write %s: %s", path, strerror(errno));
        samples_add(&s, now_us() - from);
    }
    close(fd);
    metric_percentiles("floor.fdatasync", "us", &s);
    samples_free(&s);
}

static _Noreturn void echo(int fd)
{
    char c;
    while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
        ;
    _exit(0);
}

static void time_socketpair(void)
{
    struct samples s = {0};
    int ends[2];
    char c = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        die("socketpair: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid == 0) {
        close(ends[0]);
        echo(ends[1]);
    }
    close(ends[1]);
    double own = process_cpu_us(getpid());
    for (int64_t i = 0; i < count * 10; i++) {
        double from = now_us();
        if (write(ends[0], &c, 1) != 1 || read(ends[0], &c, 1) != 1)
            die("socketpair: %s", strerror(errno));
        samples_add(&s, now_us() - from);
    }
    double used = process_cpu_us(getpid()) - own + process_cpu_us(pid);
    close(ends[0]);
    waitpid(pid, NULL, 0);
    metric("floor.socketpair.p50", "us", samples_percentile(&s, 50));
    metric("floor.socketpair.cpu", "us", used / (double)s.n);
    samples_free(&s);
}

static void time_sign(void)
{
    struct samples s = {0};
    uint8_t pub[ED25519_PUBLIC], sec[ED25519_SECRET], sig[ED25519_SIG], text[STATEMENT_SIZE];
    crypto_ed25519_new(pub, sec);
    crypto_random(text, sizeof text);
    for (int64_t i = 0; i < count * 10; i++) {
        text[0] = (uint8_t)i;
        double from = now_us();
        crypto_ed25519_sign(sec, text, sizeof text, sig);
        samples_add(&s, now_us() - from);
    }
    if (!crypto_ed25519_verify(pub, text, sizeof text, sig))
        die("a signature does not hold");
    metric("floor.ed25519-sign.p50", "us", samples_percentile(&s, 50));
    samples_free(&s);
}

int main(int argc, char **argv)
{
    static const struct bench_option options[] = {
        {"count", &count, 10, 1000000, "measurements of each part"},
        {"pause", &pause_ms, 0, 1000, "milliseconds before each commit and each step of JetStream"},
    };
    struct bed bed;
    bench_options(argc, argv,
                  "The floor: fork, fdatasync, socketpair, signature, SQLite, JetStream.", options,
                  ARRAY_LEN(options));
    metric("floor.busy", "%", machine_busy_percent(BUSY_MS));
    time_fork();
    bed_make(&bed);
    time_fdatasync(bed.dir);
    time_socketpair();
    time_sign();
    const struct floor_options o = {.count = count, .pause_ms = pause_ms};
    floor_fork(&bed, &o);
    floor_sqlite(&bed, &o);
    floor_nats(&bed, &o);
    bed_remove(&bed);
    return 0;
}
