// job: what a script knows of itself. The object and its accessors are part of the snapshot; begin() only
// keeps texts, so that a job which never looks at its input does not pay for parsing it.
import {
  TypeError,
  RangeError,
  customInspect,
  define,
  defineProperty,
  freeze,
  jsonParse,
  jsonStringify,
  stringToWellFormed,
} from './primordials.js';
import { inspect } from './inspect.js';
import { lazy } from './parts.js';

const { loop } = native;

const PROGRESS_TEXT_MAX_BYTES = 1024;

const artifacts = lazy('artifacts');

let about = { __proto__: null, id: '', tenant: '', attempt: 0 };
let inputText;
let input;
let envText;
let env;
let parentsText;
let parents;
let waited = false;
let grants = '';

export const grantsText = () => grants;

export function inputOf() {
  if (inputText !== undefined) {
    input = inputText === '' ? undefined : jsonParse(inputText);
    inputText = undefined;
  }
  return input;
}

function envOf() {
  if (envText !== undefined) {
    env = envText === '' ? {} : jsonParse(envText);
    envText = undefined;
  }
  return env;
}

function parentsOf() {
  if (parentsText !== undefined) {
    parents = parentsText === '' ? {} : jsonParse(parentsText);
    parentsText = undefined;
  }
  return parents;
}

function progress(fraction, message) {
  if (typeof fraction !== 'number' || !(fraction >= 0 && fraction <= 1))
    throw new RangeError(
      `job.progress: the fraction must be a number from 0 to 1, found ${inspect(fraction)}`,
    );
  if (message === undefined) message = '';
  else if (typeof message !== 'string')
    throw new TypeError(`job.progress: the text must be a string, found ${typeof message}`);
  message = stringToWellFormed(message);
  const bytes = native.text.utf8Length(message);
  if (bytes > PROGRESS_TEXT_MAX_BYTES)
    throw new RangeError(
      `job.progress: the text has ${bytes} bytes of UTF-8; at most ${PROGRESS_TEXT_MAX_BYTES} are allowed`,
    );
  loop.note('progress', jsonStringify({ __proto__: null, fraction, text: message }));
}

const accessors = {
  get id() {
    return about.id;
  },
  get tenant() {
    return about.tenant;
  },
  get attempt() {
    return about.attempt;
  },
  get input() {
    return inputOf();
  },
  get env() {
    return envOf();
  },
  get parents() {
    return parentsOf();
  },
  get artifacts() {
    return artifacts().artifacts;
  },
};

const methods = {
  progress(fraction, message = undefined) {
    progress(fraction, message);
  },
  [customInspect](depth, options) {
    const { id, tenant, attempt } = about;
    const shown = { id, tenant, attempt, input: inputOf(), env: envOf() };
    if (waited) shown.parents = parentsOf();
    return `job ${inspect(shown, options)}`;
  },
};

// Called by the engine before the script runs; texts are JSON, empty for none.
export function beginJob({ id, tenant, attempt, input: newInput, env: newEnv, parents: newParents, grants: newGrants }) {
  about = { __proto__: null, id, tenant, attempt };
  inputText = newInput;
  envText = newEnv;
  parentsText = newParents;
  waited = newParents !== '';
  grants = newGrants;
  input = undefined;
  env = undefined;
  parents = undefined;
}

let job;
export const selfOf = () => job;

export function installJob(global) {
  job = freeze(define(define({}, accessors, true), methods, false));
  defineProperty(global, 'job', {
    __proto__: null,
    value: job,
    writable: true,
    configurable: true,
  });
}
