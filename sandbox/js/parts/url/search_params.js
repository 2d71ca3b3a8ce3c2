// URLSearchParams (URL standard, 6.2): a list of name, value, name, value …
import {
  TypeError,
  apply,
  arraySort,
  define,
  descriptorOf,
  defineProperty,
  iteratorPrototype,
  iterator,
  list,
  ownKeys,
  push,
  setPrototypeOf,
  stringToWellFormed,
  toArray,
  toStringTag,
} from '../../primordials.js';
import { needArguments, sequence, shapeInterface } from '../interface.js';

const { url } = native;

export const inside = { __proto__: null };
const usv = (value) => stringToWellFormed(`${value}`);

// The pairs of a text, with or without a "?" before it.
export function parsePairs(text) {
  const pairs = url.query(text);
  return setPrototypeOf(pairs, null);
}

export function writePairs(pairs) {
  let out = '';
  for (let i = 0; i < pairs.length; i += 2)
    out += `${i === 0 ? '' : '&'}${url.encode(pairs[i])}=${url.encode(pairs[i + 1])}`;
  return out;
}

function pairsOfSequence(init) {
  const pairs = list();
  const entries = sequence(init, 'URLSearchParams');
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if ((typeof entry !== 'object' && typeof entry !== 'function') || entry === null)
      throw new TypeError('URLSearchParams: each entry must be an iterable of a name and a value');
    const items = sequence(entry, 'URLSearchParams: an entry');
    if (items.length !== 2)
      throw new TypeError('URLSearchParams: each entry must have a name and a value');
    push(pairs, usv(items[0]));
    push(pairs, usv(items[1]));
  }
  return pairs;
}

function pairsOfRecord(init) {
  const pairs = list();
  const keys = ownKeys(init);
  for (let i = 0; i < keys.length; i++) {
    const descriptor = descriptorOf(init, keys[i]);
    if (descriptor === undefined || !descriptor.enumerable) continue;
    const name = usv(keys[i]); // a symbol throws
    const value = usv(init[keys[i]]);
    let at = 0;
    while (at < pairs.length && pairs[at] !== name) at += 2;
    if (at < pairs.length) pairs[at + 1] = value;
    else {
      push(pairs, name);
      push(pairs, value);
    }
  }
  return pairs;
}

export class URLSearchParams {
  #pairs = list();
  #changed; // of a URL: takes the new text
  constructor(init = '') {
    if ((typeof init === 'object' && init !== null) || typeof init === 'function') {
      const method = init[iterator];
      if (method !== undefined && method !== null) this.#pairs = pairsOfSequence(init);
      else this.#pairs = pairsOfRecord(init);
    } else {
      this.#pairs = parsePairs(usv(init));
    }
  }
  get size() {
    return this.#pairs.length / 2;
  }
  append(name, value) {
    this.#pairs;
    needArguments(arguments.length, 2, 'append');
    name = usv(name);
    value = usv(value);
    push(this.#pairs, name);
    push(this.#pairs, value);
    this.#update();
  }
  delete(name, value = undefined) {
    this.#pairs;
    needArguments(arguments.length, 1, 'delete');
    name = usv(name);
    if (value !== undefined) value = usv(value);
    const old = this.#pairs;
    const kept = list();
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] === name && (value === undefined || old[i + 1] === value)) continue;
      push(kept, old[i]);
      push(kept, old[i + 1]);
    }
    this.#pairs = kept;
    this.#update();
  }
  get(name) {
    this.#pairs;
    needArguments(arguments.length, 1, 'get');
    name = usv(name);
    const pairs = this.#pairs;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1];
    return null;
  }
  getAll(name) {
    this.#pairs;
    needArguments(arguments.length, 1, 'getAll');
    name = usv(name);
    const pairs = this.#pairs;
    const all = list();
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) push(all, pairs[i + 1]);
    return toArray(all);
  }
  has(name, value = undefined) {
    this.#pairs;
    needArguments(arguments.length, 1, 'has');
    name = usv(name);
    if (value !== undefined) value = usv(value);
    const pairs = this.#pairs;
    for (let i = 0; i < pairs.length; i += 2)
      if (pairs[i] === name && (value === undefined || pairs[i + 1] === value)) return true;
    return false;
  }
  set(name, value) {
    this.#pairs;
    needArguments(arguments.length, 2, 'set');
    name = usv(name);
    value = usv(value);
    const old = this.#pairs;
    const kept = list();
    let found = false;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] === name && found) continue;
      push(kept, old[i]);
      push(kept, old[i] === name ? value : old[i + 1]);
      if (old[i] === name) found = true;
    }
    if (!found) {
      push(kept, name);
      push(kept, value);
    }
    this.#pairs = kept;
    this.#update();
  }
  sort() {
    const old = this.#pairs;
    const order = list();
    for (let i = 0; i < old.length; i += 2) push(order, { __proto__: null, name: old[i], value: old[i + 1] });
    arraySort(order, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const pairs = list();
    for (let i = 0; i < order.length; i++) {
      push(pairs, order[i].name);
      push(pairs, order[i].value);
    }
    this.#pairs = pairs;
    this.#update();
  }
  forEach(callback, thisArg = undefined) {
    this.#pairs;
    needArguments(arguments.length, 1, 'forEach');
    if (typeof callback !== 'function') throw new TypeError('forEach: the argument must be a function');
    for (let i = 0; i < this.#pairs.length; i += 2)
      apply(callback, thisArg, [this.#pairs[i + 1], this.#pairs[i], this]);
  }
  entries() {
    this.#pairs;
    return makeIterator(this, ENTRIES);
  }
  keys() {
    this.#pairs;
    return makeIterator(this, KEYS);
  }
  values() {
    this.#pairs;
    return makeIterator(this, VALUES);
  }
  toString() {
    return writePairs(this.#pairs);
  }
  #update() {
    if (this.#changed !== undefined) this.#changed(writePairs(this.#pairs));
  }

  static {
    inside.isParams = (value) => typeof value === 'object' && value !== null && #pairs in value;
    inside.pairsOf = (params) => params.#pairs;
    inside.setPairs = (params, pairs) => {
      params.#pairs = pairs;
    };
    inside.onChange = (params, changed) => {
      params.#changed = changed;
    };
  }
}

const { entries } = URLSearchParams.prototype;
shapeInterface(URLSearchParams);
define(URLSearchParams.prototype, { [iterator]: entries }, false);

// ---- its iterator -------------------------------------------------------------------------------------
const ENTRIES = 0;
const KEYS = 1;
const VALUES = 2;

const Adopt = function (object) {
  return object;
};
class Adopted extends Adopt {
  #params;
  #kind;
  #at = 0;
  constructor(object, params, kind) {
    super(object);
    this.#params = params;
    this.#kind = kind;
  }
  static next(object) {
    if (typeof object !== 'object' || object === null || !(#params in object))
      throw new TypeError('Illegal invocation');
    const pairs = inside.pairsOf(object.#params);
    const at = object.#at;
    if (at >= pairs.length) return { value: undefined, done: true };
    object.#at += 2;
    const value =
      object.#kind === KEYS ? pairs[at] : object.#kind === VALUES ? pairs[at + 1] : [pairs[at], pairs[at + 1]];
    return { value, done: false };
  }
}
const { next: advance } = Adopted;

const prototype = { __proto__: iteratorPrototype };
define(
  prototype,
  {
    next() {
      return advance(this);
    },
  },
  true,
);
defineProperty(prototype, toStringTag, {
  __proto__: null,
  value: 'URLSearchParams Iterator',
  configurable: true,
});

function makeIterator(params, kind) {
  return new Adopted({ __proto__: prototype }, params, kind);
}
