// How the entries of one object become text: on one line, in columns, or one to a line.
//
// The rules are those people know from Node's util.inspect with compact: 3. An object goes on one line
// when at most three levels are nested in it and the line stays within breakLength; arrays of more
// than six entries are set in columns first, and then stay on lines of their own.
import {
  floor,
  join,
  list,
  max,
  min,
  push,
  round,
  sqrt,
  stringIncludes,
  stringPadEnd,
  stringPadStart,
  stringRepeat,
} from '../../primordials.js';
import { stripColors, textWidth } from './text.js';

const SEPARATOR = 2; // ", "
const MAX_COLUMNS = 15;
const MIN_GROUPED = 6;
// A character is about two and a half times as high as wide: columns that make a square.
const CHARACTER_RATIO = 2.5;
// Room left on a single line for what stands around the object.
const LINE_RESERVE = 10;

// Columns for entries of these widths, or 1 when they should not be set in columns.
function columnCount(ctx, output, widths, count) {
  let total = 0;
  let widest = 0;
  for (let i = 0; i < count; i++) {
    widths[i] = textWidth(output[i], ctx.colors);
    total += widths[i] + SEPARATOR;
    if (widths[i] > widest) widest = widths[i];
  }
  const cell = widest + SEPARATOR;
  // At least three must fit beside one another, and no entry may be far wider than the others.
  if (cell * 3 + ctx.indent >= ctx.breakLength || !(total / cell > 5 || widest <= 6)) return 1;
  const bias = sqrt(cell - total / output.length);
  const biased = max(cell - 3 - bias, 1);
  return min(
    round(sqrt(CHARACTER_RATIO * biased * count) / biased),
    floor((ctx.breakLength - ctx.indent) / cell),
    ctx.compact * 4,
    MAX_COLUMNS,
  );
}

function allNumbers(value, count) {
  for (let i = 0; i < count; i++) {
    if (typeof value[i] !== 'number' && typeof value[i] !== 'bigint') return false;
  }
  return true;
}

// Entries in aligned columns, a row a line; numbers to the right. The note "... n more items" that
// ends a long array stays on its own line.
function groupInColumns(ctx, output, value) {
  const note = ctx.maxArrayLength < output.length;
  const count = note ? output.length - 1 : output.length;
  const widths = list();
  const columns = columnCount(ctx, output, widths, count);
  if (columns <= 1) return output;
  const columnWidths = list();
  for (let column = 0; column < columns; column++) {
    let widest = 0;
    for (let i = column; i < count; i += columns) widest = max(widest, widths[i]);
    push(columnWidths, widest + SEPARATOR);
  }
  const right = value === undefined || allNumbers(value, output.length);
  const rows = list();
  for (let first = 0; first < count; first += columns) {
    const last = min(first + columns, count) - 1;
    let row = '';
    for (let i = first; i <= last; i++) {
      // Colours take characters but no columns.
      const padding = columnWidths[i - first] + output[i].length - widths[i];
      if (right)
        row +=
          i < last
            ? stringPadStart(`${output[i]}, `, padding)
            : stringPadStart(output[i], padding - SEPARATOR);
      else row += i < last ? stringPadEnd(`${output[i]}, `, padding) : output[i];
    }
    push(rows, row);
  }
  if (note) push(rows, output[count]);
  return rows;
}

function fitsOnLine(ctx, output, start, base) {
  if (base !== '' && stringIncludes(base, '\n')) return false;
  if (ctx.breakLength === Infinity) {
    for (let i = 0; i < output.length; i++) if (stringIncludes(output[i], '\n')) return false;
    return true;
  }
  let total = output.length + start;
  if (total + output.length > ctx.breakLength) return false;
  for (let i = 0; i < output.length; i++) {
    total += ctx.colors ? stripColors(output[i]).length : output[i].length;
    if (total > ctx.breakLength) return false;
  }
  return true;
}

// With compact: true, everything that fits goes on one line, however deep.
function layOutCompact(ctx, output, base, open, close) {
  if (fitsOnLine(ctx, output, 0, base))
    return `${open}${base ? ` ${base}` : ''} ${join(output, ', ')} ${close}`;
  const indentation = stringRepeat(' ', ctx.indent);
  const start =
    base === '' && open.length === 1 ? ' ' : `${base ? ` ${base}` : ''}\n${indentation}  `;
  return `${open}${start}${join(output, `,\n${indentation}  `)} ${close}`;
}

// base: what stands before the opening brace; columns: entries may be set in columns; value: the
// array itself, to see whether it holds numbers.
export function layOut(ctx, output, base, open, close, columns, level, value) {
  if (ctx.compact === true) return layOutCompact(ctx, output, base, open, close);
  const head = `${base ? `${base} ` : ''}${open}`;
  if (typeof ctx.compact === 'number' && ctx.compact >= 1) {
    const entries = output.length;
    if (columns && entries > MIN_GROUPED) output = groupInColumns(ctx, output, value);
    // currentDepth is the level of the innermost object seen last.
    if (ctx.currentDepth - level < ctx.compact && entries === output.length) {
      const start = output.length + ctx.indent + open.length + base.length + LINE_RESERVE;
      if (fitsOnLine(ctx, output, start, base)) {
        const joined = join(output, ', ');
        if (!stringIncludes(joined, '\n')) return `${head} ${joined} ${close}`;
      }
    }
  }
  const indentation = `\n${stringRepeat(' ', ctx.indent)}`;
  return `${head}${indentation}  ${join(output, `,${indentation}  `)}${indentation}${close}`;
}
