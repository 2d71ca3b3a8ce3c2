// FileReader (https://w3c.github.io/FileAPI/#APIASynch). A blob's bytes are at hand, so a read is a row of tasks
// with an event each: loadstart, progress (unless it is empty), load, loadend.
import { customInspect, fromCharCode, mapGet, typedArrayBuffer, typedArrayByteLength, typedArraySlice } from '../../primordials.js';
import { DOMException } from '../dom_exception.js';
import { inspect } from '../../inspect.js';
import { installConstants, needArguments, shapeInterface } from '../interface.js';
import { decodeWith, TextDecoder } from '../text_coding.js';
import { queueTask } from '../timers.js';
import { blobBytes, isBlob } from '../blob/index.js';
import { EventTarget, ProgressEvent, defineHandler, fire, trusted } from '../events/index.js';
import { parseMimeType } from '../fetch/index.js';

const EMPTY = 0;
const LOADING = 1;
const DONE = 2;

const PIECE = 4096; // characters of a binary string made at once

function decoderOf(label) {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

// The encoding that the bytes begin with; or the label's, or the type's, or UTF-8.
function textOf(bytes, label, type) {
  const { 0: a, 1: b, 2: c } = bytes;
  let decoder;
  if (a === 0xef && b === 0xbb && c === 0xbf) decoder = new TextDecoder('utf-8');
  else if (a === 0xfe && b === 0xff) decoder = new TextDecoder('utf-16be');
  else if (a === 0xff && b === 0xfe) decoder = new TextDecoder('utf-16le');
  else if (label !== undefined) decoder = decoderOf(label);
  if (decoder === undefined) {
    const parsed = parseMimeType(type);
    const charset = parsed === undefined ? undefined : mapGet(parsed.parameters, 'charset');
    if (charset !== undefined) decoder = decoderOf(charset);
  }
  return decodeWith(decoder ?? new TextDecoder('utf-8'), bytes, false);
}

function binaryOf(bytes) {
  let out = '';
  const all = typedArrayByteLength(bytes);
  for (let at = 0; at < all; at += PIECE) {
    let piece = '';
    for (let i = at; i < all && i < at + PIECE; i++) piece += fromCharCode(bytes[i]);
    out += piece;
  }
  return out;
}

export class FileReader extends EventTarget {
  #state = EMPTY;
  #result = null;
  #error = null;
  #reading; // what is being read: an object of its own

  get readyState() {
    return this.#state;
  }
  get result() {
    return this.#result;
  }
  get error() {
    return this.#error;
  }
  readAsArrayBuffer(blob) {
    this.#read(arguments.length, blob, 'readAsArrayBuffer', (bytes) => typedArrayBuffer(typedArraySlice(bytes, 0)));
  }
  readAsBinaryString(blob) {
    this.#read(arguments.length, blob, 'readAsBinaryString', binaryOf);
  }
  readAsText(blob, encoding = undefined) {
    const label = encoding === undefined ? undefined : `${encoding}`;
    this.#read(arguments.length, blob, 'readAsText', (bytes, type) => textOf(bytes, label, type));
  }
  readAsDataURL(blob) {
    this.#read(arguments.length, blob, 'readAsDataURL', (bytes, type) => `data:${type === '' ? 'application/octet-stream' : type};base64,${native.text.base64(bytes)}`);
  }
  abort() {
    this.#result = null;
    if (this.#state !== LOADING) return;
    this.#state = DONE;
    this.#reading = undefined;
    this.#tell('abort', 0, 0);
    if (this.#state !== LOADING) this.#tell('loadend', 0, 0);
  }
  [customInspect](depth, options) {
    const { readyState, result, error } = this;
    return `FileReader ${inspect({ readyState, result, error }, options)}`;
  }

  #tell(type, loaded, total) {
    fire(this, trusted(() => new ProgressEvent(type, { __proto__: null, lengthComputable: total > 0, loaded, total })));
  }

  #read(count, blob, name, make) {
    this.#state;
    needArguments(count, 1, name);
    if (!isBlob(blob)) throw new TypeError(`${name}: the argument must be a Blob`);
    if (this.#state === LOADING) throw new DOMException(`${name}: a read is under way`, 'InvalidStateError');
    this.#state = LOADING;
    this.#result = null;
    this.#error = null;
    const reading = { __proto__: null };
    this.#reading = reading;
    const bytes = blobBytes(blob);
    const size = typedArrayByteLength(bytes);
    const { type } = blob;
    // A task, unless abort() came before.
    const then = (task) =>
      queueTask(() => {
        if (this.#reading === reading) task();
      });
    then(() => {
      this.#tell('loadstart', 0, size);
      then(() => {
        if (size > 0) this.#tell('progress', size, size);
        then(() => this.#finish(() => make(bytes, type), size));
      });
    });
  }

  #finish(make, size) {
    this.#state = DONE;
    this.#reading = undefined;
    let failed = false;
    try {
      this.#result = make();
    } catch (error) {
      this.#error = error; // a result that has no room
      failed = true;
    }
    this.#tell(failed ? 'error' : 'load', failed ? 0 : size, failed ? 0 : size);
    native.loop.drain();
    if (this.#state !== LOADING) this.#tell('loadend', failed ? 0 : size, failed ? 0 : size);
  }
}

installConstants(FileReader, { __proto__: null, EMPTY, LOADING, DONE });
shapeInterface(FileReader);
const handlers = ['loadstart', 'progress', 'load', 'abort', 'error', 'loadend'];
for (let i = 0; i < handlers.length; i++) defineHandler(FileReader, handlers[i]);
