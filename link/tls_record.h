/* The client library reads TLS on the loop's thread and, once it has begun a record, waits there
 * for the rest of it. So it is only called when a whole record lies in the kernel. Loop thread. */
#pragma once

#include <stdbool.h>

/* True: read now, a whole record is there, or the connection is at its end. False: the socket is
 * set to become readable when the rest has come. */
bool tls_record_whole(int fd);
