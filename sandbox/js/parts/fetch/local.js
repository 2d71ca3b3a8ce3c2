// What needs no network: data: (https://fetch.spec.whatwg.org/#data-urls) and blob: URLs.
import { regexpExec, stringIndexOf, stringSlice, stringStartsWith, typedArrayByteLength } from '../../primordials.js';
import { blobBytes, objectUrl } from '../blob/index.js';
import { bodyOfBytes } from './body.js';
import { percentDecoded } from './form_data.js';
import { headersInside, trimmed } from './headers.js';
import { mimeTypeText, parseMimeType } from './mime.js';
import { makeResponse } from './response.js';

const { text } = native;

const UTF_8 = 0;

const base64Mark = /; *base64$/i;

export const isLocalScheme = (url) => stringStartsWith(url, 'data:') || stringStartsWith(url, 'blob:');

function make(url, bytes, type, method) {
  const headers = headersInside.make('none');
  headersInside.add(headers, 'content-type', type);
  if (stringStartsWith(url, 'blob:')) headersInside.add(headers, 'content-length', `${typedArrayByteLength(bytes)}`);
  headersInside.guard(headers, 'immutable');
  return makeResponse({
    __proto__: null,
    type: 'basic',
    url,
    status: 200,
    statusText: 'OK',
    headers,
    body: method === 'HEAD' ? null : bodyOfBytes(bytes),
  });
}

const failed = (why) => {
  const cause = new TypeError(why);
  return new TypeError(`fetch failed: ${why}`, { cause });
};

function dataOf(url) {
  const hash = stringIndexOf(url, '#');
  const all = hash < 0 ? url : stringSlice(url, 0, hash);
  const comma = stringIndexOf(all, ',');
  if (comma < 0) throw failed('found a data: URL without a comma');
  let type = trimmed(stringSlice(all, 5, comma));
  let bytes = percentDecoded(text.encode(stringSlice(all, comma + 1)));
  const mark = regexpExec(base64Mark, type);
  if (mark !== null) {
    type = stringSlice(type, 0, mark.index);
    const decoded = text.unbase64(text.decode(UTF_8, bytes, 0, undefined));
    if (decoded === undefined) throw failed('found a data: URL that is no base64');
    bytes = decoded;
  }
  if (stringStartsWith(type, ';')) type = `text/plain${type}`;
  const mime = parseMimeType(type);
  return { __proto__: null, bytes, type: mime === undefined ? 'text/plain;charset=US-ASCII' : mimeTypeText(mime) };
}

export function localResponse(url, method) {
  if (stringStartsWith(url, 'data:')) {
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') throw failed(`found ${method} with a data: URL`);
    const { bytes, type } = dataOf(url);
    return make(url, bytes, type, method);
  }
  if (method !== 'GET') throw failed(`found ${method} with a blob: URL; allowed: GET`);
  const blob = objectUrl(url);
  if (blob === undefined) throw failed('found a blob: URL of no blob');
  return make(url, blobBytes(blob), blob.type, method);
}
