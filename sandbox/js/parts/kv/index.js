// kv: what the tenant's jobs keep and share, one small value a key. The supervisor holds the store and checks the
// permission (executor/services/kv.c); here arguments become a call, and the answer a value of the type that was
// asked for.
import { apply, arrayIndexOf, arrayJoin, bytesOf, define, defineProperty, freeze, isBufferSource, jsonParse, jsonStringify, objectKeys, stringIndexOf, stringSlice, toStringTag } from '../../primordials.js';
import { HostError, InvalidArgument } from '../host_errors.js';
import { hostCallWith } from '../host_call.js';
import { HostStream } from '../stream_call.js';

const { text } = native;
// Not there yet when the snapshot is made, so no primordials.
const { fromBase64 } = Uint8Array;
const { toBase64 } = Uint8Array.prototype;
const bytesFromBase64 = (coded) => apply(fromBase64, Uint8Array, [coded]);
const bytesToBase64 = (bytes) => apply(toBase64, bytes, []);
const UTF_8 = 0;
const STREAM = 4;
const DECODER_STATE_BYTES = 5;

const types = { __proto__: null, json: true, text: true, bytes: true };

// The members of options that `allowed` names; another one is a mistake that would change what the call means.
function optionsOf(options, what, allowed) {
  if (options === undefined) return { __proto__: null };
  if (options === null || typeof options !== 'object')
    throw new InvalidArgument(`${what}: options: found ${options === null ? 'null' : typeof options}; allowed: an object`);
  const names = objectKeys(options);
  for (let i = 0; i < names.length; i++)
    if (arrayIndexOf(allowed, names[i]) < 0) throw new InvalidArgument(`${what}: options: unknown option '${names[i]}'; allowed: ${arrayJoin(allowed, ', ')}`);
  return options;
}

function typeOf(options, what) {
  const { type = 'json' } = options;
  if (typeof type !== 'string' || !types[type])
    throw new InvalidArgument(`${what}: type: found ${typeof type === 'string' ? `'${type}'` : typeof type}; allowed: 'json', 'text', 'bytes'`);
  return type;
}

// Names that other clients give to bytes that are no text: what is asked for as text or JSON is refused then.
function valueOf(entry, type) {
  const coded = entry.base64;
  if (type === 'bytes') return coded !== undefined ? bytesFromBase64(coded) : text.encode(entry.text);
  if (coded !== undefined) throw new HostError(`the value of '${entry.key}' is no text: read it with type 'bytes'`);
  if (type === 'text') return entry.text;
  try {
    return jsonParse(entry.text);
  } catch {
    throw new HostError(`the value of '${entry.key}' is not JSON: read it with type 'text'`);
  }
}

function entryOf(answer, type) {
  const { key, revision, stored_at, expires_at } = answer;
  return { key, value: valueOf(answer, type), revision, storedAt: stored_at, expiresAt: expires_at };
}

// A call whose answer goes through `read`.
function ask(call, read) {
  return new Promise((resolve, reject) => {
    hostCallWith('kv', call, (answer) => {
      let value;
      try {
        value = read(answer);
      } catch (error) {
        reject(error);
        return;
      }
      resolve(value);
    }, reject);
  });
}

// What goes wrong before the call rejects the promise too.
function promised(make) {
  try {
    return make();
  } catch (error) {
    return new Promise((_resolve, reject) => reject(error));
  }
}

function keyOf(key, what) {
  if (typeof key !== 'string') throw new InvalidArgument(`${what}: key: found ${typeof key}; allowed: a string`);
  return key;
}

function read(key, options, what, give) {
  return promised(() => {
    const type = typeOf(optionsOf(options, what, ['type']), what);
    return ask({ __proto__: null, op: 'get', key: keyOf(key, what) }, (answer) => (answer === null ? undefined : give(answer, type)));
  });
}

function put(key, value, options) {
  const { revision, ttlMs } = optionsOf(options, 'kv.put', ['revision', 'ttlMs']);
  const call = { __proto__: null, op: 'put', key: keyOf(key, 'kv.put'), revision, ttl_ms: ttlMs };
  if (isBufferSource(value)) {
    call.base64 = bytesToBase64(bytesOf(value));
  } else {
    if (typeof value?.arrayBuffer === 'function') throw new InvalidArgument('kv.put: value: found a Blob or a body; allowed: what JSON can hold, or bytes (await value.bytes())');
    try {
      call.text = jsonStringify(value);
    } catch (error) {
      throw new InvalidArgument(`kv.put: value: JSON cannot hold it: ${error?.message}`);
    }
    if (call.text === undefined) throw new InvalidArgument(`kv.put: value: found ${typeof value}; allowed: what JSON can hold, or bytes`);
  }
  return ask(call, (answer) => answer.revision);
}

function listed(call, { prefix, limit }, what) {
  if (prefix !== undefined) call.prefix = keyOf(prefix, what);
  if (limit !== undefined) call.limit = limit;
  return call;
}

// Entries of a watch: one line of JSON each; {} says that all that was there has been told.
class Watch {
  #source; // HostStream, when the call was answered
  #begun;
  #type;
  #text = '';
  #state = new Uint8Array(DECODER_STATE_BYTES);
  #over = false;

  constructor(call, type) {
    this.#type = type;
    this.#begun = ask(call, ({ stream }) => {
      this.#source = new HostStream(stream);
      if (this.#over) this.#source.close();
    });
    this.#begun.catch(() => {}); // told by next()
  }

  #line() {
    const end = stringIndexOf(this.#text, '\n');
    if (end < 0) return undefined;
    const line = jsonParse(stringSlice(this.#text, 0, end));
    this.#text = stringSlice(this.#text, end + 1);
    return line;
  }

  #give(resolve, reject) {
    if (this.#over) {
      resolve({ value: undefined, done: true });
      return;
    }
    const line = this.#line();
    if (line === undefined) {
      this.#source.readWith((bytes) => {
        if (bytes === undefined) this.#over = true;
        else this.#text += text.decode(UTF_8, bytes, STREAM, this.#state);
        this.#give(resolve, reject);
      }, reject);
      return;
    }
    try {
      resolve({ value: this.#event(line), done: false });
    } catch (error) {
      reject(error);
    }
  }

  #event(line) {
    if (line.key === undefined) return { type: 'current' };
    const { key, revision } = line;
    return line.deleted ? { type: 'delete', key, revision } : { type: 'put', ...entryOf(line, this.#type) };
  }

  next() {
    return this.#begun.then(() => new Promise((resolve, reject) => this.#give(resolve, reject)));
  }

  return(value) {
    this.#over = true;
    if (this.#source !== undefined) this.#source.close();
    return new Promise((resolve) => resolve({ value, done: true }));
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

const methods = {
  get(key, options = undefined) {
    return read(key, options, 'kv.get', valueOf);
  },
  entry(key, options = undefined) {
    return read(key, options, 'kv.entry', entryOf);
  },
  put(key, value, options = undefined) {
    return promised(() => put(key, value, options));
  },
  delete(key, options = undefined) {
    return promised(() => {
      const { revision } = optionsOf(options, 'kv.delete', ['revision']);
      return ask({ __proto__: null, op: 'delete', key: keyOf(key, 'kv.delete'), revision }, () => undefined);
    });
  },
  list(options = undefined) {
    return promised(() => ask(listed({ __proto__: null, op: 'list' }, optionsOf(options, 'kv.list', ['prefix', 'limit']), 'kv.list'), (answer) => answer));
  },
  watch(options = undefined) {
    const given = optionsOf(options, 'kv.watch', ['prefix', 'type']);
    return new Watch(listed({ __proto__: null, op: 'watch' }, { prefix: given.prefix }, 'kv.watch'), typeOf(given, 'kv.watch'));
  },
};

export const kv = define({}, methods, false);
defineProperty(kv, toStringTag, { __proto__: null, value: 'kv' });
freeze(kv);
