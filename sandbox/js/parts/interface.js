// Makes a class an interface as Web IDL has it: members enumerable, a toStringTag. (On the global object ../globals.js puts it.)
import {
  TypeError,
  apply,
  defineProperty,
  isFinite,
  iterator,
  list,
  ownKeys,
  push,
  toStringTag,
  trunc,
} from '../primordials.js';

// The class itself, for a part's top level: guest code may have run before.
export function shapeInterface(type, name = type.name) {
  const enumerable = { __proto__: null, enumerable: true };
  for (let h = 0; h < 2; h++) {
    const holder = h === 0 ? type.prototype : type;
    const keys = ownKeys(holder);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (typeof key !== 'string' || key === 'constructor' || key === 'prototype') continue;
      if (holder === type && (key === 'name' || key === 'length')) continue;
      defineProperty(holder, key, enumerable);
    }
  }
  defineProperty(type.prototype, toStringTag, {
    __proto__: null,
    value: name,
    configurable: true,
  });
}

// Constants, on the class and its prototype.
export function installConstants(type, constants) {
  const names = ownKeys(constants);
  for (let i = 0; i < names.length; i++) {
    const constant = { __proto__: null, value: constants[names[i]], enumerable: true };
    defineProperty(type, names[i], constant);
    defineProperty(type.prototype, names[i], constant);
  }
}

// ---- conversions of Web IDL -------------------------------------------------------------------------------

// The members of an options dictionary: undefined and null are empty, other values that are no objects an error.
export function dictionary(value, where) {
  if (value === undefined || value === null) return { __proto__: null };
  if (typeof value === 'object' || typeof value === 'function') return value;
  throw new TypeError(`${where}: options must be an object, found ${typeof value}`);
}

export function needArguments(found, needed, where) {
  if (found < needed)
    throw new TypeError(`${where}: ${needed} argument${needed === 1 ? ' is' : 's are'} needed, found ${found}`);
}

// A number as a long, unsigned long … of so many bits; 64 for the long longs, within the safe integers.
export function toInteger(value, bits, signed) {
  let n = trunc(+value);
  if (!isFinite(n) || n === 0) return 0;
  const size = 2 ** bits;
  n %= size;
  if (signed) {
    if (n >= size / 2) n -= size;
    else if (n < -size / 2) n += size;
  } else if (n < 0) n += size;
  return n;
}

// [EnforceRange]
export function toEnforcedInteger(value, least, most, where) {
  const n = trunc(+value);
  if (n >= least && n <= most) return n + 0;
  throw new TypeError(`${where}: must be a number from ${least} to ${most}`);
}

// sequence<T>: by the script's own iterator, into a list without a prototype.
export function sequence(value, where) {
  const method = typeof value === 'object' || typeof value === 'function' ? value?.[iterator] : undefined;
  if (typeof method !== 'function') throw new TypeError(`${where}: must be iterable`);
  const out = list();
  for (const item of { __proto__: null, [iterator]: () => apply(method, value, []) }) push(out, item);
  return out;
}
