/* Short texts, put together without printf(): for what is made once a job and oftener. Any thread.
 *
 *     char key[64], *at = key;
 *     at = text_add(at, key + sizeof key, tenant);
 *     at = text_add(at, key + sizeof key, "/");
 *
 * What does not fit before `end` is cut off, as snprintf() does; the text always ends with a NUL.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Each writes from `at` (before `end`) on and gives the place of the NUL behind. */
char *text_add(char *at, const char *end, const char *s);
char *text_add_bytes(char *at, const char *end, const void *p, size_t len);
char *text_add_u64(char *at, const char *end, uint64_t n); /* decimal */
char *text_add_hex(char *at, const char *end, uint64_t n); /* lower case, no leading zeros */

/* text into out, cut off where it is too long. */
void text_copy(char *out, size_t cap, const char *s);
