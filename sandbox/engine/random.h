// Random bytes from the kernel. Nothing is kept between two calls, so a fork can't make two
// processes draw the same, and only getrandom(2) is needed: no file, no device.
#pragma once

#include <cstddef>

namespace isolane
{

// Fills out with n random bytes. Ends the process when the kernel refuses: there is no way to go
// on.
void random_bytes(void *out, size_t n);

} // namespace isolane
