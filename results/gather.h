/* SQLite's way to the disk for writers: the system's own VFS, but what a commit appends to the WAL
 * goes out in few large writes instead of two small ones a page, and a checkpoint lengthens the
 * database in large pieces. */
#pragma once

/* The name to open a database by. Any thread, any time. The handle must have synchronous=FULL: only
 * a commit that syncs is told of a write that failed (gather.c). */
const char *gather_vfs(void);
