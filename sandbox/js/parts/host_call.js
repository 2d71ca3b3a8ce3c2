// Calls to the supervisor: hostCall(name, value) is a promise of the answer's value; reply() is the engine's
// hook that brings the answer. A host service (executor/services) is one name here.
import {
  Map,
  Promise,
  jsonParse,
  jsonStringify,
  mapDelete,
  mapGet,
  mapSet,
} from '../primordials.js';
import { lazy } from '../parts.js';

const errors = lazy('host_errors');

const { loop } = native;

let waiting; // id → {resolve, reject}

// The same for built-ins that go on from there: resolve(value) or reject(error) is called once. Throws when
// the call cannot be made.
export function hostCallWith(name, value, resolve, reject) {
  const id = loop.call(name, jsonStringify(value));
  waiting ??= new Map();
  mapSet(waiting, id, { __proto__: null, resolve, reject });
}

export function hostCall(name, value) {
  return new Promise((resolve, reject) => hostCallWith(name, value, resolve, reject));
}

// json: the answer's value, or {"name": …, "message": …} when it was refused: an error of that class. An answer that nobody waits for is
// one to an invocation before this one.
export function reply(id, ok, json) {
  const call = waiting === undefined ? undefined : mapGet(waiting, id);
  if (call === undefined) return;
  mapDelete(waiting, id);
  const value = json === '' ? undefined : jsonParse(json);
  if (ok) call.resolve(value);
  else call.reject(errors().hostError(value?.name, value?.message));
}

// Every invocation begins with none.
export function begin() {
  waiting = undefined;
}
