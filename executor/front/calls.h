/* `<prefix>.call.<tenant>`: a job as a request, answered with its signed result (docs/protocol.md
 * "Calls"). The same cells, budgets and rows as for a job of the queue, without JetStream: nothing
 * is kept of a call but its result, and no other worker has it when this one dies. Loop thread
 * only.
 *
 * Workers share the requests (queue group). One that is drained or cannot write results asks for no
 * more; one with nats.max_calls in its hands refuses at once, so that who asks can go elsewhere. A
 * call stands among the custodies like a job, so that it can be cancelled and asked for; its
 * custody has `call` and no delivery. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "executor/front/custody.h"

struct serve;
struct calls;

/* Takes calls from now on. NULL in *out: the configuration takes none. */
int calls_open(struct serve *s, struct calls **out, struct err *e);

/* Results can, or cannot, be written: takes calls again, or none. Draining: none. NULL is fine. */
void calls_pause(struct calls *k, bool paused);

/* The result of a call is durable: answers whoever asked, and forgets the custody. */
void calls_answer(struct calls *k, struct custody *c, const char *envelope, size_t len);
/* It was not brought to an end here: answers with why. */
void calls_give_up(struct calls *k, struct custody *c, const char *why);

void calls_close(struct calls *k); /* NULL is fine */
