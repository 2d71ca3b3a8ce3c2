/* What a service manager is told, over a socket as systemd's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"

/* A bound socket; name as NOTIFY_SOCKET has it, '@' for the abstract one. */
static int listen_at(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);
    memcpy(a.sun_path, name, strlen(name));
    if (name[0] == '@')
        a.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(s, (struct sockaddr *)&a, size), 0);
    return s;
}

static void is_told(const char *name)
{
    char text[64] = "";
    int s = listen_at(name);
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_service("READY=1"), 1);
    assert_int_equal(recv(s, text, sizeof text - 1, 0), 7);
    assert_string_equal(text, "READY=1");
    close(s);
}

static void a_manager_is_told(void **state)
{
    (void)state;
    char folder[] = "/tmp/isolane-notify-XXXXXX", name[64];
    assert_non_null(mkdtemp(folder));
    snprintf(name, sizeof name, "%s/socket", folder);
    is_told(name);
    assert_int_equal(notify_service("STOPPING=1"), -ECONNREFUSED);
    unlink(name);
    rmdir(folder);
    snprintf(name, sizeof name, "@isolane-notify-%d", (int)getpid());
    is_told(name);
}

static void nobody_need_be_told(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(notify_service("READY=1"), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(notify_service("READY=1"), 0);
}

static void what_is_no_socket_is_an_error(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'x', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_service("READY=1"), -EINVAL);
    setenv("NOTIFY_SOCKET", "relative/socket", 1);
    assert_int_equal(notify_service("READY=1"), -EINVAL);
    setenv("NOTIFY_SOCKET", "/nowhere/socket", 1);
    assert_int_equal(notify_service("READY=1"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manager_is_told),
        cmocka_unit_test(nobody_need_be_told),
        cmocka_unit_test(what_is_no_socket_is_an_error),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
