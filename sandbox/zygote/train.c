/* How this works
 *
 * The training run is a real one: READY, INVOKE, the script, DONE, the end, over a socket with the
 * INVOKE already in it. So the pages that it touches are those that a cell touches, but for the
 * seal's. With them come those that the zygote itself touches for each fork: they would be in
 * the way as whole windows of 16 pages if they came later. */
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/frame.h"
#include "sandbox/jail/jail.h"
#include "sandbox/zygote/cell.h"

static const char script[] =
    "const t0 = performance.now();\n"
    "class Shape { #n; constructor(n) { this.#n = n } get n() { return this.#n } }\n"
    "const m = new Map([['a', 1], ['b', { c: [1, 2.5, 'x'] }]]), s = new Set('hello');\n"
    "for (let i = 0; i < 200; i++) m.set(`k${i}`, new Shape(i));\n"
    "console.log('trained', m.size, { a: [1, { b: 2 }], s, d: new Date(0) }, [...'abc']);\n"
    "console.error('%s %d %o', 'x', 42, { y: null });\n"
    "const text = JSON.stringify({ list: [...s].map((c) => c.charCodeAt(0)).sort(), t0 });\n"
    "const back = JSON.parse(text), re = /(\\w+)-(\\d+)/u.exec('job-17');\n"
    "try { null.x } catch (e) { console.log(e.stack.split('\\n').length, re[2] * 2) }\n"
    "await new Promise((r) => setTimeout(r, 0));\n"
    "const bytes = new TextEncoder().encode(text), sum = bytes.reduce((a, b) => a + b, 0);\n"
    "export default async () => ({ sum, back, u: structuredClone({ z: 1n < 2 }) });\n";
static const char id[] = "training", name[] = "training.js", input[] = "{\"a\":1}", env[] = "{}";

static void put_invoke(int peer)
{
    struct frame_invoke inv = {
        .heap_bytes = 64u << 20,
        .memory_bytes = 1u << 30, /* RLIMIT_DATA counts what the zygote has, too */
        .output_bytes = 64u << 10,
        .value_bytes = 64u << 10,
        .source = FRAME_MODULE,
        .attempt = 1,
        .clock_us = 1000,
        .id_len = sizeof id - 1,
        .tenant_len = sizeof id - 1,
        .name_len = sizeof name - 1,
        .script_len = sizeof script - 1,
        .input_len = sizeof input - 1,
        .env_len = sizeof env - 1,
    };
    struct frame head = {.type = FRAME_INVOKE, .id = 1};
    struct iovec v[] = {
        {&head, sizeof head},
        {&inv, sizeof inv},
        {(void *)(uintptr_t)id, sizeof id - 1},
        {(void *)(uintptr_t)id, sizeof id - 1}, /* the tenant */
        {(void *)(uintptr_t)name, sizeof name - 1},
        {(void *)(uintptr_t)script, sizeof script - 1},
        {(void *)(uintptr_t)input, sizeof input - 1},
        {(void *)(uintptr_t)env, sizeof env - 1},
    };
    const int n = sizeof v / sizeof v[0];
    for (int i = 1; i < n; i++)
        head.len += (uint32_t)v[i].iov_len;
    if (writev(peer, v, n) != (ssize_t)(sizeof head + head.len))
        _exit(1);
}

/* Each call of zygote.c that is made per fork, on a descriptor that is none; and the seal's. */
static void touch_the_rest(void)
{
    struct msghdr m = {0};
    char byte;
    int status;
    poll(NULL, 0, 0);
    recvmsg(-1, &m, MSG_DONTWAIT);
    sendmsg(-1, &m, MSG_NOSIGNAL);
    send(-1, "", 0, MSG_NOSIGNAL);
    if (read(-1, &byte, 1) < 0)
        close(-1);
    wait4(-1, &status, WNOHANG, NULL);
    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    syscall(SYS_pidfd_open, getpid(), ~0u);
    jail_touch_seal();
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(0);
    while (pid > 0 && wait4(pid, &status, 0, NULL) < 0)
        ;
}

void cell_train(int sock, int peer, struct touched *t)
{
    const struct cell_start start = {.jail = JAIL_OFF, .data_bytes = 1u << 30};
    put_invoke(peer);
    touch_trace(t);
    touch_the_rest();
    cell_main(sock, &start, false);
}
