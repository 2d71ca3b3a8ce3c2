// DOMException (Web IDL) and QuotaExceededError, the errors that web functions throw.
import {
  Error,
  RangeError,
  TypeError,
  define,
  defineProperty,
  setPrototypeOf,
  toStringTag,
} from './primordials.js';

// Names with a legacy code are in code order; null: the code is not in use any more.
const legacyNames =
  'IndexSizeError,,HierarchyRequestError,WrongDocumentError,InvalidCharacterError,,' +
  'NoModificationAllowedError,NotFoundError,NotSupportedError,InUseAttributeError,InvalidStateError,' +
  'SyntaxError,InvalidModificationError,NamespaceError,InvalidAccessError,,TypeMismatchError,' +
  'SecurityError,NetworkError,AbortError,URLMismatchError,QuotaExceededError,TimeoutError,' +
  'InvalidNodeTypeError,DataCloneError';
const legacyConstants =
  'INDEX_SIZE,DOMSTRING_SIZE,HIERARCHY_REQUEST,WRONG_DOCUMENT,INVALID_CHARACTER,NO_DATA_ALLOWED,' +
  'NO_MODIFICATION_ALLOWED,NOT_FOUND,NOT_SUPPORTED,INUSE_ATTRIBUTE,INVALID_STATE,SYNTAX,' +
  'INVALID_MODIFICATION,NAMESPACE,INVALID_ACCESS,VALIDATION,TYPE_MISMATCH,SECURITY,NETWORK,ABORT,' +
  'URL_MISMATCH,QUOTA_EXCEEDED,TIMEOUT,INVALID_NODE_TYPE,DATA_CLONE';
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

export function installDOMException(global) {
  const enumerable = { __proto__: null, enumerable: true };
  for (const name of ['name', 'message', 'code'])
    defineProperty(DOMException.prototype, name, enumerable);
  for (const name of ['quota', 'requested'])
    defineProperty(QuotaExceededError.prototype, name, enumerable);
  setPrototypeOf(DOMException.prototype, Error.prototype);
  legacyNames.split(',').forEach((name, i) => {
    if (name !== '') legacyCodes[name] = i + 1;
  });
  const constants = {};
  legacyConstants.split(',').forEach((name, i) => {
    constants[`${name}_ERR`] = i + 1;
  });
  for (const target of [DOMException, DOMException.prototype]) {
    for (const name of Object.keys(constants))
      defineProperty(target, name, { __proto__: null, value: constants[name], enumerable: true });
  }
  for (const type of [DOMException, QuotaExceededError]) {
    defineProperty(type.prototype, toStringTag, {
      __proto__: null,
      value: type.name,
      configurable: true,
    });
  }
  define(global, { DOMException, QuotaExceededError }, false);
}
