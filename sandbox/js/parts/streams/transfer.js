// Transfer of streams through structuredClone and message ports
// (https://streams.spec.whatwg.org/#transferrable-streams): the stream is piped into one end of a channel, and the
// other end is the stream that takes its place. Every chunk is cloned on its way, in a task of its own, as if
// the two were in different realms.
import { functionHasInstance, hasOwn } from '../../primordials.js';
import { cloneable, copy } from '../cloneable.js';
import { DOMException } from '../dom_exception.js';
import { queueTask } from '../timers.js';
import { ReadableStream, TransformStream, WritableStream } from 'web-streams-polyfill';

// Two ends; what one posts, the other's `take(type, value)` gets. A closed end takes nothing any more.
function channel() {
  const end = () => ({ __proto__: null, take: undefined, closed: false, other: undefined });
  const one = end();
  const two = end();
  one.other = two;
  two.other = one;
  return { one, two };
}

// Throws what cannot be cloned.
function post(end, type, value) {
  const { value: copied } = copy(value, undefined);
  const { other } = end;
  queueTask(() => {
    if (!other.closed) other.take(type, copied);
  });
}

// PackAndPostMessageHandlingError: the other end hears of what could not be cloned.
function postHandlingError(end, type, value) {
  try {
    post(end, type, value);
  } catch (error) {
    postError(end, error);
    end.closed = true;
    throw error;
  }
}

// SendOnCrossRealmTransform's error: a reason that cannot be cloned itself is lost.
function postError(end, reason) {
  try {
    post(end, 'error', reason);
  } catch {
    post(end, 'error', undefined);
  }
}

// SetUpCrossRealmTransformReadable
function readableOf(end) {
  let controller;
  end.take = (type, value) => {
    if (type === 'chunk') controller.enqueue(value);
    else if (type === 'close') {
      end.closed = true;
      controller.close();
    } else if (type === 'error') {
      end.closed = true;
      controller.error(value);
    }
  };
  return new ReadableStream(
    {
      __proto__: null,
      start(own) {
        controller = own;
      },
      pull() {
        post(end, 'pull', undefined);
      },
      cancel(reason) {
        try {
          postHandlingError(end, 'error', reason);
        } finally {
          end.closed = true;
        }
      },
    },
    { __proto__: null, highWaterMark: 0 },
  );
}

// SetUpCrossRealmTransformWritable
function writableOf(end) {
  let controller;
  let release; // of the backpressure; undefined: there is none
  let pressure = new Promise((resolve) => {
    release = resolve;
  });
  const relieve = () => {
    const free = release;
    release = undefined;
    pressure = undefined;
    free?.();
  };
  end.take = (type, value) => {
    if (type === 'error') {
      end.closed = true;
      controller.error(value);
    }
    if (type === 'pull' || type === 'error') relieve();
  };
  return new WritableStream(
    {
      __proto__: null,
      start(own) {
        controller = own;
      },
      async write(chunk) {
        if (pressure !== undefined) await pressure;
        pressure = new Promise((resolve) => {
          release = resolve;
        });
        postHandlingError(end, 'chunk', chunk);
      },
      close() {
        post(end, 'close', undefined);
        end.closed = true;
      },
      abort(reason) {
        try {
          postHandlingError(end, 'error', reason);
        } finally {
          end.closed = true;
        }
      },
    },
    { __proto__: null, highWaterMark: 1 },
  );
}

function moveReadable(stream) {
  const { one, two } = channel();
  stream.pipeTo(writableOf(one)).catch(() => {});
  return readableOf(two);
}

function moveWritable(stream) {
  const { one, two } = channel();
  readableOf(one).pipeTo(stream).catch(() => {});
  return writableOf(two);
}

// A TransformStream of two streams that are there: its own are replaced.
function moveTransform({ readable, writable }) {
  const stream = new TransformStream();
  stream._readable = moveReadable(readable);
  stream._writable = moveWritable(writable);
  return stream;
}

const refused = (name, why) => new DOMException(`A ${name} could not be ${why}`, 'DataCloneError');

function transferable(type, name, own, locked, move) {
  cloneable({
    __proto__: null,
    is: (value) => typeof value === 'object' && value !== null && hasOwn(value, own) && functionHasInstance(type, value),
    take: () => {
      throw refused(name, 'cloned: it must be in the transfer list');
    },
    transfers: (stream) => {
      if (locked(stream)) throw refused(name, 'transferred: it is locked');
      return true;
    },
    move,
  });
}

transferable(ReadableStream, 'ReadableStream', '_readableStreamController', (s) => s.locked, moveReadable);
transferable(WritableStream, 'WritableStream', '_writableStreamController', (s) => s.locked, moveWritable);
transferable(TransformStream, 'TransformStream', '_transformStreamController', (s) => s.readable.locked || s.writable.locked, moveTransform);
