// The events with something to say: ErrorEvent, PromiseRejectionEvent (HTML), MessageEvent (HTML),
// CloseEvent (WebSockets), ProgressEvent (XMLHttpRequest).
import { Promise, TypeError, freeze, stringToWellFormed, toArray, list } from '../../primordials.js';
import { dictionary, needArguments, sequence, shapeInterface, toInteger } from '../interface.js';
import { Event, inside } from './event.js';

const usv = (value) => stringToWellFormed(`${value}`);

export class ErrorEvent extends Event {
  #message;
  #filename;
  #lineno;
  #colno;
  #error;
  constructor(type, init = undefined) {
    needArguments(arguments.length, 1, 'ErrorEvent');
    super(type, init);
    const { colno = 0, error, filename = '', lineno = 0, message = '' } = dictionary(init, 'ErrorEvent');
    this.#colno = toInteger(colno, 32, false);
    this.#error = error;
    this.#filename = usv(filename);
    this.#lineno = toInteger(lineno, 32, false);
    this.#message = `${message}`;
  }
  get message() {
    return this.#message;
  }
  get filename() {
    return this.#filename;
  }
  get lineno() {
    return this.#lineno;
  }
  get colno() {
    return this.#colno;
  }
  get error() {
    return this.#error;
  }
  static {
    inside.isErrorEvent = (event) => #message in event;
  }
}

export class PromiseRejectionEvent extends Event {
  #promise;
  #reason;
  constructor(type, init) {
    needArguments(arguments.length, 2, 'PromiseRejectionEvent');
    super(type, init);
    const { promise, reason } = dictionary(init, 'PromiseRejectionEvent');
    if (promise === undefined)
      throw new TypeError('PromiseRejectionEvent: the member promise is needed');
    this.#promise =
      typeof promise === 'object' || typeof promise === 'function'
        ? promise
        : new Promise((resolve) => resolve(promise));
    this.#reason = reason;
  }
  get promise() {
    return this.#promise;
  }
  get reason() {
    return this.#reason;
  }
}

export class MessageEvent extends Event {
  #data;
  #origin;
  #lastEventId;
  #source;
  #ports;
  constructor(type, init = undefined) {
    needArguments(arguments.length, 1, 'MessageEvent');
    super(type, init);
    const own = dictionary(init, 'MessageEvent');
    const { data = null, lastEventId = '', origin = '', ports, source = null } = own;
    this.#data = data;
    this.#lastEventId = `${lastEventId}`;
    this.#origin = usv(origin);
    this.#ports = freeze(toArray(ports === undefined ? list() : portsOf(ports)));
    this.#source = sourceOf(source);
  }
  get data() {
    return this.#data;
  }
  get origin() {
    return this.#origin;
  }
  get lastEventId() {
    return this.#lastEventId;
  }
  get source() {
    return this.#source;
  }
  get ports() {
    return this.#ports;
  }
  initMessageEvent(type, bubbles = false, cancelable = false, data = null, origin = '', lastEventId = '', source = null, ports = undefined) {
    needArguments(arguments.length, 1, 'initMessageEvent');
    this.#data;
    if (!inside.init(this, `${type}`, !!bubbles, !!cancelable)) return;
    this.#data = data;
    this.#origin = usv(origin);
    this.#lastEventId = `${lastEventId}`;
    this.#source = sourceOf(source);
    this.#ports = freeze(toArray(ports === undefined ? list() : portsOf(ports)));
  }
}

// messaging.js in the part of that name says what a port is.
const isPort = (value) => inside.isPort !== undefined && inside.isPort(value);

function portsOf(value) {
  const ports = sequence(value, 'MessageEvent: ports');
  for (let i = 0; i < ports.length; i++)
    if (!isPort(ports[i])) throw new TypeError('MessageEvent: ports must hold MessagePorts');
  return ports;
}

function sourceOf(value) {
  if (value === undefined || value === null || isPort(value)) return value ?? null;
  throw new TypeError('MessageEvent: source must be a MessagePort or null');
}

export class CloseEvent extends Event {
  #wasClean;
  #code;
  #reason;
  constructor(type, init = undefined) {
    needArguments(arguments.length, 1, 'CloseEvent');
    super(type, init);
    const { code = 0, reason = '', wasClean = false } = dictionary(init, 'CloseEvent');
    this.#code = toInteger(code, 16, false);
    this.#reason = usv(reason);
    this.#wasClean = !!wasClean;
  }
  get wasClean() {
    return this.#wasClean;
  }
  get code() {
    return this.#code;
  }
  get reason() {
    return this.#reason;
  }
}

export class ProgressEvent extends Event {
  #lengthComputable;
  #loaded;
  #total;
  constructor(type, init = undefined) {
    needArguments(arguments.length, 1, 'ProgressEvent');
    super(type, init);
    const { lengthComputable = false, loaded = 0, total = 0 } = dictionary(init, 'ProgressEvent');
    this.#lengthComputable = !!lengthComputable;
    this.#loaded = +loaded;
    this.#total = +total;
  }
  get lengthComputable() {
    return this.#lengthComputable;
  }
  get loaded() {
    return this.#loaded;
  }
  get total() {
    return this.#total;
  }
}

shapeInterface(ErrorEvent);
shapeInterface(PromiseRejectionEvent);
shapeInterface(MessageEvent);
shapeInterface(CloseEvent);
shapeInterface(ProgressEvent);
