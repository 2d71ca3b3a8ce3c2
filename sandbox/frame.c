#include "sandbox/frame.h"

#include <assert.h>

#define HEADED(header, most) sizeof(struct header), (uint32_t)(sizeof(struct header) + (most))

static_assert(sizeof(struct frame) == 16, "the header is 16 bytes without padding");

const struct frame_rule frame_table[FRAME_TYPES] = {
    /* type          name      c→s    s→c    bytes of payload, least and most */
    [FRAME_READY] = {"READY", true, false, 0, 0},
    [FRAME_INVOKE] = {"INVOKE", false, true, sizeof(struct frame_invoke), FRAME_INVOKE_MAX},
    [FRAME_OUTPUT] = {"OUTPUT", true, false, 2, 1 + FRAME_OUTPUT_MAX},
    [FRAME_CREDIT] = {"CREDIT", false, true, 4, 4},
    [FRAME_CALL] = {"CALL", true, false, HEADED(frame_call, FRAME_CALL_NAME_MAX + FRAME_CALL_MAX)},
    [FRAME_NOTE] = {"NOTE", true, false, HEADED(frame_call, FRAME_CALL_NAME_MAX + FRAME_CALL_MAX)},
    [FRAME_REPLY] = {"REPLY", false, true, 4, 4 + FRAME_REPLY_MAX},
    [FRAME_OPEN] = {"OPEN", true, true, HEADED(frame_open, FRAME_CALL_NAME_MAX)},
    [FRAME_DATA] = {"DATA", true, true, 1, FRAME_DATA_MAX},
    [FRAME_WINDOW] = {"WINDOW", true, true, 4, 4},
    [FRAME_CLOSE] = {"CLOSE", true, true, 4, 4 + FRAME_TEXT_MAX},
    [FRAME_DONE] = {"DONE", true, false, HEADED(frame_done, FRAME_VALUE_MAX + 3 * FRAME_TEXT_MAX)},
    [FRAME_DENIED] = {"DENIED", true, false, 4, 4},
    [FRAME_CODE] = {"CODE", true, false, 1, FRAME_CODE_MAX},
};

int frame_check(const struct frame *f, bool from_cell, const char **why)
{
    const struct frame_rule *r = &frame_table[f->type < FRAME_TYPES ? f->type : 0];
    if (!r->name)
        *why = "a frame of an unknown type";
    else if (from_cell ? !r->from_cell : !r->from_host)
        *why = "a frame that only the other side may send";
    else if (f->flags != 0)
        *why = "a frame with flags set, none are defined";
    else if (f->len < r->min)
        *why = "a frame with a payload shorter than its type has";
    else if (f->len > r->max)
        *why = "a frame with a payload longer than its type may have";
    else
        return 0;
    return -1;
}
