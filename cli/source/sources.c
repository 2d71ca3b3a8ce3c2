#include "cli/source/sources.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "cli/source/script.h"
#include "queue/job/job.h"

#define DEPTH_MAX 32 /* of folders in folders */

/* ---- paths ---- */

static bool is_there(const char *dir, const char *name)
{
    char path[PATH_MAX];
    return !fs_path(path, sizeof path, NULL, "%s/%s", dir, name) && access(path, F_OK) == 0;
}

/* "" for the root of all; false at it. */
static bool go_up(char *dir)
{
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = 0;
    return slash != NULL;
}

static bool is_below(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return !strncmp(path, dir, n) && (path[n] == '/' || path[n] == 0);
}

static bool goes_up(const char *path)
{
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (!strncmp(p, "..", 2) && (p[2] == '/' || p[2] == 0))
            return true;
    }
    return false;
}

/* From the root of all, without "." and "..": "/" is "". Only what goes up has to be looked at, for
 * behind a symbolic link up is elsewhere. */
static int whole(const struct sources *s, const char *path, char out[PATH_MAX], struct err *e)
{
    char joined[PATH_MAX];
    size_t n = 0;
    int rc = *path == '/' ? fs_path(joined, sizeof joined, e, "%s", path)
                          : fs_path(joined, sizeof joined, e, "%s/%s", s->here, path);
    if (rc)
        return rc;
    if (goes_up(path)) {
        if (!realpath(path, out))
            return err_errno(e, "cannot read %s", path);
        strcpy(joined, out);
    }
    for (const char *p = joined; *p;) {
        size_t len = strcspn(p, "/");
        if (len > 0 && !(len == 1 && *p == '.')) {
            out[n++] = '/';
            memcpy(out + n, p, len);
            n += len;
        }
        p += len + (p[len] == '/');
    }
    out[n] = 0;
    return 0;
}

/* ---- files ---- */

static int add_file(struct sources *s, const char *path, struct err *e)
{
    struct source x = {0};
    const char *name = path + strlen(s->root) + 1;
    if (!pack_path_valid(name, strlen(name)))
        return err_set(e, ERR_INVALID,
                       "%s: a job's file cannot have this name: allowed are 1 to %d bytes behind "
                       "%s/, of UTF-8 without control characters and '\\'",
                       path, PACK_PATH_MAX, s->root);
    if (s->n >= JOB_FILES_MAX - 1)
        return err_set(e, ERR_LIMIT, "more than %d files in one check", JOB_FILES_MAX - 1);
    int rc = fs_read_file(path, SCRIPT_FILE_MAX, &x.text, &x.len, e);
    if (rc)
        return rc;
    if (utf8_valid_prefix(x.text, x.len) != x.len) {
        free(x.text);
        return err_set(e, ERR_INVALID, "%s: found invalid UTF-8; allowed: UTF-8 text", path);
    }
    x.path = mem_strdup(name);
    s->any_typescript |= job_language_of(name, strlen(name)) != JOB_JAVASCRIPT;
    s->v = mem_grow(s->v, (s->n + 1) * sizeof *s->v);
    s->v[s->n++] = x;
    return 0;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

/* What a check may look into. */
static bool is_source(const char *name)
{
    return script_has_extension(name) || ends_in(name, ".d.ts") || ends_in(name, ".d.mts") ||
           ends_in(name, ".d.cts") || ends_in(name, ".jsx") || ends_in(name, ".json");
}

static int is_wanted(const struct dirent *d)
{
    return d->d_name[0] != '.' && strcmp(d->d_name, "node_modules") != 0;
}

static int add_folder(struct sources *s, const char *dir, int depth, struct err *e)
{
    struct dirent **found = NULL;
    int n = depth > DEPTH_MAX ? (errno = ELOOP, -1)
                              : scandir(*dir ? dir : "/", &found, is_wanted, alphasort);
    if (n < 0)
        return err_errno(e, "cannot read folder %s", dir);
    int rc = 0;
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        struct stat st;
        if (!rc)
            rc = fs_path(path, sizeof path, e, "%s/%s", dir, found[i]->d_name);
        bool seen = !rc && lstat(path, &st) == 0; /* links are left out: they can lead anywhere */
        if (seen && S_ISDIR(st.st_mode))
            rc = add_folder(s, path, depth + 1, e);
        else if (seen && S_ISREG(st.st_mode) && is_source(path))
            rc = add_file(s, path, e);
        free(found[i]);
    }
    free(found);
    return rc;
}

/* ---- which ---- */

static int find_config(struct sources *s, const char *path, struct err *e)
{
    char dir[PATH_MAX];
    strcpy(dir, path);
    if (!fs_is_folder(*dir ? dir : "/"))
        go_up(dir);
    while (!is_there(dir, "tsconfig.json"))
        if (!strcmp(dir, s->here) || is_there(dir, "package.json") || !go_up(dir))
            return 0;
    strcpy(s->config, dir);
    return tsconfig_of(*dir ? dir : "/", &s->tsconfig, e);
}

/* s->root becomes what it has in common with the path, or the folder of that file. */
static void widen(struct sources *s, const char *path)
{
    char dir[PATH_MAX];
    strcpy(dir, path);
    if (!fs_is_folder(*dir ? dir : "/"))
        go_up(dir);
    while (!is_below(dir, s->root) && go_up(s->root))
        ;
}

static void choose_root(struct sources *s, char (*path)[PATH_MAX], int count)
{
    bool here = true;
    for (int i = 0; i < count; i++)
        here = here && is_below(path[i], s->here);
    strcpy(s->root, here ? s->here : path[0]);
    if (!fs_is_folder(*s->root ? s->root : "/"))
        go_up(s->root);
    for (int i = 0; i < count; i++)
        widen(s, path[i]);
    for (size_t i = 0; i < s->tsconfig.file_count; i++)
        widen(s, s->tsconfig.files[i]);
}

int sources_collect(char *const *paths, int count, struct sources *out, struct err *e)
{
    *out = (struct sources){0};
    if (!getcwd(out->here, sizeof out->here))
        return err_errno(e, "cannot tell the current folder");
    if (!strcmp(out->here, "/"))
        out->here[0] = 0;
    char(*path)[PATH_MAX] = mem_alloc((size_t)count * sizeof *path);
    int rc = 0;
    for (int i = 0; i < count && !rc; i++) {
        out->absolute |= paths[i][0] == '/';
        rc = whole(out, paths[i], path[i], e);
        if (!rc && access(*path[i] ? path[i] : "/", R_OK))
            rc = err_errno(e, "cannot read %s", paths[i]);
    }
    for (int i = 0; i < count && !rc && !out->tsconfig.file_count; i++)
        rc = find_config(out, path[i], e);
    if (!rc)
        choose_root(out, path, count);
    for (int i = 0; i < count && !rc; i++)
        rc = fs_is_folder(*path[i] ? path[i] : "/") ? add_folder(out, path[i], 0, e)
                                                    : add_file(out, path[i], e);
    for (size_t i = 0; i < out->tsconfig.file_count && !rc; i++)
        rc = add_file(out, out->tsconfig.files[i], e);
    free(path);
    if (!rc && !out->any_typescript)
        rc = err_set(e, ERR_NOT_FOUND, "no TypeScript among these files (.ts, .mts, .cts, .tsx)");
    return rc;
}

void sources_add(struct sources *s, const char *name, const char *text)
{
    struct buf path = {0};
    const char *dir = is_below(s->config, s->root) ? s->config + strlen(s->root) : "";
    if (*dir && strlen(dir) + strlen(name) <= PACK_PATH_MAX)
        buf_addf(&path, "%s/", dir + 1);
    buf_adds(&path, name);
    s->v = mem_grow(s->v, (s->n + 1) * sizeof *s->v);
    s->v[s->n++] = (struct source){buf_take(&path, NULL), mem_strdup(text), strlen(text)};
}

/* ---- for people ---- */

/* The path from here: "src/a.ts", "../lib/a.ts", "/elsewhere/a.ts". */
static void print_path(const struct sources *s, const char *path, FILE *to)
{
    struct buf all = {0};
    char up[PATH_MAX];
    buf_addf(&all, "%s/%s", s->root, path);
    strcpy(up, s->here);
    if (s->absolute && !is_below(s->root, s->here)) {
        fputs(all.data, to);
    } else if (is_below(all.data, s->here)) {
        fputs(all.data + strlen(s->here) + 1, to);
    } else {
        while (!is_below(all.data, up) && go_up(up))
            fputs("../", to);
        fputs(all.data + strlen(up) + 1, to);
    }
    buf_free(&all);
}

/* The file whose name stands at the beginning of the line, with its place behind it. */
static const char *file_of(const struct sources *s, const char *line)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t n = strlen(s->v[i].path);
        if (!strncmp(line, s->v[i].path, n) && line[n] == ':')
            return s->v[i].path;
    }
    return NULL;
}

void sources_print(const struct sources *s, const char *message, FILE *to)
{
    while (*message) {
        const char *file = file_of(s, message);
        size_t n = strcspn(message, "\n"), skip = file ? strlen(file) : 0;
        if (file)
            print_path(s, file, to);
        fprintf(to, "%.*s\n", (int)(n - skip), message + skip);
        message += n + (message[n] == '\n');
    }
}

void sources_free(struct sources *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->v[i].path);
        free(s->v[i].text);
    }
    free(s->v);
    tsconfig_free(&s->tsconfig);
    *s = (struct sources){0};
}
