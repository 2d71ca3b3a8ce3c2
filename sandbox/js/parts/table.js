// console.table: rows and columns drawn with box characters; undefined when the value has no rows.
import {
  arrayIndexOf,
  hasOwn,
  isArray,
  list,
  mapEntries,
  mapIteratorNext,
  mapSize,
  max,
  objectKeys,
  push,
  setIteratorNext,
  setSize,
  setValues,
  stringRepeat,
} from '../primordials.js';
import { inspect } from '../inspect.js';
import { MAP, MAP_ITERATOR, SET, SET_ITERATOR, TYPED_ARRAY } from '../inspect_kinds.js';
import { textWidth } from './inspect/index.js';

const { entries: previewEntries, kind: kindOf } = native.inspect;

const isPrimitive = (value) =>
  value === null || (typeof value !== 'object' && typeof value !== 'function');

function cellText(value) {
  const wide =
    value !== null &&
    typeof value === 'object' &&
    !isArray(value) &&
    kindOf(value) !== TYPED_ARRAY &&
    objectKeys(value).length > 2;
  return inspect(value, {
    __proto__: null,
    depth: wide ? -1 : 0,
    maxArrayLength: 3,
    breakLength: Infinity,
  });
}

function ruler(widths, left, middle, right) {
  let out = left;
  for (let i = 0; i < widths.length; i++)
    out += (i === 0 ? '' : middle) + stringRepeat('─', widths[i] + 2);
  return out + right;
}

function rowText(widths, cellAt) {
  let out = '│';
  for (let i = 0; i < widths.length; i++) {
    const cell = cellAt(i);
    out += ` ${cell}${stringRepeat(' ', widths[i] - textWidth(cell))} │`;
  }
  return out;
}

// columns: lists of cells, holes are empty cells.
function draw(heads, columns) {
  const widths = list();
  let rows = 0;
  for (let i = 0; i < heads.length; i++) {
    let width = textWidth(heads[i]);
    for (let j = 0; j < columns[i].length; j++) width = max(width, textWidth(columns[i][j] ?? ''));
    push(widths, width);
    rows = max(rows, columns[i].length);
  }
  let out = `${ruler(widths, '┌', '┬', '┐')}\n${rowText(widths, (i) => heads[i])}\n`;
  out += `${ruler(widths, '├', '┼', '┤')}\n`;
  for (let j = 0; j < rows; j++) out += `${rowText(widths, (i) => columns[i][j] ?? '')}\n`;
  return out + ruler(widths, '└', '┴', '┘');
}

const listOf = (...items) => {
  const out = list();
  for (let i = 0; i < items.length; i++) push(out, items[i]);
  return out;
};

function drawEntries(keys, values) {
  const indexes = list();
  for (let i = 0; i < values.length; i++) push(indexes, `${i}`);
  return keys === undefined
    ? draw(listOf('(iteration index)', 'Values'), listOf(indexes, values))
    : draw(listOf('(iteration index)', 'Key', 'Values'), listOf(indexes, keys, values));
}

function mapTable(map) {
  const keys = list();
  const values = list();
  const iterator = mapEntries(map);
  for (let i = mapSize(map); i > 0; i--) {
    const entry = mapIteratorNext(iterator).value;
    push(keys, cellText(entry[0]));
    push(values, cellText(entry[1]));
  }
  return drawEntries(keys, values);
}

function setTable(set) {
  const values = list();
  const iterator = setValues(set);
  for (let i = setSize(set); i > 0; i--) push(values, cellText(setIteratorNext(iterator).value));
  return drawEntries(undefined, values);
}

function iteratorTable(iterator) {
  const preview = previewEntries(iterator);
  const items = preview[0];
  const keys = preview[1] ? list() : undefined;
  const values = list();
  for (let i = 0; i < items.length; i++) {
    if (keys !== undefined) push(keys, cellText(items[i++]));
    push(values, cellText(items[i]));
  }
  return drawEntries(keys, values);
}

function objectTable(data, properties) {
  const heads = listOf('(index)');
  const columns = listOf(list());
  const values = list();
  const rows = objectKeys(data);
  for (let row = 0; row < rows.length; row++) {
    push(columns[0], rows[row]);
    const item = data[rows[row]];
    const primitive = isPrimitive(item);
    if (primitive && properties === undefined) {
      values[row] = cellText(item);
      continue;
    }
    const keys = properties ?? objectKeys(item);
    for (let i = 0; i < keys.length; i++) {
      const key = `${keys[i]}`;
      let at = arrayIndexOf(heads, key, 1);
      if (at < 0) {
        at = heads.length;
        push(heads, key);
        push(columns, list());
      }
      columns[at][row] = primitive || !hasOwn(item, key) ? '' : cellText(item[key]);
    }
  }
  if (values.length > 0) {
    push(heads, 'Values');
    push(columns, values);
  }
  return draw(heads, columns);
}

export function tableText(data, properties) {
  if (isPrimitive(data) || typeof data === 'function') return undefined;
  switch (kindOf(data)) {
    case MAP:
      return mapTable(data);
    case SET:
      return setTable(data);
    case MAP_ITERATOR:
    case SET_ITERATOR:
      return iteratorTable(data);
    default:
      return objectTable(data, properties);
  }
}
