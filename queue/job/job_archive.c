/* The field "files" where it names an archive in the tenant's bucket (archive.h) in place of the
 * files: {"artifact": {"object", "sha256", "size"}}. The archive is fetched when the job's turn has
 * come; what the other fields say is held against the files then. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "base/pack.h"
#include "link/obj.h"
#include "queue/job/archive.h"
#include "queue/job/decoding.h"

#define FIELD "files.artifact"

bool names_archive(const struct jv *files)
{
    const struct jv *v = jv_get(files, "artifact");
    return jv_type(v) == JV_OBJECT && !jv_get(v, "base64");
}

static int read_member(const char *name, const struct jv *v, void *arg)
{
    struct decoding *d = arg;
    struct job_artifact *a = d->job->archive;
    char found[FOUND_TEXT];
    size_t len = 0;
    const char *s = jv_string(v, &len);
    if (!strcmp(name, "object")) {
        if (s && strlen(s) == len && obj_name_valid(s, len))
            a->object = mem_strdup(s);
        else
            fault_at(d,
                     FIELD ".object: found %s; allowed: 1 to %d bytes of UTF-8 without control "
                           "characters",
                     shown(v, found), OBJ_NAME_MAX);
    } else if (!strcmp(name, "sha256")) {
        if (s && len == SHA256_HEX - 1 && strspn(s, "0123456789abcdef") == len)
            memcpy(a->sha256, s, len + 1);
        else
            fault_at(d, FIELD ".sha256: found %s; allowed: 64 digits of 0-9 a-f", shown(v, found));
    } else if (!strcmp(name, "size")) {
        if (!jv_int(v, &a->size) || a->size < 1 || a->size > (int64_t)ARCHIVE_BYTES_MAX)
            fault_at(d, FIELD ".size: found %s; allowed: 1 to %zu bytes", shown(v, found),
                     ARCHIVE_BYTES_MAX);
    } else {
        fault_at(d, FIELD ": unknown field '%s'; allowed: object, sha256, size",
                 in_line(name, strlen(name), found));
    }
    return 0;
}

void read_archive(struct decoding *d, const struct jv *files)
{
    struct job *j = d->job;
    if (jv_count(files) != 1) {
        fault_at(d,
                 "files: found an artifact beside %zu paths; allowed: one artifact alone, or "
                 "paths",
                 jv_count(files) - 1);
        return;
    }
    free_archive(j);
    j->archive = mem_alloc(sizeof *j->archive);
    jv_each(jv_get(files, "artifact"), read_member, d);
    if (!j->archive->object)
        fault_at(d, FIELD ".object: missing");
    if (!*j->archive->sha256)
        fault_at(d, FIELD ".sha256: missing");
    if (!j->archive->size)
        fault_at(d, FIELD ".size: missing");
}

void free_archive(struct job *j)
{
    if (j->archive)
        free(j->archive->object);
    free(j->archive);
    j->archive = NULL;
}

bool job_wants_files(const struct job *j)
{
    return j->archive && !j->files;
}

int job_take_files(const struct config *c, struct job *j, const struct archive *files,
                   struct err *e)
{
    struct decoding d = {.config = c, .tenant = config_tenant(c, j->tenant), .job = j, .e = e};
    size_t beside = j->input_len + j->env_len + j->parents_len;
    CHECK(job_wants_files(j));
    if (files->len + beside > JOB_PAYLOAD_MAX)
        return err_set(e, ERR_INVALID,
                       FIELD ": found files of %zu bytes with an input of %zu; allowed: %zu "
                             "together",
                       files->len, j->input_len, JOB_PAYLOAD_MAX);
    j->files = mem_copy(files->pack, files->len);
    j->files_len = files->len;
    find_main(&d);
    if (!d.rc) {
        hash_main(j, files->hashes, files->hashes_len);
        settle_language(&d);
    }
    if (d.rc)
        job_drop_files(j);
    return d.rc;
}

void job_drop_files(struct job *j)
{
    if (!j->archive)
        return;
    free(j->files);
    j->files = NULL;
    j->files_len = 0;
}

void encode_archive(struct jsonw *w, const struct job_request *r)
{
    if (r->main)
        jsonw_kstr(w, "main", r->main);
    jsonw_name(w, "files");
    jsonw_object(w);
    jsonw_name(w, "artifact");
    jsonw_object(w);
    jsonw_kstr(w, "object", r->archive->object);
    jsonw_kstr(w, "sha256", r->archive->sha256);
    jsonw_kint(w, "size", r->archive->size);
    jsonw_object_end(w);
    jsonw_object_end(w);
}
