#include "sandbox/zygote/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *proc_scratch(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

char *maps_aligned(size_t size, size_t alignment)
{
    char *p = proc_scratch(size + alignment);
    if (!p)
        return NULL;
    char *start = (char *)(((uintptr_t)p + alignment - 1) / alignment * alignment);
    if (start > p)
        munmap(p, (size_t)(start - p));
    if (start + size < p + size + alignment)
        munmap(start + size, (size_t)(p + alignment - start));
    return start;
}

long proc_read(int fd, char *buf, size_t cap)
{
    size_t at = 0;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    for (;;) {
        ssize_t n = read(fd, buf + at, cap - 1 - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += (size_t)n;
        if (n == 0 || at == cap - 1)
            break;
    }
    buf[at] = '\0';
    return at == cap - 1 ? -E2BIG : (long)at;
}

static long read_path(const char *path, char *buf, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    long n = proc_read(fd, buf, cap);
    close(fd);
    return n;
}

/* "start-end perms offset dev inode   path" */
static bool parse_line(const char *line, const char *program, struct map *m)
{
    char perms[5];
    int path_at = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %*s %lu%n", &m->start, &m->end, perms, &m->offset, &m->inode,
               &path_at) < 5)
        return false;
    const char *path = line + path_at + strspn(line + path_at, " "); /* not past the line's end */
    size_t path_len = strcspn(path, "\n");
    m->readable = perms[0] == 'r';
    m->writable = perms[1] == 'w';
    m->executable = perms[2] == 'x';
    m->shared = perms[3] == 's';
    m->file = m->inode != 0;
    m->kind = path[0] == '[' && strncmp(path, "[heap]", 6) ? MAP_KERNEL : MAP_OTHER;
    if (path_len == strlen(program) && !strncmp(path, program, path_len))
        m->kind = MAP_PROGRAM;
    const char *slash = memrchr(path, '/', path_len);
    if (slash && (!strncmp(slash, "/libdl.so", 9) || !strncmp(slash, "/libpthread.so", 14)))
        m->kind = MAP_STUB;
    return true;
}

int maps_read(struct map **out)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    char *text = proc_scratch(PROC_TEXT_MAX);
    struct map *maps = proc_scratch(MAPS_MAX * sizeof *maps);
    int n = -ENOMEM;
    if (text && maps) {
        long got = read_path("/proc/self/maps", text, PROC_TEXT_MAX);
        n = got < 0 ? (int)got : 0;
    }
    for (const char *line = text; n >= 0 && *line; line = strchr(line, '\n') + 1) {
        if (n == MAPS_MAX)
            n = -E2BIG;
        else if (parse_line(line, program, &maps[n]))
            n++;
    }
    if (text)
        munmap(text, PROC_TEXT_MAX);
    if (n < 0 && maps)
        maps_free(maps);
    else
        *out = maps;
    return n;
}

void maps_free(struct map *m)
{
    munmap(m, MAPS_MAX * sizeof *m);
}

const struct map *map_of(const struct map *maps, int n, uintptr_t at)
{
    for (int i = 0; i < n; i++)
        if (maps[i].start <= at && at < maps[i].end)
            return &maps[i];
    return NULL;
}

int64_t proc_field_kb(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, name, len))
            return strtoll(line + len, NULL, 10);
    }
    return -1;
}

int64_t maps_huge_kb(uintptr_t start)
{
    char head[32];
    int64_t kb = 0;
    char *text = proc_scratch(PROC_TEXT_MAX);
    if (!text)
        return 0;
    snprintf(head, sizeof head, "%lx-", start);
    if (read_path("/proc/self/smaps", text, PROC_TEXT_MAX) > 0)
        for (const char *line = text; line; line = strchr(line, '\n')) {
            line += *line == '\n';
            if (!strncmp(line, head, strlen(head))) {
                kb = proc_field_kb(line, "AnonHugePages:");
                break;
            }
        }
    munmap(text, PROC_TEXT_MAX);
    return kb < 0 ? 0 : kb;
}
