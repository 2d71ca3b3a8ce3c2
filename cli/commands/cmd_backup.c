/* backup: a copy of a results database, which may be in use, checked before it counts as one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/jsonw.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/key.h"
#include "cli/print/progress.h"
#include "results/db.h"
#include "results/verify.h"

struct backup {
    struct filter from; /* --db and settings alone */
    const char *to, *pem;
    bool json, archive;
    struct sign_key key;
    struct verify_report report;
};

static void on_pages(int done, int total, void *arg)
{
    progress_update(arg, (uint64_t)total, (uint64_t)done, 0);
}

static int copy(struct backup *b, struct err *e)
{
    struct store *s = NULL;
    int rc = filter_open(&b->from, &s, e);
    if (rc)
        return rc;
    b->archive = store_is_archive(s);
    if (!b->archive && key_read(&b->from.settings, b->pem, &b->key, e)) {
        store_close(s);
        return e->code;
    }
    struct progress *p = progress_new(0);
    rc = db_backup(store_db(s), b->to, on_pages, p, e);
    progress_free(p);
    store_close(s);
    return rc;
}

/* Pages, indexes, every signature, the chain: a backup that is not whole is none. */
static int check(struct backup *b, struct err *e)
{
    struct store *s = NULL;
    int rc = store_open(b->to, STORE_READ, &s, e);
    if (!rc)
        rc = db_integrity(store_db(s), e);
    store_close(s);
    if (!rc && b->archive) {
        struct verify_archive_report r;
        rc = verify_archive(b->to, NULL, &r, NULL, NULL, e);
        b->report.checked = r.checked;
    } else if (!rc)
        rc = verify_db(b->to, &b->key, &b->report, NULL, NULL, e);
    if (rc)
        unlink(b->to);
    return rc;
}

static void tell(const struct backup *b)
{
    struct buf out = {0};
    struct jsonw w;
    if (!b->json) {
        printf("%s: %" PRIu64 " results, verified\n", b->to, b->report.checked);
        return;
    }
    jsonw_init(&w, &out);
    jsonw_object(&w);
    jsonw_kstr(&w, "file", b->to);
    jsonw_kint(&w, "results", (int64_t)b->report.checked);
    jsonw_kint(&w, "last", (int64_t)b->report.last);
    jsonw_object_end(&w);
    printf("%s\n", out.data);
    buf_free(&out);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct backup b = {0};
    struct options o = {.command = self};
    struct err e = {0};
    const struct option_row rows[] = {
        {.name = "db",
         .type = OPTION_TEXT,
         .to = &b.from.db,
         .arg = "FILE",
         .help = "database to copy (else that of the data folder)"},
        {.name = "key",
         .type = OPTION_TEXT,
         .to = &b.pem,
         .arg = "PEM",
         .help = "public key (else worker.pub of the data folder)"},
        {.name = "json", .type = OPTION_FLAG, .to = &b.json, .help = "print JSON"},
    };
    options_add(&o, rows, 3);
    options_add_settings(&o, &b.from.settings, false);
    int code = options_parse(&o, argc, argv, 1, 1, "FILE");
    if (code != OPTIONS_GO)
        return code;
    b.to = o.args[0];
    if ((b.from.db && input_check(b.from.db, &e)) || (b.pem && input_check(b.pem, &e)))
        return fail_input(&e);
    if (copy(&b, &e) || check(&b, &e))
        return fail(&e);
    tell(&b);
    return out_finish(EXIT_JOB_OK);
}

const struct command command_backup = {
    .name = "backup",
    .summary = "copy a results database that may be in use, and verify the copy",
    .usage = "FILE [options]",
    .about = "The copy is one file without a WAL. It is kept only when its pages, every signature "
             "and the\n"
             "chain are found whole.",
    .exits = "0 copied and verified, 2 usage or input, 3 our failure",
    .example = "  isolane backup /backup/results-$(date +%F).db --data /var/lib/isolane",
    .run = run,
};
