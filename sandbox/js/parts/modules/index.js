// Modules: what a job's files import. The engine's way in (sandbox/engine/modules.cc).
//
// How this works
//   A record (records.js) stands for one file under one URL and import type. graph.js makes records into modules of
//   the engine and follows their requests; resolve.js says what a specifier means, formats.js what a file is,
//   commonjs.js and wasm.js are the kinds that V8 has no modules for. Nothing waits for anything: all sources are
//   in memory. What has been loaded belongs to one job.
import { parseDataUrl } from './data_url.js';
import { from } from './failures.js';
import { loadGraph, makeRecord, obtain, SOURCE_PHASE } from './graph.js';
import { dirOf, joined } from './paths.js';
import { mainRecord, recordById } from './records.js';
import { resolvedUrl, resolveImport } from './resolve.js';

export { dirOf, joined, parseDataUrl }; // for the part source_maps

// The file that runs, of a job with several: made, with all that it imports.
export function main() {
  const record = mainRecord();
  makeRecord(record);
  loadGraph(record);
}

// The file that runs has been compiled by the engine, with these requests.
export function adopt(requests) {
  const record = mainRecord();
  record.format = 'module';
  record.made = true;
  record.requests = requests;
  loadGraph(record);
}

// import() in the file of that number: the number of a module that can be linked and evaluated.
export function importDynamic(user, request) {
  try {
    const record = obtain(recordById(user), request);
    if (request[3] !== SOURCE_PHASE) loadGraph(record);
    return record.id;
  } catch (error) {
    throw from(importDynamic, error);
  }
}

// import.meta.resolve()
export const resolveFrom = (user, specifier) => resolvedUrl(resolveImport(specifier, recordById(user)));

// A module of ours is evaluated: name, value, … of its exports.
export const run = (id) => recordById(id).run();
