// Methods of console beside log and error (../console.js), where most scripts do not come.
import {
  Map,
  Number,
  TypeError,
  captureStackTrace,
  floor,
  isArray,
  mapDelete,
  mapGet,
  mapHas,
  mapSet,
  numberToFixed,
  objectKeys,
  stringPadStart,
  stringRepeat,
  stringSlice,
} from '../primordials.js';
import { indent, indentationOf, write } from '../console.js';
import { format, formatRest } from '../format.js';
import { inspect } from '../inspect.js';
import { lazy } from '../parts.js';

const { loop } = native;
const tables = lazy('table');

const STDOUT = 1;
const STDERR = 2;
const GROUP_INDENT = 2;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

let counts; // label → count
let timers; // label → start, in microseconds

const warning = (text) => write(STDERR, `Warning: ${text}`);

// 1.234ms, 1.234s, 2:03.500 (m:ss.mmm), 1:02:03.500 (h:mm:ss.mmm)
function durationText(ms) {
  if (ms < SECOND_MS) return `${Number(numberToFixed(ms, 3))}ms`;
  if (ms < MINUTE_MS) return `${numberToFixed(ms / SECOND_MS, 3)}s`;
  const hours = floor(ms / HOUR_MS);
  const minutes = floor((ms % HOUR_MS) / MINUTE_MS);
  const seconds = stringPadStart(numberToFixed((ms % MINUTE_MS) / SECOND_MS, 3), 6, '0');
  return hours > 0
    ? `${hours}:${stringPadStart(`${minutes}`, 2, '0')}:${seconds} (h:mm:ss.mmm)`
    : `${minutes}:${seconds} (m:ss.mmm)`;
}

// Writes the time since console.time(label); false when there is no such label.
function logDuration(name, label, data) {
  const start = timers === undefined ? undefined : mapGet(timers, label);
  if (start === undefined) {
    warning(`No such label '${label}' for console.${name}()`);
    return false;
  }
  const text = durationText((loop.now() - start) / 1000);
  write(STDOUT, `${label}: ${text}${formatRest(data, 0, ' ')}`);
  return true;
}

const methods = {
  __proto__: null,
  info(...data) {
    write(STDOUT, format(data));
  },
  debug(...data) {
    write(STDOUT, format(data));
  },
  warn(...data) {
    write(STDERR, format(data));
  },
  trace(...data) {
    const error = { __proto__: null, name: 'Trace', message: format(data) };
    captureStackTrace(error, trace);
    write(STDERR, format([error.stack]));
  },
  assert(condition = false, ...data) {
    if (condition) return;
    if (typeof data[0] === 'string') {
      data[0] = `Assertion failed: ${data[0]}`;
      write(STDERR, format(data));
    } else {
      write(STDERR, `Assertion failed${formatRest(data, 0, ' ')}`);
    }
  },
  dir(value = undefined, options = undefined) {
    const own = { __proto__: null, customInspect: false };
    if (typeof options === 'object' && options !== null) {
      const names = objectKeys(options);
      for (let i = 0; i < names.length; i++) own[names[i]] = options[names[i]];
    }
    write(STDOUT, inspect(value, own));
  },
  dirxml(...data) {
    write(STDOUT, format(data));
  },
  table(data = undefined, properties = undefined) {
    if (properties !== undefined && !isArray(properties))
      throw new TypeError('console.table: the second argument must be an array of column names');
    const text = tables().tableText(data, properties);
    write(STDOUT, text === undefined ? format([data]) : text);
  },
  count(label = 'default') {
    label = `${label}`;
    counts ??= new Map();
    const count = (mapGet(counts, label) ?? 0) + 1;
    mapSet(counts, label, count);
    write(STDOUT, `${label}: ${count}`);
  },
  countReset(label = 'default') {
    label = `${label}`;
    if (counts === undefined || !mapDelete(counts, label))
      warning(`Count for '${label}' does not exist`);
  },
  group(...data) {
    if (data.length > 0) write(STDOUT, format(data));
    indent(indentationOf() + stringRepeat(' ', GROUP_INDENT));
  },
  groupCollapsed(...data) {
    if (data.length > 0) write(STDOUT, format(data));
    indent(indentationOf() + stringRepeat(' ', GROUP_INDENT));
  },
  groupEnd() {
    indent(stringSlice(indentationOf(), GROUP_INDENT));
  },
  time(label = 'default') {
    label = `${label}`;
    timers ??= new Map();
    if (mapHas(timers, label)) warning(`Label '${label}' already exists for console.time()`);
    else mapSet(timers, label, loop.now());
  },
  timeEnd(label = 'default') {
    label = `${label}`;
    if (logDuration('timeEnd', label, [])) mapDelete(timers, label);
  },
  timeLog(label = 'default', ...data) {
    logDuration('timeLog', `${label}`, data);
  },
  clear() {
    // There is no terminal to clear. Groups are closed, as the Console standard says.
    indent('');
  },
};

export const {
  info, debug, warn, trace, assert, dir, dirxml, table, count, countReset, group, groupCollapsed, groupEnd, time, timeEnd, timeLog,
  clear,
} = methods;

// A new job starts with no counts and timers.
export function begin() {
  counts = undefined;
  timers = undefined;
}
