// fetch() (https://fetch.spec.whatwg.org/#fetch-method) through the supervisor (executor/services/fetch.c): one
// call for each request on the wire. Redirects are followed here, each hop decided about there; bodies are
// decoded here, so that what a compressed one becomes is paid by the job.
//
// There is no user here, so there are no cookies, no cache, no referrer and no CORS: mode, credentials, cache
// and referrer of a request are kept for whoever reads them and change nothing.
import { list, push, stringSlice, typedArrayByteLength, typedArrayTag } from '../../primordials.js';
import { hostCall } from '../host_call.js';
import { needArguments } from '../interface.js';
import { lazy } from '../../parts.js';
import { HostStream } from '../stream_call.js';
import { bodyOfStream, isUnusable } from './body.js';
import { headersInside } from './headers.js';
import { isLocalScheme, localResponse } from './local.js';
import { Request, parseUrl, requestInside } from './request.js';
import { isNullBodyStatus, isRedirectStatus, makeResponse } from './response.js';
import { bodyStream } from './wire.js';

const events = lazy('events');

const INLINE_MAX = 16384; // bytes of a body that go with the call
const REDIRECTS_MAX = 20;

let tags = 0; // of requests under way, for fetch.cancel

// What fetch() rejects with when it was no signal that ended it. The cause names the reason: PermissionDenied
// when the job may not connect there.
export const networkError = (cause) => new TypeError(`fetch failed: ${cause?.message ?? cause}`, { cause });

const defaults = [['accept', '*/*'], ['accept-language', '*'], ['user-agent', 'Isolane']];

// What goes out: names and values in turn.
function wireHeaders(headers) {
  const out = list();
  const all = headersInside.entries(headers);
  for (let i = 0; i < all.length; i++) {
    push(out, all[i].name);
    push(out, all[i].value);
  }
  const add = (name, value) => {
    if (headersInside.get(headers, name) !== null) return;
    push(out, name);
    push(out, value);
  };
  for (let i = 0; i < defaults.length; i++) add(defaults[i][0], defaults[i][1]);
  add('accept-encoding', headersInside.get(headers, 'range') === null ? 'gzip, deflate, br, zstd' : 'identity');
  return out;
}

// One request on the wire, as it changes from hop to hop.
class Exchange {
  constructor(request) {
    this.url = requestInside.url(request);
    this.method = requestInside.method(request);
    this.redirect = requestInside.redirect(request);
    this.headers = headersInside.copy(requestInside.headers(request));
    this.body = requestInside.body(request); // null, {bytes} or {stream}
    this.hops = 0;
    this.from = undefined; // number of the answer that redirected here
    this.tag = 0; // of the call that waits for its answer; 0: none does
    this.upload = undefined; // HostStream that the body goes over
    this.reader = undefined; // of the body
    this.aborted = undefined; // {reason}
    this.controller = undefined; // of the response's body
    this.download = undefined; // HostStream of the response's body
  }

  // By its signal: whatever is under way ends.
  abort(reason) {
    this.aborted = { __proto__: null, reason };
    if (this.tag !== 0) hostCall('fetch.cancel', { __proto__: null, tag: this.tag }).catch(() => {});
    this.upload?.abort('aborted');
    this.reader?.cancel(reason).catch(() => {});
    this.download?.abort('aborted');
    this.fail?.(reason);
  }

  async send() {
    const ask = { __proto__: null, url: this.url, method: this.method, headers: wireHeaders(this.headers), tag: ++tags };
    const { body } = this;
    if (this.from !== undefined) ask.from = this.from;
    if (body !== null) {
      const bytes = body.stream === undefined ? body.bytes : undefined;
      if (bytes !== undefined && typedArrayByteLength(bytes) <= INLINE_MAX) {
        ask.body = { __proto__: null, data: native.text.base64(bytes) };
      } else {
        const { stream } = await hostCall('fetch.body', {});
        if (this.aborted !== undefined) throw this.aborted.reason;
        ask.body = { __proto__: null, stream, length: bytes === undefined ? -1 : typedArrayByteLength(bytes) };
        this.upload = new HostStream(stream);
      }
    } else if (this.method === 'POST' || this.method === 'PUT') {
      ask.body = { __proto__: null, data: '' }; // says that its length is 0
    }
    this.tag = ask.tag;
    try {
      const answer = hostCall('fetch', ask);
      if (this.upload !== undefined) this.#pump(body, answer);
      return await answer;
    } finally {
      this.tag = 0;
    }
  }

  // The body to the supervisor; what goes wrong with it goes wrong with the request.
  async #pump(body, answer) {
    const { upload } = this;
    answer.catch(() => {
      this.reader?.cancel().catch(() => {});
    });
    try {
      if (body.stream === undefined) {
        await upload.write(body.bytes);
      } else {
        this.reader = body.stream.getReader();
        for (;;) {
          const { done, value } = await this.reader.read();
          if (done) break;
          if (typedArrayTag(value) !== 'Uint8Array') throw new TypeError('found a chunk of the request\'s body that is no Uint8Array');
          if (typedArrayByteLength(value) > 0) await upload.write(value);
        }
      }
      upload.close();
    } catch (error) {
      this.bodyError ??= { __proto__: null, error };
      upload.abort('the body failed');
      this.reader?.cancel(error).catch(() => {});
    }
  }

  // The next hop of a redirect (HTTP-redirect fetch); the URL it goes to.
  follow(answer, location) {
    const next = parseUrl(location, this.url);
    if (next.protocol !== 'http:' && next.protocol !== 'https:') throw new TypeError(`found a redirect to ${next.protocol}; allowed: http:, https:`);
    if (next.username !== '' || next.password !== '') throw new TypeError('found a redirect to a URL with credentials');
    if (++this.hops > REDIRECTS_MAX) throw new TypeError(`found more than ${REDIRECTS_MAX} redirects`);
    const before = parseUrl(this.url);
    const { status } = answer;
    if (status !== 303 && this.body !== null && this.body.stream !== undefined)
      throw new TypeError('found a redirect of a request whose body is a stream: it cannot be sent twice');
    if (((status === 301 || status === 302) && this.method === 'POST') || (status === 303 && this.method !== 'GET' && this.method !== 'HEAD')) {
      this.method = 'GET';
      this.body = null;
      const gone = ['content-encoding', 'content-language', 'content-location', 'content-type'];
      for (let i = 0; i < gone.length; i++) headersInside.drop(this.headers, gone[i]);
    }
    if (next.origin !== before.origin) {
      headersInside.drop(this.headers, 'authorization');
      headersInside.drop(this.headers, 'cookie');
    }
    if (next.hash === '') next.hash = before.hash;
    this.url = next.href;
    this.from = answer.id;
    this.upload = undefined;
  }
}

function headersOf(answer) {
  const headers = headersInside.make('none');
  for (let i = 0; i + 1 < answer.headers.length; i += 2) headersInside.add(headers, answer.headers[i], answer.headers[i + 1]);
  headersInside.guard(headers, 'immutable');
  return headers;
}

// Sends, and sends again where it is redirected; the last answer with its headers.
async function overTheWire(exchange) {
  for (;;) {
    const answer = await exchange.send();
    const headers = headersOf(answer);
    const download = answer.stream === null ? undefined : new HostStream(answer.stream);
    if (exchange.aborted !== undefined) {
      download?.abort('aborted');
      throw exchange.aborted.reason;
    }
    const location = isRedirectStatus(answer.status) && exchange.redirect !== 'manual' ? headersInside.get(headers, 'location') : null;
    if (location === null) return { __proto__: null, answer, headers, download };
    download?.close();
    if (exchange.redirect === 'error') throw new TypeError(`found a redirect to ${location}; allowed by the request: none`);
    exchange.follow(answer, location);
  }
}

function responseOf(exchange, { answer, headers, download }) {
  const bodyless = exchange.method === 'HEAD' || isNullBodyStatus(answer.status);
  if (bodyless) download?.close();
  const { status, reason } = answer;
  if (status < 200 || status > 599) {
    download?.abort('not a status');
    throw new TypeError(`found the status ${status}; allowed: 200 to 599`);
  }
  exchange.download = bodyless ? undefined : download;
  return makeResponse({
    __proto__: null,
    type: 'basic',
    url: exchange.url,
    redirected: exchange.hops > 0,
    status,
    statusText: reason,
    headers,
    body: bodyless || download === undefined ? null : bodyOfStream(bodyStream(download, headers, exchange)),
  });
}

async function run(request, exchange) {
  if (isLocalScheme(exchange.url)) return localResponse(exchange.url, exchange.method);
  const { protocol } = parseUrl(exchange.url);
  if (protocol !== 'http:' && protocol !== 'https:') throw networkError(new TypeError(`found the scheme ${stringSlice(protocol, 0, 20)}; allowed: https:, http:, data:, blob:`));
  try {
    return responseOf(exchange, await overTheWire(exchange));
  } catch (error) {
    if (exchange.aborted !== undefined) throw exchange.aborted.reason;
    throw networkError(exchange.bodyError?.error ?? error);
  }
}

export async function fetch(input, init = undefined) {
  needArguments(arguments.length, 1, 'fetch');
  const request = new Request(input, init);
  const body = requestInside.body(request);
  const signal = requestInside.signal(request);
  if (body !== null && isUnusable(body)) throw new TypeError('fetch: the request\'s body has been read already, or is locked');
  const exchange = new Exchange(request);
  if (body !== null && body.stream === undefined) body.used = true;
  if (signal === undefined) return run(request, exchange);
  if (signal.aborted) {
    body?.stream?.cancel(signal.reason).catch(() => {});
    throw signal.reason;
  }
  const { addAbortAlgorithm, removeAbortAlgorithm } = events();
  return new Promise((resolve, reject) => {
    const onAbort = (reason) => {
      exchange.abort(reason);
      reject(reason);
    };
    addAbortAlgorithm(signal, onAbort);
    exchange.over = () => removeAbortAlgorithm(signal, onAbort); // the body has ended, or there is none
    run(request, exchange).then(
      (response) => {
        if (exchange.download === undefined) exchange.over();
        resolve(response);
      },
      (error) => {
        exchange.over();
        reject(error);
      },
    );
  });
}

export function resetFetch() {
  tags = 0;
}
