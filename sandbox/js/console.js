// console: what a script prints. log, info, debug and what builds on them go to stdout; warn, error, trace
// and assert to stderr. Output and behaviour are those of Node's console without a terminal. What most scripts do
// not call is in the part `console_more`.
import {
  defineProperty,
  replaceAll,
  setPrototypeOf,
  toStringTag,
} from './primordials.js';
import { format } from './format.js';

const { output } = native;

const STDOUT = 1;
const STDERR = 2;

let indentation = ''; // of the groups

export const indentationOf = () => indentation;
export function indent(text) {
  indentation = text;
}

export function write(stream, text) {
  if (indentation !== '') text = indentation + replaceAll(text, '\n', `\n${indentation}`);
  output.write(stream, `${text}\n`);
}

const methods = {
  __proto__: null, // as in main.js
  log(...data) {
    write(STDOUT, format(data));
  },
  error(...data) {
    write(STDERR, format(data));
  },
};
// In this order, of which the others are the part's.
const NAMES = [
  'log', 'info', 'debug', 'warn', 'error', 'trace', 'assert', 'dir', 'dirxml', 'table', 'count', 'countReset', 'group',
  'groupCollapsed', 'groupEnd', 'time', 'timeEnd', 'timeLog', 'clear',
];

// A new job starts outside all groups.
export function resetConsole() {
  indentation = '';
}

// A namespace object (Console standard): its methods are enumerable and need no `this`.
export function installConsole(global) {
  const console = { __proto__: null };
  for (const name of NAMES) {
    if (name in methods) console[name] = methods[name];
    else native.parts.install(console, name, 'console_more', true);
  }
  setPrototypeOf(console, {});
  defineProperty(console, toStringTag, {
    __proto__: null,
    value: 'console',
    configurable: true,
  });
  defineProperty(global, 'console', {
    __proto__: null,
    value: console,
    writable: true,
    configurable: true,
  });
}
