// EventTarget (DOM standard, 2.7 to 2.9), event handler attributes (HTML, 8.1.8.1), and the global object as a
// target. What a listener throws is reported: an `error` event at the global object, or the job's end.
import {
  Map,
  TypeError,
  apply,
  defineProperty,
  list,
  mapDelete,
  mapGet,
  mapSet,
  push,
  setPrototypeOf,
} from '../../primordials.js';
import { DOMException } from '../dom_exception.js';
import { needArguments, shapeInterface } from '../interface.js';
import { Performance, performance } from '../hr_time.js';
import { inside } from './event.js';

const global = globalThis;

// type → list of {callback, capture, once, passive, removed}; lists are replaced, never changed in place,
// so that a dispatch walks over those that were there when it began.
let ofGlobal = { __proto__: null, types: undefined, handlers: undefined };
let ofPerformance = { __proto__: null, types: undefined, handlers: undefined };

let recordOf;
export class EventTarget {
  #record = { __proto__: null, types: undefined, handlers: undefined };

  addEventListener(type, callback, options = undefined) {
    const record = recordOf(this);
    needArguments(arguments.length, 2, 'addEventListener');
    type = `${type}`;
    const flags = flagsOf(options, true);
    if (!isListener(callback)) return;
    if (flags.signal !== undefined && flags.signal.aborted) return;
    const listener = { __proto__: null, callback, ...flags, removed: false };
    if (!addListener(record, type, listener)) return;
    if (flags.signal !== undefined)
      flags.addAlgorithm(flags.signal, () => removeListener(record, type, listener));
  }
  removeEventListener(type, callback, options = undefined) {
    const record = recordOf(this);
    needArguments(arguments.length, 2, 'removeEventListener');
    type = `${type}`;
    const { capture } = flagsOf(options, false);
    if (!isListener(callback)) return;
    const found = find(record, type, callback, capture);
    if (found !== undefined) removeListener(record, type, found);
  }
  dispatchEvent(event) {
    const record = recordOf(this);
    needArguments(arguments.length, 1, 'dispatchEvent');
    if (!inside.isEvent(event)) throw new TypeError('dispatchEvent: the argument must be an Event');
    if (inside.isDispatched(event))
      throw new DOMException('dispatchEvent: the event is being dispatched', 'InvalidStateError');
    inside.untrust(event);
    return dispatch(this ?? global, record, event);
  }

  static {
    recordOf = (target) => {
      if (target === undefined || target === null || target === global) return ofGlobal;
      if (target === performance) return ofPerformance;
      if (typeof target === 'object' && #record in target) return target.#record;
      throw new TypeError('Illegal invocation');
    };
  }
}
shapeInterface(EventTarget);
// performance is a target too, which nobody can see before this part is here.
setPrototypeOf(Performance, EventTarget);
setPrototypeOf(Performance.prototype, EventTarget.prototype);

// signal.js says how to hear of a signal's abort.
let signals;
export function connectSignals(isSignal, addAlgorithm) {
  signals = { __proto__: null, isSignal, addAlgorithm };
}

function isListener(callback) {
  if (callback === undefined || callback === null) return false;
  if (typeof callback === 'function' || typeof callback === 'object') return true;
  throw new TypeError(`an event listener must be a function or an object, found ${typeof callback}`);
}

function flagsOf(options, adding) {
  const flags = { __proto__: null, capture: false, once: false, passive: false, signal: undefined };
  if (options === undefined || options === null) return flags;
  if (typeof options !== 'object' && typeof options !== 'function') {
    flags.capture = !!options;
    return flags;
  }
  flags.capture = !!options.capture;
  if (!adding) return flags;
  flags.once = !!options.once;
  flags.passive = !!options.passive;
  const { signal } = options;
  if (signal === undefined) return flags;
  if (!signals.isSignal(signal)) throw new TypeError('addEventListener: signal must be an AbortSignal');
  flags.signal = signal;
  flags.addAlgorithm = signals.addAlgorithm;
  return flags;
}

function find(record, type, callback, capture) {
  const all = record.types === undefined ? undefined : mapGet(record.types, type);
  if (all === undefined) return undefined;
  for (let i = 0; i < all.length; i++)
    if (all[i].callback === callback && all[i].capture === capture) return all[i];
  return undefined;
}

function addListener(record, type, listener) {
  if (find(record, type, listener.callback, listener.capture) !== undefined) return false;
  record.types ??= new Map();
  const old = mapGet(record.types, type);
  const all = list();
  if (old !== undefined) for (let i = 0; i < old.length; i++) push(all, old[i]);
  push(all, listener);
  mapSet(record.types, type, all);
  return true;
}

function removeListener(record, type, listener) {
  if (listener.removed) return;
  listener.removed = true;
  const old = record.types === undefined ? undefined : mapGet(record.types, type);
  if (old === undefined) return;
  const all = list();
  for (let i = 0; i < old.length; i++) if (old[i] !== listener) push(all, old[i]);
  if (all.length === 0) mapDelete(record.types, type);
  else mapSet(record.types, type, all);
}

function call(target, record, event, listener) {
  const { callback } = listener;
  if (listener.once) removeListener(record, inside.typeOf(event), listener);
  inside.setPassive(event, listener.passive);
  try {
    if (typeof callback === 'function') {
      apply(callback, target, [event]);
    } else {
      const { handleEvent } = callback;
      if (typeof handleEvent !== 'function')
        throw new TypeError('an event listener that is an object must have a function handleEvent');
      apply(handleEvent, callback, [event]);
    }
  } catch (error) {
    native.loop.report(error);
  }
  inside.setPassive(event, false);
}

function dispatch(target, record, event) {
  const all = record.types === undefined ? undefined : mapGet(record.types, inside.typeOf(event));
  inside.begin(event, target);
  if (all !== undefined && !inside.isStopped(event)) {
    for (let capture = 1; capture >= 0; capture--) {
      if (capture === 0 && inside.isStopped(event)) break;
      for (let i = 0; i < all.length && !inside.isStoppedNow(event); i++)
        if (all[i].capture === (capture === 1) && !all[i].removed) call(target, record, event, all[i]);
    }
  }
  inside.end(event);
  return !inside.isCanceled(event);
}

// An event of our own at a target.
export const fire = (target, event) => dispatch(target, recordOf(target), event);

export function globalListens(type) {
  return ofGlobal.types !== undefined && mapGet(ofGlobal.types, type) !== undefined;
}

// ---- event handler attributes: onabort, onmessage, onerror … -------------------------------------------

export function handlerOf(target, type) {
  const { handlers } = recordOf(target);
  return (handlers === undefined ? undefined : mapGet(handlers, type))?.value ?? null;
}

// The handler takes the place among the listeners that it had when it was first set.
export function setHandler(target, type, value) {
  const record = recordOf(target);
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) value = null;
  record.handlers ??= new Map();
  let handler = mapGet(record.handlers, type);
  if (handler === undefined) {
    if (value === null) return;
    handler = { __proto__: null, value, listener: undefined };
    mapSet(record.handlers, type, handler);
  }
  handler.value = value;
  if (value === null) {
    if (handler.listener !== undefined) removeListener(record, type, handler.listener);
    mapDelete(record.handlers, type);
    return;
  }
  if (handler.listener !== undefined) return;
  const callback = function (event) {
    const { value: own } = handler;
    if (typeof own !== 'function') return;
    const special = target === global && type === 'error' && inside.isErrorEvent(event);
    const result = apply(
      own,
      this,
      special ? [event.message, event.filename, event.lineno, event.colno, event.error] : [event],
    );
    if (special ? result === true : result === false) event.preventDefault();
  };
  handler.listener = { __proto__: null, callback, capture: false, once: false, passive: false, removed: false };
  addListener(record, type, handler.listener);
}

const nameAs = (f, value) => defineProperty(f, 'name', { __proto__: null, value, configurable: true });

// Makes `on<type>` an attribute of the interface; `then` is called with the target when it was set.
export function defineHandler(type, event, then = undefined) {
  const name = `on${event}`;
  const accessors = {
    get() {
      return handlerOf(this, event);
    },
    set(value) {
      setHandler(this, event, value);
      if (then !== undefined) then(this);
    },
  };
  nameAs(accessors.get, `get ${name}`);
  nameAs(accessors.set, `set ${name}`);
  defineProperty(type.prototype, name, {
    __proto__: null,
    get: accessors.get,
    set: accessors.set,
    enumerable: true,
    configurable: true,
  });
}

export function resetTargets() {
  ofPerformance = { __proto__: null, types: undefined, handlers: undefined };
  ofGlobal = { __proto__: null, types: undefined, handlers: undefined };
}
