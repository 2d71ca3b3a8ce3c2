// One shaper for each kind of object: it fills in the shape (see inspect.js), and returns the whole text
// when there is nothing to list. A body lists the content that is not properties.
import {
  String,
  arraySort,
  arraySplice,
  bigintValueOf,
  booleanValueOf,
  dataViewBuffer,
  dataViewByteLength,
  dataViewByteOffset,
  dateGetTime,
  dateToISOString,
  dateToString,
  descriptorOf,
  functionToString,
  getPrototypeOf,
  hasOwn,
  isNaN,
  list,
  mapEntries,
  mapIteratorNext,
  mapSize,
  max,
  min,
  numberValueOf,
  objectKeys,
  push,
  regexpExec,
  regexpText,
  setIteratorNext,
  setSize,
  setValues,
  stringEndsWith,
  stringIncludes,
  stringIndexOf,
  stringSlice,
  stringStartsWith,
  stringToLowerCase,
  stringValueOf,
  symbolValueOf,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArrayByteOffset,
  typedArrayLength,
  typedArrayTag,
} from '../../primordials.js';
import * as kinds from '../../inspect_kinds.js';
import { plain } from './colors.js';
import { shapeError } from './error.js';
import { BARE, KEYED, formatProperty, formatValue, listedKeys } from './index.js';
import { layOut } from './layout.js';
import { prefix, styledPrefix } from './names.js';
import { bigintText, formatKey, formatPrimitive, numberText } from './text.js';

const {
  bytes: hexBytes,
  entries: previewEntries,
  flavor,
  nonIndexKeys,
  promise,
  size: bufferSize,
} = native.inspect;

const ASYNC = 1; // bits of native.inspect.flavor()
const GENERATOR = 2;
const PENDING = 0; // states of native.inspect.promise()
const REJECTED = 2;
const MAX_ARRAY_INDEX = 2 ** 32 - 2;

export const nothingListed = (shape) => shape.keys.length === 0 && !shape.more;
const remaining = (count) => `... ${count} more item${count > 1 ? 's' : ''}`;
const one = (text) => {
  const output = list();
  push(output, text);
  return output;
};
const pairs = (...entries) => entries;
const shownLength = (ctx, length) => min(max(0, ctx.maxArrayLength), length);

function shapeObject(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  if (shape.name === 'Object')
    shape.open = shape.tag === '' ? '{' : `${prefix('Object', shape.tag, 'Object')}{`;
  else shape.open = `${styledPrefix(value, shape.name, shape.tag)}{`;
  return nothingListed(shape) ? `${shape.open}}` : undefined;
}

function shapeArguments(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  shape.open = '[Arguments] {';
  return nothingListed(shape) ? `${shape.open}}` : undefined;
}

// ---- functions and classes ----------------------------------------------------------------------
const classHead = /^\s+[^(]*?\s*\{/;

function withoutComments(text) {
  const comment = /\/\/.*?\n|\/\*[\s\S]*?\*\//g;
  let out = '';
  let last = 0;
  for (let found; (found = regexpExec(comment, text)) !== null; last = comment.lastIndex)
    out += stringSlice(text, last, found.index);
  return out + stringSlice(text, last);
}

// Tells a class from a method that is called "class", which has a parenthesis before its brace.
function isClassText(text) {
  if (!stringStartsWith(text, 'class') || !stringEndsWith(text, '}')) return false;
  const rest = stringSlice(text, 5, -1);
  const brace = stringIndexOf(rest, '{');
  if (brace < 0) return false;
  if (!stringIncludes(stringSlice(rest, 0, brace), '(')) return true;
  return regexpExec(classHead, withoutComments(rest)) !== null;
}

function classText(value, { name, tag }) {
  const own = hasOwn(value, 'name') ? value.name : '';
  let text = `[class ${own ? String(own) : '(anonymous)'}`;
  if (name !== 'Function' && name !== null) text += ` [${name}]`;
  if (tag !== '' && name !== tag) text += ` [${tag}]`;
  if (name === null) return `${text} extends [null prototype]]`;
  const parent = getPrototypeOf(value).name;
  return `${text}${parent ? ` extends ${String(parent)}` : ''}]`;
}

function functionText(ctx, value, { name, tag }) {
  if (isClassText(functionToString(value))) return classText(value, { name, tag });
  const bits = flavor(value);
  const type = `${bits & ASYNC ? 'Async' : ''}${bits & GENERATOR ? 'Generator' : ''}Function`;
  let text = `[${type}${name === null ? ' (null prototype)' : ''}`;
  const own = value.name;
  if (own === '') text += ' (anonymous)';
  else text += `: ${typeof own === 'string' ? own : formatValue(ctx, own, 0, false)}`;
  text += ']';
  if (name !== type && name !== null) text += ` ${name}`;
  return tag !== '' && name !== tag ? `${text} [${tag}]` : text;
}

function shapeFunction(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  shape.base = functionText(ctx, value, shape);
  return nothingListed(shape) ? ctx.stylize(shape.base, 'special') : undefined;
}

// ---- arrays ---------------------------------------------------------------------------------------
function shapeArray(ctx, value, shape) {
  shape.keys = nonIndexKeys(value, !ctx.showHidden);
  shape.columns = true;
  shape.open = '[';
  shape.close = ']';
  if (shape.name !== 'Array' || shape.tag !== '')
    shape.open = `${prefix(shape.name, shape.tag, 'Array', `(${value.length})`)}[`;
  if (value.length === 0 && nothingListed(shape)) return `${shape.open}]`;
  shape.body = listArray;
  return undefined;
}

function listArray(ctx, value, level) {
  const output = list();
  const shown = shownLength(ctx, value.length);
  for (let i = 0; i < shown; i++) {
    const descriptor = descriptorOf(value, i);
    if (descriptor === undefined) return listSparse(ctx, value, level, shown, output);
    push(output, formatProperty(ctx, value, level, i, BARE, descriptor));
  }
  if (value.length > shown) push(output, remaining(value.length - shown));
  return output;
}

// Continues a list at its first hole: a run of holes is one entry.
function listSparse(ctx, value, level, shown, output) {
  const hole = (count) =>
    push(output, ctx.stylize(`<${count} empty item${count > 1 ? 's' : ''}>`, 'undefined'));
  const keys = objectKeys(value);
  let next = output.length;
  for (let i = next; i < keys.length && output.length < shown; i++) {
    const index = +keys[i];
    if (!(index >= 0 && index <= MAX_ARRAY_INDEX) || `${index}` !== keys[i]) break;
    if (index !== next) {
      hole(index - next);
      next = index;
      if (output.length === shown) break;
    }
    push(output, formatProperty(ctx, value, level, keys[i], BARE));
    next++;
  }
  const rest = value.length - next;
  if (rest > 0) {
    if (output.length !== shown) hole(rest);
    else push(output, remaining(rest));
  }
  return output;
}

function shapeTypedArray(ctx, value, shape) {
  const length = typedArrayLength(value);
  shape.keys = nonIndexKeys(value, !ctx.showHidden);
  shape.columns = true;
  const fallback = shape.name === null ? typedArrayTag(value) : '';
  shape.open = `${prefix(shape.name, shape.tag, fallback, `(${length})`)}[`;
  shape.close = ']';
  if (length === 0 && shape.keys.length === 0 && !ctx.showHidden) return `${shape.open}]`;
  shape.body = listTypedArray;
  if (ctx.showHidden) {
    shape.inTyped = true;
    shape.extras = () =>
      pairs(
        ['BYTES_PER_ELEMENT', value.BYTES_PER_ELEMENT],
        ['length', length],
        ['byteLength', typedArrayByteLength(value)],
        ['byteOffset', typedArrayByteOffset(value)],
        ['buffer', typedArrayBuffer(value)],
      );
  }
  return undefined;
}

function listTypedArray(ctx, value) {
  const output = list();
  const length = typedArrayLength(value);
  const shown = shownLength(ctx, length);
  for (let i = 0; i < shown; i++) {
    const item = value[i];
    const text = typeof item === 'bigint' ? bigintText : numberText;
    const type = typeof item === 'bigint' ? 'bigint' : 'number';
    push(output, ctx.stylize(text(item, ctx.numericSeparator), type));
  }
  if (length > shown) push(output, remaining(length - shown));
  return output;
}

// ---- collections ----------------------------------------------------------------------------------
function shapeCollection(ctx, value, shape, type, size, body) {
  shape.keys = listedKeys(value, ctx.showHidden);
  shape.open = `${prefix(shape.name, shape.tag, type, `(${size})`)}{`;
  shape.body = body;
  return size === 0 && nothingListed(shape) ? `${shape.open}}` : undefined;
}

function listSet(ctx, value, level) {
  const output = list();
  const size = setSize(value);
  const shown = shownLength(ctx, size);
  const values = setValues(value);
  ctx.indent += 2;
  for (let i = 0; i < shown; i++) {
    const item = setIteratorNext(values);
    if (item.done) break; // custom inspection made the set smaller
    push(output, formatValue(ctx, item.value, level, false));
  }
  ctx.indent -= 2;
  if (size > shown) push(output, remaining(size - shown));
  return output;
}

function listMap(ctx, value, level) {
  const output = list();
  const size = mapSize(value);
  const shown = shownLength(ctx, size);
  const entries = mapEntries(value);
  ctx.indent += 2;
  for (let i = 0; i < shown; i++) {
    const entry = mapIteratorNext(entries).value;
    if (entry === undefined) break; // custom inspection made the map smaller
    const key = formatValue(ctx, entry[0], level, false);
    push(output, `${key} => ${formatValue(ctx, entry[1], level, false)}`);
  }
  ctx.indent -= 2;
  if (size > shown) push(output, remaining(size - shown));
  return output;
}

// entries: what an iterator will give, or a weak collection holds; paired: as key, value, key, value, …
function listPreview(ctx, entries, paired, level, weak) {
  const output = list();
  const count = paired ? entries.length / 2 : entries.length;
  const shown = shownLength(ctx, count);
  ctx.indent += 2;
  for (let i = 0; i < shown; i++) {
    if (!paired) {
      push(output, formatValue(ctx, entries[i], level, false));
      continue;
    }
    const parts = list();
    push(parts, formatValue(ctx, entries[i * 2], level, false));
    push(parts, formatValue(ctx, entries[i * 2 + 1], level, false));
    push(
      output,
      weak
        ? `${parts[0]} => ${parts[1]}`
        : layOut(ctx, parts, '', '[', ']', true, level, undefined),
    );
  }
  ctx.indent -= 2;
  // The order of a weak collection means nothing and changes: sorted, the text is the same each time.
  if (weak && !ctx.sorted) arraySort(output);
  if (count > shown) push(output, remaining(count - shown));
  return output;
}

const shapeIterator = (type) => (ctx, value, shape) => {
  shape.keys = listedKeys(value, ctx.showHidden);
  const { tag } = shape;
  const own = tag === '' || tag === `${type} Iterator` ? '' : `${tag}] [`;
  shape.body = (_ctx, _value, level) => {
    const preview = previewEntries(value);
    shape.open = `[${own}${type} ${preview[1] ? 'Entries' : 'Iterator'}] {`;
    return listPreview(ctx, preview[0], preview[1], level, false);
  };
  return undefined;
};

const shapeWeak = (type, paired) => (ctx, value, shape) => {
  shape.keys = listedKeys(value, ctx.showHidden);
  shape.open = `${prefix(shape.name, shape.tag, type)}{`;
  shape.body = (_ctx, _value, level) => {
    if (ctx.showHidden) return listPreview(ctx, previewEntries(value)[0], paired, level, true);
    return one(ctx.stylize('<items unknown>', 'special'));
  };
  return undefined;
};

// ---- buffers ----------------------------------------------------------------------------------------
const shapeBuffer = (type) => (ctx, value, shape) => {
  shape.keys = listedKeys(value, ctx.showHidden);
  const open = prefix(shape.name, shape.tag, type);
  const size = bufferSize(value);
  if (shape.inTyped && nothingListed(shape))
    return `${open}{ [byteLength]: ${ctx.stylize(numberText(size, false), 'number')} }`;
  shape.open = `${open}{`;
  if (!shape.inTyped) shape.body = () => one(contentText(ctx, value, size));
  shape.extras = () => pairs(['byteLength', size]);
  return undefined;
};

function contentText(ctx, buffer, size) {
  const text = hexBytes(buffer, min(max(0, ctx.maxArrayLength), size));
  if (text === undefined) return ctx.stylize('(detached)', 'special');
  const more = size - ctx.maxArrayLength;
  const note = more > 0 ? ` ... ${more} more byte${more > 1 ? 's' : ''}` : '';
  return `${ctx.stylize('[Uint8Contents]', 'special')}: <${text}${note}>`;
}

function shapeDataView(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  shape.open = `${prefix(shape.name, shape.tag, 'DataView')}{`;
  shape.extras = () => {
    const buffer = dataViewBuffer(value);
    let size = 0;
    let offset;
    try {
      size = dataViewByteLength(value);
      offset = dataViewByteOffset(value);
    } catch {
      // The buffer was detached, or shrank below the view.
    }
    return pairs(['byteLength', size], ['byteOffset', offset], ['buffer', buffer]);
  };
  return undefined;
}

// ---- the rest ---------------------------------------------------------------------------------------
function shapeRegexp(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  const own = prefix(shape.name, shape.tag, 'RegExp');
  const text = regexpText(value);
  shape.base = ctx.stylize(own === 'RegExp ' ? text : own + text, 'regexp');
  return nothingListed(shape) || shape.deep ? shape.base : undefined;
}

function shapeDate(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  const text = isNaN(dateGetTime(value)) ? dateToString(value) : dateToISOString(value);
  const own = prefix(shape.name, shape.tag, 'Date');
  shape.base = own === 'Date ' ? text : own + text;
  return nothingListed(shape) ? ctx.stylize(shape.base, 'date') : undefined;
}

function shapePromise(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  shape.open = `${prefix(shape.name, shape.tag, 'Promise')}{`;
  shape.body = listPromise;
  return undefined;
}

function listPromise(ctx, value, level) {
  const details = promise(value);
  if (details[0] === PENDING) return one(ctx.stylize('<pending>', 'special'));
  ctx.indent += 2;
  const text = formatValue(ctx, details[1], level, false);
  ctx.indent -= 2;
  return one(details[0] === REJECTED ? `${ctx.stylize('<rejected>', 'special')} ${text}` : text);
}

function shapeModule(ctx, value, shape) {
  const names = listedKeys(value, ctx.showHidden);
  shape.keys = list();
  shape.open = `${prefix(shape.name, shape.tag, 'Module')}{`;
  shape.body = (_ctx, _value, level) => {
    const output = list();
    for (let i = 0; i < names.length; i++) {
      try {
        push(output, formatProperty(ctx, value, level, names[i], KEYED));
      } catch {
        const text = ctx.stylize('<uninitialized>', 'special');
        push(output, `${formatKey(ctx, names[i])}: ${text}`);
      }
    }
    return output;
  };
  return undefined;
}

const shapeBoxed = (type, valueOf) => (ctx, value, shape) => {
  const primitive = valueOf(value);
  shape.keys = listedKeys(value, ctx.showHidden);
  // A boxed string's characters are properties; the text shows them already.
  if (typeof primitive === 'string') arraySplice(shape.keys, 0, primitive.length);
  const { stylize } = ctx;
  ctx.stylize = plain;
  const text = formatPrimitive(ctx, primitive);
  ctx.stylize = stylize;
  const { name, tag } = shape;
  let own = type;
  if (name === null) own += ' (null prototype)';
  else if (name !== type) own += ` (${name})`;
  shape.base = `[${own}: ${text}]${tag !== '' && tag !== name ? ` [${tag}]` : ''}`;
  if (!nothingListed(shape)) return undefined;
  return ctx.stylize(shape.base, stringToLowerCase(type));
};

export const shapers = {
  __proto__: null,
  [kinds.OBJECT]: shapeObject,
  [kinds.FUNCTION]: shapeFunction,
  [kinds.ARRAY]: shapeArray,
  [kinds.SET]: (ctx, value, shape) =>
    shapeCollection(ctx, value, shape, 'Set', setSize(value), listSet),
  [kinds.MAP]: (ctx, value, shape) =>
    shapeCollection(ctx, value, shape, 'Map', mapSize(value), listMap),
  [kinds.TYPED_ARRAY]: shapeTypedArray,
  [kinds.MAP_ITERATOR]: shapeIterator('Map'),
  [kinds.SET_ITERATOR]: shapeIterator('Set'),
  [kinds.ARGUMENTS]: shapeArguments,
  [kinds.REGEXP]: shapeRegexp,
  [kinds.DATE]: shapeDate,
  [kinds.ERROR]: shapeError,
  [kinds.ARRAY_BUFFER]: shapeBuffer('ArrayBuffer'),
  [kinds.SHARED_ARRAY_BUFFER]: shapeBuffer('SharedArrayBuffer'),
  [kinds.DATA_VIEW]: shapeDataView,
  [kinds.PROMISE]: shapePromise,
  [kinds.WEAK_SET]: shapeWeak('WeakSet', false),
  [kinds.WEAK_MAP]: shapeWeak('WeakMap', true),
  [kinds.MODULE]: shapeModule,
  [kinds.NUMBER_OBJECT]: shapeBoxed('Number', numberValueOf),
  [kinds.STRING_OBJECT]: shapeBoxed('String', stringValueOf),
  [kinds.BOOLEAN_OBJECT]: shapeBoxed('Boolean', booleanValueOf),
  [kinds.BIGINT_OBJECT]: shapeBoxed('BigInt', bigintValueOf),
  [kinds.SYMBOL_OBJECT]: shapeBoxed('Symbol', symbolValueOf),
};
