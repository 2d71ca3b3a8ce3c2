// Objects of parts that structuredClone copies: the part says how, when it makes the first of them.
//
// How this works: native.clone writes such an object as strings. What the object stands for is not text (a
// CryptoKey's handle), so it is parked here for the time of one clone and found again by its number.
import { list, push } from './primordials.js';

const PARKED = 'parked'; // two strings mark such an object; a DOMException has three

const kinds = list(); // {is(object), take(object) → anything, make(that) → object}
const state = { __proto__: null, parked: undefined };

export function cloneable(kind) {
  push(kinds, kind);
}

// Runs f, with room of its own for what it parks: a getter of what is cloned may clone as well.
export function whileCloning(f) {
  const outer = state.parked;
  state.parked = list();
  try {
    return f();
  } finally {
    state.parked = outer;
  }
}

// Strings for native.clone, or undefined for an object that no part has.
export function park(object) {
  for (let i = 0; i < kinds.length; i++) {
    if (!kinds[i].is(object)) continue;
    push(state.parked, { __proto__: null, kind: kinds[i], value: kinds[i].take(object) });
    return [`${state.parked.length - 1}`, PARKED];
  }
  return undefined;
}

export function unpark(number) {
  const { kind, value } = state.parked[number];
  return kind.make(value);
}
