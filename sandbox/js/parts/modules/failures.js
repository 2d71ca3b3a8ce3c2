// The errors of loading: a class, a code as in Node.js, a message that names the importer and the specifier.
import { Error, captureStackTrace, defineProperty, stringSlice } from '../../primordials.js';

const SHOWN = 200; // characters of a name that an error repeats

const state = { __proto__: null, last: undefined };

export const shownName = (text) => (text.length > SHOWN ? `${stringSlice(text, 0, SHOWN)}…` : text);

export function fail(Class, code, message) {
  const error = new Class(message);
  defineProperty(error, 'code', {
    __proto__: null,
    value: code,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  state.last = error;
  throw error;
}

// Was it made here, just now?
export const isFailure = (error) => error !== undefined && error === state.last;

// Without our own frames, so that all that a stack may hold are the script's.
export function from(caller, error) {
  if (isFailure(error)) captureStackTrace(error, caller);
  return error;
}

export const failPlain = (code, message) => fail(Error, code, message);
