/* Landlock alone, without the namespaces in front of it: what it stops, what it leaves, and what
 * the jail does where it is not to be had. */
#include "tests/unit/jail_child.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sandbox/jail/steps.h"

#define CREATE_RULESET 444

static int abi;

static int find_abi(void **state)
{
    (void)state;
    abi = jail_landlock_abi();
    print_message("# Landlock version %d%s\n", abi,
                  abi < 6 ? ": what this kernel does not know is not tested" : "");
    return 0;
}

static void restrict_self(void)
{
    struct err e = {0};
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    int rc = jail_landlock(&e);
    if (rc)
        dprintf(STDERR_FILENO, "# %s\n", e.msg);
    NEED(rc == 0);
}

static void child_files(void)
{
    char byte;
    int folder = open("/etc", O_RDONLY | O_DIRECTORY), file = open("/etc/passwd", O_RDONLY);
    NEED(folder >= 0 && file >= 0);
    restrict_self();
    NEED(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
    NEED(open("/dev/null", O_WRONLY) < 0 && errno == EACCES);
    NEED(open("/tmp/isolane-landlock", O_CREAT | O_WRONLY, 0600) < 0 && errno == EACCES);
    NEED(mkdir("/tmp/isolane-landlock", 0700) < 0 && errno == EACCES);
    NEED(openat(folder, "passwd", O_RDONLY) < 0 && errno == EACCES);
    NEED(read(file, &byte, 1) == 1); /* what is open stays open */
    NEED(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EACCES);
    NEED(mount("x", "/tmp", "tmpfs", 0, NULL) < 0 && errno == EPERM);
}

static void files_are_closed(void **state)
{
    (void)state;
    if (!jail_landlock_absent(abi))
        holds(child_files);
}

/* A server on loopback that is there and would answer. */
static int listen_on_loopback(struct sockaddr_in *at)
{
    socklen_t len = sizeof *at;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    memset(at, 0, sizeof *at);
    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    NEED(s >= 0 && bind(s, (struct sockaddr *)at, sizeof *at) == 0 && listen(s, 4) == 0);
    NEED(getsockname(s, (struct sockaddr *)at, &len) == 0);
    return s;
}

static void child_tcp(void)
{
    struct sockaddr_in at, any = {.sin_family = AF_INET};
    listen_on_loopback(&at);
    int before = socket(AF_INET, SOCK_STREAM, 0), after = socket(AF_INET, SOCK_STREAM, 0);
    NEED(connect(before, (struct sockaddr *)&at, sizeof at) == 0);
    restrict_self();
    NEED(connect(after, (struct sockaddr *)&at, sizeof at) < 0 && errno == EACCES);
    NEED(bind(after, (struct sockaddr *)&any, sizeof any) < 0 && errno == EACCES);
}

static void tcp_is_closed(void **state)
{
    (void)state;
    if (abi >= 4)
        holds(child_tcp);
}

static void child_scopes(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int len =
        snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "isolane-landlock-%d", (int)getpid());
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    NEED(bind(server, (struct sockaddr *)&name, size) == 0 && listen(server, 4) == 0);
    pid_t outside = fork();
    if (outside == 0) {
        pause();
        _exit(0);
    }
    pid_t confined = fork();
    if (confined == 0) {
        restrict_self();
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        NEED(connect(s, (struct sockaddr *)&name, size) < 0 && errno == EPERM);
        NEED(kill(outside, SIGTERM) < 0 && errno == EPERM);
        NEED(kill(getppid(), 0) < 0 && errno == EPERM);
        pid_t own = fork(); /* as a zygote's cell */
        if (own == 0)
            pause();
        NEED(kill(own, SIGKILL) == 0);
        NEED(WTERMSIG(wait_for(own)) == SIGKILL);
        NEED(kill(getpid(), 0) == 0);
        _exit(0);
    }
    int status = wait_for(confined);
    NEED(kill(outside, SIGKILL) == 0); /* and the unconfined can still signal */
    wait_for(outside);
    NEED(status == 0);
}

static void signals_and_abstract_sockets_end_at_the_zygote(void **state)
{
    (void)state;
    if (abi >= 6)
        holds(child_scopes);
}

/* ---- machines that give less ---- */

static void enter(enum jail_mode mode, int rc_wanted, bool landlock_wanted, struct err *e)
{
    uint32_t layers = 0; /* no namespaces: no root is replaced */
    NEED((jail_enter(mode, &layers, e) < 0) == (rc_wanted < 0));
    NEED(!(layers & 1u << LAYER_LANDLOCK) == !landlock_wanted);
    NEED(rc_wanted || layers & 1u << LAYER_NO_CAPS);
}

static void child_kernel_without(void)
{
    struct err e = {0};
    refuse_call(CREATE_RULESET, EOPNOTSUPP);
    enter(JAIL_REQUIRE, 0, false, &e);
}

static void a_kernel_without_it_is_no_refusal(void **state)
{
    (void)state;
    holds(child_kernel_without);
}

static void child_container_refuses(void)
{
    struct err e = {0};
    refuse_call(CREATE_RULESET, EPERM);
    enter(JAIL_REQUIRE, -1, false, &e);
    NEED(e.code == ERR_UNAVAILABLE && strstr(e.msg, "landlock"));
    NEED(strstr(e.msg, "Operation not permitted") && strstr(e.msg, "seccomp profile"));
}

static void a_kernel_that_refuses_it_is_a_refusal(void **state)
{
    (void)state;
    holds(child_container_refuses);
}

static void child_prefers(void)
{
    struct err e = {0};
    refuse_call(CREATE_RULESET, EPERM);
    enter(JAIL_PREFER, 0, false, &e);
}

static void preferring_goes_without_it(void **state)
{
    (void)state;
    holds(child_prefers);
}

static void child_doctor_without(void)
{
    struct jail_check c[LAYERS];
    refuse_call(CREATE_RULESET, ENOSYS);
    NEED(jail_doctor(&no_limits, c, LAYERS) == LAYERS);
    NEED(!c[LAYER_LANDLOCK].available && c[LAYER_LANDLOCK].optional);
    NEED(strstr(c[LAYER_LANDLOCK].remedy, "lsm=landlock"));
    NEED(c[LAYER_MOUNT_NS].available && c[LAYER_SECCOMP].available);
}

static void child_doctor_refused(void)
{
    struct jail_check c[LAYERS];
    refuse_call(CREATE_RULESET, EPERM);
    NEED(jail_doctor(&no_limits, c, LAYERS) == LAYERS);
    NEED(!c[LAYER_LANDLOCK].available && !c[LAYER_LANDLOCK].optional);
    NEED(strstr(c[LAYER_LANDLOCK].remedy, "seccomp profile"));
}

static void the_doctor_tells_the_two_apart(void **state)
{
    (void)state;
    holds(child_doctor_without);
    holds(child_doctor_refused);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(files_are_closed),
        T(tcp_is_closed),
        T(signals_and_abstract_sockets_end_at_the_zygote),
        T(a_kernel_without_it_is_no_refusal),
        T(a_kernel_that_refuses_it_is_a_refusal),
        T(preferring_goes_without_it),
        T(the_doctor_tells_the_two_apart),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, find_abi, NULL);
}
