// Request (https://fetch.spec.whatwg.org/#request-class).
import { customInspect, stringToUpperCase, stringToWellFormed } from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { dictionary, needArguments, shapeInterface } from '../interface.js';
import { lazy } from '../../parts.js';
import { TransformStream } from '../streams/index.js';
import { bodyOfStream, cloneBody, extractBody, isUnusable, mixBody } from './body.js';
import { Headers, byteString, headersInside, isToken } from './headers.js';

const url = lazy('url');
const events = lazy('events');

const choices = {
  __proto__: null,
  referrerPolicy: ['', 'no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin',
    'origin-when-cross-origin', 'strict-origin-when-cross-origin', 'unsafe-url'],
  mode: ['navigate', 'same-origin', 'no-cors', 'cors'],
  credentials: ['omit', 'same-origin', 'include'],
  cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'],
  redirect: ['follow', 'error', 'manual'],
  duplex: ['half'],
  priority: ['high', 'low', 'auto'],
};

// A member of RequestInit that is one of a few words; undefined: not given.
function choice(init, name) {
  const value = init[name];
  if (value === undefined) return undefined;
  const text = `${value}`;
  const allowed = choices[name];
  for (let i = 0; i < allowed.length; i++) if (allowed[i] === text) return text;
  throw new TypeError(`Request: ${name}: found "${text}"; allowed: one of the standard's words`);
}

const normalized = { __proto__: null, DELETE: true, GET: true, HEAD: true, OPTIONS: true, POST: true, PUT: true };

function methodOf(value) {
  const method = byteString(value, 'Request: method');
  const upper = stringToUpperCase(method);
  if (!isToken(method)) throw new TypeError(`Request: method: found "${method}"; allowed: a token`);
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK')
    throw new TypeError(`Request: method: found ${upper}; allowed: any but CONNECT, TRACE, TRACK`);
  return normalized[upper] === true ? upper : method;
}

export function parseUrl(value, base = undefined) {
  try {
    return new (url().URL)(value, base);
  } catch {
    throw new TypeError(`found "${value}"; allowed: an absolute URL`);
  }
}

function referrerOf(value) {
  const text = stringToWellFormed(`${value}`);
  return text === '' ? 'no-referrer' : text === 'about:client' ? 'about:client' : parseUrl(text).href;
}

const inside = { __proto__: null };
const own = () => Request;

export class Request {
  #url; // without credentials; with the fragment
  #method = 'GET';
  #headers;
  #body = null;
  #signal; // made when a script looks at it
  #follows; // the signals it goes by
  #redirect = 'follow';
  #mode = 'cors';
  #credentials = 'same-origin';
  #cache = 'default';
  #referrer = 'about:client';
  #referrerPolicy = '';
  #integrity = '';
  #keepalive = false;

  constructor(input, options = undefined) {
    needArguments(arguments.length, 1, 'Request');
    const init = dictionary(options, 'Request');
    let from; // a Request
    if (inside.is(input)) {
      from = input;
      this.#copy(from);
    } else {
      const parsed = parseUrl(stringToWellFormed(`${input}`));
      if (parsed.username !== '' || parsed.password !== '')
        throw new TypeError('Request: found credentials in the URL; allowed: a URL without them (send an authorization header)');
      this.#url = parsed.href;
    }
    this.#takeChoices(init);
    const headers = init.headers === undefined ? from?.headers : new Headers(init.headers);
    const made = headersInside.make('request');
    if (headers !== undefined) copyInto(made, headers);
    this.#headers = made;
    this.#takeSignal(init, from);
    this.#takeBody(init, from);
  }

  #copy(from) {
    this.#url = from.#url;
    this.#method = from.#method;
    this.#redirect = from.#redirect;
    this.#mode = from.#mode;
    this.#credentials = from.#credentials;
    this.#cache = from.#cache;
    this.#referrer = from.#referrer;
    this.#referrerPolicy = from.#referrerPolicy;
    this.#integrity = from.#integrity;
    this.#keepalive = from.#keepalive;
  }

  #takeChoices(init) {
    const { window, method, integrity, keepalive, referrer } = init;
    if (window !== undefined && window !== null) throw new TypeError('Request: window: allowed: null');
    if (referrer !== undefined) this.#referrer = referrerOf(referrer);
    this.#referrerPolicy = choice(init, 'referrerPolicy') ?? this.#referrerPolicy;
    const mode = choice(init, 'mode');
    if (mode === 'navigate') throw new TypeError('Request: mode: found "navigate"; allowed: cors, no-cors, same-origin');
    this.#mode = mode ?? this.#mode;
    this.#credentials = choice(init, 'credentials') ?? this.#credentials;
    this.#cache = choice(init, 'cache') ?? this.#cache;
    if (this.#cache === 'only-if-cached' && this.#mode !== 'same-origin')
      throw new TypeError('Request: cache: "only-if-cached" is for the mode same-origin');
    this.#redirect = choice(init, 'redirect') ?? this.#redirect;
    choice(init, 'priority');
    if (integrity !== undefined) this.#integrity = `${integrity}`;
    if (keepalive !== undefined) this.#keepalive = !!keepalive;
    if (method !== undefined) this.#method = methodOf(method);
  }

  #takeSignal(init, from) {
    const { signal } = init;
    if (signal !== undefined && signal !== null && !events().isAbortSignal(signal))
      throw new TypeError('Request: signal: allowed: an AbortSignal');
    const follows = signal === undefined ? from?.#signalOf() : signal;
    this.#follows = follows ?? undefined;
  }

  #signalOf() {
    return this.#signal ?? this.#follows;
  }

  #takeBody(init, from) {
    const { body } = init;
    const given = body !== undefined && body !== null;
    const duplex = choice(init, 'duplex');
    if ((given || (body === undefined && from !== undefined && from.#body !== null)) && (this.#method === 'GET' || this.#method === 'HEAD'))
      throw new TypeError(`Request: found a body with ${this.#method}; allowed: with other methods`);
    if (given) {
      const { body: extracted, type } = extractBody(body);
      if (extracted.stream !== undefined && duplex === undefined)
        throw new TypeError('Request: duplex: "half" is needed when the body is a stream');
      this.#body = extracted;
      if (type !== null && headersInside.get(this.#headers, 'content-type') === null) headersInside.put(this.#headers, 'content-type', type);
      return;
    }
    if (from === undefined || from.#body === null || body !== undefined) return;
    if (isUnusable(from.#body)) throw new TypeError('Request: the other request\'s body has been read already, or is locked');
    if (from.#body.stream === undefined) {
      this.#body = cloneBody(from.#body);
      from.#body.used = true;
    } else {
      this.#body = bodyOfStream(from.#body.stream.pipeThrough(new TransformStream()));
    }
  }

  get method() {
    return this.#method;
  }
  get url() {
    return this.#url;
  }
  get headers() {
    return this.#headers;
  }
  get destination() {
    inside.body(this);
    return '';
  }
  get referrer() {
    return this.#referrer === 'no-referrer' ? '' : this.#referrer;
  }
  get referrerPolicy() {
    return this.#referrerPolicy;
  }
  get mode() {
    return this.#mode;
  }
  get credentials() {
    return this.#credentials;
  }
  get cache() {
    return this.#cache;
  }
  get redirect() {
    return this.#redirect;
  }
  get integrity() {
    return this.#integrity;
  }
  get keepalive() {
    return this.#keepalive;
  }
  get isReloadNavigation() {
    inside.body(this);
    return false;
  }
  get isHistoryNavigation() {
    inside.body(this);
    return false;
  }
  get signal() {
    inside.body(this);
    this.#signal ??= events().AbortSignal.any(this.#follows === undefined ? [] : [this.#follows]);
    return this.#signal;
  }
  get duplex() {
    inside.body(this);
    return 'half';
  }
  clone() {
    const body = inside.body(this);
    if (body !== null && isUnusable(body)) throw new TypeError('Request.clone: the body has been read already, or is locked');
    const copy = new (own())(this.#url);
    inside.take(copy, this);
    return copy;
  }
  [customInspect](depth, options) {
    const { method, url: address, headers, redirect, signal } = this;
    return `Request ${inspect({ method, url: address, headers, redirect, signal, body: this.body }, options)}`;
  }

  static {
    inside.is = (value) => typeof value === 'object' && value !== null && #url in value;
    inside.body = (request) => request.#body;
    inside.headers = (request) => request.#headers;
    inside.redirect = (request) => request.#redirect;
    inside.method = (request) => request.#method;
    inside.url = (request) => request.#url;
    inside.integrity = (request) => request.#integrity;
    inside.signal = (request) => request.#signalOf(); // undefined: none can abort it
    inside.take = (copy, request) => {
      copy.#copy(request);
      copy.#headers = headersInside.copy(request.#headers);
      copy.#follows = request.#signalOf();
      copy.#body = request.#body === null ? null : cloneBody(request.#body);
    };
  }
}

function copyInto(to, from) {
  const all = headersInside.entries(from);
  for (let i = 0; i < all.length; i++) headersInside.append(to, all[i].name, all[i].value);
}

mixBody(Request, inside);
shapeInterface(Request);

export const requestInside = inside;
