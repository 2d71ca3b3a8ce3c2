// Streams of bytes to and from the supervisor. A host service that has more to say than fits into an answer
// opens one and names its number there; `new HostStream(number)` is its end here. Pulled: what nobody reads
// stays with the supervisor, and what it has no room for waits here with its writer.
//
// A chunk is a Uint8Array of its own, of at most 256 KiB. read() of an ended stream gives undefined (and with it
// readWith() the text that the supervisor ended it with); a stream
// that was aborted rejects with the error that the supervisor names. The *With forms are for built-ins that go
// on from there: Promise.prototype.then() reads what a guest can replace.
import { Map, Promise, jsonParse, mapDelete, mapGet, mapSet, typedArrayByteLength } from '../primordials.js';
import { lazy } from '../parts.js';

const { stream } = native;
const errors = lazy('host_errors');

let streams; // number → HostStream with something waiting

// What the supervisor says when it aborts a stream is worded as the answer to a refused call is.
function failure(why) {
  let told;
  try {
    told = jsonParse(why);
  } catch {}
  if (told === null || typeof told !== 'object')
    return new (errors().HostError)(why === '' ? 'the stream was closed' : why);
  return errors().hostError(told.name, told.message);
}

export class HostStream {
  #id;
  #reads; // {resolve, reject, next}, the first of those that wait
  #lastRead;
  #writes; // {bytes, at, resolve, reject, next}
  #lastWrite;
  #queued = 0; // bytes of writes that wait here
  #over; // {error}: it has ended; error undefined: well

  constructor(id) {
    this.#id = id;
  }

  static wake(of) {
    of.#look();
  }

  readWith(resolve, reject) {
    const one = { __proto__: null, resolve, reject, next: undefined };
    if (this.#reads === undefined) this.#reads = one;
    else this.#lastRead.next = one;
    this.#lastRead = one;
    this.#look();
  }

  // The bytes (a Uint8Array) are taken as they are when there is room for them.
  writeWith(bytes, resolve, reject) {
    const one = { __proto__: null, bytes, size: typedArrayByteLength(bytes), at: 0, resolve, reject, next: undefined };
    if (this.#writes === undefined) this.#writes = one;
    else this.#lastWrite.next = one;
    this.#lastWrite = one;
    this.#queued += one.size;
    this.#look();
  }

  // Bytes written whose credit the supervisor has not given back.
  unsent() {
    return this.#queued + (this.#over === undefined ? stream.owed(this.#id) : 0);
  }

  read() {
    return new Promise((resolve, reject) => this.readWith(resolve, reject));
  }

  write(bytes) {
    return new Promise((resolve, reject) => this.writeWith(bytes, resolve, reject));
  }

  // All that was to be said is said. What was not read is dropped.
  close() {
    if (this.#over === undefined) this.#end(true, '', new (errors().HostError)('the stream was closed'));
  }

  // reason: for the service at the other end; cut to 1 KiB.
  abort(reason = '') {
    if (this.#over === undefined)
      this.#end(false, reason, new (errors().HostError)(reason === '' ? 'the stream was aborted' : reason));
  }

  #end(ok, text, error, told = undefined) {
    this.#over = { __proto__: null, error, told };
    stream.close(this.#id, ok, text);
    this.#look();
  }

  // False: it waits.
  #tryRead() {
    const { resolve, reject } = this.#reads;
    if (this.#over === undefined) {
      const got = stream.read(this.#id);
      if (got === undefined) return false;
      if (got !== null && typeof got !== 'string') {
        this.#reads = this.#reads.next;
        resolve(got);
        return true;
      }
      const text = got === null ? stream.why(this.#id) : undefined;
      this.#end(true, '', got === null ? undefined : failure(got), text);
      return true;
    }
    this.#reads = this.#reads.next;
    if (this.#over.error === undefined) resolve(undefined, this.#over.told);
    else reject(this.#over.error);
    return true;
  }

  #tryWrite() {
    const one = this.#writes;
    if (this.#over === undefined) {
      const at = stream.write(this.#id, one.bytes, one.at);
      const now = typeof at === 'number' ? at : one.size;
      this.#queued -= now - one.at;
      if (typeof at === 'number') {
        one.at = at;
        return false;
      }
      this.#writes = one.next;
      if (at === undefined) one.resolve();
      else one.reject(failure(stream.why(this.#id))); // what has come can still be read
      return true;
    }
    this.#writes = one.next;
    one.reject(this.#over.error ?? new (errors().HostError)('the stream has ended'));
    return true;
  }

  #look() {
    while (this.#reads !== undefined && this.#tryRead());
    while (this.#writes !== undefined && this.#tryWrite());
    if (this.#reads === undefined && this.#writes === undefined) {
      if (streams !== undefined) mapDelete(streams, this.#id);
    } else {
      streams ??= new Map();
      mapSet(streams, this.#id, this);
    }
  }
}
const { wake } = HostStream;

// The engine's hook: what a stream waits for may be there.
export function wakeStream(id) {
  const waiting = streams === undefined ? undefined : mapGet(streams, id);
  if (waiting !== undefined) wake(waiting);
}

// Every invocation begins without.
export function begin() {
  streams = undefined;
}
