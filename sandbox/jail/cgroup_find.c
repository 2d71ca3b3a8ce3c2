/* Where the worker's own cgroup lies: /proc/self/cgroup names it as seen from the root of the
 * hierarchy, /proc/self/mountinfo says which part of the hierarchy is mounted where. Pure. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/jail/cgroup.h"

/* The line "0::<path>" is that of version 2; the others are hierarchies of version 1. */
static int own_path(const char *text, char out[CGROUP_PATH_MAX])
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        if (n > 3 && !strncmp(p, "0::/", 4)) {
            if (n - 3 >= CGROUP_PATH_MAX)
                return -ENAMETOOLONG;
            memcpy(out, p + 3, n - 3);
            out[n - 3] = '\0';
            return 0;
        }
        p += n + (p[n] == '\n');
    }
    return -ENOENT;
}

/* Blank, tab, newline and backslash are written as octal numbers: proc(5). */
static int unescape(const char *from, size_t len, char out[CGROUP_PATH_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned c = (unsigned char)from[i];
        if (c == '\\' && i + 3 < len && from[i + 1] >= '0' && from[i + 1] <= '3') {
            const char digits[4] = {from[i + 1], from[i + 2], from[i + 3], 0};
            c = (unsigned)strtoul(digits, NULL, 8);
            i += 3;
        }
        if (n + 1 >= CGROUP_PATH_MAX)
            return -ENAMETOOLONG;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return 0;
}

/* Fields of a line: id parent major:minor ROOT MOUNTPOINT options … - TYPE source options. */
static bool is_cgroup2(const char *line, size_t len)
{
    static const char type[] = " - cgroup2 ";
    const char *at = memmem(line, len, type, sizeof type - 1);
    return at != NULL;
}

static bool field(const char *line, size_t len, int which, const char **at, size_t *n)
{
    const char *p = line, *end = line + len;
    for (int i = 0; p < end; i++) {
        const char *blank = memchr(p, ' ', (size_t)(end - p));
        const char *stop = blank ? blank : end;
        if (i == which) {
            *at = p;
            *n = (size_t)(stop - p);
            return true;
        }
        p = stop + 1;
    }
    return false;
}

/* Below `root`: the rest of path, "" for root itself; NULL when it lies elsewhere. */
static const char *below(const char *path, const char *root)
{
    size_t n = strcmp(root, "/") ? strlen(root) : 0;
    if (strncmp(path, root, n) || (path[n] != '/' && path[n]))
        return NULL;
    return strcmp(path + n, "/") ? path + n : "";
}

int cgroup_find(const char *self_cgroup, const char *mountinfo, char out[CGROUP_PATH_MAX])
{
    char own[CGROUP_PATH_MAX], root[CGROUP_PATH_MAX], at[CGROUP_PATH_MAX];
    int rc = own_path(self_cgroup, own);
    if (rc)
        return rc;
    rc = -ENOENT;
    for (const char *p = mountinfo; *p;) {
        size_t len = strcspn(p, "\n"), root_len, at_len;
        const char *root_field, *at_field, *rest;
        if (is_cgroup2(p, len) && field(p, len, 3, &root_field, &root_len) &&
            field(p, len, 4, &at_field, &at_len)) {
            if (unescape(root_field, root_len, root) || unescape(at_field, at_len, at))
                return -ENAMETOOLONG;
            /* "/.." in either: seen from inside a cgroup namespace, it lies above. */
            rest = strstr(own, "/..") || strstr(root, "/..") ? NULL : below(own, root);
            if (rest)
                return snprintf(out, CGROUP_PATH_MAX, "%s%s", at, rest) < CGROUP_PATH_MAX
                           ? 0
                           : -ENAMETOOLONG;
            rc = -EXDEV;
        }
        p += len + (p[len] == '\n');
    }
    return rc;
}

bool cgroup_has_word(const char *line, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = line; *p;) {
        size_t n = strcspn(p, " \n");
        if (n == len && !strncmp(p, word, n))
            return true;
        p += n + strspn(p + n, " \n");
    }
    return false;
}

uint64_t cgroup_field(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        if (n > len && !strncmp(p, name, len) && p[len] == ' ')
            return strtoull(p + len + 1, NULL, 10);
        p += n + (p[n] == '\n');
    }
    return 0;
}

/* "<µs of CPU time> <per µs>": cgroup-v2.rst. */
void cgroup_cpu_max(int64_t percent, char *out, size_t cap)
{
    snprintf(out, cap, "%lld 100000", (long long)percent * 1000);
}
