/* Fuzz target: job_decode(): whatever comes in, a job with a usable id comes out; what is
 * taken keeps to its bounds; what is refused says so in one printable line. `make fuzz T=job`. */
#include <stdlib.h>
#include <string.h>

#include "base/jv.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/utf8.h"
#include "queue/job/job.h"

#define JOB_MAX_KB 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct job_key key = {
    .keyid = "0000000000000000000000000000000000000000000000000000000000000000"};
static struct tenant tenants[] = {
    {.name = "default", .weight = 1},
    {.name = "keyed", .weight = 1, .job_keys = &key, .job_key_count = 1},
};
static struct config config = {.job_max_kb = JOB_MAX_KB, .tenants = tenants, .tenant_count = 2};

static void make_config(void)
{
    CHECK(crypto_init(NULL) == 0);
    for (int i = 0; i < LIMITS; i++) {
        tenants[0].defaults.v[i] = limit_table[i].fallback;
        tenants[0].ceilings.v[i] = limit_table[i].ceiling;
    }
    static const char *const net[] = {"api.example.com", "*.example.org:443", "[2001:db8::1]"};
    for (size_t i = 0; i < ARRAY_LEN(net); i++)
        permission_add(&tenants[0].permissions.list[PERMISSION_NET], net[i], strlen(net[i]));
    permission_add(&tenants[0].permissions.list[PERMISSION_ENV], "LANG", 4);
    permission_add(&tenants[0].permissions.list[PERMISSION_SECRETS], "TOKEN", 5);
    tenants[0].permissions.flag[PERMISSION_EVAL] = tenants[0].permissions.flag[PERMISSION_WASM] =
        true;
}

static void check_taken(const struct job *j)
{
    size_t files = 0;
    struct pack_file f;
    if (j->files)
        CHECK(pack_check(j->files, j->files_len, &files) && files > 0 && files <= JOB_FILES_MAX &&
              j->script_len == 0 && !strcmp(j->main, j->name) &&
              pack_find(j->files, j->files_len, j->main, strlen(j->main), &f));
    else if (j->archive)
        CHECK(j->script_len == 0 && *j->archive->object && !*j->script_sha256 && !j->transforms &&
              j->archive->size > 0);
    else
        CHECK(j->script_len > 0 && j->script_len <= JOB_MAX_KB * 1024 && !*j->main);
    CHECK(job_wants_files(j) || strlen(j->script_sha256) == SHA256_HEX - 1);
    CHECK(*j->name && strlen(j->name) <= JOB_NAME_MAX);
    const struct retry_policy *p = &j->retry;
    CHECK(p->max_attempts >= 1 && p->max_attempts <= RETRY_ATTEMPTS_MAX);
    CHECK(p->delay_ms >= 0 && p->delay_ms <= p->max_ms && p->max_ms <= RETRY_DELAY_MS_MAX);
    CHECK(p->jitter >= 0 && p->jitter <= 1);
    CHECK(j->not_before_us >= 0 && j->deadline_us >= 0 && j->ttl_ms >= 0);
    for (int i = 0; i < LIMITS; i++)
        CHECK(j->limits.v[i] >= limit_table[i].min && j->limits.v[i] <= tenants[0].ceilings.v[i]);
    for (int l = 0; l < PERMISSION_LISTS; l++)
        for (int i = 0; i < j->permissions.list[l].n; i++)
            CHECK(permission_covers((enum permission_list)l, &tenants[0].permissions.list[l],
                                    j->permissions.list[l].v[i]));
    for (int i = 0; i < j->secrets.n; i++) {
        CHECK(permission_covers(PERMISSION_SECRETS, &j->permissions.list[PERMISSION_SECRETS],
                                j->secrets.v[i].name));
        CHECK(j->secrets.v[i].n >= 1 && j->secrets.v[i].n <= SEALED_EACH_MAX);
    }
    CHECK(!j->permissions.flag[PERMISSION_SAB] && j->permissions.clock_us >= CLOCK_US_DEFAULT);
    CHECK(j->profile == PROFILE_DEFAULT || !j->permissions.flag[PERMISSION_WASM]);
}

static void check_words(const struct err *e)
{
    CHECK(e->code == ERR_INVALID && *e->msg);
    for (const char *p = e->msg; *p; p++)
        CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    CHECK(utf8_valid_prefix(e->msg, strlen(e->msg)) == strlen(e->msg));
}

/* Nobody can sign for the tenant with a key: whatever comes is refused, under the sequence's id.
 * The header is what stands in front of the first line's end. */
static void unsigned_one(const char *text, size_t len)
{
    const char *nl = len ? memchr(text, '\n', len) : NULL;
    char *header = nl ? mem_copy(text, (size_t)(nl - text)) : NULL;
    struct job_origin o = {
        .tenant = "keyed", .msg_id = "header-1", .stream_seq = 7, .signature = header};
    struct job *j = NULL;
    struct err e = {0};
    o.signatures = header != NULL;
    CHECK(job_decode(&config, &o, text, len, &j, &e) == ERR_INVALID);
    CHECK(!strcmp(j->id, "7") && !*j->signed_by);
    check_words(&e);
    job_free(j);
    free(header);
}

/* The first byte says what is known beside the payload. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!config.tenants[0].defaults.v[0])
        make_config();
    uint8_t how = size ? data[0] : 0;
    if (how & 8) {
        unsigned_one((const char *)data + 1, size - 1);
        return 0;
    }
    const char *ids[] = {NULL, "header-1", "123", "no id"};
    struct job_origin o = {
        .tenant = how & 4 ? "stranger" : "default",
        .cls = CLASS_NORMAL,
        .msg_id = ids[how & 3],
        .stream_seq = 7,
    };
    struct job *j = NULL;
    struct err e = {0};
    int rc =
        job_decode(&config, &o, (const char *)data + (size ? 1 : 0), size ? size - 1 : 0, &j, &e);
    CHECK(j && job_id_valid(j->id, strlen(j->id)) && !strcmp(j->tenant, o.tenant));
    CHECK(jv_check(j->input, j->input_len) && jv_check(j->env, j->env_len));
    CHECK(strlen(j->input_sha256) == SHA256_HEX - 1);
    if (rc == 0)
        check_taken(j);
    else
        check_words(&e);
    job_free(j);
    return 0;
}
