// Loaded once in the zygote, so that what loads parts is compiled, and what they share made, for all cells
// (sandbox/engine/warm.cc). With it comes what many jobs need in a context of the zygote's making.
import { list } from '../primordials.js';
import { copy } from './cloneable.js';
import { warn } from './console_more.js';
import { hostCall } from './host_call.js';
import { hostError } from './host_errors.js';
import { performance } from './hr_time.js';
import { secrets } from './secrets.js';
import { HostStream } from './stream_call.js';
import { TextEncoder } from './text_coding.js';
import { setTimeout } from './timers.js';
import { webAssembly } from './wasm.js';
import { crypto } from './web_crypto.js';

export const warm = () => [
  list, webAssembly, copy, hostError, TextEncoder, warn, hostCall, performance, secrets, HostStream, setTimeout, crypto,
];
