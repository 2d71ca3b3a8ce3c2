// Streams (https://streams.spec.whatwg.org/) as web-streams-polyfill has them, which follows the reference
// implementation and passes its suite; TextEncoderStream and TextDecoderStream of the Encoding standard.
import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from 'web-streams-polyfill';
import { defineProperty, getPrototypeOf, hasOwn, objectKeys, setPrototypeOf } from '../../primordials.js';
import { customInspect } from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { shapeInterface } from '../interface.js';
import { TextDecoderStream, TextEncoderStream } from './text.js';
import './transfer.js';

const isByteStream = (stream) =>
  getPrototypeOf(stream._readableStreamController) === ReadableByteStreamController.prototype;

// What it keeps in properties stays, but nobody sees it listed.
const shown = {
  __proto__: null,
  ReadableStream: (s) => ({
    locked: s.locked,
    state: s._state,
    supportsBYOB: isByteStream(s),
  }),
  WritableStream: (s) => ({ locked: s.locked, state: s._state }),
  TransformStream: (s) => ({ readable: s.readable, writable: s.writable }),
  ByteLengthQueuingStrategy: (s) => ({ highWaterMark: s.highWaterMark }),
  CountQueuingStrategy: (s) => ({ highWaterMark: s.highWaterMark }),
};

function listInspected(type, name) {
  defineProperty(type.prototype, customInspect, {
    __proto__: null,
    value(depth, options) {
      const made = objectKeys(this).length > 0; // else: the prototype
      return `${name} ${inspect(made && shown[name] !== undefined ? shown[name](this) : {}, options)}`;
    },
    writable: true,
    configurable: true,
  });
}

const types = {
  __proto__: null,
  ByteLengthQueuingStrategy, CountQueuingStrategy, ReadableByteStreamController, ReadableStream, ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest, ReadableStreamDefaultController, ReadableStreamDefaultReader, TransformStream,
  TransformStreamDefaultController, WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter,
};
for (const name in types) listInspected(types[name], name);
shapeInterface(TextEncoderStream);
shapeInterface(TextDecoderStream);

// Iterators of a stream inherit from %AsyncIteratorPrototype%, whose own [Symbol.asyncIterator] they have.
const iteratorOfStream = getPrototypeOf(new ReadableStream().values());
setPrototypeOf(iteratorOfStream, getPrototypeOf(getPrototypeOf((async function* () {}).prototype)));
delete iteratorOfStream[Symbol.asyncIterator];

// For other parts: has anything of it been read, or has it been cancelled?
export const isDisturbed = (stream) => stream._disturbed;
export const isReadableStream = (value) =>
  typeof value === 'object' && value !== null && hasOwn(value, '_readableStreamController');

export const emptyStream = () => new ReadableStream({ __proto__: null, start: (controller) => controller.close() });
// A stream of UTF-8 as one of text.
export const textStreamOf = (stream) => stream.pipeThrough(new TextDecoderStream());

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TextDecoderStream,
  TextEncoderStream,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
};
