// Functions of libraries that the node binary carries and exports, but without headers: ICU (C
// names with its version as suffix) and simdutf (C++ names). They are resolved when the cell
// runtime is loaded; a node of another ICU version makes that fail with the missing name: change
// ISOLANE_ICU then.
#pragma once

#include <cstddef>
#include <cstdint>

#define ISOLANE_ICU(name) name##_78

extern "C" {
int8_t ISOLANE_ICU(u_charType)(int32_t c);
int8_t ISOLANE_ICU(u_hasBinaryProperty)(int32_t c, int property);
int32_t ISOLANE_ICU(u_getIntPropertyValue)(int32_t c, int property);
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
