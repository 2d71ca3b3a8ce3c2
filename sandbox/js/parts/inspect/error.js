// Errors: the stack as it stands, improved where the class says more than the name; then cause, the errors
// of an AggregateError and further properties as properties.
import {
  arrayIndexOf,
  arraySplice,
  errorToString,
  hasOwn,
  isArray,
  join,
  list,
  min,
  objectToString,
  push,
  regexpExec,
  stringEndsWith,
  stringIncludes,
  stringIndexOf,
  stringSlice,
  stringStartsWith,
} from '../../primordials.js';
import { ERROR } from '../../inspect_kinds.js';
import { formatValue, listedKeys } from './index.js';
import { prefix } from './names.js';
import { nothingListed } from './shapes.js';
import { indentLines } from './text.js';

const { kind } = native.inspect;

const FRAME = '\n    at';
// Frames shared with the cause are left out when there are more than this many in a row.
const MIN_SHARED_FRAMES = 3;

// A property that the guest may have made a throwing getter; undefined then.
function read(error, key) {
  try {
    return error[key];
  } catch {
    return undefined;
  }
}

function stackText(ctx, error) {
  const stack = read(error, 'stack');
  if (typeof stack === 'string' && stack !== '') return stack;
  if (!stack) return errorToString(error);
  push(ctx.seen, error);
  ctx.indent += 4;
  const text = formatValue(ctx, stack, NaN, false); // at no level: an entry a line
  ctx.indent -= 4;
  ctx.seen.length--;
  return `${errorToString(error)}\n    ${text}`;
}

function splitLines(text) {
  const lines = list();
  let start = 0;
  for (let at; (at = stringIndexOf(text, '\n', start)) >= 0; start = at + 1)
    push(lines, stringSlice(text, start, at));
  push(lines, stringSlice(text, start));
  return lines;
}

// The first run of more than MIN_SHARED_FRAMES lines that stands in both lists: [length, where in a].
function sharedRun(a, b) {
  for (let i = 0; i < a.length - MIN_SHARED_FRAMES; i++) {
    const at = arrayIndexOf(b, a[i]);
    if (at < 0) continue;
    const most = min(a.length - i, b.length - at);
    let length = 1;
    while (length < most && a[i + length] === b[at + length]) length++;
    if (length > MIN_SHARED_FRAMES) return [length, i];
  }
  return [0, 0];
}

function frameLines(ctx, error, text) {
  const lines = splitLines(text);
  const cause = read(error, 'cause');
  if (typeof cause !== 'object' || cause === null || kind(cause) !== ERROR) return lines;
  const causeText = stackText(ctx, cause);
  const start = stringIndexOf(causeText, FRAME);
  if (start < 0) return lines;
  const run = sharedRun(lines, splitLines(stringSlice(causeText, start + 1)));
  if (run[0] === 0) return lines;
  const skipped = run[0] - 2;
  const note = `    ... ${skipped} lines matching cause stack trace ...`;
  arraySplice(lines, run[1] + 1, skipped, ctx.stylize(note, 'undefined'));
  return lines;
}

// Puts the class's name into a stack that carries only the name of the class it extends.
function improve(stack, className, name, tag) {
  let { length } = name;
  const usual =
    stringEndsWith(name, 'Error') &&
    stringStartsWith(stack, name) &&
    (stack.length === length || stack[length] === ':' || stack[length] === '\n');
  if (className !== null && !usual) return stack;
  let fallback = 'Error';
  if (className === null) {
    const start =
      regexpExec(/^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n {4}at)/, stack) ??
      regexpExec(/^([a-z_A-Z0-9-]*Error)$/, stack);
    fallback = start === null ? '' : start[1];
    length = fallback.length;
    if (fallback === '') fallback = 'Error';
  }
  const shown = stringSlice(prefix(className, tag, fallback), 0, -1);
  if (name === shown) return stack;
  if (!stringIncludes(shown, name)) return `${shown} [${name}]${stringSlice(stack, length)}`;
  return length === 0 ? `${shown}: ${stack}` : `${shown}${stringSlice(stack, length)}`;
}

// A key whose value the stack's text shows already is not listed again.
function dropShown(error, keys, key, stack) {
  const at = arrayIndexOf(keys, key);
  if (at < 0) return;
  let value;
  try {
    value = error[key];
  } catch {
    return;
  }
  if (key === 'stack' || typeof value !== 'string' || stringIncludes(stack, value))
    arraySplice(keys, at, 1);
}

function chooseKeys(ctx, error, keys, stack) {
  if (!ctx.showHidden) {
    dropShown(error, keys, 'stack', stack);
    dropShown(error, keys, 'message', stack);
    dropShown(error, keys, 'name', stack);
  }
  if (hasOwn(error, 'cause') && arrayIndexOf(keys, 'cause') < 0) push(keys, 'cause');
  if (
    hasOwn(error, 'errors') &&
    isArray(read(error, 'errors')) &&
    arrayIndexOf(keys, 'errors') < 0
  )
    push(keys, 'errors');
}

function errorText(ctx, error, shape) {
  let stack;
  try {
    stack = stackText(ctx, error);
  } catch {
    return objectToString(error);
  }
  chooseKeys(ctx, error, shape.keys, stack);
  const name = read(error, 'name') ?? 'Error';
  if (typeof name === 'string') stack = improve(stack, shape.name, name, shape.tag);
  const message = read(error, 'message');
  let from = 0;
  if (typeof message === 'string' && message !== '') {
    const at = stringIndexOf(stack, message);
    if (at > 0) from = at + message.length;
  }
  const frames = stringIndexOf(stack, FRAME, from);
  if (frames < 0) return indentLines(`[${stack}]`, ctx.indent);
  const lines = frameLines(ctx, error, stringSlice(stack, frames + 1));
  return indentLines(`${stringSlice(stack, 0, frames)}\n${join(lines, '\n')}`, ctx.indent);
}

export function shapeError(ctx, value, shape) {
  shape.keys = listedKeys(value, ctx.showHidden);
  shape.base = errorText(ctx, value, shape);
  return nothingListed(shape) ? shape.base : undefined;
}
