// What the global object hears of errors that nobody caught. The part `events` says how; until a script has
// touched it there can be no listener, and errors end the job.
import { define } from './primordials.js';
import { load } from './parts.js';

const global = globalThis;

let listeners; // {onError, onRejection, onHandled}

export function listenForUncaught(all) {
  listeners = all;
}

// The engine's hook. kind 0: an error, with its message and place; 1: a promise that was rejected without a
// handler; 2: such a promise got one. True: a listener takes care of it, the job goes on.
export function uncaught(kind, value, promise, message, file, line, column) {
  if (listeners === undefined) return false;
  if (kind === 0) return listeners.onError(value, message, file, line, column);
  if (kind === 1) return listeners.onRejection(promise, value);
  return listeners.onHandled(promise, value);
}

const handler = (type) => ({
  get [`on${type}`]() {
    return load('events').handlerOf(global, type);
  },
  set [`on${type}`](value) {
    load('events').setHandler(global, type, value);
  },
});

export function installGlobalEvents(to) {
  for (const type of ['error', 'unhandledrejection', 'rejectionhandled']) define(to, handler(type), true);
}
