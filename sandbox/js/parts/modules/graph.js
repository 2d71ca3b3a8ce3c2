// Makes the modules that a file imports, and all that those import.
import { TypeError, defineProperty, jsonParse, list, push, stringIndexOf, stringSlice } from '../../primordials.js';
import { commonjsNames, commonjsValues, emptyExports } from './commonjs.js';
import { fail, failPlain, isFailure, shownName } from './failures.js';
import { formatOf } from './formats.js';
import { bytesOf, newRecord, numberOf, recordOf, textOf } from './records.js';
import { resolveImport } from './resolve.js';
import { wasmFacade, wasmInstance, wasmModule } from './wasm.js';

const { modules } = native;

export const SOURCE_PHASE = 0; // v8::ModuleImportPhase
const DEFER_PHASE = 1;

// ---- one module ----

function makeSource(record, text) {
  if (!record.made) record.requests = modules.compile(numberOf(record), record.name, text);
  record.made = true;
}

function makeSynthetic(record, names, run) {
  modules.synthetic(numberOf(record), record.name, names);
  record.run = run;
  record.linked = record.made = true;
}

const makeValue = (record, value) => makeSynthetic(record, ['default'], () => ['default', value]);

function makeJson(record) {
  let value;
  try {
    value = jsonParse(textOf(record));
  } catch (error) {
    fail(SyntaxError, 'ERR_INVALID_JSON', `${shownName(record.name)}: ${error.message}`);
  }
  makeValue(record, value);
}

function makeWasm(record, phase) {
  record.wasm ??= wasmModule(bytesOf(record));
  if (phase === SOURCE_PHASE) {
    modules.source(numberOf(record), record.wasm);
    return;
  }
  const helper = newRecord('isolane:wasm', 'isolane:wasm', undefined, undefined);
  makeSynthetic(helper, ['default'], () => ['default', wasmInstance(record.wasm)]);
  makeSource(record, wasmFacade(record.wasm));
  record.helper = helper;
}

function make(record, phase) {
  const name = shownName(record.name);
  if (record.type === 'text') return makeValue(record, textOf(record));
  if (record.type === 'bytes') return makeValue(record, bytesOf(record));
  const format = formatOf(record);
  if (phase === SOURCE_PHASE && format !== 'wasm')
    fail(SyntaxError, 'ERR_SOURCE_PHASE_NOT_DEFINED', `Source phase import of '${name}': only WebAssembly modules have a source`);
  if (record.type === 'json') {
    if (format === 'json') return makeJson(record);
    fail(TypeError, 'ERR_IMPORT_ATTRIBUTE_TYPE_INCOMPATIBLE', `Module '${name}' is not of type "json"`);
  }
  switch (format) {
    case 'module':
      return makeSource(record, record.made ? undefined : textOf(record));
    case 'empty':
      return makeValue(record, emptyExports(record));
    case 'commonjs':
      return makeSynthetic(record, commonjsNames(record), () => commonjsValues(record));
    case 'wasm':
      return makeWasm(record, phase);
    case 'json':
      return fail(TypeError, 'ERR_IMPORT_ATTRIBUTE_MISSING', `Module '${name}' needs an import attribute of "type: json"`);
    default:
      return record.data === undefined
        ? fail(TypeError, 'ERR_UNKNOWN_FILE_EXTENSION', `Unknown file extension: '${name}' can be imported with { type: 'text' } or { type: 'bytes' }`)
        : fail(TypeError, 'ERR_UNKNOWN_MODULE_FORMAT', `Unknown type '${shownName(record.data.mime)}' of a data: URL: text/javascript, application/json and application/wasm can be imported`);
  }
}

// ---- requests ----

const TYPES = { __proto__: null, json: true, text: true, bytes: true };

function typeOf(request) {
  let type;
  for (let i = 4; i + 1 < request.length; i += 2) {
    const value = request[i + 1];
    if (request[i] !== 'type')
      fail(TypeError, 'ERR_IMPORT_ATTRIBUTE_UNSUPPORTED', `Import attribute "${shownName(request[i])}" is not supported`);
    if (TYPES[value] !== true)
      fail(TypeError, 'ERR_IMPORT_ATTRIBUTE_UNSUPPORTED', `Import attribute "type" with value "${shownName(value)}" is not supported; there are json, text and bytes`);
    type = value;
  }
  return type;
}

// The record that a request of `from` stands for, made.
export function obtain(from, request) {
  const type = typeOf(request);
  const phase = request[3];
  if (phase === DEFER_PHASE) failPlain('ERR_UNSUPPORTED_PHASE', 'import defer is not supported');
  const target = resolveImport(request[0], from);
  // A specifier that the script puts together is code that it puts together.
  if (request[1] === undefined && target.data?.format === 'module' && type === undefined && !modules.mayEval())
    fail(EvalError, 'ERR_CODE_FROM_TEXT', 'import() of a data: URL with code is not allowed for this job: it is code generation from strings, as eval is');
  const record = recordOf(target, type);
  if (phase === SOURCE_PHASE || !record.made) make(record, phase);
  return record;
}

// Where a static import failed: for the result, and as the first frame of the error's stack.
function placed(error, record, request) {
  const { stack } = error;
  const at = stringIndexOf(stack, '\n    at ');
  const head = at < 0 ? stack : stringSlice(stack, 0, at);
  const rest = at < 0 ? '' : stringSlice(stack, at);
  modules.place(error, record.name, request[1], request[2]);
  defineProperty(error, 'stack', {
    __proto__: null,
    value: `${head}\n    at ${record.name}:${request[1]}:${request[2]}${rest}`,
    writable: true,
    configurable: true,
  });
}

function follow(record, i, waiting) {
  if (i === 0 && record.helper !== undefined) return record.helper;
  const request = record.requests[i];
  let found;
  try {
    found = obtain(record, request);
  } catch (error) {
    if (isFailure(error)) placed(error, record, request);
    throw error;
  }
  if (!found.linked && !found.waiting && request[3] !== SOURCE_PHASE) {
    found.waiting = true;
    push(waiting, found);
  }
  return found;
}

// All that `root` requests, directly and indirectly. One that fails is loaded again from where it stopped when
// somebody asks again.
export function loadGraph(root) {
  if (root.linked || root.waiting) return;
  const waiting = list();
  push(waiting, root);
  root.waiting = true;
  try {
    for (let at = 0; at < waiting.length; at++) {
      const record = waiting[at];
      const ids = list();
      for (let i = 0; i < record.requests.length; i++) push(ids, follow(record, i, waiting).id);
      modules.links(record.id, ids);
    }
    for (let i = 0; i < waiting.length; i++) waiting[i].linked = true;
  } finally {
    for (let i = 0; i < waiting.length; i++) waiting[i].waiting = false;
  }
}

export const makeRecord = (record) => {
  if (!record.made) make(record, undefined);
};
