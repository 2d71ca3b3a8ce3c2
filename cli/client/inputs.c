#include "cli/client/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "cli/command.h"

#define PIECE ((size_t)256 << 10)

static int hash_file(const char *path, struct job_artifact *a, struct err *e)
{
    struct sha256 h;
    uint8_t digest[SHA256_LEN];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot open %s", path), err_of_option(e, "--artifact");
    char *piece = mem_alloc(PIECE);
    crypto_sha256_begin(&h);
    while ((n = read(fd, piece, PIECE)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        crypto_sha256_add(&h, piece, (size_t)n);
        a->size += n;
    }
    int rc = n < 0 ? (err_errno(e, "cannot read %s", path), err_of_option(e, "--artifact")) : 0;
    crypto_sha256_end(&h, digest);
    crypto_hex(digest, sizeof digest, a->sha256);
    free(piece);
    close(fd);
    return rc;
}

static int read_one(struct inputs *in, const char *option, struct err *e)
{
    const char *equals = strchr(option, '=');
    size_t len = equals ? (size_t)(equals - option) : 0;
    if (!equals || !equals[1] || !artifact_name_valid(option, len))
        return err_set(
            e, ERR_INVALID,
            "--artifact: found '%s'; allowed: NAME=FILE, the name " ARTIFACT_NAME_ALLOWED, option);
    struct job_artifact *a = &in->v[in->n];
    for (int i = 0; i < in->n; i++)
        if (strlen(in->v[i].name) == len && !memcmp(in->v[i].name, option, len))
            return err_set(e, ERR_INVALID, "--artifact: found '%s' twice; allowed: each name once",
                           in->v[i].name);
    a->name = mem_copy(option, len);
    in->n++;
    int rc = hash_file(equals + 1, a, e);
    if (rc)
        return rc;
    a->object = mem_alloc(3 + SHA256_HEX);
    memcpy(a->object, "in/", 3);
    memcpy(a->object + 3, a->sha256, SHA256_HEX);
    in->file[in->n - 1] = (struct artifact_file){.object = a->object, .path = equals + 1};
    return 0;
}

int inputs_read(const struct option_list *given, struct inputs *out, struct err *e)
{
    int rc = 0;
    memset(out, 0, sizeof *out);
    if (given->n > ARTIFACTS_MAX)
        return err_set(e, ERR_INVALID, "--artifact: found %d; allowed: at most %d", given->n,
                       ARTIFACTS_MAX);
    for (int i = 0; i < given->n && !rc; i++)
        rc = read_one(out, given->v[i], e);
    return rc;
}

void inputs_free(struct inputs *in)
{
    for (int i = 0; i < in->n; i++) {
        free(in->v[i].name);
        free(in->v[i].object);
    }
    in->n = 0;
}

static int upload_one(struct artifacts *s, const struct job_artifact *a, const char *path,
                      struct err *e)
{
    struct obj_info info = {0};
    int rc = artifacts_info(s, a->object, &info, e);
    if (!rc && info.size == (uint64_t)a->size && !strcmp(info.sha256, a->sha256))
        return 0;
    if (rc && rc != ERR_NOT_FOUND)
        return rc;
    rc = artifacts_put(s, a->object, path, &info, e);
    if (!rc && strcmp(info.sha256, a->sha256))
        rc = err_set(e, ERR_CONFLICT, "--artifact: %s was changed while it was read", path);
    return rc;
}

int inputs_upload(struct client *c, const char *tenant, const struct inputs *in, struct err *e)
{
    struct artifacts s = {0};
    if (in->n == 0)
        return 0;
    int rc = artifacts_open(c, tenant, &s, e);
    for (int i = 0; i < in->n && !rc; i++)
        rc = upload_one(&s, &in->v[i], in->file[i].path, e);
    artifacts_close(&s);
    return rc;
}

static int write_all(int fd, const char *data, size_t len, struct err *e)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return err_errno(e, "cannot write a file in memory");
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int inputs_upload_bytes(struct client *c, const char *tenant, const struct job_artifact *a,
                        const char *data, size_t len, struct err *e)
{
    struct artifacts s = {0};
    char path[32];
    int fd = memfd_create("isolane-files", MFD_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot make a file in memory");
    int rc = write_all(fd, data, len, e);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!rc)
        rc = artifacts_open(c, tenant, &s, e);
    if (!rc)
        rc = upload_one(&s, a, path, e);
    artifacts_close(&s);
    close(fd);
    return rc;
}
