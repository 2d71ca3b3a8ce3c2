/* Runs a fuzz target once over every file of its corpus, without a fuzzer: as a test (TAP), and for
 * coverage. The program's own name says which: replay_<target>, corpus tests/corpus/<target>. */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char current[PATH_MAX + 320];

/* Names the input that ended it. */
static void on_end(int sig)
{
    ssize_t ignored = write(2, current, strlen(current));
    (void)ignored;
    signal(sig, SIG_DFL);
    raise(sig);
}

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    long size = f && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (size < 0) {
        fprintf(stderr, "# cannot read %s\n", path);
        return -1;
    }
    uint8_t *data = malloc(size ? (size_t)size : 1); /* of exact size, for the sanitizer */
    rewind(f);
    int rc = data && fread(data, 1, (size_t)size, f) == (size_t)size ? 0 : -1;
    fclose(f);
    if (!rc) {
        snprintf(current, sizeof current, "# at %s\n", path);
        LLVMFuzzerTestOneInput(data, (size_t)size);
    }
    free(data);
    return rc;
}

static int run_folder(const char *folder)
{
    char path[PATH_MAX + 300];
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *x; d && (x = readdir(d));) {
        if (x->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, x->d_name);
        if (run_file(path))
            return -1;
        n++;
    }
    if (d)
        closedir(d);
    return d ? n : -1;
}

/* The checkout that the program was built in: the first folder above it that has the corpus. */
static bool find_corpus(char *exe, const char *name, char *folder, size_t cap)
{
    for (char *slash; (slash = strrchr(exe, '/'));) {
        *slash = '\0';
        snprintf(folder, cap, "%s/tests/corpus/%s", exe, name);
        if (access(folder, R_OK) == 0)
            return true;
    }
    return false;
}

int main(void)
{
    char exe[PATH_MAX], folder[PATH_MAX + 64], name[64];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    const char *at = strstr(exe, "/replay_");
    if (!at)
        return 2;
    snprintf(name, sizeof name, "%s", at + strlen("/replay_"));
    signal(SIGABRT, on_end);
    signal(SIGSEGV, on_end);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    int ran = find_corpus(exe, name, folder, sizeof folder) ? run_folder(folder) : -1;
    printf("1..1\n%s 1 - %d inputs of %s\n", ran > 0 ? "ok" : "not ok", ran, name);
    return ran > 0 ? 0 : 1;
}
