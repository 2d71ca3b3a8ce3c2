/* What malloc has left over between blocks. */
#pragma once

/* Takes it all and keeps it: what is allocated from now on lies side by side at the end of the
 * heap. Once, when the zygote has allocated nearly all it will. */
void spare_use_up(void);
