/* Runs a command as main() would and reads back what it printed. The working folder must be the
 * test's own: the files "out" and "err" are made in it. */
#pragma once

#include "cli/command.h" /* in front of cmocka.h, which makes a macro of fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"

static char *said_out, *said_err;

static inline void forget_said(void)
{
    free(said_out);
    free(said_err);
    said_out = said_err = NULL;
}

static inline char *read_back(const char *file)
{
    char *text = NULL;
    size_t len;
    if (fs_read_file(file, 64 << 20, &text, &len, NULL))
        abort();
    return text;
}

/* Runs "submit ok.js --wait" and gives the exit code. Words are separated by single blanks. */
static inline int isolane(const struct command *c, const char *line)
{
    char *copy = mem_strdup(line), *argv[32], *save = NULL;
    int argc = 0, keep_out = dup(1), keep_err = dup(2);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    argv[argc] = NULL;
    fflush(NULL);
    if (!freopen("out", "w", stdout) || !freopen("err", "w", stderr))
        abort();
    int code = c->run(c, argc, argv);
    fflush(NULL);
    dup2(keep_out, 1);
    dup2(keep_err, 2);
    close(keep_out);
    close(keep_err);
    forget_said();
    said_out = read_back("out");
    said_err = read_back("err");
    free(copy);
    return code;
}

/* The exit code must be `code`, and each text must stand where it should; NULL: nothing is printed.
 */
static inline void expect_at(int line, int code, const struct command *c, const char *words,
                             const char *out, const char *err)
{
    int got = isolane(c, words);
    bool ok = got == code && (out ? strstr(said_out, out) != NULL : !*said_out) &&
              (err ? strstr(said_err, err) != NULL : !*said_err);
    if (!ok)
        fail_msg("line %d: %s: exit %d (expected %d)\nstdout: %s\nstderr: %s", line, words, got,
                 code, said_out, said_err);
}
#define EXPECT(code, command, words, out, err) expect_at(__LINE__, code, command, words, out, err)
