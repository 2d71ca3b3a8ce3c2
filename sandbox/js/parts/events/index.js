// Events, EventTarget and AbortSignal; what the global object hears of uncaught errors.
import { WeakSet, weakSetAdd, weakSetDelete, weakSetHas } from '../../primordials.js';
import { needArguments } from '../interface.js';
import { listenForUncaught } from '../../global_events.js';
import { CustomEvent, Event, inside, trusted } from './event.js';
import { ErrorEvent, PromiseRejectionEvent } from './kinds.js';
import {
  EventTarget,
  defineHandler,
  fire,
  globalListens,
  handlerOf,
  resetTargets,
  setHandler,
} from './target.js';

export { CustomEvent, Event, EventTarget, defineHandler, fire, trusted, handlerOf, setHandler };
export { CloseEvent, ErrorEvent, MessageEvent, ProgressEvent, PromiseRejectionEvent } from './kinds.js';
export {
  AbortController,
  AbortSignal,
  addAbortAlgorithm,
  isAbortSignal,
  removeAbortAlgorithm,
  signalAbort,
} from './signal.js';

export const { addEventListener, removeEventListener, dispatchEvent } = EventTarget.prototype;

export function reportError(error) {
  needArguments(arguments.length, 1, 'reportError');
  native.loop.report(error);
}

// Lets another part say what a MessagePort is.
export const setPortTest = (isPort) => {
  inside.isPort = isPort;
};

// ---- uncaught errors and unhandled rejections (HTML, 8.1.4.6 and 8.1.4.7) --------------------------------

// Promises of which a script was told.
let told;
let reporting = false;

// True: a listener has called preventDefault().
function onError(error, message, filename, lineno, colno) {
  if (reporting || !globalListens('error')) return false;
  reporting = true; // what its listeners throw is not told to them again
  try {
    const init = { __proto__: null, cancelable: true, error, message, filename, lineno, colno };
    return !fire(globalThis, trusted(() => new ErrorEvent('error', init)));
  } finally {
    reporting = false;
  }
}

function fireRejection(type, promise, reason, cancelable) {
  const init = { __proto__: null, cancelable, promise, reason };
  return !fire(globalThis, trusted(() => new PromiseRejectionEvent(type, init)));
}

function onRejection(promise, reason) {
  if (!globalListens('unhandledrejection')) return false;
  const handled = fireRejection('unhandledrejection', promise, reason, true);
  if (handled) {
    told ??= new WeakSet();
    weakSetAdd(told, promise);
  }
  return handled;
}

// A handler was added to a rejected promise; the event comes in a task of its own.
function onHandled(promise, reason) {
  if (told === undefined || !weakSetHas(told, promise)) return false;
  weakSetDelete(told, promise);
  if (globalListens('rejectionhandled')) fireRejection('rejectionhandled', promise, reason, false);
  return true;
}

listenForUncaught({ __proto__: null, onError, onRejection, onHandled });

export function reset() {
  told = undefined;
  reporting = false;
  resetTargets();
}
