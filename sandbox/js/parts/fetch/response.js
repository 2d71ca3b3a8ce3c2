// Response (https://fetch.spec.whatwg.org/#response-class).
import { charCodeAt, customInspect, jsonStringify, stringIndexOf, stringSlice, stringToWellFormed } from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { dictionary, needArguments, shapeInterface, toInteger } from '../interface.js';
import { bodyOfBytes, cloneBody, consume, extractBody, isUnusable, mixBody } from './body.js';
import { byteString, headersInside } from './headers.js';
import { parseUrl } from './request.js';

const { text } = native;

export const isNullBodyStatus = (status) => status === 101 || status === 103 || status === 204 || status === 205 || status === 304;
export const isRedirectStatus = (status) => status === 301 || status === 302 || status === 303 || status === 307 || status === 308;

// reason-phrase of RFC 9112: a tab, visible characters, bytes beyond ASCII.
function isReason(phrase) {
  for (let i = 0; i < phrase.length; i++) {
    const unit = charCodeAt(phrase, i);
    if (unit !== 9 && (unit < 32 || unit === 127)) return false;
  }
  return true;
}

const inside = { __proto__: null };
const own = () => Response;

export class Response {
  #type = 'default';
  #url = '';
  #redirected = false;
  #status = 200;
  #statusText = '';
  #headers = headersInside.make('response');
  #body = null;

  constructor(body = null, init = undefined) {
    const options = dictionary(init, 'Response');
    const extracted = body === null || body === undefined ? undefined : extractBody(body);
    inside.initialize(this, options, extracted);
  }
  static error() {
    return inside.make({ __proto__: null, type: 'error', status: 0, headers: headersInside.make('immutable') });
  }
  static json(data, init = undefined) {
    needArguments(arguments.length, 1, 'Response.json');
    const string = jsonStringify(data);
    if (string === undefined) throw new TypeError('Response.json: found a value that is no JSON');
    const response = new (own())();
    inside.initialize(response, dictionary(init, 'Response.json'), {
      __proto__: null,
      body: bodyOfBytes(text.encode(string)),
      type: 'application/json',
    });
    return response;
  }
  static redirect(url, status = 302) {
    needArguments(arguments.length, 1, 'Response.redirect');
    const { href } = parseUrl(stringToWellFormed(`${url}`));
    const code = toInteger(status, 16, false);
    if (!isRedirectStatus(code)) throw new RangeError(`Response.redirect: found the status ${code}; allowed: 301, 302, 303, 307, 308`);
    const headers = headersInside.make('immutable');
    headersInside.add(headers, 'location', href);
    return inside.make({ __proto__: null, type: 'default', status: code, headers });
  }
  get type() {
    return this.#type;
  }
  get url() {
    const hash = stringIndexOf(this.#url, '#');
    return hash < 0 ? this.#url : stringSlice(this.#url, 0, hash);
  }
  get redirected() {
    return this.#redirected;
  }
  get status() {
    return this.#status;
  }
  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }
  get statusText() {
    return this.#statusText;
  }
  get headers() {
    return this.#headers;
  }
  clone() {
    const body = inside.body(this);
    if (body !== null && isUnusable(body)) throw new TypeError('Response.clone: the body has been read already, or is locked');
    return inside.clone(this);
  }
  [customInspect](depth, options) {
    const { status, statusText, headers, body, bodyUsed, ok, redirected, type, url } = this;
    return `Response ${inspect({ status, statusText, headers, body, bodyUsed, ok, redirected, type, url }, options)}`;
  }

  static {
    inside.body = (response) => response.#body;
    inside.is = (value) => typeof value === 'object' && value !== null && #body in value;
    inside.headers = (response) => response.#headers;
    inside.facts = (response) => ({
      __proto__: null,
      type: response.#type,
      status: response.#status,
      ok: response.#status >= 200 && response.#status <= 299,
      mime: headersInside.get(response.#headers, 'content-type'),
    });
    inside.initialize = (response, init, extracted) => {
      const { headers, status, statusText } = init;
      if (status !== undefined) {
        const code = toInteger(status, 16, false);
        if (code < 200 || code > 599) throw new RangeError(`Response: status: found ${code}; allowed: 200 to 599`);
        response.#status = code;
      }
      if (statusText !== undefined) {
        const phrase = byteString(statusText, 'Response: statusText');
        if (!isReason(phrase)) throw new TypeError('Response: statusText: found a control character; allowed: text of one line');
        response.#statusText = phrase;
      }
      if (headers !== undefined) headersInside.fill(response.#headers, headers);
      if (extracted === undefined) return;
      if (isNullBodyStatus(response.#status))
        throw new TypeError(`Response: found a body with the status ${response.#status}, which has none`);
      response.#body = extracted.body;
      if (extracted.type !== null && headersInside.get(response.#headers, 'content-type') === null)
        headersInside.put(response.#headers, 'content-type', extracted.type);
    };
    inside.take = (response, from) => {
      response.#type = from.type;
      response.#url = from.url ?? '';
      response.#redirected = from.redirected ?? false;
      response.#status = from.status;
      response.#statusText = from.statusText ?? '';
      response.#headers = from.headers;
      response.#body = from.body ?? null;
    };
    inside.clone = (response) => inside.make({
      __proto__: null,
      type: response.#type,
      url: response.#url,
      redirected: response.#redirected,
      status: response.#status,
      statusText: response.#statusText,
      headers: headersInside.copy(response.#headers),
      body: response.#body === null ? null : cloneBody(response.#body),
    });
  }
}

// What fetch() brings: {type, url, redirected, status, statusText, headers, body}.
inside.make = (from) => {
  const response = new Response();
  inside.take(response, from);
  return response;
};

mixBody(Response, inside);
shapeInterface(Response);

export const makeResponse = inside.make;
export const isResponse = inside.is;
// {type, status, ok, mime}: whatever a script did to the class.
export const factsOf = inside.facts;

// All of its body, as bytes that belong to the caller; it counts as read.
export async function bytesOfResponse(response) {
  const body = inside.body(response);
  if (body === null) return new Uint8Array(0);
  if (isUnusable(body)) throw new TypeError('the body has been read already, or is locked');
  return consume(body);
}
