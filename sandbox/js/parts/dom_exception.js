// DOMException (Web IDL) and QuotaExceededError, the errors that web functions throw.
import {
  Error,
  RangeError,
  TypeError,
  defineProperty,
  setPrototypeOf,
} from '../primordials.js';
import { installConstants, shapeInterface } from './interface.js';

// Names and constants with a legacy code, in the order of the codes; empty: there is none.
const legacyNames = [
  'IndexSizeError', '', 'HierarchyRequestError', 'WrongDocumentError', 'InvalidCharacterError', '',
  'NoModificationAllowedError', 'NotFoundError', 'NotSupportedError', 'InUseAttributeError', 'InvalidStateError',
  'SyntaxError', 'InvalidModificationError', 'NamespaceError', 'InvalidAccessError', '', 'TypeMismatchError',
  'SecurityError', 'NetworkError', 'AbortError', 'URLMismatchError', 'QuotaExceededError', 'TimeoutError',
  'InvalidNodeTypeError', 'DataCloneError',
];
const legacyConstants = [
  'INDEX_SIZE', 'DOMSTRING_SIZE', 'HIERARCHY_REQUEST', 'WRONG_DOCUMENT', 'INVALID_CHARACTER', 'NO_DATA_ALLOWED',
  'NO_MODIFICATION_ALLOWED', 'NOT_FOUND', 'NOT_SUPPORTED', 'INUSE_ATTRIBUTE', 'INVALID_STATE', 'SYNTAX',
  'INVALID_MODIFICATION', 'NAMESPACE', 'INVALID_ACCESS', 'VALIDATION', 'TYPE_MISMATCH', 'SECURITY', 'NETWORK', 'ABORT',
  'URL_MISMATCH', 'QUOTA_EXCEEDED', 'TIMEOUT', 'INVALID_NODE_TYPE', 'DATA_CLONE',
];
const legacyCodes = { __proto__: null };

// A base class that makes its subclass's private fields on an object that exists already.
const Adopt = function (object) {
  return object;
};
class Internals extends Adopt {
  #name;
  #message;
  constructor(object, message, name) {
    super(object);
    this.#message = message;
    this.#name = name;
  }
  static has(object) {
    return typeof object === 'object' && object !== null && #name in object;
  }
  static nameOf(object) {
    if (!Internals.has(object)) throw new TypeError('Illegal invocation');
    return object.#name;
  }
  static messageOf(object) {
    if (!Internals.has(object)) throw new TypeError('Illegal invocation');
    return object.#message;
  }
}
const { has, nameOf, messageOf } = Internals;
export const isDOMException = has;

// Its instances are errors of the language (they have a stack), but the class does not extend Error.
export class DOMException {
  constructor(message = '', options = 'Error') {
    message = `${message}`;
    const error = new Error();
    setPrototypeOf(error, new.target.prototype);
    let name = options;
    if (typeof options === 'object' && options !== null) {
      ({ name = 'Error' } = options);
      if ('cause' in options) {
        defineProperty(error, 'cause', {
          __proto__: null,
          value: options.cause,
          writable: true,
          configurable: true,
        });
      }
    }
    return new Internals(error, message, `${name}`);
  }
  get name() {
    return nameOf(this);
  }
  get message() {
    return messageOf(this);
  }
  get code() {
    return legacyCodes[nameOf(this)] ?? 0;
  }
}

export class QuotaExceededError extends DOMException {
  #quota;
  #requested;
  constructor(message = '', options = { __proto__: null }) {
    super(message, 'QuotaExceededError');
    const { quota = null, requested = null } = options;
    this.#quota = quantity(quota, 'quota');
    this.#requested = quantity(requested, 'requested');
    if (this.#quota !== null && this.#requested !== null && this.#requested < this.#quota)
      throw new RangeError('QuotaExceededError: requested must not be less than quota');
  }
  get quota() {
    return this.#quota;
  }
  get requested() {
    return this.#requested;
  }
}

function quantity(value, name) {
  if (value === null) return null;
  value = +value;
  if (value >= 0 && value < Infinity) return value;
  throw new RangeError(`QuotaExceededError: ${name} must be a finite number that is not negative`);
}

setPrototypeOf(DOMException.prototype, Error.prototype);
shapeInterface(DOMException, 'DOMException');
shapeInterface(QuotaExceededError, 'QuotaExceededError');
for (let i = 0; i < legacyNames.length; i++) if (legacyNames[i] !== '') legacyCodes[legacyNames[i]] = i + 1;
{
  const constants = { __proto__: null };
  for (let i = 0; i < legacyConstants.length; i++) constants[`${legacyConstants[i]}_ERR`] = i + 1;
  installConstants(DOMException, constants);
}
