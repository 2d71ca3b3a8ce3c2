// Attributes of the global object: self, crypto, performance, navigator. What they stand for is in parts.
import { defineProperty } from './primordials.js';
import { load } from './parts.js';

// Read only, or replaceable by assignment.
function installAttribute(global, name, get, replaceable) {
  const descriptor = { __proto__: null, get, enumerable: true, configurable: true };
  if (replaceable) {
    descriptor.set = (value) => {
      const own = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
      defineProperty(global, name, own);
    };
  }
  defineProperty(global, name, descriptor);
}

export function installAttributes(global) {
  installAttribute(global, 'crypto', () => load('web_crypto').crypto, false);
  installAttribute(global, 'performance', () => load('hr_time').performance, true);
  installAttribute(global, 'navigator', () => load('navigator').navigator, true);
}

export const installSelf = (global) => installAttribute(global, 'self', () => global, true);
