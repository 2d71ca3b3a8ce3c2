/* What a cell does that was taken over: the fake engine's hostile commands. Some need a cell
 * without a filter (jail: off).
 *
 *   storm N TYPE ID HEX   N frames, as fast as they can be written (N 0: without end)
 *   opens N               N OPENs with growing odd numbers (N 0: without end)
 *   bulk N ID KB          N CALLs of an argument of so many kB, numbers from ID
 *   dribble HEX           bytes, each in a write of its own
 *   shut HOW              shutdown(2) of the socket
 *   descriptors N         a frame with N descriptors beside it
 *   heir hold|flood|talk  a child with the socket: keeps it, fills it, says DONE in the cell's
 * place
 *
 * and V8 flags that say what a cell does before its READY:
 *   --before=HEX          writes that
 *   --deaf                says READY and never reads */
#include "tests/zygote/fake_enemy.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/frame.h"
#include "sandbox/zygote/wire.h"

#define BATCH ((size_t)64 << 10)

static unsigned char batch[2 * BATCH + sizeof(struct frame)];
static size_t batched;

void enemy_put(const void *p, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(CELL_FD, (const char *)p + done, len - done);
        if (n < 0)
            _exit(99);
        done += (size_t)n;
    }
}

size_t enemy_unhex(const char *hex, unsigned char *out, size_t cap)
{
    size_t n = 0;
    unsigned byte;
    for (; n < cap && hex[0] && hex[1] && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[n++] = (unsigned char)byte;
    return n;
}

static void flush(void)
{
    enemy_put(batch, batched);
    batched = 0;
}

static void add_frame(unsigned type, uint64_t id, const void *payload, size_t len)
{
    struct frame f = {.len = (uint32_t)len, .type = (uint16_t)type, .id = id};
    memcpy(batch + batched, &f, sizeof f);
    memcpy(batch + batched + sizeof f, payload, len);
    batched += sizeof f + len;
    if (batched >= BATCH)
        flush();
}

static void storm(const char *arg)
{
    unsigned char bytes[2048];
    unsigned type = 0;
    unsigned long id = 0, n = 0;
    int used = 0;
    sscanf(arg, "%lu %u %lu %n", &n, &type, &id, &used);
    size_t len = enemy_unhex(arg + used, bytes, sizeof bytes);
    for (unsigned long i = 0; n == 0 || i < n; i++)
        add_frame(type, id, bytes, len);
    flush();
}

static void opens(const char *arg)
{
    static const unsigned char kind[] = {0, 0, 0, 0, 1, 0, 0, 0, 'a'};
    unsigned long n = strtoul(arg, NULL, 10);
    for (unsigned long i = 1; n == 0 || i <= n; i++)
        add_frame(FRAME_OPEN, 2 * i - 1, kind, sizeof kind);
    flush();
}

static void bulk(const char *arg)
{
    static unsigned char payload[sizeof(struct frame_call) + 1 + FRAME_CALL_MAX];
    const struct frame_call head = {.name_len = 1};
    unsigned long n = 0, id = 0, kb = 0;
    sscanf(arg, "%lu %lu %lu", &n, &id, &kb);
    memcpy(payload, &head, sizeof head);
    memset(payload + sizeof head, '1', sizeof payload - sizeof head);
    for (unsigned long i = 0; i < n; i++)
        add_frame(FRAME_CALL, id + i, payload, sizeof head + 1 + (kb << 10));
    flush();
}

static void dribble(const char *arg)
{
    unsigned char bytes[2048];
    size_t n = enemy_unhex(arg, bytes, sizeof bytes);
    for (size_t i = 0; i < n; i++)
        enemy_put(bytes + i, 1);
}

static void descriptors(const char *arg)
{
    struct frame f = {.len = 2, .type = FRAME_OUTPUT, .id = 7};
    char text[2] = {FRAME_STDOUT, 'x'};
    int n = atoi(arg), fds[250];
    struct iovec v[] = {{&f, sizeof f}, {text, sizeof text}};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control;
    struct msghdr m = {.msg_iov = v,
                       .msg_iovlen = 2,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
    memset(&control, 0, sizeof control);
    for (int i = 0; i < n; i++)
        fds[i] = CELL_FD;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
    if (sendmsg(CELL_FD, &m, MSG_NOSIGNAL) < 0)
        _exit(98);
}

/* Ends when the supervisor has closed its end. */
static void heir(const char *what)
{
    char byte;
    if (fork() != 0) {
        usleep(20000);
        return;
    }
    if (!strcmp(what, "flood"))
        storm("0 6 7 0100000061");
    if (!strcmp(what, "talk")) {
        const struct frame_done done = {.end = FRAME_END_OK};
        add_frame(FRAME_DONE, 7, &done, sizeof done);
        flush();
    }
    while (read(CELL_FD, &byte, 1) > 0)
        ;
    _exit(0);
}

bool enemy_line(const char *cmd, const char *arg)
{
    static const struct {
        const char *name;
        void (*run)(const char *arg);
    } commands[] = {{"storm", storm},     {"opens", opens}, {"bulk", bulk},
                    {"dribble", dribble}, {"heir", heir},   {"descriptors", descriptors}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (!strcmp(cmd, commands[i].name)) {
            commands[i].run(arg);
            return true;
        }
    if (strcmp(cmd, "shut"))
        return false;
    shutdown(CELL_FD, atoi(arg));
    return true;
}

/* The training and the trial cell have none. No fstat(): not allowed to cells. */
bool enemy_has_socket(void)
{
    struct msghdr none = {0};
    return recvmsg(CELL_FD, &none, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != ENOTSOCK;
}

void enemy_warm(const char *flags)
{
    unsigned char bytes[2048];
    if (!*flags) /* and nothing else, for a zygote with a filter (keep.h) */
        return;
    if (!enemy_has_socket())
        return;
    if (!strncmp(flags, "--before=", 9))
        enemy_put(bytes, enemy_unhex(flags + 9, bytes, sizeof bytes));
    if (!strcmp(flags, "--deaf")) {
        storm("1 1 0 ");
        for (;;)
            poll(NULL, 0, -1);
    }
}
