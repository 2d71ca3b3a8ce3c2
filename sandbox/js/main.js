'use strict';
// Puts the built-ins on the global object and gives the engine its hooks (README.md). Runs once, when the
// startup snapshot is made: nothing here may draw time or random bytes.
import './class_names.js'; // before anything is installed
import { installAttributes, installSelf } from './attributes.js';
import { installConsole, resetConsole } from './console.js';
import { installGlobalEvents, uncaught } from './global_events.js';
import { beginJob, inputOf, installJob, selfOf } from './job.js';
import { installRandom, resetRandom } from './math_random.js';
import { globals } from './globals.js';
import { loadedPart, part, resetParts } from './parts.js';
import { permit } from './permits.js';
import { regexpExec } from './primordials.js';
import { describe, prepareStack, serialize } from './outcome.js';

// Own keys of the global object stand in this order. (What no function names is not kept for one.)
installConsole(globalThis);
for (const [name, { interfaces = [], functions = [] }] of Object.entries(globals)) {
  if (name === 'secrets') {
    installAttributes(globalThis);
    installRandom();
  }
  for (const member of interfaces) native.parts.install(globalThis, member, name, false);
  for (const member of functions) native.parts.install(globalThis, member, name, true);
  if (name === 'secrets') {
    installJob(globalThis);
    installGlobalEvents(globalThis);
    installSelf(globalThis);
  }
}

// RegExp.lastMatch and its kin: what was matched above is not the script's. (The zygote's warm-up ends likewise.)
regexpExec(/^/, '');

let begun = false; // a job in this context, and nothing was forgotten since

// What an invocation left behind is forgotten; random numbers get a new seed, unless the same script is called again.
function reset(again) {
  resetConsole();
  resetParts(again);
  if (!again) resetRandom();
}

// An invocation begins. Without an id: the next one will find everything reset. So the zygote leaves it, for each function
// that a cell calls costs it copies of pages (counters of V8's) before its script begins.
function begin(id = undefined, tenant, attempt, again = false, input, env, grants, parents) {
  if (begun) reset(again);
  begun = id !== undefined;
  if (begun) beginJob(id, tenant, attempt, input, env, grants, parents);
}

// There are timers, calls and streams only where these parts are loaded.
const runTimers = (nowUs) => loadedPart('timers')?.runTimers(nowUs);
const reply = (id, ok, json) => loadedPart('host_call')?.reply(id, ok, json);
const stream = (id) => loadedPart('stream_call')?.wakeStream(id);

// Objects of many members have no prototype here and there: V8 would keep a map for each member of the others, in every
// context.
export default {
  __proto__: null,
  begin,
  input: inputOf,
  self: selfOf,
  runTimers,
  reply,
  stream,
  serialize,
  describe,
  prepareStack,
  permit,
  part,
  uncaught,
};
