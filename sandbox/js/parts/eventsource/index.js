// EventSource (https://html.spec.whatwg.org/multipage/server-sent-events.html) over fetch: the same policy, the
// same bounds. An open one keeps the job going, as a pending request does: close() ends it.
import {
  charCodeAt,
  customInspect,
  fromCharCode,
  max,
  min,
  parseInt,
  stringIndexOf,
  stringSlice,
  stringStartsWith,
  stringToWellFormed,
} from '../../primordials.js';
import { DOMException } from '../dom_exception.js';
import { PermissionDenied } from '../host_errors.js';
import { inspect } from '../../inspect.js';
import { dictionary, installConstants, needArguments, shapeInterface } from '../interface.js';
import { decodeWith, TextDecoder } from '../text_coding.js';
import { startTimer, stopTimer } from '../timers.js';
import { AbortController, ErrorEvent, Event, EventTarget, MessageEvent, defineHandler, fire, trusted } from '../events/index.js';
import { contentTypeOf, fetch } from '../fetch/index.js';
import { URL } from '../url/index.js';

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

const RETRY_MS = 3000; // until the server says otherwise
const RETRY_MS_LEAST = 10;
const RETRY_MS_MOST = 3600000;

// Lines of a stream of events: give it text as it comes, it calls back for each whole event.
class Parser {
  #text = '';
  #afterCR = false; // a line feed that follows belongs to it
  #first = true;
  #data = '';
  #type = '';
  lastId = '';
  #id = '';
  constructor(lastId, onEvent, onRetry) {
    this.lastId = this.#id = lastId;
    this.onEvent = onEvent;
    this.onRetry = onRetry;
  }

  give(piece) {
    if (this.#afterCR && piece !== '') {
      this.#afterCR = false;
      if (piece[0] === '\n') piece = stringSlice(piece, 1);
    }
    // What stood here before has no line end: only the new part is looked through.
    let look = this.#text.length;
    const text = this.#text + piece;
    let from = 0;
    for (; look < text.length; look++) {
      const unit = charCodeAt(text, look);
      if (unit !== 10 && unit !== 13) continue;
      this.#line(stringSlice(text, from, look));
      if (unit === 13) {
        if (look + 1 === text.length) this.#afterCR = true;
        else if (charCodeAt(text, look + 1) === 10) look++;
      }
      from = look + 1;
    }
    this.#text = stringSlice(text, from);
  }

  #line(line) {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = stringIndexOf(line, ':');
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : stringSlice(line, 0, colon);
    let value = colon < 0 ? '' : stringSlice(line, colon + 1);
    if (stringStartsWith(value, ' ')) value = stringSlice(value, 1);
    if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data += `${value}\n`;
    else if (field === 'id') {
      if (stringIndexOf(value, '\0') < 0) this.#id = value;
    } else if (field === 'retry' && isDigits(value)) this.onRetry(min(parseInt(value, 10), RETRY_MS_MOST));
  }

  #dispatch() {
    const data = this.#data;
    const type = this.#type;
    this.lastId = this.#id;
    this.#data = this.#type = '';
    if (data !== '') this.onEvent(type === '' ? 'message' : type, stringSlice(data, 0, data.length - 1), this.lastId);
  }
}

function isDigits(text) {
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i);
    if (unit < 48 || unit > 57) return false;
  }
  return text !== '';
}

// A header's value is bytes: its characters stand for those of UTF-8.
function utf8AsBytes(string) {
  const bytes = native.text.encode(string);
  let out = '';
  for (let i = 0; i < bytes.length; i++) out += fromCharCode(bytes[i]);
  return out;
}

// A refusal that no second try will change.
const isFinal = (error) => error?.cause instanceof PermissionDenied;

export class EventSource extends EventTarget {
  #url;
  #withCredentials;
  #state = CONNECTING;
  #retryMs = RETRY_MS;
  #lastId = '';
  #abort; // of the request under way
  #timer;

  constructor(url, init = undefined) {
    needArguments(arguments.length, 1, 'EventSource');
    super();
    this.#withCredentials = !!dictionary(init, 'EventSource').withCredentials;
    const parsed = URL.parse(stringToWellFormed(`${url}`));
    if (parsed === null) throw new DOMException(`EventSource: found "${url}"; allowed: an absolute URL`, 'SyntaxError');
    this.#url = parsed.href;
    this.#connect();
  }
  get url() {
    return this.#url;
  }
  get withCredentials() {
    return this.#withCredentials;
  }
  get readyState() {
    return this.#state;
  }
  close() {
    this.#state = CLOSED;
    if (this.#timer !== undefined) stopTimer(this.#timer);
    this.#timer = undefined;
    this.#abort?.abort();
  }
  [customInspect](depth, options) {
    return `EventSource ${inspect({ url: this.#url, readyState: this.#state, withCredentials: this.#withCredentials }, options)}`;
  }

  async #connect() {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const headers = { __proto__: null, accept: 'text/event-stream', 'cache-control': 'no-store' };
      if (this.#lastId !== '') headers['last-event-id'] = utf8AsBytes(this.#lastId);
      const response = await fetch(this.#url, { __proto__: null, headers, signal: abort.signal, cache: 'no-store' });
      if (this.#state === CLOSED) return;
      if (response.status !== 200 || contentTypeOf(response) !== 'text/event-stream') {
        abort.abort();
        this.#fail(new TypeError(`found the status ${response.status}, Content-Type "${response.headers.get('content-type') ?? ''}"; allowed: 200, text/event-stream`));
        return;
      }
      this.#state = OPEN;
      fire(this, trusted(() => new Event('open')));
      await this.#read(response);
      this.#again(new TypeError('the server has ended the stream'));
    } catch (error) {
      if (this.#state === CLOSED) return;
      if (isFinal(error)) this.#fail(error);
      else this.#again(error);
    }
  }

  async #read(response) {
    const { origin } = new URL(response.url);
    const decoder = new TextDecoder();
    const parser = new Parser(
      this.#lastId,
      (type, data, lastEventId) => {
        this.#lastId = lastEventId;
        if (this.#state === OPEN)
          fire(this, trusted(() => new MessageEvent(type, { __proto__: null, data, origin, lastEventId })));
      },
      (ms) => {
        this.#retryMs = max(ms, RETRY_MS_LEAST);
      },
    );
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#state === CLOSED) break;
      parser.give(decodeWith(decoder, value, true));
    }
    this.#lastId = parser.lastId;
  }

  #tell(error) {
    const message = `EventSource: ${error?.message ?? error}`;
    fire(this, trusted(() => new ErrorEvent('error', { __proto__: null, message, error })));
  }
  // For good.
  #fail(error) {
    this.#state = CLOSED;
    this.#tell(error);
  }
  #again(error) {
    if (this.#state === CLOSED) return;
    this.#state = CONNECTING;
    this.#tell(error);
    if (this.#state !== CONNECTING) return; // closed by a listener
    this.#timer = startTimer(() => {
      this.#timer = undefined;
      this.#connect();
    }, this.#retryMs);
  }
}

installConstants(EventSource, { __proto__: null, CONNECTING, OPEN, CLOSED });
shapeInterface(EventSource);
defineHandler(EventSource, 'open');
defineHandler(EventSource, 'message');
defineHandler(EventSource, 'error');
