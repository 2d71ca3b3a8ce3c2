// URL (URL standard, 6.1). A URL is its text and the places of its components in it, both from ada.
import {
  TypeError,
  Uint32Array,
  customInspect,
  defineProperty,
  stringSlice,
  stringToWellFormed,
} from '../../primordials.js';
import { uncloneable } from '../cloneable.js';
import { inspect } from '../../inspect.js';
import { needArguments, shapeInterface } from '../interface.js';
import { lazy } from '../../parts.js';
import { URLSearchParams, inside, parsePairs, writePairs } from './search_params.js';

const { url } = native;
const blobs = lazy('blob');

// Members of native.url.change().
const PROTOCOL = 1;
const USERNAME = 2;
const PASSWORD = 3;
const HOST = 4;
const HOSTNAME = 5;
const PORT = 6;
const PATHNAME = 7;
const SEARCH = 8;
const HASH = 9;
const OMITTED = 0xffffffff;

const usv = (value) => stringToWellFormed(`${value}`);
const places = new Uint32Array(8); // of the last call

const invalid = (input, base) => {
  const error = new TypeError('Invalid URL');
  const about = { __proto__: null, enumerable: true, configurable: true, writable: true };
  about.value = 'ERR_INVALID_URL';
  defineProperty(error, 'code', about);
  about.value = input;
  defineProperty(error, 'input', about);
  if (base === undefined) return error;
  about.value = base;
  defineProperty(error, 'base', about);
  return error;
};

inside.parse = (input, base) => {
  making = url.parse(input, base, places);
  if (making === undefined) return null;
  try {
    return new URL('');
  } finally {
    making = undefined;
  }
};

let making; // href of a URL that is made without being parsed again

export class URL {
  #href;
  #protocolEnd;
  #usernameEnd;
  #hostStart;
  #hostEnd;
  #port;
  #pathStart;
  #searchStart;
  #hashStart;
  #params;

  constructor(input, base = undefined) {
    if (making !== undefined) {
      this.#take(making);
      return;
    }
    needArguments(arguments.length, 1, 'URL');
    input = usv(input);
    if (base !== undefined) base = usv(base);
    const href = url.parse(input, base, places);
    if (href === undefined) throw invalid(input, base);
    this.#take(href);
  }
  static canParse(input, base = undefined) {
    needArguments(arguments.length, 1, 'URL.canParse');
    input = usv(input);
    if (base !== undefined) base = usv(base);
    return url.parse(input, base, places) !== undefined;
  }
  static parse(input, base = undefined) {
    needArguments(arguments.length, 1, 'URL.parse');
    input = usv(input);
    if (base !== undefined) base = usv(base);
    return inside.parse(input, base);
  }
  static createObjectURL(blob) {
    needArguments(arguments.length, 1, 'URL.createObjectURL');
    return blobs().createObjectUrl(blob);
  }
  static revokeObjectURL(address) {
    needArguments(arguments.length, 1, 'URL.revokeObjectURL');
    blobs().revokeObjectUrl(usv(address));
  }
  get href() {
    return this.#href;
  }
  set href(value) {
    this.#href;
    value = usv(value);
    const href = url.parse(value, undefined, places);
    if (href === undefined) throw invalid(value);
    this.#take(href);
    this.#refresh();
  }
  get origin() {
    return this.#origin();
  }
  get protocol() {
    return this.#scheme();
  }
  set protocol(value) {
    this.#change(PROTOCOL, usv(value));
  }
  get username() {
    return this.#protocolEnd + 2 < this.#usernameEnd
      ? stringSlice(this.#href, this.#protocolEnd + 2, this.#usernameEnd)
      : '';
  }
  set username(value) {
    this.#change(USERNAME, usv(value));
  }
  get password() {
    return this.#hostStart > this.#usernameEnd
      ? stringSlice(this.#href, this.#usernameEnd + 1, this.#hostStart)
      : '';
  }
  set password(value) {
    this.#change(PASSWORD, usv(value));
  }
  get host() {
    return this.#hostAndPort();
  }
  set host(value) {
    this.#change(HOST, usv(value));
  }
  get hostname() {
    return stringSlice(this.#href, this.#nameStart(), this.#hostEnd);
  }
  set hostname(value) {
    this.#change(HOSTNAME, usv(value));
  }
  get port() {
    return this.#port === OMITTED ? '' : `${this.#port}`;
  }
  set port(value) {
    this.#change(PORT, usv(value));
  }
  get pathname() {
    return this.#path();
  }
  set pathname(value) {
    this.#change(PATHNAME, usv(value));
  }
  get search() {
    if (this.#searchStart === OMITTED) return '';
    const end = this.#hashStart === OMITTED ? this.#href.length : this.#hashStart;
    return end - this.#searchStart <= 1 ? '' : stringSlice(this.#href, this.#searchStart, end);
  }
  set search(value) {
    this.#change(SEARCH, usv(value));
    this.#refresh();
  }
  get searchParams() {
    if (this.#params === undefined) {
      this.#params = new URLSearchParams(this.search);
      inside.onChange(this.#params, (text) => this.#change(SEARCH, text));
    }
    return this.#params;
  }
  get hash() {
    if (this.#hashStart === OMITTED || this.#href.length - this.#hashStart <= 1) return '';
    return stringSlice(this.#href, this.#hashStart);
  }
  set hash(value) {
    this.#change(HASH, usv(value));
  }
  toString() {
    return this.#href;
  }
  toJSON() {
    return this.#href;
  }

  // What a getter stands on is private: a script may replace the other getters.
  #origin() {
    switch (this.#scheme()) {
      case 'http:':
      case 'https:':
      case 'ws:':
      case 'wss:':
      case 'ftp:':
        return `${this.#scheme()}//${this.#hostAndPort()}`;
      case 'blob:': {
        const inner = inside.parse(this.#path(), undefined);
        const scheme = inner === null ? '' : inner.#scheme();
        return scheme === 'http:' || scheme === 'https:' ? inner.#origin() : 'null';
      }
      default:
        return 'null';
    }
  }
  #scheme() {
    return stringSlice(this.#href, 0, this.#protocolEnd);
  }
  #hostAndPort() {
    const start = this.#nameStart();
    // With an empty host, "/." may stand before the path.
    return start >= this.#hostEnd ? '' : stringSlice(this.#href, start, this.#pathStart);
  }
  #path() {
    return stringSlice(this.#href, this.#pathStart, this.#searchOrHash());
  }
  #nameStart() {
    return this.#href[this.#hostStart] === '@' ? this.#hostStart + 1 : this.#hostStart;
  }
  #searchOrHash() {
    if (this.#searchStart !== OMITTED) return this.#searchStart;
    return this.#hashStart !== OMITTED ? this.#hashStart : this.#href.length;
  }
  #change(member, value) {
    this.#take(url.change(this.#href, member, value, places));
  }
  #take(href) {
    this.#href = href;
    this.#protocolEnd = places[0];
    this.#usernameEnd = places[1];
    this.#hostStart = places[2];
    this.#hostEnd = places[3];
    this.#port = places[4];
    this.#pathStart = places[5];
    this.#searchStart = places[6];
    this.#hashStart = places[7];
  }
  static {
    uncloneable('URL', (value) => typeof value === 'object' && value !== null && #href in value);
  }
  #refresh() {
    if (this.#params !== undefined) inside.setPairs(this.#params, parsePairs(this.search));
  }
}
shapeInterface(URL);
uncloneable('URLSearchParams', inside.isParams);

function inspected(object, names, name, options) {
  const shown = {};
  for (let i = 0; i < names.length; i++) {
    const member = names[i];
    defineProperty(shown, member, { __proto__: null, value: object[member], enumerable: true });
  }
  return `${name} ${inspect(shown, options)}`;
}
const MEMBERS = [
  'href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search',
  'searchParams', 'hash',
];
defineProperty(URL.prototype, customInspect, {
  __proto__: null,
  value(depth, options) {
    return depth < 0 ? '[URL]' : inspected(this, MEMBERS, 'URL', options);
  },
  configurable: true,
  writable: true,
});
defineProperty(URLSearchParams.prototype, customInspect, {
  __proto__: null,
  value(depth, options) {
    const pairs = inside.pairsOf(this);
    if (depth < 0) return '[URLSearchParams]';
    let out = '';
    for (let i = 0; i < pairs.length; i += 2)
      out += `${i === 0 ? ' ' : ', '}${inspect(pairs[i], options)} => ${inspect(pairs[i + 1], options)}`;
    return out === '' ? 'URLSearchParams {}' : `URLSearchParams {${out} }`;
  },
  configurable: true,
  writable: true,
});

// For other built-ins: application/x-www-form-urlencoded as a list of name, value, name, value …
export const isURLSearchParams = inside.isParams;
export { URLSearchParams, parsePairs, writePairs };
