// secrets: what the job's permissions name and its publisher or the operator has sealed. The names come with
// the job; a value comes from the supervisor when it is asked for, and not before.
import {
  Promise,
  defineProperty,
  define,
  freeze,
  jsonParse,
  toStringTag,
} from '../primordials.js';
import { hostCall } from './host_call.js';
import { grantsText } from '../job.js';
import { lazy } from '../parts.js';

const errors = lazy('host_errors');

let names;

function namesOf() {
  const text = grantsText();
  names ??= freeze(text === '' ? [] : jsonParse(text).secrets);
  return names;
}

function get(name) {
  if (typeof name === 'string') return hostCall('secret', { __proto__: null, name });
  return new Promise((_resolve, reject) =>
    reject(
      new (errors().InvalidArgument)(`secrets.get: the name must be a string, found ${typeof name}`),
    ),
  );
}

// The names are this invocation's.
export function begin() {
  names = undefined;
}

const accessors = {
  get names() {
    return namesOf();
  },
};
const methods = {
  get(name) {
    return get(name);
  },
};

export const secrets = define(define({}, accessors, true), methods, false);
defineProperty(secrets, toStringTag, { __proto__: null, value: 'secrets' });
freeze(secrets);
