// Loaded once in the zygote, so that what loads parts is compiled, and what they share made, for all cells
// (sandbox/engine/warm.cc). With it comes what many jobs need in a context of the zygote's making.
import { list } from '../primordials.js';
import { copy } from './cloneable.js';
import { hostError } from './host_errors.js';
import { TextEncoder } from './text_coding.js';
import { webAssembly } from './wasm.js';

export const warm = () => [list, webAssembly, copy, hostError, TextEncoder];
