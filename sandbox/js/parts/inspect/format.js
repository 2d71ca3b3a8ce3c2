// format(args): the text of console.log(...args), with the specifiers %s %d %i %f %j %o %O %c %%.
import {
  Number,
  String,
  charCodeAt,
  descriptorOf,
  getPrototypeOf,
  hasOwn,
  jsonStringify,
  parseFloat,
  parseInt,
  stringSlice,
  stringStartsWith,
  toPrimitive,
} from '../../primordials.js';
import { inspect } from './index.js';
import { PROXY } from '../../inspect_kinds.js';
import { isBuiltinName } from './names.js';
import { bigintText, numberText } from './text.js';

const { kind, proxy } = native.inspect;

const PERCENT = 37;

// Whether the object would be written as text by the language's own toString, which says nothing.
function hasBuiltinToString(value) {
  while (kind(value) === PROXY) {
    const details = proxy(value);
    if (details[1] === null) return true;
    value = details[0];
  }
  const toText = typeof value.toString === 'function';
  const toAny = typeof value[toPrimitive] === 'function';
  if (!toText && !toAny) return true;
  const defines = (object) =>
    (toText && hasOwn(object, 'toString')) || (toAny && hasOwn(object, toPrimitive));
  if (defines(value)) return false;
  let holder = value;
  do {
    holder = getPrototypeOf(holder);
  } while (!defines(holder));
  const own = descriptorOf(holder, 'constructor');
  return own !== undefined && typeof own.value === 'function' && isBuiltinName(own.value.name);
}

function stringOf(value) {
  if (typeof value === 'number') return numberText(value, false);
  if (typeof value === 'bigint') return bigintText(value, false);
  if (typeof value === 'object' && value !== null && hasBuiltinToString(value))
    return inspect(value, { __proto__: null, depth: 0 });
  return String(value);
}

function jsonOf(value) {
  try {
    return jsonStringify(value);
  } catch (error) {
    const message = descriptorOf(error, 'message')?.value;
    if (
      typeof message === 'string' &&
      stringStartsWith(message, 'Converting circular structure to JSON')
    )
      return '[Circular]';
    throw error;
  }
}

function numberOf(value, convert) {
  if (typeof value === 'bigint') return bigintText(value, false);
  return typeof value === 'symbol' ? 'NaN' : numberText(convert(value), false);
}

// The text for one specifier, or undefined when the character is none.
function specifier(character, value) {
  switch (character) {
    case 's':
      return stringOf(value);
    case 'd':
      return numberOf(value, Number);
    case 'i':
      return numberOf(value, parseInt);
    case 'f':
      return typeof value === 'symbol' ? 'NaN' : numberText(parseFloat(value), false);
    case 'j':
      return `${jsonOf(value)}`;
    case 'O':
      return inspect(value);
    case 'o':
      return inspect(value, { __proto__: null, showHidden: true, showProxy: true, depth: 4 });
    case 'c':
      return ''; // styles mean nothing here
    default:
      return undefined;
  }
}

export function format(args) {
  const first = args[0];
  if (args.length === 1 && typeof first === 'string') return first;
  let out = '';
  let used = 0;
  if (typeof first === 'string') {
    let last = 0;
    used = 1;
    for (let i = 0; i < first.length - 1; i++) {
      if (charCodeAt(first, i) !== PERCENT) continue;
      const character = first[++i];
      let text;
      if (character === '%') text = '%';
      else if (used < args.length) text = specifier(character, args[used]);
      if (text === undefined) continue;
      if (character !== '%') used++;
      out += stringSlice(first, last, i - 1) + text;
      last = i + 1;
    }
    out += stringSlice(first, last);
  }
  return out + formatRest(args, used, used === 0 ? '' : ' ');
}

// The arguments from `start` on, with no specifiers, each after a space; the first after `before`.
export function formatRest(args, start, before) {
  let out = '';
  for (let i = start; i < args.length; i++) {
    const value = args[i];
    out += (i === start ? before : ' ') + (typeof value === 'string' ? value : inspect(value));
  }
  return out;
}
