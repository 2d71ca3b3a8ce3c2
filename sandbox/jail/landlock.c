/* How this works
 *
 * A Landlock ruleset names the rights that it handles; a handled right that no rule gives is gone
 * for the process and all its children. Ours handles every right that the running kernel knows and
 * has no rule at all: no file can be opened, made or removed under any path, no TCP port bound or
 * connected to, no abstract socket connected to and no signal sent to a process outside. It stands
 * behind the empty root and the empty network namespace: whoever brings a descriptor of a folder
 * or another mount into a cell still opens nothing with it.
 *
 * It comes last: a process under Landlock may not mount. The supervisor is outside, so its signals
 * reach cells; zygote and cells are in one domain, so the zygote can kill its cells.
 *
 * The kernel says at run time which version of the interface (ABI) it has. Debian 12's headers end
 * at version 2, so the numbers stand here, from the kernel's include/uapi/linux/landlock.h. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/jail/steps.h"

#define CREATE_RULESET 444 /* the same numbers on all architectures */
#define RESTRICT_SELF  446
#define ASK_VERSION    1u

/* struct landlock_ruleset_attr as of version 6. A kernel takes a longer one whose rest is 0. */
struct ruleset {
    uint64_t handled_files;
    uint64_t handled_net;
    uint64_t scoped;
};

/* What each version of the interface added. Versions 7 and later so far: no right. */
static const struct {
    int abi;
    struct ruleset adds;
} versions[] = {
    {1, {.handled_files = 0x1fff}},   /* execute, write, read, list, remove, make … */
    {2, {.handled_files = 1u << 13}}, /* link and rename between folders */
    {3, {.handled_files = 1u << 14}}, /* truncate */
    {4, {.handled_net = 0x3}},        /* TCP: bind, connect */
    {5, {.handled_files = 1u << 15}}, /* ioctl of devices */
    {6, {.scoped = 0x3}},             /* abstract unix sockets, signals */
};

int jail_landlock_abi(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    return abi < 0 ? -errno : (int)abi;
}

bool jail_landlock_absent(int abi)
{
    return abi == -ENOSYS || abi == -EOPNOTSUPP || abi == 0;
}

static int refuse(struct err *e, int errnum, const char *what)
{
    return jail_refused(e, LAYER_LANDLOCK, errnum, what);
}

/* A port of its own choice, without Landlock always to be had. */
static int bind_errno(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return EACCES; /* no such sockets at all: nothing to forbid */
    int rc = bind(s, (const struct sockaddr *)&any, sizeof any) ? errno : 0;
    close(s);
    return rc;
}

static int prove(const struct ruleset *r, struct err *e)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || errno != EACCES)
        return refuse(e, fd >= 0 ? EPERM : errno, "a folder can still be opened");
    if (r->handled_net && bind_errno() != EACCES)
        return refuse(e, EPERM, "a TCP port can still be bound");
    return 0;
}

int jail_landlock(struct err *e)
{
    struct ruleset r = {0};
    int abi = jail_landlock_abi();
    if (jail_landlock_absent(abi))
        return JAIL_STEP_ABSENT;
    if (abi < 0)
        return refuse(e, -abi, "landlock_create_ruleset");
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (abi >= versions[i].abi) {
            r.handled_files |= versions[i].adds.handled_files;
            r.handled_net |= versions[i].adds.handled_net;
            r.scoped |= versions[i].adds.scoped;
        }
    int fd = (int)syscall(CREATE_RULESET, &r, sizeof r, 0);
    if (fd < 0)
        return refuse(e, errno, "landlock_create_ruleset");
    int rc = syscall(RESTRICT_SELF, fd, 0) ? errno : 0;
    close(fd);
    return rc ? refuse(e, rc, "landlock_restrict_self") : prove(&r, e);
}
