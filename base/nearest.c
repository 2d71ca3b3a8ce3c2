#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment distance, case and nothing else ignored; three rolling rows. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t k = 0; k <= m; k++)
        last[k] = k;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t k = 1; k <= m; k++) {
            size_t d = last[k - 1] + (same(a[i - 1], b[k - 1]) ? 0 : 1);
            d = least(d, least(last[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && same(a[i - 1], b[k - 2]) && same(a[i - 2], b[k - 1]))
                d = least(d, before[k - 2] + 1);
            now[k] = d;
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[m];
}

void nearest_try(struct nearest *n, const char *known)
{
    size_t a = strlen(n->word), b = strlen(known);
    if (!a || !b || a > NEAREST_WORD_MAX || b > NEAREST_WORD_MAX)
        return;
    size_t d = distance(n->word, a, known, b);
    /* A third of the word may be wrong; what starts the same way was begun and not ended. */
    size_t allowed = b < 3 ? 1 : b / 3;
    if (a >= 3 && b > a && !strncmp(n->word, known, a))
        d = least(d, allowed);
    if (d > allowed || (n->best && d >= n->distance))
        return;
    n->best = known;
    n->distance = d;
}
