/* Signal handlers of the cells, installed once in the zygote: a fork inherits them for nothing. */
#pragma once

void signals_install(void);
