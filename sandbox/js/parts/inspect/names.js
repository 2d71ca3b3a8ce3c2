// What an object is called: the constructor's name found along the prototype chain, and the prefix made of
// it, the Symbol.toStringTag and the size.
import {
  Map,
  String,
  descriptorOf,
  getPrototypeOf,
  hasOwn,
  list,
  mapGet,
  mapHas,
  mapSet,
  ownKeys,
  push,
  stringIndexOf,
  stringLastIndexOf,
  stringSlice,
} from '../../primordials.js';
import { classNames, typedArrayConstructor } from '../../class_names.js';
import { KEYED, copyOptions, formatProperty, inspect } from './index.js';

const { constructorName: nativeName } = native.inspect;

// Names of the language's own classes, and the name for each prototype object whose `constructor` a
// guest may have tampered with.
const builtinNames = new Map();
const wellKnown = new Map();
{
  let from = 0;
  for (let end = 0; (end = stringIndexOf(classNames, ' ', from)) >= 0; from = end + 1)
    mapSet(builtinNames, stringSlice(classNames, from, end), true);
  const known = (constructor, name) => mapSet(wellKnown, constructor.prototype, name);
  known(Array, 'Array');
  known(ArrayBuffer, 'ArrayBuffer');
  known(Function, 'Function');
  known(Map, 'Map');
  known(Set, 'Set');
  known(Object, 'Object');
  known(RegExp, 'RegExp');
  known(Date, 'Date');
  known(DataView, 'DataView');
  known(Error, 'Error');
  known(AggregateError, 'AggregateError');
  known(RangeError, 'RangeError');
  known(TypeError, 'TypeError');
  known(Boolean, 'Boolean');
  known(Number, 'Number');
  known(String, 'String');
  known(Promise, 'Promise');
  known(WeakMap, 'WeakMap');
  known(WeakSet, 'WeakSet');
  known(typedArrayConstructor, 'TypedArray');
}

export const isBuiltinName = (name) => mapHas(builtinNames, name);

function isInstance(object, constructor) {
  try {
    return object instanceof constructor;
  } catch {
    return false; // Symbol.hasInstance is the guest's, or it is no constructor
  }
}

// Properties that the prototypes of a guest's class define (showHidden), up to three layers of them.
function addInherited(ctx, main, object, level, output) {
  const above = new Map();
  let keys = list();
  for (let layer = 0; layer < 3; layer++) {
    if (layer !== 0 || main === object) {
      object = getPrototypeOf(object);
      if (object === null) return;
      const own = descriptorOf(object, 'constructor');
      if (own !== undefined && typeof own.value === 'function' && isBuiltinName(own.value.name))
        return;
    }
    for (let i = 0; i < keys.length; i++) mapSet(above, keys[i], true);
    keys = ownKeys(object);
    push(ctx.seen, main);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === 'constructor' || hasOwn(main, key) || mapHas(above, key)) continue;
      const descriptor = descriptorOf(object, key);
      if (typeof descriptor.value === 'function') continue;
      const text = formatProperty(ctx, object, level, key, KEYED, descriptor, main);
      push(output, ctx.colors ? `\x1b[2m${text}\x1b[22m` : text);
    }
    ctx.seen.length--;
  }
}

// Name of the object's class; null when it has no prototype. inherited: a list to which properties of
// the guest's prototypes are added, or undefined.
export function constructorName(object, ctx, level, inherited) {
  let first;
  let holder = object;
  while (holder !== null) {
    const known = holder !== object ? mapGet(wellKnown, holder) : undefined;
    if (known !== undefined) {
      if (inherited !== undefined && first !== holder)
        addInherited(ctx, object, first ?? object, level, inherited);
      return known;
    }
    const own = descriptorOf(holder, 'constructor');
    if (own !== undefined && typeof own.value === 'function') {
      const { name } = own.value;
      if (name !== '' && isInstance(object, own.value)) {
        if (inherited !== undefined && (first !== holder || !isBuiltinName(name)))
          addInherited(ctx, object, first ?? object, level, inherited);
        return String(name);
      }
    }
    holder = getPrototypeOf(holder);
    if (first === undefined) first = holder;
  }
  if (first === null) return null;
  // A prototype chain that names no class.
  const name = nativeName(object);
  if (level > ctx.depth && ctx.depth !== null) return `${name} <Complex prototype>`;
  const parent = constructorName(first, ctx, level + 1, inherited);
  if (parent !== null) return `${name} <${parent}>`;
  const options = copyOptions(ctx, { __proto__: null });
  options.customInspect = false;
  options.depth = -1;
  return `${name} <${inspect(first, options)}>`;
}

// Array(3), [Array: null prototype], Foo [Tag], …, with the space that follows.
export function prefix(name, tag, fallback, size = '') {
  if (name === null) {
    const shown = `[${fallback}${size}: null prototype] `;
    return tag !== '' && fallback !== tag ? `${shown}[${tag}] ` : shown;
  }
  if (tag === '') return `${name}${size} `;
  const dot = stringLastIndexOf(tag, '.');
  const last = dot >= 1 ? stringSlice(tag, dot + 1) : tag;
  return name === last ? `${tag}${size} ` : `${name}${size} [${tag}] `;
}

export function styledPrefix(object, name, tag) {
  let fallback = '';
  if (name === null) {
    fallback = nativeName(object);
    if (fallback === tag) fallback = 'Object';
  }
  return prefix(name, tag, fallback);
}
