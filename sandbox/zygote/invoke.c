#include "sandbox/zygote/invoke.h"

#include <string.h>

#include "base/pack.h"

bool invoke_read(const struct frame *head, const char *payload, struct frame_invoke *inv,
                 struct engine_job *job)
{
    memcpy(inv, payload, sizeof *inv);
    *job = (struct engine_job){
        .source = (int)inv->source,
        .attempt = inv->attempt,
        .clock_us = inv->clock_us,
        .permissions = inv->permissions,
        .reuse = (int)inv->reuse,
        .heap_bytes = inv->heap_bytes,
        .memory_bytes = inv->memory_bytes,
        .value_bytes = inv->value_bytes,
    };
    const struct {
        uint32_t len;
        const char **text;
        size_t *text_len;
    } parts[] = {
        {inv->code_len, &job->code, &job->code_len},
        {inv->id_len, &job->id, &job->id_len},
        {inv->tenant_len, &job->tenant, &job->tenant_len},
        {inv->name_len, &job->name, &job->name_len},
        {inv->script_len, &job->script, &job->script_len},
        {inv->input_len, &job->input, &job->input_len},
        {inv->env_len, &job->env, &job->env_len},
        {inv->grants_len, &job->grants, &job->grants_len},
        {inv->parents_len, &job->parents, &job->parents_len},
        {inv->files_len, &job->files, &job->files_len},
    };
    const char *p = payload + sizeof *inv;
    size_t left = head->len - sizeof *inv;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].len > left)
            return false;
        *parts[i].text = p;
        *parts[i].text_len = parts[i].len;
        p += parts[i].len;
        left -= parts[i].len;
    }
    size_t count;
    return left == 0 && pack_check(job->files, job->files_len, &count) &&
           pack_check(job->code, job->code_len, &count);
}
