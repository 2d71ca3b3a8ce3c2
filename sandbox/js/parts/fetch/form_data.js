// FormData (https://xhr.spec.whatwg.org/#interface-formdata), and what it is on the wire: multipart/form-data
// (RFC 7578) both ways, application/x-www-form-urlencoded in.
import {
  apply,
  customInspect,
  define,
  iterator,
  list,
  mapGet,
  push,
  replaceAll,
  stringIndexOf,
  stringSlice,
  stringToLowerCase,
  stringToWellFormed,
  stringTrim,
  toArray,
  typedArrayByteLength,
  typedArrayIndexOf,
  typedArraySlice,
  typedArraySubarray,
} from '../../primordials.js';
import { inspect } from '../../inspect.js';
import { needArguments, shapeInterface } from '../interface.js';
import { blobBytes, concat, fileOf, isBlob, isFile } from '../blob/index.js';
import { pairIterators } from './headers.js';
import { parseMimeType } from './mime.js';

const { random, text } = native;

const UTF_8 = 0;
const KEEP_BOM = 2;
const PARTS_MAX = 16384;
const HEAD_MAX = 16384; // bytes of one part's head
const CR = 13;
const LF = 10;

const inside = { __proto__: null };

export class FormData {
  #entries = list(); // {name, value}: text or File

  constructor(form = undefined) {
    if (form !== undefined) throw new TypeError('FormData: found an argument; allowed: none, there are no forms here');
  }
  append(name, value, filename = undefined) {
    inside.entries(this);
    needArguments(arguments.length, 2, 'FormData.append');
    push(this.#entries, entryOf(name, value, filename, arguments.length));
  }
  delete(name) {
    inside.entries(this);
    needArguments(arguments.length, 1, 'FormData.delete');
    this.#without(stringToWellFormed(`${name}`));
  }
  get(name) {
    const all = inside.entries(this);
    needArguments(arguments.length, 1, 'FormData.get');
    const key = stringToWellFormed(`${name}`);
    for (let i = 0; i < all.length; i++) if (all[i].name === key) return all[i].value;
    return null;
  }
  getAll(name) {
    const all = inside.entries(this);
    needArguments(arguments.length, 1, 'FormData.getAll');
    const key = stringToWellFormed(`${name}`);
    const out = list();
    for (let i = 0; i < all.length; i++) if (all[i].name === key) push(out, all[i].value);
    return toArray(out);
  }
  has(name) {
    const all = inside.entries(this);
    needArguments(arguments.length, 1, 'FormData.has');
    const key = stringToWellFormed(`${name}`);
    for (let i = 0; i < all.length; i++) if (all[i].name === key) return true;
    return false;
  }
  set(name, value, filename = undefined) {
    inside.entries(this);
    needArguments(arguments.length, 2, 'FormData.set');
    const entry = entryOf(name, value, filename, arguments.length);
    for (let i = 0; i < this.#entries.length; i++) {
      if (this.#entries[i].name !== entry.name) continue;
      this.#without(entry.name, i, entry);
      return;
    }
    push(this.#entries, entry);
  }
  forEach(callback, thisArg = undefined) {
    inside.entries(this);
    needArguments(arguments.length, 1, 'FormData.forEach');
    if (typeof callback !== 'function') throw new TypeError('FormData.forEach: the argument must be a function');
    for (let i = 0; i < this.#entries.length; i++) {
      const { name, value } = this.#entries[i];
      apply(callback, thisArg, [value, name, this]);
    }
  }
  entries() {
    return iteratorOf(this, ({ name, value }) => [name, value]);
  }
  keys() {
    return iteratorOf(this, ({ name }) => name);
  }
  values() {
    return iteratorOf(this, ({ value }) => value);
  }
  [customInspect](depth, options) {
    const out = {};
    for (let i = 0; i < this.#entries.length; i++) {
      const { name, value } = this.#entries[i];
      const before = out[name];
      out[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    }
    return `FormData ${inspect(out, options)}`;
  }

  // Takes all of that name out; where `entry` is given, it stands at `at` instead.
  #without(name, at = -1, entry = undefined) {
    const kept = list();
    for (let i = 0; i < this.#entries.length; i++) {
      if (i === at) push(kept, entry);
      else if (this.#entries[i].name !== name) push(kept, this.#entries[i]);
    }
    this.#entries = kept;
  }
  static {
    inside.entries = (form) => form.#entries;
    inside.is = (value) => typeof value === 'object' && value !== null && #entries in value;
    inside.add = (form, name, value) => push(form.#entries, { __proto__: null, name, value });
  }
}

function entryOf(name, value, filename, given) {
  const key = stringToWellFormed(`${name}`);
  if (!isBlob(value)) {
    if (given > 2) throw new TypeError('FormData: found a file name with a value that is no Blob; allowed: with a Blob');
    return { __proto__: null, name: key, value: stringToWellFormed(`${value}`) };
  }
  if (isFile(value) && filename === undefined) return { __proto__: null, name: key, value };
  const called = filename !== undefined ? stringToWellFormed(`${filename}`) : 'blob';
  return { __proto__: null, name: key, value: fileOf(blobBytes(value), called, value.type, isFile(value) ? value.lastModified : undefined) };
}

const makeIterator = pairIterators('FormData');
function iteratorOf(form, view) {
  inside.entries(form);
  return makeIterator(() => inside.entries(form), view);
}

shapeInterface(FormData);
define(FormData.prototype, { [iterator]: FormData.prototype.entries }, false);

export const isFormData = inside.is;

// ---- out (HTML, "multipart/form-data encoding algorithm") --------------------------------------------------

const lines = (string) => replaceAll(replaceAll(replaceAll(string, '\r\n', '\n'), '\r', '\n'), '\n', '\r\n');
const quoted = (string) => replaceAll(replaceAll(replaceAll(string, '\n', '%0A'), '\r', '%0D'), '"', '%22');

// {bytes, boundary}
export function multipartOf(form) {
  const boundary = `----isolane-${replaceAll(random.uuid(), '-', '')}`;
  const parts = list();
  const all = inside.entries(form);
  for (let i = 0; i < all.length; i++) {
    const { name, value } = all[i];
    let head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(lines(name))}"`;
    if (typeof value === 'string') {
      push(parts, text.encode(`${head}\r\n\r\n${lines(value)}\r\n`));
      continue;
    }
    head += `; filename="${quoted(value.name)}"\r\nContent-Type: ${value.type === '' ? 'application/octet-stream' : value.type}\r\n\r\n`;
    push(parts, text.encode(head));
    push(parts, blobBytes(value));
    push(parts, text.encode('\r\n'));
  }
  push(parts, text.encode(`--${boundary}--\r\n`));
  return { __proto__: null, bytes: concat(parts), boundary };
}

// ---- in -----------------------------------------------------------------------------------------------------

const malformed = (why) => new TypeError(`multipart/form-data: ${why}`);

function startsWith(bytes, at, other) {
  if (at + other.length > bytes.length) return false;
  for (let i = 0; i < other.length; i++) if (bytes[at + i] !== other[i]) return false;
  return true;
}

// Where `other` begins at or behind `at`; -1: nowhere.
function find(bytes, other, at) {
  for (;;) {
    at = typedArrayIndexOf(bytes, other[0], at);
    if (at < 0 || at + other.length > bytes.length) return -1;
    if (startsWith(bytes, at, other)) return at;
    at++;
  }
}

// name and filename of a Content-Disposition.
function parameter(value, name) {
  const at = stringIndexOf(stringToLowerCase(value), `; ${name}="`);
  if (at < 0) return undefined;
  const from = at + name.length + 4;
  const end = stringIndexOf(value, '"', from);
  if (end < 0) throw malformed('a quoted name does not end');
  const inner = stringSlice(value, from, end);
  return replaceAll(replaceAll(replaceAll(inner, '%0A', '\n'), '%0D', '\r'), '%22', '"');
}

// The lines of a part's head: {name, filename, type}.
function headOf(headText) {
  let name;
  let filename;
  let type = 'text/plain';
  for (let at = 0; at < headText.length; ) {
    let end = stringIndexOf(headText, '\r\n', at);
    if (end < 0) end = headText.length;
    const line = stringSlice(headText, at, end);
    const colon = stringIndexOf(line, ':');
    if (colon < 1) throw malformed('found a line in a part\'s head that is no header');
    const key = stringToLowerCase(stringSlice(line, 0, colon));
    const value = stringTrim(stringSlice(line, colon + 1));
    if (key === 'content-disposition') {
      if (stringToLowerCase(stringSlice(value, 0, 9)) !== 'form-data') throw malformed('found a part that is no form-data');
      name = parameter(value, 'name');
      filename = parameter(value, 'filename');
    } else if (key === 'content-type') {
      type = value;
    }
    at = end + 2;
  }
  if (name === undefined) throw malformed('found a part without a name');
  return { __proto__: null, name, filename, type };
}

export function parseMultipart(bytes, type) {
  const given = mapGet(type.parameters, 'boundary');
  if (given === undefined || given === '' || given.length > 70) throw malformed('the boundary must have 1 to 70 characters');
  const dashes = text.encode(`--${given}`);
  const between = text.encode(`\r\n--${given}`);
  const headEnd = text.encode('\r\n\r\n');
  const form = new FormData();
  let at = find(bytes, dashes, 0);
  if (at < 0) throw malformed('the boundary is not there');
  for (let parts = 0; ; parts++) {
    at += at === 0 || bytes[at] === 45 ? dashes.length : between.length;
    if (bytes[at] === 45 && bytes[at + 1] === 45) return form; // "--": the last one
    while (bytes[at] === 32 || bytes[at] === 9) at++;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) throw malformed('a boundary is not a line of its own');
    if (parts === PARTS_MAX) throw malformed(`found more than ${PARTS_MAX} parts; allowed: up to that many`);
    at += 2;
    const head = startsWith(bytes, at, headEnd) ? at : find(bytes, headEnd, at);
    if (head < 0 || head - at > HEAD_MAX) throw malformed(`a part's head does not end within ${HEAD_MAX} bytes`);
    const { name, filename, type: kind } = headOf(text.decode(UTF_8, typedArraySubarray(bytes, at, head), KEEP_BOM, undefined));
    const from = head + 4;
    const end = startsWith(bytes, from - 2, between) ? from - 2 : find(bytes, between, from);
    if (end < 0) throw malformed('the last boundary is not there');
    const body = typedArraySubarray(bytes, from, end < from ? from : end);
    if (filename === undefined) inside.add(form, name, text.decode(UTF_8, body, 0, undefined));
    else inside.add(form, name, fileOf(typedArraySlice(body, 0), filename, parseMimeType(kind) === undefined ? '' : stringToLowerCase(kind)));
    at = end;
  }
}

const hexValue = (unit) =>
  unit >= 48 && unit <= 57 ? unit - 48 : unit >= 65 && unit <= 70 ? unit - 55 : unit >= 97 && unit <= 102 ? unit - 87 : -1;

// %XX as bytes, in place of what it was.
export function percentDecoded(bytes) {
  const out = new Uint8Array(typedArrayByteLength(bytes));
  let n = 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = bytes[i] === 37 ? hexValue(bytes[i + 1]) : -1;
    const low = high >= 0 ? hexValue(bytes[i + 2]) : -1;
    if (low >= 0) {
      out[n++] = high * 16 + low;
      i += 2;
    } else out[n++] = bytes[i];
  }
  return typedArraySubarray(out, 0, n);
}

export function parseUrlencoded(bytes) {
  const form = new FormData();
  const decode = (from, to) => {
    const piece = typedArraySlice(bytes, from, to);
    for (let i = 0; i < piece.length; i++) if (piece[i] === 43) piece[i] = 32;
    return text.decode(UTF_8, percentDecoded(piece), KEEP_BOM, undefined);
  };
  for (let at = 0; at < bytes.length; ) {
    let end = typedArrayIndexOf(bytes, 38, at); // "&"
    if (end < 0) end = bytes.length;
    if (end > at) {
      let equals = typedArrayIndexOf(bytes, 61, at);
      if (equals < 0 || equals > end) equals = end;
      inside.add(form, decode(at, equals), equals < end ? decode(equals + 1, end) : '');
    }
    at = end + 1;
  }
  return form;
}
