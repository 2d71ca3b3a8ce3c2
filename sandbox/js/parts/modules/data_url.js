// data: URLs as modules (RFC 2397, Fetch): type, and text or bytes.
import {
  charCodeAt,
  stringEndsWith,
  stringIndexOf,
  stringSlice,
  stringToLowerCase,
  stringTrim,
  typedArrayLength,
} from '../../primordials.js';
import { failPlain, shownName } from './failures.js';

const { text } = native;

const UTF_8 = 0;
const FORMATS = {
  __proto__: null,
  'text/javascript': 'module',
  'application/javascript': 'module',
  'application/json': 'json',
  'text/json': 'json',
  'application/wasm': 'wasm',
};

const invalid = (url) => failPlain('ERR_INVALID_URL', `Invalid data: URL '${shownName(url)}'`);

const hexDigit = (c) =>
  c >= 48 && c <= 57 ? c - 48 : c >= 65 && c <= 70 ? c - 55 : c >= 97 && c <= 102 ? c - 87 : -1;

// "%41" → 0x41; what is no escape stays.
function unescapeBytes(body) {
  const from = text.encode(body);
  const n = typedArrayLength(from);
  const escapedAt = (i) => from[i] === 37 && i + 2 < n && hexDigit(from[i + 1]) >= 0 && hexDigit(from[i + 2]) >= 0;
  let length = 0;
  for (let i = 0; i < n; i += escapedAt(i) ? 3 : 1) length++;
  const out = new Uint8Array(length);
  for (let i = 0, to = 0; to < length; to++) {
    const escaped = escapedAt(i);
    out[to] = escaped ? hexDigit(from[i + 1]) * 16 + hexDigit(from[i + 2]) : from[i];
    i += escaped ? 3 : 1;
  }
  return out;
}

function unbase64(body, url) {
  const plain = stringIndexOf(body, '%') < 0 ? body : decodeText(unescapeBytes(body));
  const binary = text.atob(plain);
  if (binary === undefined) return invalid(url);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) out[i] = charCodeAt(binary, i);
  return out;
}

const decodeText = (bytes) => text.decode(UTF_8, bytes, 0, undefined);

// {format, text(), bytes()}; throws what is wrong with it. format is undefined for an unknown type.
export function parseDataUrl(url) {
  const comma = stringIndexOf(url, ',');
  if (comma < 0) invalid(url);
  let type = stringToLowerCase(stringTrim(stringSlice(url, 5, comma)));
  const base64 = stringEndsWith(type, ';base64');
  const end = stringIndexOf(type, ';');
  if (end >= 0) type = stringTrim(stringSlice(type, 0, end));
  const hash = stringIndexOf(url, '#', comma);
  const body = stringSlice(url, comma + 1, hash < 0 ? url.length : hash);
  let bytes;
  const read = () => (bytes ??= base64 ? unbase64(body, url) : unescapeBytes(body));
  return {
    __proto__: null,
    mime: type,
    format: FORMATS[type],
    text: () => decodeText(read()),
    bytes: () => new Uint8Array(read()),
  };
}
