// Text of strings, numbers and symbols as inspection shows them, and how wide text is on a terminal.
import {
  charCodeAt,
  isFinite,
  join,
  list,
  numberToString,
  objectIs,
  push,
  regexpExec,
  replaceAll,
  stringIncludes,
  stringIndexOf,
  stringNormalize,
  stringRepeat,
  stringSlice,
  symbolToString,
  trunc,
} from '../../primordials.js';

const { width: wideWidth } = native.inspect;

// What a quoted string must not hold as it is: controls, quote, backslash, halves of surrogate pairs.
const needsEscape =
  /[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const plainKey = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
// Strings longer than this are broken at their line ends when they don't fit on the line.
const MIN_BROKEN_STRING = 16;

const QUOTE = 39;
const BACKSLASH = 92;

function escapeUnit(unit, quote) {
  switch (unit) {
    case 8:
      return '\\b';
    case 9:
      return '\\t';
    case 10:
      return '\\n';
    case 12:
      return '\\f';
    case 13:
      return '\\r';
    case BACKSLASH:
      return '\\\\';
    case QUOTE:
      return quote === "'" ? "\\'" : undefined;
  }
  if (unit < 32 || (unit > 126 && unit < 160))
    return `\\x${unit < 16 ? '0' : ''}${upper(numberToString(unit, 16))}`;
  return undefined;
}

function upper(hex) {
  let out = '';
  for (let i = 0; i < hex.length; i++) {
    const at = stringIndexOf('abcdef', hex[i]);
    out += at < 0 ? hex[i] : 'ABCDEF'[at];
  }
  return out;
}

// The string with everything that needsEscape finds written as an escape sequence.
export function escapeString(text, quote) {
  if (text.length < 5000 && regexpExec(needsEscape, text) === null) return text;
  let out = '';
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i);
    let escaped;
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const next = i + 1 < text.length ? charCodeAt(text, i + 1) : 0;
      if (unit <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) {
        i++;
        continue;
      }
      escaped = `\\u${numberToString(unit, 16)}`;
    } else {
      escaped = escapeUnit(unit, quote);
      if (escaped === undefined) continue;
    }
    out += stringSlice(text, last, i) + escaped;
    last = i + 1;
  }
  return out + stringSlice(text, last);
}

// Single quotes unless the text holds some; then double quotes, then backticks.
export function quoteString(text) {
  let quote = "'";
  if (stringIncludes(text, "'")) {
    if (!stringIncludes(text, '"')) quote = '"';
    else if (!stringIncludes(text, '`') && !stringIncludes(text, '${')) quote = '`';
  }
  return quote + escapeString(text, quote) + quote;
}

export function formatKey(ctx, key) {
  if (typeof key === 'symbol') return ctx.stylize(escapeString(symbolToString(key), "'"), 'symbol');
  if (key === '__proto__') return "['__proto__']";
  if (regexpExec(plainKey, key) !== null) return ctx.stylize(key, 'name');
  return ctx.stylize(quoteString(key), 'string');
}

// 1234567 as 1_234_567, for the option numericSeparator.
function separateInteger(digits) {
  const start = digits[0] === '-' ? 1 : 0;
  let i = digits.length;
  let out = '';
  for (; i >= start + 4; i -= 3) out = `_${stringSlice(digits, i - 3, i)}${out}`;
  return stringSlice(digits, 0, i) + out;
}

function separateFraction(digits) {
  let out = '';
  let i = 0;
  for (; i < digits.length - 3; i += 3) out += `${stringSlice(digits, i, i + 3)}_`;
  return out + stringSlice(digits, i);
}

export function numberText(number, separate) {
  if (objectIs(number, -0)) return '-0';
  const text = `${number}`;
  if (!separate || !isFinite(number) || stringIncludes(text, 'e')) return text;
  if (trunc(number) === number) return separateInteger(text);
  const dot = stringIndexOf(text, '.');
  return `${separateInteger(stringSlice(text, 0, dot))}.${separateFraction(stringSlice(text, dot + 1))}`;
}

export function bigintText(bigint, separate) {
  return `${separate ? separateInteger(`${bigint}`) : bigint}n`;
}

function formatString(ctx, value) {
  let trailer = '';
  if (value.length > ctx.maxStringLength) {
    const more = value.length - ctx.maxStringLength;
    value = stringSlice(value, 0, ctx.maxStringLength);
    trailer = `... ${more} more character${more > 1 ? 's' : ''}`;
  }
  if (
    ctx.compact === true ||
    value.length <= MIN_BROKEN_STRING ||
    value.length <= ctx.breakLength - ctx.indent - 4
  )
    return ctx.stylize(quoteString(value), 'string') + trailer;
  const lines = list();
  for (let start = 0; start < value.length; ) {
    const at = stringIndexOf(value, '\n', start);
    const end = at < 0 ? value.length : at + 1;
    push(lines, ctx.stylize(quoteString(stringSlice(value, start, end)), 'string'));
    start = end;
  }
  return join(lines, ` +\n${stringRepeat(' ', ctx.indent + 2)}`) + trailer;
}

export function formatPrimitive(ctx, value) {
  switch (typeof value) {
    case 'string':
      return formatString(ctx, value);
    case 'number':
      return ctx.stylize(numberText(value, ctx.numericSeparator), 'number');
    case 'bigint':
      return ctx.stylize(bigintText(value, ctx.numericSeparator), 'bigint');
    case 'boolean':
      return ctx.stylize(`${value}`, 'boolean');
    case 'symbol':
      return ctx.stylize(symbolToString(value), 'symbol');
    default:
      return ctx.stylize('undefined', 'undefined');
  }
}

// Text without terminal escape sequences: colours (CSI) and operating system commands (OSC).
export function stripColors(text) {
  if (stringIndexOf(text, '\x1b') < 0 && stringIndexOf(text, '\x9b') < 0) return text;
  const sequence =
    /(?:\x1b\][\s\S]*?(?:\x07|\x1b\\|\x9c))|[\x1b\x9b][[\]()#;?]*(?:\d{1,4}(?:[;:]\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~]/g;
  let out = '';
  let last = 0;
  for (let found; (found = regexpExec(sequence, text)) !== null; ) {
    out += stringSlice(text, last, found.index);
    last = sequence.lastIndex;
  }
  return out + stringSlice(text, last);
}

// Columns that the text takes on a terminal.
export function textWidth(text, colored = true) {
  if (colored) text = stripColors(text);
  let width = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i);
    if (unit >= 127) return width + wideWidth(stringNormalize(stringSlice(text, i), 'NFC'));
    if (unit >= 32) width++;
  }
  return width;
}

export const indentLines = (text, columns) =>
  columns === 0 ? text : replaceAll(text, '\n', `\n${stringRepeat(' ', columns)}`);
