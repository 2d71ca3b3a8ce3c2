/* An INVOKE frame, taken apart: the cell's side of cell_invoke(). */
#pragma once

#include <stdbool.h>

#include "sandbox/engine/engine.h"
#include "sandbox/frame.h"

/* job points into the payload, whose length was checked against frame_table. False: its lengths do
 * not add up. */
bool invoke_read(const struct frame *head, const char *payload, struct frame_invoke *inv,
                 struct engine_job *job);
