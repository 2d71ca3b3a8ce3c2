// The records of a job's modules. One stands for one file under one URL and import type; the engine knows its
// V8 module under record.id. They belong to one job: native.modules.epoch() changes with it.
import { list } from '../../primordials.js';
import { urlOf } from './paths.js';

const { modules } = native;

const state = { __proto__: null, epoch: -1, records: undefined, byId: undefined };

const keyOf = (url, type) => `${type ?? ''} ${url}`;

export function newRecord(name, url, path, type) {
  return {
    __proto__: null,
    id: -1, // the engine's number, once it needs one
    name, // in stacks
    url,
    path, // in the job's files; undefined: a data: URL
    type, // import attribute
    data: undefined, // what a data: URL holds
    format: undefined, // formats.js
    made: false, // the engine has its module
    linked: false, // with all that it requests
    waiting: false, // in a graph that is being loaded
    requests: list(), // as the engine gives them: [specifier, line, column, phase, key, value, …]
    helper: undefined, // what the first request of a WebAssembly module's facade is
    run: undefined, // of a synthetic module: gives name, value, … of its exports
    compiled: undefined, // of a CommonJS file: its function
    commonjs: undefined, // and its `module`
    json: undefined, // as require() gave it: {value}
    wasm: undefined, // WebAssembly.Module
  };
}

function current() {
  if (state.epoch === modules.epoch()) return state;
  state.epoch = modules.epoch();
  state.records = { __proto__: null };
  state.byId = { __proto__: null };
  const path = modules.main();
  const main = newRecord(path, urlOf(path), path, undefined);
  main.id = 0;
  state.records[keyOf(main.url, undefined)] = main;
  state.byId[0] = main;
  return state;
}

// target: {path, query} or {url, data}, what a specifier was resolved to.
export function recordOf(target, type) {
  const { records } = current();
  const url = target.url ?? urlOf(target.path) + target.query;
  const key = keyOf(url, type);
  let record = records[key];
  if (record === undefined) {
    record = newRecord(target.url ?? target.path + target.query, url, target.path, type);
    record.data = target.data;
    records[key] = record;
  }
  return record;
}

export const recordById = (id) => current().byId[id];
export const mainRecord = () => recordById(0);

export function numberOf(record) {
  if (record.id < 0) {
    record.id = modules.reserve();
    current().byId[record.id] = record;
  }
  return record.id;
}

export const textOf = (record) => (record.data === undefined ? modules.read(record.path) : record.data.text());
export const bytesOf = (record) => (record.data === undefined ? modules.bytes(record.path) : record.data.bytes());
