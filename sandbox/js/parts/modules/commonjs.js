// CommonJS: require(), module, exports; between it and ES modules both ways, as in Node.js.
import {
  TypeError,
  apply,
  hasOwn,
  jsonParse,
  list,
  objectKeys,
  ownKeys,
  push,
} from '../../primordials.js';
import { lazy } from '../../parts.js';
import { fail, failPlain, from, shownName } from './failures.js';
import { formatForRequire } from './formats.js';
import { loadGraph, makeRecord } from './graph.js';
import { dirOf } from './paths.js';
import { mainRecord, newRecord, numberOf, recordOf, textOf } from './records.js';
import { resolveRequire } from './resolve.js';

const { modules } = native;
const lexer = lazy('cjs_lexer');

const LEXED_MAX = 256; // files that re-export one another

// ---- running a file ----

function requireOf(record) {
  const require = (specifier) => {
    if (typeof specifier !== 'string')
      fail(TypeError, 'ERR_INVALID_ARG_TYPE', `require() needs a string, found ${typeof specifier}`);
    if (specifier === '') fail(TypeError, 'ERR_INVALID_ARG_VALUE', 'require() needs a specifier, found an empty string');
    let target;
    try {
      target = resolveRequire(specifier, record);
    } catch (error) {
      throw from(require, error);
    }
    return requireRecord(recordOf(target, undefined), record);
  };
  require.resolve = (specifier) => {
    const found = resolveRequire(`${specifier}`, record);
    return found.url ?? `/${found.path}`;
  };
  require.main = mainRecord().commonjs;
  require.cache = cache();
  return require;
}

const cached = { __proto__: null, epoch: -1, modules: undefined };

// require.cache: what has been loaded, by file name. Scripts may look, and what they delete is loaded again.
function cache() {
  if (cached.epoch !== modules.epoch()) {
    cached.epoch = modules.epoch();
    cached.modules = { __proto__: null };
  }
  return cached.modules;
}

function moduleOf(record) {
  const filename = `/${record.path}`;
  const module = {
    id: record.id === 0 ? '.' : filename,
    path: `/${dirOf(record.path)}`,
    exports: {},
    filename,
    loaded: false,
    children: [],
    paths: [],
    parent: undefined,
  };
  return module;
}

// module.exports of a file, which runs when it has not. Of one that is running, what it has exported so far.
function execute(record) {
  const known = cache()[`/${record.path}`];
  if (record.commonjs !== undefined && known === record.commonjs) return record.commonjs.exports;
  const module = moduleOf(record);
  record.commonjs = module;
  record.first = module.exports;
  cache()[module.filename] = module;
  let done = false;
  try {
    const body = record.compiled ?? modules.compileFunction(record.name, textOf(record), numberOf(record));
    const require = requireOf(record);
    module.require = require;
    record.compiled = undefined;
    apply(body, module.exports, [module.exports, require, module, module.filename, module.path]);
    done = true;
  } finally {
    if (!done && cache()[module.filename] === module) {
      delete cache()[module.filename];
      record.commonjs = undefined;
    }
  }
  module.loaded = true;
  return module.exports;
}

function requireJson(record) {
  if (record.json === undefined) {
    try {
      record.json = { __proto__: null, value: jsonParse(textOf(record)) };
    } catch (error) {
      fail(SyntaxError, 'ERR_INVALID_JSON', `${shownName(record.name)}: ${error.message}`);
    }
  }
  return record.json.value;
}

// Of what a package's "browser" says is to be empty.
export function emptyExports(record) {
  record.json ??= { __proto__: null, value: {} };
  return record.json.value;
}

// ---- require() of an ES module ----

// For packages that were compiled from ES modules: a default export is looked for only beside __esModule.
function withMark(record) {
  const facade = newRecord(record.name, record.url, undefined, undefined);
  const text = 'export*from"0";export{default}from"0";export const __esModule=true;';
  facade.requests = modules.compile(numberOf(facade), record.name, text);
  const ids = list();
  for (let i = 0; i < facade.requests.length; i++) push(ids, record.id);
  modules.links(facade.id, ids);
  return modules.require(facade.id);
}

function requireModule(record, user) {
  makeRecord(record);
  loadGraph(record);
  const namespace = modules.require(record.id);
  if (namespace === 'cycle')
    failPlain('ERR_REQUIRE_CYCLE_MODULE', `Cannot require() ES module '${shownName(record.name)}' in a cycle, from ${shownName(user.name)}`);
  if (namespace === 'waits')
    failPlain('ERR_REQUIRE_ASYNC_MODULE', `Cannot require() ES module '${shownName(record.name)}', which uses top-level await, from ${shownName(user.name)}: use import()`);
  if (hasOwn(namespace, 'module.exports')) return namespace['module.exports'];
  if (!hasOwn(namespace, 'default') || hasOwn(namespace, '__esModule')) return namespace;
  record.marked ??= withMark(record);
  return record.marked;
}

function requireRecord(record, user) {
  switch (formatForRequire(record)) {
    case 'commonjs':
      return execute(record);
    case 'json':
      return requireJson(record);
    case 'empty':
      return emptyExports(record);
    case 'module':
      return requireModule(record, user);
    default:
      return failPlain('ERR_UNKNOWN_FILE_EXTENSION', `Cannot require() '${shownName(record.name)}', from ${shownName(user.name)}: import it`);
  }
}

// ---- a CommonJS file as an ES module ----

function lex(record) {
  try {
    return lexer().parse(textOf(record));
  } catch {
    return undefined; // what it cannot read has a default export only
  }
}

// Adds the names that the file exports, those of files that it re-exports too.
function addNames(record, names, visited) {
  if (visited[record.path] === true || visited.count >= LEXED_MAX) return;
  visited[record.path] = true;
  visited.count++;
  const found = lex(record);
  if (found === undefined) return;
  for (let i = 0; i < found.exports.length; i++) names[found.exports[i]] = true;
  for (let i = 0; i < found.reexports.length; i++) {
    let other;
    try {
      other = recordOf(resolveRequire(found.reexports[i], record), undefined);
      if (formatForRequire(other) !== 'commonjs') continue;
    } catch {
      continue; // it fails when it runs, if it runs
    }
    addNames(other, names, visited);
  }
}

// Names of its exports as far as its text tells; 'default' is module.exports.
export function commonjsNames(record) {
  const names = { __proto__: null };
  addNames(record, names, { __proto__: null, count: 0 });
  delete names.default;
  delete names['module.exports'];
  const out = objectKeys(names);
  record.names = out;
  const all = list();
  push(all, 'default');
  push(all, 'module.exports');
  for (let i = 0; i < out.length; i++) push(all, out[i]);
  return all;
}

// Runs it: name, value, … of its exports.
export function commonjsValues(record) {
  const exports = execute(record);
  // A file that runs and exports nothing gives no value, rather than an empty object.
  const none = record.id === 0 && exports === record.first && ownKeys(exports).length === 0;
  const out = list();
  push(out, 'default');
  push(out, none ? undefined : exports);
  push(out, 'module.exports');
  push(out, exports);
  if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function')) return out;
  for (let i = 0; i < record.names.length; i++) {
    const name = record.names[i];
    let value;
    try {
      if (hasOwn(exports, name)) value = exports[name];
    } catch {
      continue; // a getter that throws
    }
    push(out, name);
    push(out, value);
  }
  return out;
}
