// job.artifacts: files beyond the size of a message. What the job may read is named in its message; what it puts
// stands in its result. Bytes go over a stream with the supervisor (stream_call.js), a piece at a time.
import {
  asyncIterator,
  bytesOf,
  customInspect,
  define,
  freeze,
  isBufferSource,
  iterator,
  jsonParse,
  toStringTag,
  defineProperty,
  typedArrayByteLength,
  typedArraySet,
} from '../primordials.js';
import { hostCall, hostCallWith } from './host_call.js';
import { HostError, IntegrityError, InvalidArgument, NotFound } from './host_errors.js';
import { inspect } from '../inspect.js';
import { lazy } from '../parts.js';
import { HostStream } from './stream_call.js';

const { text } = native;
const streams = lazy('streams');
const UTF_8 = 0;

// What is thrown in a callback would end the job: it rejects.
const guarded = (reject, run) => (value) => {
  try {
    run(value);
  } catch (e) {
    reject(e);
  }
};

function needName(name, where) {
  if (typeof name !== 'string')
    throw new InvalidArgument(`${where}: the name must be a string, found ${typeof name}`);
}

// ---- reading ----

const open = (name, resolve, reject) =>
  hostCallWith(
    'artifact.get',
    { __proto__: null, name },
    guarded(reject, ({ stream }) => resolve(new HostStream(stream))),
    reject,
  );

function collect({ name, size }, resolve, reject) {
  const all = new Uint8Array(size);
  let at = 0;
  open(name, read, reject);
  function read(stream) {
    const take = (chunk) => {
      if (chunk === undefined) {
        if (at === size) resolve(all);
        else reject(new IntegrityError(`artifacts.${name}: it ended after ${at} of ${size} bytes`));
        return;
      }
      typedArraySet(all, chunk, at); // never more than size: the supervisor counts too
      at += typedArrayByteLength(chunk);
      stream.readWith(guarded(reject, take), reject);
    };
    stream.readWith(guarded(reject, take), reject);
  }
}

// One pass over its bytes: opened when the first is asked for.
class Pieces {
  #name;
  #stream;
  #over = false;
  constructor(name) {
    this.#name = name;
  }
  next() {
    return new Promise((resolve, reject) => this.nextWith((value) => resolve({ value, done: value === undefined }), reject));
  }
  return(value = undefined) {
    this.stop();
    return new Promise((resolve) => resolve({ value, done: true }));
  }
  [asyncIterator]() {
    return this;
  }
  nextWith(resolve, reject) {
    if (this.#over) resolve(undefined);
    else if (this.#stream !== undefined) this.#stream.readWith(resolve, reject);
    else
      open(
        this.#name,
        (stream) => {
          if (this.#over) {
            stream.abort();
            resolve(undefined);
            return;
          }
          this.#stream = stream;
          stream.readWith(resolve, reject);
        },
        reject,
      );
  }
  stop() {
    this.#over = true;
    this.#stream?.abort();
  }
}

class Artifact {
  #about;
  constructor(about) {
    this.#about = about;
  }
  get name() {
    return this.#about.name;
  }
  get size() {
    return this.#about.size;
  }
  get sha256() {
    return this.#about.sha256;
  }
  bytes() {
    return new Promise((resolve, reject) => collect(this.#about, resolve, reject));
  }
  text() {
    return new Promise((resolve, reject) =>
      collect(this.#about, guarded(reject, (all) => resolve(text.decode(UTF_8, all, 0, undefined))), reject),
    );
  }
  json() {
    return new Promise((resolve, reject) =>
      collect(
        this.#about,
        guarded(reject, (all) => resolve(jsonParse(text.decode(UTF_8, all, 0, undefined)))),
        reject,
      ),
    );
  }
  stream() {
    const pieces = new Pieces(this.#about.name);
    const { ReadableStream } = streams();
    return new ReadableStream(
      {
        __proto__: null,
        type: 'bytes',
        pull: (controller) =>
          new Promise((resolve, reject) => {
            const put = (chunk) => {
              if (chunk !== undefined) controller.enqueue(chunk);
              else {
                controller.close();
                controller.byobRequest?.respond(0);
              }
              resolve();
            };
            pieces.nextWith(guarded(reject, put), reject);
          }),
        cancel: () => pieces.stop(),
      },
      { __proto__: null, highWaterMark: 0 },
    );
  }
  [asyncIterator]() {
    return new Pieces(this.#about.name);
  }
  [customInspect](depth, options) {
    const { name, size, sha256 } = this.#about;
    return `Artifact ${inspect({ name, size, sha256 }, options)}`;
  }
}

function get(name) {
  return new Promise((resolve, reject) => {
    needName(name, 'artifacts.get');
    hostCallWith(
      'artifact.list',
      {},
      guarded(reject, (all) => {
        for (let i = 0; i < all.length; i++)
          if (all[i].name === name) {
            resolve(new Artifact(all[i]));
            return;
          }
        reject(new NotFound(`artifacts.get: '${name}' is not among the job's artifacts`));
      }),
      reject,
    );
  });
}

// ---- putting ----

// Text and bytes as a Uint8Array, else undefined.
function wholeOf(data) {
  if (typeof data === 'string') return text.encode(data);
  return isBufferSource(data) ? bytesOf(data) : undefined;
}

function sourceOf(data) {
  if (data !== null && (typeof data === 'object' || typeof data === 'function')) {
    if (data[asyncIterator] !== undefined || data[iterator] !== undefined) return data;
    if (typeof data.stream === 'function') return data.stream(); // a Blob
  }
  throw new InvalidArgument(
    `artifacts.put: found ${inspect(data, { depth: 0 })}; allowed: a string, bytes, a Blob, a ReadableStream, or what iterates over such`,
  );
}

async function pour(stream, source, resolve, reject) {
  try {
    for await (const piece of source) {
      const bytes = wholeOf(piece);
      if (bytes === undefined)
        throw new InvalidArgument(`artifacts.put: found a piece of type ${typeof piece}; allowed: strings and bytes`);
      await new Promise((ok, no) => stream.writeWith(bytes, ok, no));
    }
  } catch (e) {
    stream.abort(e instanceof HostError ? e.message : 'its source failed');
    reject(e);
    return;
  }
  resolve();
}

function put(name, data, options) {
  return new Promise((resolve, reject) => {
    needName(name, 'artifacts.put');
    const type = options?.type;
    if (type !== undefined && typeof type !== 'string')
      throw new InvalidArgument(`artifacts.put: the type must be a string, found ${typeof type}`);
    const whole = wholeOf(data);
    const source = whole === undefined ? sourceOf(data) : undefined;
    const size = whole === undefined ? undefined : typedArrayByteLength(whole);
    const begun = ({ stream: number }) => {
      const stream = new HostStream(number);
      const end = guarded(reject, () => {
        stream.close();
        hostCallWith('artifact.put_end', { __proto__: null, name }, resolve, reject);
      });
      if (whole !== undefined) stream.writeWith(whole, end, reject);
      else pour(stream, source, end, reject);
    };
    hostCallWith('artifact.put', { __proto__: null, name, type, size }, guarded(reject, begun), reject);
  });
}

const methods = {
  list() {
    return hostCall('artifact.list', {});
  },
  get(name) {
    return get(name);
  },
  put(name, data, options = undefined) {
    return put(name, data, options);
  },
};

export const artifacts = define({}, methods, false);
defineProperty(artifacts, toStringTag, { __proto__: null, value: 'artifacts' });
freeze(artifacts);
