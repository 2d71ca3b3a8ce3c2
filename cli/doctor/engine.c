#include "cli/doctor/engine.h"

#include "cli/doctor/probe.h"
#include "config/paths.h"

#define PROBE_TIMEOUT_MS 10000

int engine_describe(char out[ENGINE_TEXT_MAX], struct err *e)
{
    struct engine_paths paths;
    char option[] = "-p";
    char script[] = "`node ${process.version}, V8 ${process.versions.v8}`";
    int rc = engine_paths(&paths, e);
    if (rc)
        return rc;
    char *const argv[] = {paths.node, option, script, NULL};
    return probe_line(argv, PROBE_TIMEOUT_MS, out, ENGINE_TEXT_MAX, e);
}
