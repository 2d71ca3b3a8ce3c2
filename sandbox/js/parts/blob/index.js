// Blob and File (https://w3c.github.io/FileAPI/). A blob is bytes in memory, which count against the job's
// budget; slices share them.
import {
  apply,
  bytesOf,
  charCodeAt,
  customInspect,
  floor,
  isBufferSource,
  iterator,
  list,
  mapDelete,
  mapGet,
  mapSet,
  max,
  min,
  push,
  replaceAll,
  stringIndexOf,
  stringSlice,
  stringToLowerCase,
  stringToWellFormed,
  typedArrayByteLength,
  typedArraySet,
  typedArraySlice,
  typedArraySubarray,
} from '../../primordials.js';
import { cloneable } from '../cloneable.js';
import { inspect } from '../../inspect.js';
import { dictionary, needArguments, shapeInterface } from '../interface.js';
import { ReadableStream, textStreamOf } from '../streams/index.js';

const { loop, random, text } = native;

const CHUNK = 65536; // bytes that a blob's stream gives at a time
const UTF_8 = 0;

export function concat(parts) {
  let length = 0;
  for (let i = 0; i < parts.length; i++) length += typedArrayByteLength(parts[i]);
  const out = new Uint8Array(length);
  for (let i = 0, at = 0; i < parts.length; i++) {
    typedArraySet(out, parts[i], at);
    at += typedArrayByteLength(parts[i]);
  }
  return out;
}

function nativeEndings(string) {
  return replaceAll(replaceAll(string, '\r\n', '\n'), '\r', '\n');
}

function typeOf(value) {
  const type = `${value}`;
  for (let i = 0; i < type.length; i++) {
    const unit = charCodeAt(type, i);
    if (unit < 0x20 || unit > 0x7e) return '';
  }
  return stringToLowerCase(type);
}

// The parts in turn, converted as they come: texts to well-formed ones, the rest as it is.
function partsOf(value, where) {
  const method = typeof value === 'object' || typeof value === 'function' ? value?.[iterator] : undefined;
  if (typeof method !== 'function') throw new TypeError(`${where}: must be iterable`);
  const out = list();
  for (const part of { __proto__: null, [iterator]: () => apply(method, value, []) })
    push(out, isBlob(part) || isBufferSource(part) ? part : stringToWellFormed(`${part}`));
  return out;
}

function bytesOfParts(parts, endings) {
  const out = list();
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (typeof part === 'string') push(out, text.encode(endings === 'native' ? nativeEndings(part) : part));
    else push(out, isBlob(part) ? blobBytes(part) : bytesOf(part));
  }
  return concat(out);
}

// Offsets of slice(): [Clamp] long long, which rounds half to even.
function offsetOf(value, size, otherwise) {
  if (value === undefined) return otherwise;
  const number = +value;
  if (number !== number) return 0;
  let at = floor(number);
  const rest = number - at;
  if (rest > 0.5 || (rest === 0.5 && at % 2 !== 0)) at++;
  return at < 0 ? max(size + at, 0) : min(at, size);
}

let adopted; // bytes for a Blob that is made here without parts

export class Blob {
  #bytes;
  #type;
  constructor(parts = undefined, options = undefined) {
    if (adopted !== undefined) {
      this.#bytes = adopted;
      this.#type = '';
      return;
    }
    const items = parts === undefined ? list() : partsOf(parts, 'Blob: the parts');
    const own = dictionary(options, 'Blob');
    let { endings } = own;
    endings = endings === undefined ? 'transparent' : `${endings}`;
    if (endings !== 'transparent' && endings !== 'native')
      throw new TypeError(`Blob: endings: found "${endings}"; allowed: transparent, native`);
    const { type } = own;
    const wanted = type === undefined ? '' : typeOf(type);
    this.#bytes = bytesOfParts(items, endings);
    this.#type = wanted;
  }
  get size() {
    return typedArrayByteLength(this.#bytes);
  }
  get type() {
    return this.#type;
  }
  slice(start = undefined, end = undefined, type = undefined) {
    const size = typedArrayByteLength(this.#bytes);
    const from = offsetOf(start, size, 0);
    const to = offsetOf(end, size, size);
    return blobOf(typedArraySubarray(this.#bytes, from, max(from, to)), type === undefined ? '' : typeOf(type));
  }
  stream() {
    return this.#stream();
  }
  #stream() {
    const bytes = this.#bytes;
    let at = 0;
    return new ReadableStream(
      {
        __proto__: null,
        type: 'bytes',
        pull(controller) {
          const next = min(at + CHUNK, typedArrayByteLength(bytes));
          if (next > at) controller.enqueue(typedArraySlice(bytes, at, next));
          at = next;
          if (at === typedArrayByteLength(bytes)) {
            controller.close();
            controller.byobRequest?.respond(0);
          }
        },
      },
      { __proto__: null, highWaterMark: 0 },
    );
  }
  textStream() {
    return textStreamOf(this.#stream());
  }
  async text() {
    return text.decode(UTF_8, this.#bytes, 0, undefined);
  }
  async arrayBuffer() {
    return typedArraySlice(this.#bytes, 0).buffer;
  }
  async bytes() {
    return typedArraySlice(this.#bytes, 0);
  }
  static is(value) {
    return typeof value === 'object' && value !== null && #bytes in value;
  }
  static bytesOf(blob) {
    return blob.#bytes;
  }
  static typeOf(blob) {
    return blob.#type;
  }
  static typeFor(blob, type) {
    blob.#type = type;
    return blob;
  }
  [customInspect](depth, options) {
    return `Blob ${inspect({ size: this.size, type: this.#type }, options)}`;
  }
}
const { is, bytesOf: ownBytes, typeOf: ownType, typeFor } = Blob;
delete Blob.is;
delete Blob.bytesOf;
delete Blob.typeOf;
delete Blob.typeFor;

// For other built-ins; the bytes are not copied, and never to be changed.
export const isBlob = is;
export const blobBytes = ownBytes;
export function blobOf(bytes, type) {
  adopted = bytes;
  try {
    return typeFor(new Blob(), type);
  } finally {
    adopted = undefined;
  }
}

export class File extends Blob {
  #name;
  #lastModified;
  constructor(parts, name, options = undefined) {
    if (adopted !== undefined) super();
    else {
      needArguments(arguments.length, 2, 'File');
      if (parts === undefined) throw new TypeError('File: the parts: must be iterable');
      super(parts, options);
    }
    this.#name = stringToWellFormed(`${name}`);
    const modified = dictionary(options, 'File').lastModified;
    this.#lastModified = modified === undefined ? loop.time() : whole(modified);
  }
  get name() {
    return this.#name;
  }
  get lastModified() {
    return this.#lastModified;
  }
  get webkitRelativePath() {
    if (!(#name in this)) throw new TypeError('Illegal invocation');
    return '';
  }
  static is(value) {
    return typeof value === 'object' && value !== null && #name in value;
  }
  static factsOf(file) {
    return { __proto__: null, name: file.#name, lastModified: file.#lastModified };
  }
  [customInspect](depth, options) {
    const { size, type, name, lastModified } = this;
    return `File ${inspect({ size, type, name, lastModified }, options)}`;
  }
}
export const isFile = File.is;
const { factsOf } = File;
delete File.is;
delete File.factsOf;

function whole(value) {
  const number = +value;
  return number !== number || number === Infinity || number === -Infinity ? 0 : number < 0 ? -floor(-number) : floor(number);
}

// A File of bytes that are given away.
export function fileOf(bytes, name, type, lastModified = undefined) {
  adopted = bytes;
  try {
    return typeFor(new File(undefined, name, { __proto__: null, lastModified }), type);
  } finally {
    adopted = undefined;
  }
}

shapeInterface(Blob);
shapeInterface(File);

// A clone shares the bytes, which never change.
cloneable({
  __proto__: null,
  is: isBlob,
  take: (blob) => {
    const { name, lastModified } = isFile(blob) ? factsOf(blob) : { __proto__: null };
    return { __proto__: null, bytes: ownBytes(blob), type: ownType(blob), name, lastModified };
  },
  make: ({ bytes, type, name, lastModified }) => (name === undefined ? blobOf(bytes, type) : fileOf(bytes, name, type, lastModified)),
});

// ---- URLs of blobs (URL.createObjectURL), for this job -----------------------------------------------------

let urls; // text → Blob

export function createObjectUrl(blob) {
  if (!isBlob(blob)) throw new TypeError('URL.createObjectURL: the argument must be a Blob');
  const url = `blob:null/${random.uuid()}`;
  urls ??= new Map();
  mapSet(urls, url, blob);
  return url;
}

export function revokeObjectUrl(url) {
  if (urls !== undefined) mapDelete(urls, url);
}

// The blob of a URL, whatever fragment it has; or undefined.
export function objectUrl(url) {
  const hash = stringIndexOf(url, '#');
  return urls === undefined ? undefined : mapGet(urls, hash < 0 ? url : stringSlice(url, 0, hash));
}

export function reset() {
  urls = undefined;
}
