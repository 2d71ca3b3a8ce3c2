#include "base/pack.h"

#include <stdint.h>
#include <string.h>

#define HEAD (2 * sizeof(uint32_t))

bool pack_path_valid(const char *path, size_t len)
{
    size_t start = 0;
    if (len == 0 || len > PACK_PATH_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && path[i] != '/') {
            if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f || path[i] == '\\')
                return false;
            continue;
        }
        size_t n = i - start; /* of the part that ends here */
        if (n == 0 || (path[start] == '.' && (n == 1 || (n == 2 && path[start + 1] == '.'))))
            return false;
        start = i + 1;
    }
    return true;
}

int pack_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

bool pack_next(const char *pack, size_t len, size_t *at, struct pack_file *out)
{
    uint32_t lens[2];
    if (*at > len || len - *at < HEAD)
        return false;
    memcpy(lens, pack + *at, HEAD);
    size_t left = len - *at - HEAD;
    if (lens[0] > left || lens[1] > left - lens[0])
        return false;
    const char *path = pack + *at + HEAD;
    *out = (struct pack_file){path, path + lens[0], lens[0], lens[1]};
    *at += HEAD + lens[0] + lens[1];
    return true;
}

bool pack_check(const char *pack, size_t len, size_t *count)
{
    struct pack_file f, last = {0};
    size_t at = 0;
    for (*count = 0; pack_next(pack, len, &at, &f); ++*count) {
        if (!pack_path_valid(f.path, f.path_len) ||
            (*count && pack_compare(last.path, last.path_len, f.path, f.path_len) >= 0))
            return false;
        last = f;
    }
    return at == len;
}

bool pack_find(const char *pack, size_t len, const char *path, size_t path_len,
               struct pack_file *out)
{
    size_t at = 0;
    while (pack_next(pack, len, &at, out))
        if (!pack_compare(out->path, out->path_len, path, path_len))
            return true;
    return false;
}
