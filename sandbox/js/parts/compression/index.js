// CompressionStream and DecompressionStream (https://compression.spec.whatwg.org/): gzip, deflate, deflate-raw,
// brotli; and Decoder, by which other built-ins decode as they go.
import { bytesOf, customInspect, isBufferSource, stringToLowerCase, typedArrayByteLength } from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { shapeInterface } from '../interface.js';
import { TransformStream } from '../streams/index.js';

const { codec } = native;

const formats = { __proto__: null, gzip: 0, deflate: 1, 'deflate-raw': 2, brotli: 3 };
// Names in Content-Encoding (RFC 9110 8.4.1).
const encodings = { __proto__: null, gzip: 0, 'x-gzip': 0, deflate: 1, br: 3, zstd: 4 };
const DEFLATE = 1;
const DEFLATE_RAW = 2;
const ENDED = 2;
const HAS_OUTPUT = 1;

function formatOf(name, what) {
  const format = formats[name];
  if (format === undefined)
    throw new TypeError(`${what}: found the format "${name}"; allowed: gzip, deflate, deflate-raw, brotli`);
  return format;
}

// One codec in one direction: all that a chunk gives is handed to `put` at once.
function transformOf(format, encode) {
  let handle; // made when the first chunk comes
  let ended = false;
  const run = (bytes, end, put) => {
    handle ??= codec.open(format, encode);
    for (let at = 0; ; ) {
      const { 0: out, 1: next, 2: state } = codec.step(handle, bytes, at, end);
      at = next;
      if (typedArrayByteLength(out) > 0) put(out);
      if (state === ENDED) {
        ended = true;
        if (bytes !== undefined && at < typedArrayByteLength(bytes))
          throw new TypeError('there is something behind the end of the compressed text');
        return;
      }
      if (state !== HAS_OUTPUT && (bytes === undefined || at >= typedArrayByteLength(bytes))) return;
    }
  };
  return new TransformStream({
    __proto__: null,
    transform(chunk, controller) {
      if (!isBufferSource(chunk)) throw new TypeError('the chunk must be a buffer or a view');
      const bytes = bytesOf(chunk);
      if (typedArrayByteLength(bytes) === 0) return;
      if (ended) throw new TypeError('there is something behind the end of the compressed text');
      run(bytes, false, (out) => controller.enqueue(out));
    },
    flush(controller) {
      if (ended) return;
      if (!encode && handle === undefined) throw new TypeError('the compressed text is empty');
      run(undefined, true, (out) => controller.enqueue(out));
      if (!ended) throw new TypeError('the compressed text ends early');
    },
    cancel() {
      if (handle !== undefined) codec.close(handle);
    },
  });
}

export class CompressionStream {
  #transform;
  constructor(format) {
    if (arguments.length === 0) throw new TypeError('CompressionStream: one argument is needed');
    this.#transform = transformOf(formatOf(`${format}`, 'CompressionStream'), true);
  }
  get readable() {
    return this.#transform.readable;
  }
  get writable() {
    return this.#transform.writable;
  }
  [customInspect](depth, options) {
    const { readable, writable } = this.#transform;
    return `CompressionStream ${inspect({ readable, writable }, options)}`;
  }
}

export class DecompressionStream {
  #transform;
  constructor(format) {
    if (arguments.length === 0) throw new TypeError('DecompressionStream: one argument is needed');
    this.#transform = transformOf(formatOf(`${format}`, 'DecompressionStream'), false);
  }
  get readable() {
    return this.#transform.readable;
  }
  get writable() {
    return this.#transform.writable;
  }
  [customInspect](depth, options) {
    const { readable, writable } = this.#transform;
    return `DecompressionStream ${inspect({ readable, writable }, options)}`;
  }
}

shapeInterface(CompressionStream);
shapeInterface(DecompressionStream);

// A body with a Content-Encoding, decoded as it is asked for: give() takes the next chunk, take() gives bytes,
// or undefined when it wants another chunk. HTTP is laxer than a stream: gzip may have several members
// (RFC 1952 2.2), "deflate" may be raw, and an empty body is fine.
export class Decoder {
  #format;
  #handle;
  #bytes; // the chunk at hand
  #at = 0;
  #more = false; // it has output without more input
  #began = false; // a member has begun, and has not ended

  constructor(encoding) {
    this.#format = encodings[stringToLowerCase(encoding)];
    if (this.#format === undefined) throw new TypeError(`found the content-encoding "${encoding}"; allowed: gzip, deflate, br, zstd`);
  }
  static knows(encoding) {
    return encodings[stringToLowerCase(encoding)] !== undefined;
  }
  give(bytes) {
    this.#bytes = bytes;
    this.#at = 0;
  }
  take() {
    for (;;) {
      const left = this.#bytes !== undefined && this.#at < typedArrayByteLength(this.#bytes);
      if (!left && !this.#more) return undefined;
      const out = this.#step(left);
      if (typedArrayByteLength(out) > 0) return out;
    }
  }
  // The body is at its end.
  end() {
    if (this.#began) throw new TypeError('the compressed body ends early');
  }
  close() {
    if (this.#handle !== undefined) codec.close(this.#handle);
    this.#handle = undefined;
  }
  #step(left) {
    if (this.#handle === undefined) {
      // zlib's head: compression method 8, and a multiple of 31 (RFC 1950 2.2)
      if (this.#format === DEFLATE && (this.#bytes[this.#at] & 0x0f) !== 8) this.#format = DEFLATE_RAW;
      this.#handle = codec.open(this.#format, false);
      this.#began = true;
    }
    const { 0: out, 1: at, 2: state } = codec.step(this.#handle, left ? this.#bytes : undefined, this.#at, false);
    if (left) this.#at = at;
    this.#more = state === HAS_OUTPUT;
    if (state === ENDED) {
      this.#handle = undefined;
      this.#began = false;
    }
    return out;
  }
}
