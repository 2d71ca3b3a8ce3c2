// Calls to the supervisor: hostCall(name, value) is a promise of the answer's value; reply() is the engine's
// hook that brings the answer. A host service (executor/services) is one name here.
import {
  Error,
  Map,
  Promise,
  jsonParse,
  jsonStringify,
  mapDelete,
  mapGet,
  mapSet,
} from './primordials.js';

const { loop } = native;

let waiting; // id → {resolve, reject}

export function hostCall(name, value) {
  const call = { __proto__: null, resolve: undefined, reject: undefined };
  const promise = new Promise((resolve, reject) => {
    call.resolve = resolve;
    call.reject = reject;
  });
  waiting ??= new Map();
  mapSet(waiting, loop.call(name, jsonStringify(value)), call);
  return promise;
}

// json: the answer's value, or {"message": …} when it was refused. An answer that nobody waits for is
// one to an invocation before this one.
export function reply(id, ok, json) {
  const call = waiting === undefined ? undefined : mapGet(waiting, id);
  if (call === undefined) return;
  mapDelete(waiting, id);
  const value = json === '' ? undefined : jsonParse(json);
  if (ok) call.resolve(value);
  else call.reject(new Error(value?.message ?? 'the host refused the call'));
}

export function resetHostCalls() {
  waiting = undefined;
}
