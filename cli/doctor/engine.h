/* What the engine folder holds. */
#pragma once

#include "base/err.h"

#define ENGINE_TEXT_MAX 128
/* "node v26.10.0, V8 14.6.202.34-node.34". Starts the program once (some 30 ms). */
int engine_describe(char out[ENGINE_TEXT_MAX], struct err *e);
