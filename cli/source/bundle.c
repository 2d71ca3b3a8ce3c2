/* How this works
 *
 * The program is looked for where the project has it (node_modules/@esbuild of root and of the
 * folders above), beside the installation, and on the PATH, in this order: a project that pins a
 * version gets it. It runs in root with a fixed list of arguments, no stdin, its stdout (the
 * bundle) and stderr (what is wrong) read by us up to a bound each, and is killed when it takes too
 * long. */
#include "cli/source/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/command.h"

#define ESBUILD      "@esbuild/linux-x64/bin/esbuild"
#define MESSAGES_MAX 600 /* of what esbuild says, in our error */
#define COMPLAINTS   (64u << 10)

extern char **environ;

static bool can_run(const char *path)
{
    return access(path, X_OK) == 0;
}

/* root's node_modules, then those of the folders above. */
static bool in_project(const char *root, char out[PATH_MAX])
{
    char dir[PATH_MAX];
    if (!realpath(root, dir))
        return false;
    for (;;) {
        struct err e;
        if (fs_path(out, PATH_MAX, &e, "%s/node_modules/" ESBUILD, dir))
            return false;
        if (can_run(out))
            return true;
        char *slash = strrchr(dir, '/');
        if (!slash)
            return false;
        *slash = 0;
    }
}

static bool beside_us(char out[PATH_MAX])
{
    static const char *const places[] = {"../lib/isolane/esbuild", "../node_modules/" ESBUILD,
                                         "../../node_modules/" ESBUILD};
    char dir[PATH_MAX];
    struct err e;
    if (fs_exe_dir(dir, sizeof dir, &e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (!fs_path(out, PATH_MAX, &e, "%s/%s", dir, places[i]) && can_run(out))
            return true;
    return false;
}

static bool on_path(char out[PATH_MAX])
{
    const char *p = getenv("PATH");
    while (p && *p) {
        size_t n = strcspn(p, ":");
        struct err e;
        if (n > 0 && n < PATH_MAX && !fs_path(out, PATH_MAX, &e, "%.*s/esbuild", (int)n, p) &&
            can_run(out))
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

static int find(const char *root, char out[PATH_MAX], struct err *e)
{
    if (in_project(root, out) || beside_us(out) || on_path(out))
        return 0;
    return err_set(e, ERR_UNAVAILABLE,
                   "%s has dependencies, which takes esbuild, and there is none in its "
                   "node_modules, beside isolane or on the PATH: run 'npm install --save-dev "
                   "esbuild' there, or send the files alone with --no-bundle",
                   root);
}

/* ---- the child ---- */

struct pipes {
    int out[2], messages[2];
};

static int spawn(const char *root, char *const argv[], const struct pipes *p, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addchdir_np(&files, root);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, p->out[1], 1);
    posix_spawn_file_actions_adddup2(&files, p->messages[1], 2);
    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawn(pid, argv[0], &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* Reads one pipe on; false at its end. What does not fit sets `full`. */
static bool take(int fd, struct buf *to)
{
    char some[64 << 10];
    ssize_t n = read(fd, some, sizeof some);
    if (n < 0)
        return errno == EINTR;
    buf_add(to, some, (size_t)n);
    return n > 0;
}

/* Both pipes to their ends: false when that took too long or the bundle too much room. */
static bool read_both(const struct pipes *p, struct buf *out, struct buf *messages)
{
    struct pollfd fds[2] = {{.fd = p->out[0], .events = POLLIN},
                            {.fd = p->messages[0], .events = POLLIN}};
    struct buf *const to[2] = {out, messages};
    int64_t until_us = clock_mono_us() + (int64_t)BUNDLE_TIMEOUT_MS * 1000;
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        int n = left_ms > 0 && !out->full ? poll(fds, 2, (int)left_ms) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        for (int i = 0; i < 2; i++)
            if (fds[i].fd >= 0 && fds[i].revents && !take(fds[i].fd, to[i]))
                fds[i].fd = -1;
    }
    return true;
}

/* esbuild's errors, each a title, an empty line and a place ("    src/a.js:3:7:"), as "place:
 * title; place: title". False: it said something else. */
static bool errors_of(const struct buf *messages, char out[MESSAGES_MAX + 1])
{
    static const char head[] = "[ERROR] ";
    struct buf said = {.max = COMPLAINTS};
    const char *text = messages->data ? messages->data : "", *end = text + messages->len;
    while ((text = memmem(text, (size_t)(end - text), head, strlen(head)))) {
        const char *title = text + strlen(head);
        size_t title_len = strcspn(title, "\n"), place_len = 0;
        const char *place = title + title_len, *next;
        place += strspn(place, " \n");
        next = memmem(place, (size_t)(end - place), head, strlen(head));
        size_t rest = (size_t)((next ? next : end) - place);
        if (place[-1] == ' ' && (place_len = strcspn(place, "\n")) > 0 &&
            place[place_len - 1] == ':')
            place_len--;
        else
            place_len = 0;
        buf_addf(&said, "%s%.*s%s%.*s", said.len ? "; " : "", (int)place_len, place,
                 place_len ? ": " : "", (int)title_len, title);
        if (memmem(place, rest, "is built into node", strlen("is built into node")))
            buf_adds(&said, ": a module of Node.js, which jobs do not have");
        text = place;
    }
    size_t n = said.data ? utf8_cut(said.data, said.len, MESSAGES_MAX) : 0;
    memcpy(out, said.data ? said.data : "", n);
    out[n] = 0;
    buf_free(&said);
    return n > 0;
}

/* What esbuild said, in one line. */
static void one_line(const struct buf *messages, char out[MESSAGES_MAX + 1])
{
    size_t n = 0, len = utf8_cut(messages->data ? messages->data : "", messages->len, 4096);
    for (size_t i = 0; i < len && n < MESSAGES_MAX; i++) {
        char c = messages->data[i];
        bool blank = (unsigned char)c <= ' ' || c == 0x7f;
        if (blank && (n == 0 || out[n - 1] == ' '))
            continue;
        out[n++] = blank ? ' ' : c;
    }
    out[utf8_cut(out, n, MESSAGES_MAX)] = 0;
}

static int run(const char *root, char *const argv[], struct buf *out, struct err *e)
{
    struct pipes p = {{-1, -1}, {-1, -1}};
    struct buf messages = {.max = COMPLAINTS};
    char said[MESSAGES_MAX + 1] = "";
    int status = 0, rc = 0;
    pid_t pid = -1;
    if (pipe2(p.out, O_CLOEXEC) || pipe2(p.messages, O_CLOEXEC))
        rc = err_errno(e, "cannot make a pipe"), e->code = ERR_UNAVAILABLE;
    else if ((errno = spawn(root, argv, &p, &pid)))
        rc = err_errno(e, "cannot run %s", argv[0]);
    for (int i = 0; i < 2; i++)
        if ((i ? p.messages[1] : p.out[1]) >= 0)
            close(i ? p.messages[1] : p.out[1]);
    if (!rc) {
        bool whole = read_both(&p, out, &messages);
        if (!whole)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (!errors_of(&messages, said))
            one_line(&messages, said);
        if (out->full)
            rc =
                err_set(e, ERR_LIMIT, "the bundle of %s has more than %zu bytes", root, BUNDLE_MAX);
        else if (!whole)
            rc = err_set(e, ERR_TIMEOUT, "esbuild did not end within %d s",
                         BUNDLE_TIMEOUT_MS / 1000);
        else if (!WIFEXITED(status) || WEXITSTATUS(status))
            rc = err_set(e, ERR_INVALID, "esbuild cannot bundle %s: %s", root, said);
    }
    if (p.out[0] >= 0)
        close(p.out[0]);
    if (p.messages[0] >= 0)
        close(p.messages[0]);
    buf_free(&messages);
    return rc;
}

int bundle(const char *root, const char *main, char **out, size_t *len, struct err *e)
{
    char program[PATH_MAX], entry[PATH_MAX];
    struct buf text = {.max = BUNDLE_MAX};
    int rc = find(root, program, e);
    if (!rc)
        rc = fs_path(entry, sizeof entry, e, "./%s", main);
    if (rc)
        return rc;
    const char *const argv[] = {
        program,
        entry,
        "--bundle",
        "--format=esm",
        "--platform=browser",
        "--target=esnext",
        "--conditions=isolane,worker",
        "--define:process.env.NODE_ENV=\"production\"",
        "--define:global=globalThis",
        "--sourcemap=inline",
        "--sources-content=false",
        "--charset=utf8",
        "--log-level=error",
        "--log-limit=3",
        "--color=false",
        NULL,
    };
    rc = run(root, (char *const *)(uintptr_t)argv, &text, e);
    if (!rc && (!text.len || utf8_valid_prefix(text.data, text.len) != text.len))
        rc = err_set(e, ERR_INVALID, "esbuild made no text of %s", root);
    if (rc)
        buf_free(&text);
    else
        *out = buf_take(&text, len);
    return rc;
}
