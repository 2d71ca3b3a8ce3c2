/* Log lines of the supervisor and the CLI, to stderr: "2026-11-21T08:57:00.123456Z warn queue: …".
 * One line a call, written with one write(2), so lines of threads do not mix. Any thread. */
#pragma once

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

void log_set_level(enum log_level level);
/* "debug", "info", "warn", "error", "off" → level; -1 when it is none of them. */
int log_parse_level(const char *name);
void log_line(enum log_level level, const char *room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(room, ...) log_line(LOG_DEBUG, room, __VA_ARGS__)
#define log_info(room, ...)  log_line(LOG_INFO, room, __VA_ARGS__)
#define log_warn(room, ...)  log_line(LOG_WARN, room, __VA_ARGS__)
#define log_error(room, ...) log_line(LOG_ERROR, room, __VA_ARGS__)
