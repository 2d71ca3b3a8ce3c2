/* isolane: the program. Finds the command of the first word and runs it; everything else is in the
 * cmd_*.c files. */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "cli/command.h"

static const struct command *const commands[] = {
    &command_up,     &command_worker,  &command_run,      &command_check,  &command_types,
    &command_submit, &command_call,    &command_result,   &command_logs,   &command_cancel,
    &command_batch,  &command_dead,    &command_verify,   &command_ls,     &command_export,
    &command_backup, &command_archive, &command_workers,  &command_drain,  &command_schedule,
    &command_keys,   &command_secret,  &command_artifact, &command_doctor, &command_attest,
    &command_egress, &command_version,
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static void print_commands(FILE *out)
{
    fprintf(
        out,
        "Usage: isolane COMMAND [options]\n\n"
        "Runs scripts nobody trusts: each in a V8 isolate inside its own jailed process, under\n"
        "budgets, with a signed result.\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n`isolane COMMAND --help` tells more. Exit codes: " EXITS_JOB ".\n");
}

static int unknown_command(const char *name)
{
    struct nearest n = {.word = name};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        nearest_try(&n, commands[i]->name);
    if (n.best)
        say("unknown command '%s'; did you mean '%s'?", name, n.best);
    else
        say("unknown command '%s'; `isolane help` lists them", name);
    return EXIT_USAGE;
}

/* `isolane help`, `isolane help COMMAND`, `isolane --help` */
static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stdout);
        return out_finish(EXIT_JOB_OK);
    }
    const struct command *c = find(argv[1]);
    if (!c)
        return unknown_command(argv[1]);
    if (argc > 2) {
        say("help: found '%s' too many; usage: isolane help [COMMAND]", argv[2]);
        return EXIT_USAGE;
    }
    char option[] = "--help";
    char *args[] = {argv[1], option, NULL};
    return c->run(c, 2, args);
}

/* Job names and output are UTF-8. Where the locale says otherwise (LANG=C in containers) tables
 * would show \x escapes instead. Numbers keep the C locale: they go into JSON. */
static void use_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8"))
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* A file that is opened must not become the standard output of a script because that was closed
 * when we were started. What is used the wrong way round fails: it is told like a full disk. */
static void keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            abort();
}

int main(int argc, char **argv)
{
    struct err e;
    keep_standard_streams();
    fault_init();
    use_utf8();
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of that write, not our end */
    if (crypto_init(&e))
        return fail(&e);
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
        return help(argc - 1, argv + 1);
    char version[] = "version";
    if (!strcmp(name, "--version"))
        name = argv[1] = version;
    if (name[0] == '-') {
        say("unknown option '%s' in front of the command; usage: isolane COMMAND [options]", name);
        return EXIT_USAGE;
    }
    const struct command *c = find(name);
    return c ? c->run(c, argc - 1, argv + 1) : unknown_command(name);
}
