/* Tells systemd how a service does: sd_notify(3), the few lines of it that we need. */
#pragma once

/* Sends e.g. "READY=1" or "STOPPING=1" to $NOTIFY_SOCKET. 1: sent, 0: nobody asked to be told
 * (no such variable), <0: -errno. Any thread. */
int notify_service(const char *state);
