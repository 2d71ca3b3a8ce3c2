// Bodies of requests and responses (https://fetch.spec.whatwg.org/#bodies): bytes at hand or a stream, and what
// the mixin gives of them.
//
// Bytes become a stream only when a script looks at `body`: most bodies are read whole, or sent.
import {
  bytesOf,
  define,
  isBufferSource,
  jsonParse,
  list,
  push,
  stringToWellFormed,
  typedArrayByteLength,
  typedArraySlice,
  typedArrayTag,
} from '../../primordials.js';
import { lazy } from '../../parts.js';
import { blobBytes, blobOf, concat, isBlob } from '../blob/index.js';
import { ReadableStream, emptyStream, isDisturbed, isReadableStream, textStreamOf } from '../streams/index.js';
import { isFormData, multipartOf, parseMultipart, parseUrlencoded } from './form_data.js';
import { mimeTypeOf, mimeTypeText } from './mime.js';

const { text } = native;
const url = lazy('url');

const UTF_8 = 0;

export const bodyOfBytes = (bytes) => ({ __proto__: null, bytes, stream: undefined, used: false });
export const bodyOfStream = (stream) => ({ __proto__: null, bytes: undefined, stream, used: false });

// {body, type}: of anything that may stand as a body (Web IDL: BodyInit).
export function extractBody(value) {
  const made = (bytes, type) => ({ __proto__: null, body: bodyOfBytes(bytes), type });
  if (isReadableStream(value)) {
    if (isDisturbed(value) || value.locked) throw new TypeError('found a stream that is locked or has been read; allowed: a fresh one');
    return { __proto__: null, body: bodyOfStream(value), type: null };
  }
  if (isBlob(value)) return made(blobBytes(value), value.type === '' ? null : value.type);
  if (isBufferSource(value)) return made(typedArraySlice(bytesOf(value), 0), null);
  if (isFormData(value)) {
    const { bytes, boundary } = multipartOf(value);
    return made(bytes, `multipart/form-data; boundary=${boundary}`);
  }
  if (typeof value === 'object' && url().isURLSearchParams(value))
    return made(text.encode(`${value}`), 'application/x-www-form-urlencoded;charset=UTF-8');
  return made(text.encode(stringToWellFormed(`${value}`)), 'text/plain;charset=UTF-8');
}

export function streamOf(body) {
  if (body.stream !== undefined) return body.stream;
  const { bytes, used } = body;
  body.stream = new ReadableStream(
    {
      __proto__: null,
      type: 'bytes',
      pull(controller) {
        if (typedArrayByteLength(bytes) > 0) controller.enqueue(typedArraySlice(bytes, 0));
        controller.close();
        controller.byobRequest?.respond(0);
      },
    },
    { __proto__: null, highWaterMark: 0 },
  );
  if (used) body.stream.getReader().cancel(); // it has been read
  return body.stream;
}

export const isUsed = (body) => (body.stream === undefined ? body.used : isDisturbed(body.stream));
export const isUnusable = (body) => isUsed(body) || (body.stream !== undefined && body.stream.locked);

// All of it, as bytes that belong to the caller.
export async function consume(body) {
  if (body.stream === undefined) {
    body.used = true;
    return typedArraySlice(body.bytes, 0);
  }
  const reader = body.stream.getReader();
  const parts = list();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parts.length === 1 ? parts[0] : concat(parts);
    if (typedArrayTag(value) !== 'Uint8Array') {
      const error = new TypeError('found a chunk of a body that is no Uint8Array');
      reader.cancel(error).catch(() => {});
      throw error;
    }
    push(parts, value);
  }
}

// The same body twice.
export function cloneBody(body) {
  if (body.stream === undefined) return bodyOfBytes(body.bytes);
  const { 0: one, 1: other } = body.stream.tee();
  body.stream = one;
  return bodyOfStream(other);
}

// The members of the mixin: inside.body(this) throws for what is no such object, inside.headers() gives its headers.
export function mixBody(type, inside) {
  const read = async (object) => {
    const body = inside.body(object);
    if (body === null) return new Uint8Array(0);
    if (isUnusable(body)) throw new TypeError('the body has been read already, or is locked');
    return consume(body);
  };
  define(type.prototype, {
    get body() {
      const body = inside.body(this);
      return body === null ? null : streamOf(body);
    },
    get bodyUsed() {
      const body = inside.body(this);
      return body !== null && isUsed(body);
    },
    async arrayBuffer() {
      return (await read(this)).buffer;
    },
    async blob() {
      const bytes = await read(this);
      const mime = mimeTypeOf(inside.headers(this));
      return blobOf(bytes, mime === undefined ? '' : mimeTypeText(mime));
    },
    async bytes() {
      return read(this);
    },
    async formData() {
      const bytes = await read(this);
      const mime = mimeTypeOf(inside.headers(this));
      if (mime?.essence === 'multipart/form-data') return parseMultipart(bytes, mime);
      if (mime?.essence === 'application/x-www-form-urlencoded') return parseUrlencoded(bytes);
      throw new TypeError('formData: found a Content-Type that is no form\'s; allowed: multipart/form-data, application/x-www-form-urlencoded');
    },
    async json() {
      return jsonParse(text.decode(UTF_8, await read(this), 0, undefined));
    },
    textStream() {
      const body = inside.body(this);
      if (body !== null && isUnusable(body)) throw new TypeError('the body has been read already, or is locked');
      return textStreamOf(body === null ? emptyStream() : streamOf(body));
    },
    async text() {
      return text.decode(UTF_8, await read(this), 0, undefined);
    },
  }, true);
}
