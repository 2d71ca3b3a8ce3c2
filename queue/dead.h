/* Headers of a message in ISOLANE_DEAD (docs/protocol.md "Dead letters"). Its payload is the job's,
 * byte for byte, its subject isolane.dead.<tenant>.<id>. */
#pragma once

#define DEAD_OUTCOME_HEADER  "Isolane-Outcome"
#define DEAD_ATTEMPTS_HEADER "Isolane-Attempts"
#define DEAD_WORKER_HEADER   "Isolane-Worker"
#define DEAD_FINISHED_HEADER "Isolane-Finished" /* RFC 3339 */
#define DEAD_CLASS_HEADER    "Isolane-Class"
#define DEAD_ERROR_HEADER    "Isolane-Error" /* "name: message", cut */
#define DEAD_RETRY_OF_HEADER                                                                       \
    "Isolane-Retry-Of" /* of a job that was published again: its old id                            \
                        */
