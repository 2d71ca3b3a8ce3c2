/* Fewer mappings for each fork to copy. */
#pragma once

/* Once, with /proc there, when all other steps on text are done: headers and constants that lie
 * beside text of the same file become one mapping with it. Nothing writable is touched. What the
 * kernel does not give costs nothing but the savings. */
void join_text(void);
