#include "config/retention.h"

const struct retention_info retention_table[RETENTION_BOUNDS] = {
    [RETAIN_AGE_HOURS] = {"max_age_hours", 876000}, /* a hundred years */
    [RETAIN_ROWS] = {"max_rows", 1000000000000},
    [RETAIN_MB] = {"max_mb", 1000000000},
};
