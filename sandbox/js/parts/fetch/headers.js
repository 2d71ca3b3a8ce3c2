// Headers (https://fetch.spec.whatwg.org/#headers-class).
import {
  apply,
  arraySort,
  charCodeAt,
  customInspect,
  define,
  getPrototypeOf,
  isEnumerable,
  iterator,
  list,
  objectCreate,
  ownKeys,
  push,
  regexpExec,
  setPrototypeOf,
  stringSlice,
  stringToLowerCase,
  toArray,
  toStringTag,
} from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { needArguments, sequence, shapeInterface } from '../interface.js';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const badValue = /[\0\r\n]/;

// A ByteString of Web IDL.
export function byteString(value, what) {
  const text = `${value}`;
  for (let i = 0; i < text.length; i++)
    if (charCodeAt(text, i) > 255)
      throw new TypeError(`${what}: found a character beyond U+00FF; allowed: bytes`);
  return text;
}

export const isToken = (text) => regexpExec(token, text) !== null;

const isBlank = (unit) => unit === 9 || unit === 10 || unit === 13 || unit === 32;

// Without HTTP whitespace at its ends.
export function trimmed(text) {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(charCodeAt(text, from))) from++;
  while (to > from && isBlank(charCodeAt(text, to - 1))) to--;
  return stringSlice(text, from, to);
}

// What the worker writes itself (egress/http_rules.h): a request's Headers take them without a word and drop
// them, as the standard has it for these names. Cookie, Origin and Referer are a script's own business here:
// there is no user whose they could be.
const ours = {
  __proto__: null,
  'connection': true, 'content-length': true, 'date': true, 'expect': true, 'host': true, 'http2-settings': true,
  'keep-alive': true, 'te': true, 'trailer': true, 'transfer-encoding': true, 'upgrade': true, 'via': true,
};
export const isOurs = (name) => ours[name] === true || stringSlice(name, 0, 6) === 'proxy-';

const inside = { __proto__: null };

export class Headers {
  #entries = list(); // {name (small letters), value}
  #guard = 'none'; // or 'request', 'response', 'immutable'

  constructor(init = undefined) {
    if (init !== undefined) inside.fill(this, init);
  }
  append(name, value) {
    inside.entries(this);
    needArguments(arguments.length, 2, 'Headers.append');
    inside.append(this, name, value);
  }
  delete(name) {
    inside.entries(this);
    needArguments(arguments.length, 1, 'Headers.delete');
    const key = nameOf(name);
    if (!this.#mayChange(key)) return;
    const kept = list();
    for (let i = 0; i < this.#entries.length; i++)
      if (this.#entries[i].name !== key) push(kept, this.#entries[i]);
    this.#entries = kept;
  }
  get(name) {
    inside.entries(this);
    needArguments(arguments.length, 1, 'Headers.get');
    return inside.get(this, nameOf(name));
  }
  getSetCookie() {
    const all = inside.entries(this);
    const out = list();
    for (let i = 0; i < all.length; i++) if (all[i].name === 'set-cookie') push(out, all[i].value);
    return toArray(out);
  }
  has(name) {
    const all = inside.entries(this);
    needArguments(arguments.length, 1, 'Headers.has');
    const key = nameOf(name);
    for (let i = 0; i < all.length; i++) if (all[i].name === key) return true;
    return false;
  }
  set(name, value) {
    inside.entries(this);
    needArguments(arguments.length, 2, 'Headers.set');
    const key = nameOf(name);
    const text = valueOf(value);
    if (this.#mayChange(key)) inside.put(this, key, text);
  }
  forEach(callback, thisArg = undefined) {
    inside.entries(this);
    needArguments(arguments.length, 1, 'Headers.forEach');
    if (typeof callback !== 'function') throw new TypeError('Headers.forEach: the argument must be a function');
    for (let i = 0; i < inside.sorted(this).length; i++) {
      const { name, value } = inside.sorted(this)[i];
      apply(callback, thisArg, [value, name, this]);
    }
  }
  entries() {
    return iteratorOf(this, ({ name, value }) => [name, value]);
  }
  keys() {
    return iteratorOf(this, ({ name }) => name);
  }
  values() {
    return iteratorOf(this, ({ value }) => value);
  }
  [customInspect](depth, options) {
    const out = {};
    const all = inside.sorted(this);
    for (let i = 0; i < all.length; i++) {
      const { name, value } = all[i];
      const before = out[name];
      out[name] = before === undefined ? value : typeof before === 'string' ? [before, value] : [...before, value];
    }
    return `Headers ${inspect(out, options)}`;
  }

  #mayChange(name) {
    if (this.#guard === 'immutable') throw new TypeError('these headers cannot be changed');
    return !(this.#guard === 'request' && isOurs(name));
  }
  static {
    inside.entries = (headers) => headers.#entries;
    inside.is = (value) => typeof value === 'object' && value !== null && #guard in value;
    inside.append = (headers, name, value) => {
      const key = nameOf(name);
      const text = valueOf(value);
      if (headers.#mayChange(key)) push(headers.#entries, { __proto__: null, name: key, value: text });
    };
    inside.put = (headers, name, value) => {
      const kept = list();
      let found = false;
      for (let i = 0; i < headers.#entries.length; i++) {
        const one = headers.#entries[i];
        if (one.name !== name) push(kept, one);
        else if (!found) push(kept, { __proto__: null, name, value });
        found ||= one.name === name;
      }
      if (!found) push(kept, { __proto__: null, name, value });
      headers.#entries = kept;
    };
    inside.drop = (headers, name) => {
      const kept = list();
      for (let i = 0; i < headers.#entries.length; i++)
        if (headers.#entries[i].name !== name) push(kept, headers.#entries[i]);
      headers.#entries = kept;
    };
    inside.get = (headers, name) => {
      let out = null;
      for (let i = 0; i < headers.#entries.length; i++) {
        const one = headers.#entries[i];
        if (one.name === name) out = out === null ? one.value : `${out}, ${one.value}`;
      }
      return out;
    };
    // Sorted and combined, but for Set-Cookie.
    inside.sorted = (headers) => {
      const names = list();
      const all = headers.#entries;
      for (let i = 0; i < all.length; i++) push(names, all[i].name);
      arraySort(names);
      const out = list();
      for (let i = 0; i < names.length; i++) {
        const name = names[i];
        if (i > 0 && names[i - 1] === name) continue;
        if (name !== 'set-cookie') push(out, { __proto__: null, name, value: inside.get(headers, name) });
        else for (let k = 0; k < all.length; k++) if (all[k].name === name) push(out, all[k]);
      }
      return out;
    };
    inside.fill = (headers, init) => {
      if ((typeof init !== 'object' && typeof init !== 'function') || init === null)
        throw new TypeError('Headers: the argument must be a sequence of pairs or a record');
      const method = init[iterator];
      if (method !== undefined && method !== null) {
        const pairs = sequence(init, 'Headers: the argument');
        for (let i = 0; i < pairs.length; i++) {
          const pair = sequence(pairs[i], 'Headers: each item');
          if (pair.length !== 2) throw new TypeError(`Headers: found an item of ${pair.length} parts; allowed: pairs of name and value`);
          inside.append(headers, pair[0], pair[1]);
        }
        return;
      }
      const keys = ownKeys(init);
      const record = list(); // converted before anything is added
      for (let i = 0; i < keys.length; i++) {
        if (!isEnumerable(init, keys[i])) continue;
        if (typeof keys[i] === 'symbol') throw new TypeError('Headers: found a symbol; allowed: names');
        push(record, { __proto__: null, name: byteString(keys[i], 'Headers: a name'), value: byteString(init[keys[i]], 'Headers: a value') });
      }
      for (let i = 0; i < record.length; i++) inside.append(headers, record[i].name, record[i].value);
    };
    inside.guard = (headers, guard) => {
      headers.#guard = guard;
    };
    // What came from the network, as it came.
    inside.add = (headers, name, value) => push(headers.#entries, { __proto__: null, name, value });
    inside.guardOf = (headers) => headers.#guard;
  }
}

inside.make = (guard) => {
  const headers = new Headers();
  inside.guard(headers, guard);
  return headers;
};
inside.copy = (headers) => {
  const copy = inside.make(inside.guardOf(headers));
  const all = inside.entries(headers);
  for (let i = 0; i < all.length; i++) push(inside.entries(copy), all[i]);
  return copy;
};

function nameOf(value) {
  const name = byteString(value, 'a header\'s name');
  if (!isToken(name)) throw new TypeError(`found "${name}"; allowed: a header's name`);
  return stringToLowerCase(name);
}

function valueOf(value) {
  const text = trimmed(byteString(value, 'a header\'s value'));
  if (regexpExec(badValue, text) !== null) throw new TypeError('found a line end or a NUL in a header\'s value; allowed: text of one line');
  return text;
}

// ---- iterators of pairs (Web IDL, 3.7.10) -----------------------------------------------------------------

const iteratorPrototype = getPrototypeOf(getPrototypeOf([][iterator]()));
let advance;

class PairIterator {
  #items; // () → the list as it is now
  #view;
  #at = 0;
  constructor(items, view) {
    this.#items = items;
    this.#view = view;
  }
  static {
    advance = (it) => {
      const items = it.#items();
      if (it.#at >= items.length) return { value: undefined, done: true };
      return { value: it.#view(items[it.#at++]), done: false };
    };
  }
}

// The prototype of such iterators of one interface.
export function pairIterators(name) {
  const prototype = define(objectCreate(iteratorPrototype), { next() { return advance(this); } }, true);
  define(prototype, { [toStringTag]: `${name} Iterator` }, false);
  return (items, view) => setPrototypeOf(new PairIterator(items, view), prototype);
}

const makeIterator = pairIterators('Headers');
function iteratorOf(headers, view) {
  inside.entries(headers);
  return makeIterator(() => inside.sorted(headers), view);
}

shapeInterface(Headers);
define(Headers.prototype, { [iterator]: Headers.prototype.entries }, false);

// For the other files: entries, get, put, add, make, copy, guard, fill, is.
export const headersInside = inside;
