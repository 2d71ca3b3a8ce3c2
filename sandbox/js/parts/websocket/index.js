// WebSocket (https://websockets.spec.whatwg.org/) through the supervisor (executor/services/websocket.c), which
// connects, shakes hands and speaks frames; here are messages and events. Records on the stream between the two
// stand in executor/services/websocket_ask.h. An open one keeps the job going: close() ends it.
import {
  charCodeAt,
  customInspect,
  floor,
  fromCharCode,
  isBufferSource,
  bytesOf,
  iterator,
  jsonParse,
  list,
  push,
  stringIndexOf,
  stringSlice,
  stringToLowerCase,
  stringToWellFormed,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArraySet,
  typedArraySlice,
  typedArraySubarray,
} from '../../primordials.js';
import { DOMException } from '../dom_exception.js';
import { hostCall, hostCallWith } from '../host_call.js';
import { inspect } from '../../inspect.js';
import { dictionary, installConstants, needArguments, sequence, shapeInterface } from '../interface.js';
import { lazy } from '../../parts.js';
import { HostStream } from '../stream_call.js';
import { queueTask, startTimer, stopTimer } from '../timers.js';
import { blobBytes, blobOf, concat, isBlob } from '../blob/index.js';
import { CloseEvent, ErrorEvent, Event, EventTarget, MessageEvent, defineHandler, fire, trusted } from '../events/index.js';
import { URL } from '../url/index.js';

const { text, loop } = native;
const fetching = lazy('fetch');

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const UTF_8 = 0;
const KEEP_BOM = 2;

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const HEAD = 8; // bytes of a record's head
const REASON_MAX = 123;
const ABNORMAL = 1006;
const CLOSE_MS = 10000; // for what is on its way, and the closing handshake

let tags = 0; // of those that are connecting, for websocket.cancel

// A whole message, or a Close, as one record; the bytes are copied.
function recordOf(kind, bytes) {
  const size = typedArrayByteLength(bytes);
  const out = new Uint8Array(HEAD + size);
  out[0] = kind;
  out[1] = 1;
  for (let i = 0, rest = size; i < 4; i++, rest = floor(rest / 256)) out[4 + i] = rest % 256;
  typedArraySet(out, bytes, HEAD);
  return out;
}

// Records as they come, cut anywhere; tells each whole message once: its kind and its bytes.
class Reader {
  #bytes; // what was given and is not read yet
  #at = 0;
  #head = new Uint8Array(HEAD);
  #have = 0;
  #left = 0;
  #parts = list();

  give(bytes) {
    this.#bytes = bytes;
    this.#at = 0;
  }
  // {kind, bytes}, or undefined: more must come.
  next() {
    const all = typedArrayByteLength(this.#bytes);
    for (;;) {
      while (this.#have < HEAD && this.#at < all) this.#head[this.#have++] = this.#bytes[this.#at++];
      if (this.#have < HEAD) return undefined;
      if (this.#have === HEAD) {
        const head = this.#head;
        this.#left = head[4] + head[5] * 256 + head[6] * 65536 + head[7] * 16777216;
        this.#have++; // it has been read
      }
      const until = this.#at + this.#left < all ? this.#at + this.#left : all;
      if (until > this.#at) push(this.#parts, typedArraySlice(this.#bytes, this.#at, until));
      this.#left -= until - this.#at;
      this.#at = until;
      if (this.#left > 0) return undefined;
      this.#have = 0;
      if (this.#head[1] === 0) continue;
      const parts = this.#parts;
      this.#parts = list();
      return { __proto__: null, kind: this.#head[0], bytes: parts.length === 1 ? parts[0] : concat(parts) };
    }
  }
}

const isTokenUnit = (unit) =>
  unit > 32 && unit < 127 && stringIndexOf('"(),/:;<=>?@[\\]{}', fromCharCode(unit)) < 0;

function isToken(name) {
  for (let i = 0; i < name.length; i++) if (!isTokenUnit(charCodeAt(name, i))) return false;
  return name !== '';
}

function urlOf(value) {
  const parsed = URL.parse(stringToWellFormed(`${value}`));
  const wrong = (allowed) => new DOMException(`WebSocket: found "${stringSlice(`${value}`, 0, 200)}"; allowed: ${allowed}`, 'SyntaxError');
  if (parsed === null) throw wrong('an absolute URL');
  if (parsed.protocol === 'http:') parsed.protocol = 'ws:';
  else if (parsed.protocol === 'https:') parsed.protocol = 'wss:';
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') throw wrong('a URL of wss:, ws:, https: or http:');
  if (stringIndexOf(parsed.href, '#') >= 0) throw wrong('a URL without a fragment');
  return parsed;
}

function checkProtocols(protocols) {
  for (let i = 0; i < protocols.length; i++) {
    if (!isToken(protocols[i])) throw new DOMException(`WebSocket: protocols: found "${protocols[i]}"; allowed: tokens`, 'SyntaxError');
    for (let k = 0; k < i; k++)
      if (stringToLowerCase(protocols[k]) === stringToLowerCase(protocols[i]))
        throw new DOMException(`WebSocket: protocols: found "${protocols[i]}" twice`, 'SyntaxError');
  }
  return protocols;
}

function protocolsOf(value) {
  const protocols = list();
  if (value === undefined) return protocols;
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
    const items = sequence(value, 'WebSocket: protocols');
    for (let i = 0; i < items.length; i++) push(protocols, `${items[i]}`);
  } else push(protocols, `${value}`);
  return checkProtocols(protocols);
}

// {protocols, headers}: the second argument as protocols, or an object of both, as servers' runtimes have it.
function optionsOf(value) {
  if (typeof value !== 'object' || value === null || typeof value[iterator] === 'function')
    return { __proto__: null, protocols: protocolsOf(value), headers: list() };
  const { protocols, headers } = dictionary(value, 'WebSocket');
  const wire = list();
  if (headers === undefined) return { __proto__: null, protocols: protocolsOf(protocols), headers: wire };
  const { Headers, headersInside } = fetching();
  const all = headersInside.entries(new Headers(headers));
  for (let i = 0; i < all.length; i++) {
    push(wire, all[i].name);
    push(wire, all[i].value);
  }
  return { __proto__: null, protocols: protocolsOf(protocols), headers: wire };
}

// [Clamp] unsigned short
function clamped(value) {
  const n = +value;
  if (n !== n || n <= 0) return 0;
  if (n >= 65535) return 65535;
  const low = floor(n);
  return n - low > 0.5 || (n - low === 0.5 && low % 2 === 1) ? low + 1 : low;
}

export class WebSocket extends EventTarget {
  #url;
  #state = CONNECTING;
  #protocol = '';
  #binaryType = 'blob';
  #tag = 0; // while it is connecting
  #timer; // while it is closing
  #stream;
  #reader = new Reader();
  // Messages on their way: {size, end: position in the stream, next}.
  #first;
  #last;
  #written = 0; // bytes of the stream
  #waiting = 0; // sizes of those messages
  #dropped = 0; // bytes that were sent when it was closing

  constructor(url, protocols = undefined) {
    needArguments(arguments.length, 1, 'WebSocket');
    super();
    this.#url = urlOf(url);
    const { protocols: offered, headers } = optionsOf(protocols);
    this.#connect(offered, headers);
  }
  get url() {
    return this.#url.href;
  }
  get readyState() {
    return this.#state;
  }
  get bufferedAmount() {
    return this.#amount() + this.#dropped;
  }
  get extensions() {
    this.#url;
    return '';
  }
  get protocol() {
    return this.#protocol;
  }
  get binaryType() {
    return this.#binaryType;
  }
  set binaryType(value) {
    this.#binaryType;
    value = `${value}`;
    if (value === 'blob' || value === 'arraybuffer') this.#binaryType = value;
  }

  close(code = undefined, reason = undefined) {
    this.#url;
    const asked = code === undefined ? undefined : clamped(code);
    const why = text.encode(reason === undefined ? '' : stringToWellFormed(`${reason}`));
    if (asked !== undefined && asked !== 1000 && (asked < 3000 || asked > 4999))
      throw new DOMException(`close: code: found ${asked}; allowed: 1000, or from 3000 to 4999`, 'InvalidAccessError');
    if (typedArrayByteLength(why) > REASON_MAX)
      throw new DOMException(`close: reason: found ${typedArrayByteLength(why)} bytes; allowed: up to ${REASON_MAX}`, 'SyntaxError');
    if (this.#state === CLOSING || this.#state === CLOSED) return;
    if (this.#state === CONNECTING) {
      this.#state = CLOSING;
      hostCall('websocket.cancel', { __proto__: null, tag: this.#tag }).catch(() => {});
      return;
    }
    this.#state = CLOSING;
    const size = typedArrayByteLength(why);
    const coded = asked !== undefined || size > 0;
    const body = new Uint8Array(coded ? 2 + size : 0);
    if (coded) {
      body[0] = floor((asked ?? 1000) / 256);
      body[1] = (asked ?? 1000) % 256;
      typedArraySet(body, why, 2);
    }
    this.#write(CLOSE, body);
    this.#timer = startTimer(() => {
      this.#timer = undefined;
      this.#stream.abort('it was not closed in time');
    }, CLOSE_MS);
  }

  send(data) {
    this.#url;
    needArguments(arguments.length, 1, 'send');
    let kind = BINARY;
    let bytes;
    if (isBlob(data)) bytes = blobBytes(data);
    else if (isBufferSource(data)) bytes = bytesOf(data);
    else {
      kind = TEXT;
      bytes = text.encode(stringToWellFormed(`${data}`));
    }
    if (this.#state === CONNECTING) throw new DOMException('send: the WebSocket is not open: it is still connecting', 'InvalidStateError');
    const size = typedArrayByteLength(bytes);
    if (this.#state !== OPEN) {
      this.#dropped += size;
      return;
    }
    this.#write(kind, bytes);
    const message = { __proto__: null, size, end: this.#written, next: undefined };
    if (this.#first === undefined) this.#first = message;
    else this.#last.next = message;
    this.#last = message;
    this.#waiting += size;
    this.#amount();
  }

  [customInspect](depth, options) {
    const { url, readyState, protocol } = this;
    return `WebSocket ${inspect({ url, readyState, protocol }, options)}`;
  }

  #write(kind, bytes) {
    const record = recordOf(kind, bytes);
    this.#written += typedArrayByteLength(record);
    this.#stream.writeWith(record, () => {}, () => {}); // what goes wrong is told by the reading
  }

  // Bytes of messages that the supervisor has not sent yet.
  #amount() {
    if (this.#stream === undefined) return this.#waiting;
    const sent = this.#written - this.#stream.unsent();
    while (this.#first !== undefined && this.#first.end <= sent) {
      this.#waiting -= this.#first.size;
      this.#first = this.#first.next;
    }
    if (this.#first === undefined) return 0;
    const { size, end } = this.#first;
    return this.#waiting - (end - sent < size ? size - (end - sent) : 0);
  }

  #connect(protocols, headers) {
    this.#tag = ++tags;
    const ask = { __proto__: null, url: this.#url.href, tag: this.#tag };
    if (protocols.length > 0) ask.protocols = protocols;
    if (headers.length > 0) ask.headers = headers;
    const failed = (error) => this.#fail(error);
    try {
      hostCallWith('websocket', ask, (answer) => this.#open(answer), failed);
    } catch (error) {
      queueTask(() => failed(error)); // it cannot be asked
    }
  }

  #open({ protocol, stream }) {
    this.#stream = new HostStream(stream);
    if (this.#state === CLOSING) {
      // close() has crossed the answer.
      this.#stream.abort('closed');
      this.#fail(new DOMException('closed before it was open', 'AbortError'));
      return;
    }
    this.#state = OPEN;
    this.#protocol = protocol;
    fire(this, trusted(() => new Event('open')));
    loop.drain();
    this.#listen();
  }

  #listen() {
    this.#stream.readWith((bytes, told) => {
      if (bytes === undefined) this.#ended(told);
      else {
        this.#take(bytes);
        this.#listen();
      }
    }, (error) => this.#fail(error));
  }

  #take(bytes) {
    this.#reader.give(bytes);
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      if (this.#state !== OPEN) continue;
      const data = this.#dataOf(message);
      const { origin } = this.#url;
      fire(this, trusted(() => new MessageEvent('message', { __proto__: null, data, origin })));
      loop.drain();
    }
  }

  #dataOf({ kind, bytes }) {
    if (kind === TEXT) return text.decode(UTF_8, bytes, KEEP_BOM, undefined);
    return this.#binaryType === 'blob' ? blobOf(bytes, '') : typedArrayBuffer(bytes);
  }

  // Both sides have closed; told: {"code", "reason"} of the server's Close.
  #ended(told) {
    const { code, reason } = jsonParse(told);
    this.#over(true, code, reason);
  }
  #fail(error) {
    if (this.#state === CLOSED) return;
    this.#over(false, ABNORMAL, '', error);
  }
  #over(wasClean, code, reason, error = undefined) {
    if (this.#timer !== undefined) stopTimer(this.#timer);
    this.#timer = undefined;
    this.#waiting = this.#amount();
    this.#first = this.#last = undefined;
    this.#stream = undefined;
    this.#state = CLOSED;
    if (!wasClean) {
      const message = `WebSocket: ${error?.message ?? error}`;
      fire(this, trusted(() => new ErrorEvent('error', { __proto__: null, message, error })));
      loop.drain();
    }
    fire(this, trusted(() => new CloseEvent('close', { __proto__: null, wasClean, code, reason })));
  }
}

installConstants(WebSocket, { __proto__: null, CONNECTING, OPEN, CLOSING, CLOSED });
shapeInterface(WebSocket);
defineHandler(WebSocket, 'open');
defineHandler(WebSocket, 'message');
defineHandler(WebSocket, 'error');
defineHandler(WebSocket, 'close');
