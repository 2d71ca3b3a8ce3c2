// sodium: libsodium's functions under their own names in camelCase, its constants in capitals. All of it is native
// (sandbox/engine/sodium/native_sodium.cc).
import { defineProperty, toStringTag } from '../primordials.js';

export const sodium = native.sodium.load();
defineProperty(sodium, toStringTag, { __proto__: null, value: 'sodium', configurable: true });
