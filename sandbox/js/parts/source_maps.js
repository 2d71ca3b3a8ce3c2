// Source maps (ECMA-426): where a place in a file was before the file was made from others.
//
// How this works
//   A file's map is looked for when the stack of an error with a frame in it is first read: in the file's own last line
//   (//# sourceMappingURL=data:…) or in a file of the job beside it. Of `mappings` nothing is decoded into objects:
//   one pass keeps a mark every MARK_EVERY bytes (the running sums of the format at that place), and a question
//   reads on from the mark before its place. So a map takes memory for its text and a few numbers, whatever it
//   says; one that lies gives wrong places and nothing else. (A decoder that makes an array of each segment, as the
//   usual library does, takes some 30 times the map's size of the job's heap.)
//   A map that is broken or too large is left alone: frames then stay as they are.
import {
  Int32Array,
  floor,
  hasOwn,
  isArray,
  jsonParse,
  regexpExec,
  stringEndsWith,
  stringSlice,
  stringStartsWith,
} from '../primordials.js';
import { dirOf, joined, parseDataUrl } from './modules/index.js';

const { modules, text: coding } = native;

const MAP_MAX = 6 << 20; // characters of a sourceMappingURL or of a map's file
const NAME_MAX = 1024; // of a source, as stacks show it
const MARK_EVERY = 1024;

// A mark's numbers, and the sums while reading.
const LINE = 0;
const COLUMN = 1;
const AT = 2;
const SOURCE = 3;
const SOURCE_LINE = 4;
const SOURCE_COLUMN = 5;
const SUMS = 6;
const OWN = 6; // of a mark: the column that its segment comes to
const MARK = 7;

const COMMA = 44;
const SEMICOLON = 59;

const DIGITS = new Int32Array(128);
for (let i = 0; i < 128; i++) DIGITS[i] = -1;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES = coding.encode(ALPHABET);
for (let i = 0; i < 64; i++) DIGITS[CODES[i]] = i;

const cache = { __proto__: null, epoch: -1, byName: undefined };

// ---- reading `mappings` ----

function newReader(bytes, length) {
  const sums = new Int32Array(SUMS);
  return { __proto__: null, bytes, length, sums, mapped: false, broken: false };
}

function number(reader) {
  const { bytes, sums, length } = reader;
  let value = 0;
  let shift = 0;
  for (;;) {
    const code = sums[AT] < length ? bytes[sums[AT]] : 0;
    const digit = code < 128 ? DIGITS[code] : -1;
    if (digit < 0 || shift > 30) {
      reader.broken = true;
      return 0;
    }
    sums[AT]++;
    value |= (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) === 0) break;
  }
  return value & 1 ? -(value >>> 1) : value >>> 1;
}

function atEnd(reader) {
  const { bytes, sums, length } = reader;
  return sums[AT] >= length || bytes[sums[AT]] === COMMA || bytes[sums[AT]] === SEMICOLON;
}

// To the beginning of the next segment; false when there is none.
function skip(reader) {
  const { bytes, sums, length } = reader;
  for (; sums[AT] < length; sums[AT]++) {
    const code = bytes[sums[AT]];
    if (code === SEMICOLON) {
      sums[LINE]++;
      sums[COLUMN] = 0;
    } else if (code !== COMMA) return true;
  }
  return false;
}

// The sums behind one segment; reader.mapped: it names a source.
function segment(reader) {
  const { sums } = reader;
  sums[COLUMN] += number(reader);
  reader.mapped = !atEnd(reader);
  if (!reader.mapped) return;
  sums[SOURCE] += number(reader);
  sums[SOURCE_LINE] += number(reader);
  sums[SOURCE_COLUMN] += number(reader);
  if (!atEnd(reader)) number(reader); // of a name
  if (!atEnd(reader)) reader.broken = true;
}

// ---- one map ----

const member = (object, key) => (hasOwn(object, key) ? object[key] : undefined);

function textOf(name) {
  const url = modules.sourceMap(name);
  if (url === undefined || url.length > MAP_MAX) return undefined;
  if (stringStartsWith(url, 'data:')) return parseDataUrl(url).text();
  if (regexpExec(/^[a-z][a-z0-9+.-]*:/i, url) !== null) return undefined;
  const path = joined(stringStartsWith(url, '/') ? '' : dirOf(name), decodeURIComponent(url));
  const text = modules.read(path);
  return text === undefined || text.length > MAP_MAX ? undefined : text;
}

function markAll(map) {
  const reader = newReader(map.bytes, map.length);
  const { sums } = reader;
  let next = 0;
  let mark = -1;
  while (skip(reader)) {
    if (sums[AT] >= next) {
      mark = map.markCount++ * MARK;
      for (let i = 0; i < SUMS; i++) map.marks[mark + i] = sums[i];
      next = sums[AT] + MARK_EVERY;
    }
    segment(reader);
    if (reader.broken) return false;
    if (mark >= 0) map.marks[mark + OWN] = sums[COLUMN];
    mark = -1;
  }
  return map.markCount > 0;
}

function parse(name) {
  const text = textOf(name);
  if (text === undefined) return null;
  const value = jsonParse(text);
  if (typeof value !== 'object' || value === null) return null;
  const mappings = member(value, 'mappings');
  const sources = member(value, 'sources');
  const root = member(value, 'sourceRoot');
  if (member(value, 'version') !== 3 || typeof mappings !== 'string' || !isArray(sources)) return null;
  const bytes = coding.encode(mappings);
  const map = {
    __proto__: null,
    sources,
    root: typeof root === 'string' && root !== '' ? (stringEndsWith(root, '/') ? root : `${root}/`) : '',
    bytes,
    length: mappings.length, // other than ASCII is broken, and ends in time
    marks: new Int32Array((floor(mappings.length / MARK_EVERY) + 2) * MARK),
    markCount: 0,
  };
  return markAll(map) ? map : null;
}

function mapOf(name) {
  if (cache.epoch !== modules.epoch()) {
    cache.epoch = modules.epoch();
    cache.byName = { __proto__: null };
  }
  let map = cache.byName[name];
  if (map !== undefined) return map;
  cache.byName[name] = null; // for as long as it is read, and when that fails
  try {
    map = parse(name);
  } catch {
    map = null;
  }
  cache.byName[name] = map;
  return map;
}

// The mark to read on from.
function markBefore(map, line, column) {
  const { marks } = map;
  let low = 0;
  let high = map.markCount - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const at = middle * MARK;
    if (marks[at + LINE] < line || (marks[at + LINE] === line && marks[at + OWN] <= column)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function sourceName(map, name, index) {
  const source = index >= 0 && index < map.sources.length ? member(map.sources, `${index}`) : undefined;
  if (typeof source !== 'string' || source === '') return undefined;
  const whole = map.root + source;
  // A file that was made of one may name that by its whole path.
  const shown = whole[0] === '/' || whole === name || regexpExec(/^[a-z][a-z0-9+.-]*:/i, whole) !== null ? whole : joined(dirOf(name), whole);
  return shown === '' || shown.length > NAME_MAX || regexpExec(/[\0-\x1f\x7f]/, shown) !== null ? undefined : shown;
}

// [file, line, column] of the source for a place in a file, all from 1; undefined when the map has none.
export function positionOf(name, line, column) {
  const map = mapOf(name);
  if (map === null) return undefined;
  const reader = newReader(map.bytes, map.length);
  const { sums } = reader;
  const mark = markBefore(map, line - 1, column - 1) * MARK;
  for (let i = 0; i < SUMS; i++) sums[i] = map.marks[mark + i];
  let found = false;
  let source = 0;
  let sourceLine = 0;
  let sourceColumn = 0;
  while (skip(reader) && sums[LINE] <= line - 1) {
    segment(reader);
    if (sums[LINE] < line - 1) continue;
    if (sums[COLUMN] > column - 1) break;
    found = reader.mapped;
    source = sums[SOURCE];
    sourceLine = sums[SOURCE_LINE];
    sourceColumn = sums[SOURCE_COLUMN];
  }
  if (!found || sourceLine < 0 || sourceColumn < 0) return undefined;
  const file = sourceName(map, name, source);
  return file === undefined ? undefined : [file, sourceLine + 1, sourceColumn + 1];
}

function isOfItself(name) {
  const map = mapOf(name);
  for (let i = 0; i < map.sources.length; i++) if (sourceName(map, name, i) === name) return true;
  return false;
}

// A frame as V8 writes it, with the source's place instead of the file's; undefined for one that the source does
// not have and whose place would be taken for one of the source: in what a transformer added to a file.
export function mappedFrame(text, name, line, column) {
  const place = `${name}:${line}:${column}`;
  const closed = stringEndsWith(text, `${place})`);
  if (!closed && !stringEndsWith(text, place)) return text; // in code that was evaluated
  const found = positionOf(name, line, column);
  if (found === undefined) return mapOf(name) !== null && isOfItself(name) ? undefined : text;
  const head = stringSlice(text, 0, text.length - place.length - (closed ? 1 : 0));
  return `${head}${found[0]}:${found[1]}:${found[2]}${closed ? ')' : ''}`;
}
