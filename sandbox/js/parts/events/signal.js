// AbortController and AbortSignal (DOM standard, 3).
import { Set, TypeError, customInspect, list, push, setAdd, setForEach } from '../../primordials.js';
import { DOMException } from '../dom_exception.js';
import { inspect } from '../../inspect.js';
import { needArguments, sequence, shapeInterface, toEnforcedInteger } from '../interface.js';
import { startBackgroundTimer } from '../timers.js';
import { Event, trusted } from './event.js';
import { EventTarget, connectSignals, defineHandler, fire } from './target.js';

const MAX_SAFE = 2 ** 53 - 1;

let making = false;
const inside = { __proto__: null };

export class AbortSignal extends EventTarget {
  #reason = undefined;
  #algorithms = list();
  #dependent = false;
  #sources; // of a dependent signal: signals that are not dependent
  #dependents;

  constructor() {
    if (!making) throw new TypeError('Illegal constructor');
    super();
  }
  static abort(reason = undefined) {
    const signal = make();
    signal.#reason = reason === undefined ? aborted() : reason;
    return signal;
  }
  static timeout(milliseconds) {
    needArguments(arguments.length, 1, 'AbortSignal.timeout');
    const delay = toEnforcedInteger(milliseconds, 0, MAX_SAFE, 'AbortSignal.timeout: the time in ms');
    const signal = make();
    startBackgroundTimer(
      () => inside.abort(signal, new DOMException('The operation timed out', 'TimeoutError')),
      delay,
    );
    return signal;
  }
  static any(signals) {
    needArguments(arguments.length, 1, 'AbortSignal.any');
    const all = sequence(signals, 'AbortSignal.any: the argument');
    for (let i = 0; i < all.length; i++)
      if (!inside.isSignal(all[i])) throw new TypeError('AbortSignal.any: the list must hold AbortSignals');
    const signal = make();
    for (let i = 0; i < all.length; i++) {
      if (all[i].#reason === undefined) continue;
      signal.#reason = all[i].#reason;
      return signal;
    }
    signal.#dependent = true;
    signal.#sources = new Set();
    for (let i = 0; i < all.length; i++) {
      if (!all[i].#dependent) inside.follow(signal, all[i]);
      else inside.followSources(signal, all[i]);
    }
    return signal;
  }
  get aborted() {
    return this.#reason !== undefined;
  }
  get reason() {
    return this.#reason;
  }
  throwIfAborted() {
    if (this.#reason !== undefined) throw this.#reason;
  }
  [customInspect](depth, options) {
    return `AbortSignal ${inspect({ aborted: this.aborted }, options)}`;
  }

  static {
    inside.isSignal = (value) => typeof value === 'object' && value !== null && #reason in value;
    inside.follow = (signal, source) => {
      setAdd(signal.#sources, source);
      source.#dependents ??= list();
      for (let i = 0; i < source.#dependents.length; i++)
        if (source.#dependents[i] === signal) return;
      push(source.#dependents, signal);
    };
    inside.followSources = (signal, other) => {
      const sources = inside.sourcesOf(other);
      for (let i = 0; i < sources.length; i++) inside.follow(signal, sources[i]);
    };
    inside.sourcesOf = (signal) => listOf(signal.#sources);
    inside.add = (signal, algorithm) => {
      if (signal.#reason === undefined) push(signal.#algorithms, algorithm);
    };
    inside.remove = (signal, algorithm) => {
      const kept = list();
      const all = signal.#algorithms;
      for (let i = 0; i < all.length; i++) if (all[i] !== algorithm) push(kept, all[i]);
      signal.#algorithms = kept;
    };
    inside.abort = (signal, reason) => {
      if (signal.#reason !== undefined) return;
      signal.#reason = reason;
      const dependents = list();
      const all = signal.#dependents;
      if (all !== undefined)
        for (let i = 0; i < all.length; i++) {
          if (all[i].#reason !== undefined) continue;
          all[i].#reason = reason;
          push(dependents, all[i]);
        }
      signal.#dependents = undefined;
      inside.run(signal);
      for (let i = 0; i < dependents.length; i++) inside.run(dependents[i]);
    };
    inside.run = (signal) => {
      const algorithms = signal.#algorithms;
      signal.#algorithms = list();
      for (let i = 0; i < algorithms.length; i++) algorithms[i](signal.#reason);
      fire(signal, trusted(() => new Event('abort')));
    };
  }
}

const aborted = () => new DOMException('This operation was aborted', 'AbortError');

function listOf(set) {
  const out = list();
  setForEach(set, (value) => push(out, value));
  return out;
}

function make() {
  making = true;
  try {
    return new AbortSignal();
  } finally {
    making = false;
  }
}

export class AbortController {
  #signal = make();
  get signal() {
    return this.#signal;
  }
  abort(reason = undefined) {
    inside.abort(this.#signal, reason === undefined ? aborted() : reason);
  }
  [customInspect](depth, options) {
    return `AbortController ${inspect({ signal: this.#signal }, options)}`;
  }
}

shapeInterface(AbortSignal);
shapeInterface(AbortController);
defineHandler(AbortSignal, 'abort');

// For other built-ins. An algorithm is called with the reason, once, before the event; the handle for its
// removal is the function.
export const isAbortSignal = inside.isSignal;
export const addAbortAlgorithm = inside.add;
export const removeAbortAlgorithm = inside.remove;
export const signalAbort = inside.abort;
connectSignals(inside.isSignal, inside.add);
