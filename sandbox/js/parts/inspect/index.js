// inspect(value, options): any value as text, the way people know it from Node's util.inspect.
//
// How this works: formatValue() sorts out primitives, proxies, custom inspection and cycles;
// formatObject() asks native.inspect.kind() what the object really is (its internal slots, not what it
// says of itself), lets the shaper of that kind fill in a `shape` (braces, base text, how to list the
// content), lists content and properties, and hands the entries to layout.js.
//
// Looking must not run guest code where that can be helped: proxies are seen through natively, getters
// are not called, built-in content is read through captured functions. What people expect to run does
// run: Symbol.toStringTag, `name` and `constructor` of classes, nodejs.util.inspect.custom.
import {
  Error,
  Map,
  apply,
  customInspect,
  defineProperty,
  descriptorOf,
  functionHasInstance,
  getOwnPropertyNames,
  getOwnPropertySymbols,
  hasOwn,
  isEnumerable,
  iterator,
  list,
  mapGet,
  mapSet,
  mapSize,
  objectKeys,
  push,
  arraySort,
  stringSlice,
  toStringTag,
} from '../../primordials.js';
import { colorize, plain } from './colors.js';
import { constructorName, prefix, styledPrefix } from './names.js';
import { layOut } from './layout.js';
import { format } from './format.js';
import { formatKey, formatPrimitive, indentLines, textWidth } from './text.js';
import { shapers } from './shapes.js';
import {
  ARGUMENTS,
  ARRAY,
  DATE,
  ERROR,
  FUNCTION,
  OBJECT,
  PROXY,
  REGEXP,
  SET_ITERATOR,
} from '../../inspect_kinds.js';


export { format, textWidth };

const { kind: kindOf, proxy: proxyDetails } = native.inspect;

// Text of one inspection grows at most to about this; beyond, nested objects are only named.
const TEXT_BUDGET = 2 ** 27;

// How an entry of a list is written: `key: value`, or the value alone.
export const KEYED = 0;
export const BARE = 1;
const KEYED_IN_LIST = 2; // further properties of an array

const defaults = {
  __proto__: null,
  showHidden: false,
  depth: 2,
  colors: false,
  customInspect: true,
  showProxy: false,
  maxArrayLength: 100,
  maxStringLength: 10000,
  breakLength: 80,
  compact: 3,
  sorted: false,
  getters: false,
  numericSeparator: false,
};
const optionNames = objectKeys(defaults);

export function inspect(value, options) {
  const ctx = {
    __proto__: null,
    indent: 0,
    currentDepth: 0,
    seen: list(),
    circular: undefined,
    spent: list(),
    stylize: plain,
    extraOptions: undefined,
  };
  for (let i = 0; i < optionNames.length; i++) ctx[optionNames[i]] = defaults[optionNames[i]];
  if (typeof options === 'object' && options !== null) {
    const names = objectKeys(options);
    for (let i = 0; i < names.length; i++) {
      if (names[i] in defaults || names[i] === 'stylize') ctx[names[i]] = options[names[i]];
      else ctx.extraOptions = options;
    }
  }
  if (ctx.colors) ctx.stylize = colorize;
  if (ctx.maxArrayLength === null) ctx.maxArrayLength = Infinity;
  if (ctx.maxStringLength === null) ctx.maxStringLength = Infinity;
  return formatValue(ctx, value, 0, false);
}
defineProperty(inspect, 'custom', { __proto__: null, value: customInspect, writable: true, enumerable: true, configurable: true });

export function copyOptions(ctx, options) {
  options.stylize = ctx.stylize;
  for (let i = 0; i < optionNames.length; i++) options[optionNames[i]] = ctx[optionNames[i]];
  return options;
}

// The options as a custom inspection function receives them: an ordinary object of its own.
function optionsForGuest(ctx) {
  const options = copyOptions(ctx, {});
  if (ctx.extraOptions !== undefined) {
    const names = objectKeys(ctx.extraOptions);
    for (let i = 0; i < names.length; i++) options[names[i]] = ctx.extraOptions[names[i]];
  }
  return options;
}

// Runs the object's own inspection function. undefined when there is none or it gave the object itself.
function customText(ctx, value, shown, level) {
  const custom = value[customInspect];
  if (typeof custom !== 'function' || custom === inspect) return undefined;
  // A class's prototype inherits the function but is not what it was made for.
  const own = descriptorOf(value, 'constructor')?.value;
  if (own !== null && own !== undefined && own.prototype === value) return undefined;
  const depth = ctx.depth === null ? null : ctx.depth - level;
  const result = apply(custom, shown, [depth, optionsForGuest(ctx), inspect]);
  if (result === shown) return undefined;
  return typeof result === 'string'
    ? indentLines(result, ctx.indent)
    : formatValue(ctx, result, level, false);
}

function circularText(ctx, value) {
  ctx.circular ??= new Map();
  let index = mapGet(ctx.circular, value);
  if (index === undefined) {
    index = mapSize(ctx.circular) + 1;
    mapSet(ctx.circular, value, index);
  }
  return ctx.stylize(`[Circular *${index}]`, 'special');
}

function isSeen(ctx, value) {
  for (let i = 0; i < ctx.seen.length; i++) if (ctx.seen[i] === value) return true;
  return false;
}

function formatProxy(ctx, target, handler, level) {
  if (level > ctx.depth && ctx.depth !== null) return ctx.stylize('Proxy [Array]', 'special');
  const output = list();
  ctx.indent += 2;
  push(output, formatValue(ctx, target, level + 1, false));
  push(output, formatValue(ctx, handler, level + 1, false));
  ctx.indent -= 2;
  return layOut(ctx, output, '', 'Proxy [', ']', true, level + 1, undefined);
}

// inTyped: we are inside a typed array or view, whose buffer is shown by its size alone.
export function formatValue(ctx, value, level, inTyped) {
  if (value === null) return ctx.stylize('null', 'null');
  if (typeof value !== 'object' && typeof value !== 'function') return formatPrimitive(ctx, value);
  let kind = kindOf(value);
  let proxies = 0;
  const shown = value;
  while (kind === PROXY) {
    const details = proxyDetails(value);
    if (details[1] === null) {
      value = null;
      break;
    }
    if (ctx.showProxy) return formatProxy(ctx, details[0], details[1], level);
    value = details[0];
    kind = kindOf(value);
    proxies++;
  }
  let text;
  if (value === null) {
    text = ctx.stylize('<Revoked Proxy>', 'special');
  } else {
    if (ctx.customInspect) {
      text = customText(ctx, value, shown, level);
      if (text !== undefined) return text;
    }
    if (isSeen(ctx, value)) return circularText(ctx, value);
    text = formatObject(ctx, value, kind, level, inTyped);
  }
  for (; proxies > 0; proxies--)
    text = ctx.stylize('Proxy(', 'special') + text + ctx.stylize(')', 'special');
  return text;
}

// Own keys that are listed: the enumerable ones, or all with showHidden.
export function listedKeys(value, showHidden) {
  const keys = list();
  let names;
  if (showHidden) {
    names = getOwnPropertyNames(value);
  } else {
    try {
      names = objectKeys(value);
    } catch {
      // A module namespace with bindings that are not initialised yet.
      names = getOwnPropertyNames(value);
    }
  }
  for (let i = 0; i < names.length; i++) push(keys, names[i]);
  const symbols = getOwnPropertySymbols(value);
  for (let i = 0; i < symbols.length; i++) {
    if (showHidden || isEnumerable(value, symbols[i])) push(keys, symbols[i]);
  }
  return keys;
}

function tagOf(ctx, value) {
  let tag;
  try {
    tag = value[toStringTag];
  } catch {
    return '';
  }
  if (typeof tag !== 'string' || tag === '') return '';
  // An own tag is listed with the properties.
  const listed = ctx.showHidden ? hasOwn(value, toStringTag) : isEnumerable(value, toStringTag);
  return listed ? '' : tag;
}

// What the object is treated as: its real kind, unless its prototype makes it something else.
function effectiveKind(value, kind, name) {
  if (kind === FUNCTION) return FUNCTION;
  if (kind >= ARRAY && kind <= SET_ITERATOR)
    return name === null || iterator in value ? kind : OBJECT;
  if (name === 'Object') return kind === ARGUMENTS ? ARGUMENTS : OBJECT;
  if (kind === ARGUMENTS) return OBJECT;
  if (kind !== REGEXP && kind !== DATE && functionHasInstance(Error, value)) return ERROR;
  return kind;
}

function formatObject(ctx, value, kind, level, inTyped) {
  const deep = level > ctx.depth && ctx.depth !== null;
  let inherited = ctx.showHidden && !deep ? list() : undefined;
  const name = constructorName(value, ctx, level, inherited);
  if (inherited !== undefined && inherited.length === 0) inherited = undefined;
  const tag = tagOf(ctx, value);
  const shape = {
    __proto__: null,
    kind: effectiveKind(value, kind, name),
    name,
    tag,
    level,
    deep,
    inTyped,
    keys: undefined,
    more: inherited !== undefined, // something is listed besides content and keys
    base: '',
    open: '{',
    close: '}',
    columns: false, // entries may be set in columns
    body: undefined, // lists the content
    extras: undefined, // gives [name, value] of accessors shown like [byteLength]: 3
  };
  const done = shapers[shape.kind](ctx, value, shape);
  if (done !== undefined) return done;
  if (deep) {
    const text = stringSlice(styledPrefix(value, name, tag), 0, -1);
    return ctx.stylize(name !== null ? `[${text}]` : text, 'special');
  }
  return formatContent(ctx, value, shape, inherited);
}

function isStackOverflow(error) {
  if (kindOf(error) !== ERROR) return false;
  const message = descriptorOf(error, 'message');
  return message !== undefined && message.value === 'Maximum call stack size exceeded';
}

function listEntries(ctx, value, shape, inherited) {
  const level = shape.level + 1;
  const output = shape.body === undefined ? list() : shape.body(ctx, value, level, shape);
  const extras = shape.extras?.() ?? [];
  for (let i = 0; i < extras.length; i++)
    push(output, formatExtra(ctx, extras[i][0], extras[i][1], level, shape));
  const type = shape.columns ? KEYED_IN_LIST : KEYED;
  for (let i = 0; i < shape.keys.length; i++)
    push(output, formatProperty(ctx, value, level, shape.keys[i], type));
  if (inherited !== undefined)
    for (let i = 0; i < inherited.length; i++) push(output, inherited[i]);
  return output;
}

function sortEntries(ctx, output, shape) {
  const compare = ctx.sorted === true ? undefined : ctx.sorted;
  if (!shape.columns) {
    arraySort(output, compare);
    return;
  }
  const first = output.length - shape.keys.length;
  const keyed = list();
  for (let i = first; i < output.length; i++) push(keyed, output[i]);
  arraySort(keyed, compare);
  for (let i = first; i < output.length; i++) output[i] = keyed[i - first];
}

function formatContent(ctx, value, shape, inherited) {
  const { indent } = ctx;
  push(ctx.seen, value);
  ctx.currentDepth = shape.level + 1;
  let output;
  try {
    output = listEntries(ctx, value, shape, inherited);
  } catch (error) {
    if (!isObject(error) || !isStackOverflow(error)) throw error;
    ctx.seen.length--;
    ctx.indent = indent;
    const text = stringSlice(styledPrefix(value, shape.name, shape.tag), 0, -1);
    return ctx.stylize(
      `[${text}: Inspection interrupted prematurely. Maximum call stack size exceeded.]`,
      'special',
    );
  }
  let { base, open } = shape;
  if (ctx.circular !== undefined) {
    const index = mapGet(ctx.circular, value);
    if (index !== undefined) {
      const reference = ctx.stylize(`<ref *${index}>`, 'special');
      if (ctx.compact === true) open = `${reference} ${open}`;
      else base = base === '' ? reference : `${reference} ${base}`;
    }
  }
  ctx.seen.length--;
  if (ctx.sorted) sortEntries(ctx, output, shape);
  const columns = shape.columns;
  const text = layOut(ctx, output, base, open, shape.close, columns, shape.level + 1, value);
  const spent = (ctx.spent[ctx.indent] ?? 0) + text.length;
  ctx.spent[ctx.indent] = spent;
  if (spent > TEXT_BUDGET) ctx.depth = -1;
  return text;
}

const isObject = (value) =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

function formatExtra(ctx, key, value, level, shape) {
  ctx.indent += 2;
  const text = formatValue(ctx, value, level, shape.inTyped);
  ctx.indent -= 2;
  return `${ctx.stylize(`[${key}]`, 'string')}: ${text}`;
}

function formatGetter(ctx, descriptor, level, holder) {
  const label = descriptor.set !== undefined ? 'Getter/Setter' : 'Getter';
  const wanted =
    ctx.getters === true ||
    (ctx.getters === 'get' && descriptor.set === undefined) ||
    (ctx.getters === 'set' && descriptor.set !== undefined);
  if (!wanted) return ctx.stylize(`[${label}]`, 'special');
  const open = ctx.stylize(`[${label}:`, 'special');
  const close = ctx.stylize(']', 'special');
  let text;
  ctx.indent += 2;
  try {
    const value = apply(descriptor.get, holder, []);
    text = isObject(value)
      ? `${ctx.stylize(`[${label}]`, 'special')} ${formatValue(ctx, value, level, false)}`
      : `${open} ${formatValue(ctx, value, level, false)}${close}`;
  } catch (error) {
    text = `${open} <Inspection threw (${formatValue(ctx, error, level, false)})>${close}`;
  }
  ctx.indent -= 2;
  return text;
}

// One property as `key: value`, or with type BARE the value alone. holder: what getters are called on.
export function formatProperty(
  ctx,
  value,
  level,
  key,
  type,
  descriptor = descriptorOf(value, key),
  holder = value,
) {
  let text;
  let space = ' ';
  if (descriptor.value !== undefined) {
    const indent = ctx.compact !== true || type !== KEYED ? 2 : 3;
    ctx.indent += indent;
    text = formatValue(ctx, descriptor.value, level, false);
    ctx.indent -= indent;
    if (indent === 3 && ctx.breakLength < text.length) space = indentLines('\n', ctx.indent + 3);
  } else if (descriptor.get !== undefined) {
    text = formatGetter(ctx, descriptor, level, holder);
  } else {
    text =
      descriptor.set !== undefined
        ? ctx.stylize('[Setter]', 'special')
        : ctx.stylize('undefined', 'undefined');
  }
  if (type === BARE) return text;
  const name = formatKey(ctx, key);
  return `${descriptor.enumerable === false ? `[${name}]` : name}:${space}${text}`;
}

// What scripts print most, so that it lies compiled in the code cache.
export function rehearse() {
  const error = new Error('rehearsal', { cause: new Error('its cause') });
  const list = [1, 'two', { three: [3.5, null], four: undefined, five: { six: { seven: {} } } }, true, -0];
  inspect({ list, map: new Map([[1, { x: null }]]), set: new Set(list), date: new Date(0), bytes: new Uint8Array(3) });
  inspect({ error, of: inspect, class: class Named {}, empty: {}, none: [], symbol: Symbol('s') });
  format(['%s %d %i %f %j %o', 'x', 1, 2, 3.5, { y: 1 }, [list]]);
}
