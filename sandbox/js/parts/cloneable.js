// structuredClone (HTML), and objects of parts that it copies or moves: the part says how, when it makes the
// first of them.
//
// How this works: native.clone writes such an object as strings. What the object stands for is not text (a
// CryptoKey's handle), so it is parked here for the time of one clone and found again by its number.
import { TypeError, defineProperty, isArray, list, push } from '../primordials.js';
import { DOMException, isDOMException } from './dom_exception.js';

const { clone } = native;

const PARKED = 'parked'; // two strings mark such an object; a DOMException has three

// {is(object), take(object) → anything, make(that) → object}; what can be transferred has also
// transfers(object), which throws when it cannot be now, and move(object) → the object that takes its place.
const kinds = list();
const state = { __proto__: null, parked: undefined, moving: undefined };

export function cloneable(kind) {
  push(kinds, kind);
}

// Objects of an interface that is not serializable are refused, not copied without what they are.
export function uncloneable(name, is) {
  const take = () => {
    throw new DOMException(`A ${name} object could not be cloned`, 'DataCloneError');
  };
  cloneable({ __proto__: null, is, take });
}

// Runs f, with room of its own for what it parks: a getter of what is cloned may clone as well.
function whileCloning(moving, f) {
  const outer = state.parked;
  const outerMoving = state.moving;
  state.parked = list();
  state.moving = moving;
  try {
    return f();
  } finally {
    state.parked = outer;
    state.moving = outerMoving;
  }
}

// Strings for native.clone, or undefined for an object that no part has.
function park(object) {
  for (let i = 0; i < state.moving.length; i++)
    if (state.moving[i].object === object) return parked(movedKind, state.moving[i]);
  for (let i = 0; i < kinds.length; i++)
    if (kinds[i].is(object)) return parked(kinds[i], kinds[i].take(object));
  return undefined;
}

function parked(kind, value) {
  push(state.parked, { __proto__: null, kind, value });
  return [`${state.parked.length - 1}`, PARKED];
}

function unpark(number) {
  const { kind, value } = state.parked[number];
  return kind.make(value);
}

const moved = (moving) => (moving.made ??= moving.kind.move(moving.object));
const movedKind = { __proto__: null, make: moved };

const host = {
  __proto__: null,
  // What native.clone asks about objects that are not plain data.
  take: (object) =>
    isDOMException(object) ? [object.name, object.message, object.stack] : park(object),
  make: (name, message, stack) => {
    if (stack === undefined) return unpark(name);
    const error = new DOMException(message, name);
    const own = { __proto__: null, value: stack, writable: true, configurable: true };
    defineProperty(error, 'stack', own);
    return error;
  },
  refuse: (message) => {
    throw new DOMException(message, 'DataCloneError');
  },
};

function transferableKind(object) {
  for (let i = 0; i < kinds.length; i++)
    if (kinds[i].transfers !== undefined && kinds[i].is(object)) return kinds[i];
  return undefined;
}

// StructuredSerializeWithTransfer and its way back: {value, moved: the objects in the place of those that
// are no ArrayBuffers}. transfer: a list, or undefined.
export function copy(value, transfer) {
  let buffers;
  const moving = list();
  if (transfer !== undefined) {
    buffers = list();
    for (let i = 0; i < transfer.length; i++) {
      const kind = transferableKind(transfer[i]);
      if (kind === undefined) {
        push(buffers, transfer[i]);
        continue;
      }
      for (let j = 0; j < moving.length; j++)
        if (moving[j].object === transfer[i])
          throw new DOMException('The transfer list holds an object twice', 'DataCloneError');
      kind.transfers(transfer[i]);
      push(moving, { __proto__: null, kind, object: transfer[i], made: undefined });
    }
  }
  return whileCloning(moving, () => {
    const copied = clone.clone(value, buffers, host.take, host.make, host.refuse);
    const all = list();
    for (let i = 0; i < moving.length; i++) push(all, moved(moving[i]));
    return { __proto__: null, value: copied, moved: all };
  });
}

function addTransfer(to, item, where) {
  if ((typeof item !== 'object' || item === null) && typeof item !== 'function')
    throw new TypeError(`${where}: the transfer list must hold objects`);
  push(to, item);
}

// The member `transfer` of options, as a list; undefined for none.
export function transferListOf(options, where) {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== 'object' && typeof options !== 'function')
    throw new TypeError(`${where}: options must be an object, found ${typeof options}`);
  const { transfer } = options;
  if (transfer === undefined) return undefined;
  const out = list();
  if (isArray(transfer)) for (let i = 0; i < transfer.length; i++) addTransfer(out, transfer[i], where);
  else for (const item of transfer) addTransfer(out, item, where); // by the script's own iterator
  return out;
}

const functions = {
  __proto__: null,
  structuredClone(value, options = undefined) {
    if (arguments.length === 0) throw new TypeError('structuredClone: one argument is needed');
    return copy(value, transferListOf(options, 'structuredClone')).value;
  },
};
export const { structuredClone } = functions;
