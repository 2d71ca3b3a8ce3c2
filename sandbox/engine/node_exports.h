// Functions of libraries that the node binary carries and exports, but without headers: ICU (C
// names with its version as suffix), ada (C names) and simdutf (C++ names). They are resolved when
// the cell runtime is loaded; a node of another ICU version makes that fail with the missing name:
// change ISOLANE_ICU then.
#pragma once

#include <cstddef>
#include <cstdint>

#define ISOLANE_ICU(name) name##_78

extern "C" {
int8_t ISOLANE_ICU(u_charType)(int32_t c);
int8_t ISOLANE_ICU(u_hasBinaryProperty)(int32_t c, int property);
int32_t ISOLANE_ICU(u_getIntPropertyValue)(int32_t c, int property);
}

// ICU's converters (unicode/ucnv.h).
namespace isolane::icu
{
struct UConverter;
struct ToUnicodeArgs;
using ToUnicodeCallback = void(const void *context, ToUnicodeArgs *args, const char *bytes,
                               int32_t length, int reason, int *status);
inline constexpr int kOk = 0, kBufferOverflow = 15;
inline constexpr int kIrregular = 2; // UConverterCallbackReason: unassigned, illegal, irregular
} // namespace isolane::icu

extern "C" {
isolane::icu::UConverter *ISOLANE_ICU(ucnv_open)(const char *name, int *status);
void ISOLANE_ICU(ucnv_close)(isolane::icu::UConverter *converter);
void ISOLANE_ICU(ucnv_toUnicode)(isolane::icu::UConverter *converter, char16_t **target,
                                 const char16_t *target_end, const char **source,
                                 const char *source_end, int32_t *offsets, int8_t flush,
                                 int *status);
void ISOLANE_ICU(ucnv_setToUCallBack)(isolane::icu::UConverter *converter,
                                      isolane::icu::ToUnicodeCallback *callback,
                                      const void *context,
                                      isolane::icu::ToUnicodeCallback **old_callback,
                                      const void **old_context, int *status);
int32_t ISOLANE_ICU(ucnv_toUCountPending)(const isolane::icu::UConverter *converter, int *status);
void ISOLANE_ICU(ucnv_cbToUWriteUChars)(isolane::icu::ToUnicodeArgs *args, const char16_t *text,
                                        int32_t length, int32_t offset, int *status);
}

// ada, the URL parser (its C names; ada_c.h of ada 3).
extern "C" {
typedef void *ada_url;
typedef void *ada_url_search_params;
typedef void *ada_url_search_params_entries_iter;
struct ada_string {
    const char *data;
    size_t length;
};
struct ada_string_pair {
    ada_string key, value;
};
// Places in the href; what a URL lacks is 0xffffffff.
struct ada_url_components {
    uint32_t protocol_end, username_end, host_start, host_end, port, pathname_start, search_start,
        hash_start;
};
ada_url ada_parse(const char *input, size_t length);
ada_url ada_parse_with_base(const char *input, size_t length, const char *base, size_t base_length);
bool ada_is_valid(ada_url url);
void ada_free(ada_url url);
const ada_url_components *ada_get_components(ada_url url);
ada_string ada_get_href(ada_url url);
bool ada_set_protocol(ada_url url, const char *input, size_t length);
bool ada_set_username(ada_url url, const char *input, size_t length);
bool ada_set_password(ada_url url, const char *input, size_t length);
bool ada_set_host(ada_url url, const char *input, size_t length);
bool ada_set_hostname(ada_url url, const char *input, size_t length);
bool ada_set_port(ada_url url, const char *input, size_t length);
bool ada_set_pathname(ada_url url, const char *input, size_t length);
void ada_set_search(ada_url url, const char *input, size_t length);
void ada_set_hash(ada_url url, const char *input, size_t length);
ada_url_search_params ada_parse_search_params(const char *input, size_t length);
void ada_free_search_params(ada_url_search_params params);
ada_url_search_params_entries_iter ada_search_params_get_entries(ada_url_search_params params);
bool ada_search_params_entries_iter_has_next(ada_url_search_params_entries_iter iter);
ada_string_pair ada_search_params_entries_iter_next(ada_url_search_params_entries_iter iter);
void ada_free_search_params_entries_iter(ada_url_search_params_entries_iter iter);
}

namespace simdutf
{
bool validate_utf8(const char *text, size_t len) noexcept;
bool validate_utf16(const char16_t *text, size_t len) noexcept;
void to_well_formed_utf16(const char16_t *in, size_t len, char16_t *out) noexcept;
} // namespace simdutf

namespace isolane::icu
{

// Values of ICU's stable C API (unicode/uchar.h).
inline constexpr int kEmoji = 57;              // UCHAR_EMOJI
inline constexpr int kEmojiModifier = 59;      // UCHAR_EMOJI_MODIFIER
inline constexpr int kEastAsianWidth = 0x1004; // UCHAR_EAST_ASIAN_WIDTH
enum EastAsianWidth { NEUTRAL, AMBIGUOUS, HALFWIDTH, FULLWIDTH, NARROW, WIDE };
enum Category { NONSPACING_MARK = 6, ENCLOSING_MARK = 7, CONTROL = 15, FORMAT = 16 };

inline bool is_control_or_mark(int32_t c)
{
    int8_t category = ISOLANE_ICU(u_charType)(c);
    return category == NONSPACING_MARK || category == ENCLOSING_MARK || category == CONTROL ||
           category == FORMAT;
}

inline bool is_emoji_modifier(int32_t c)
{
    return ISOLANE_ICU(u_hasBinaryProperty)(c, kEmojiModifier);
}

// Takes two columns: wide and full-width characters, and emoji that Unicode calls neutral or
// ambiguous.
inline bool is_wide(int32_t c)
{
    int32_t width = ISOLANE_ICU(u_getIntPropertyValue)(c, kEastAsianWidth);
    if (width == FULLWIDTH || width == WIDE)
        return true;
    return (width == NEUTRAL || width == AMBIGUOUS) && ISOLANE_ICU(u_hasBinaryProperty)(c, kEmoji);
}

} // namespace isolane::icu
