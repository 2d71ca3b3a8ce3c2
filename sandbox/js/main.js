'use strict';
// Puts the built-ins on the global object and gives the engine its hooks (README.md). Runs once, when the
// startup snapshot is made: nothing here may draw time or random bytes.
import './class_names.js'; // before anything is installed
import { installConsole, resetConsole } from './console.js';
import { installGlobalEvents, uncaught } from './global_events.js';
import { reply, resetHostCalls } from './host_call.js';
import { beginJob, inputOf, installJob, selfOf } from './job.js';
import { installRandom, resetRandom } from './math_random.js';
import { globals } from './globals.js';
import { part, resetParts } from './parts.js';
import { permit } from './permits.js';
import { regexpExec } from './primordials.js';
import { describe, prepareStack, serialize } from './outcome.js';
import { beginSecrets, installSecrets } from './secrets.js';
import { resetStreams, wakeStream } from './stream_call.js';
import { installTimers, resetTimers, runTimers } from './timers.js';
import { installWeb, resetWeb } from './web.js';

installConsole(globalThis);
installTimers(globalThis);
installWeb(globalThis);
installRandom();
installSecrets(globalThis);
installJob(globalThis);
installGlobalEvents(globalThis);
for (const [name, { interfaces = [], functions = [] }] of Object.entries(globals)) {
  for (const member of interfaces) native.parts.install(globalThis, member, name, false);
  for (const member of functions) native.parts.install(globalThis, member, name, true);
}

// RegExp.lastMatch and its kin: what was matched above is not the script's. (The zygote's warm-up ends likewise.)
regexpExec(/^/, '');

// What an invocation left behind is forgotten. Random numbers get a new seed, unless the same
// script is called again.
function begin(job) {
  resetConsole();
  resetTimers(job.again);
  resetHostCalls();
  resetStreams();
  resetWeb();
  if (!job.again) {
    resetRandom();
    resetParts();
  }
  beginSecrets(job.grants);
  beginJob(job);
}

// Objects of many members have no prototype here and there: V8 would keep a map for each member of the others, in every
// context.
export default {
  __proto__: null,
  begin,
  input: inputOf,
  self: selfOf,
  runTimers,
  reply,
  stream: wakeStream,
  serialize,
  describe,
  prepareStack,
  permit,
  part,
  uncaught,
};
