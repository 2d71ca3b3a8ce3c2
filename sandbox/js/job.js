// job: what a script knows of itself. The object and its accessors are part of the snapshot; begin() only
// keeps texts, so that a job which never looks at its input does not pay for parsing it.
import {
  customInspect,
  define,
  defineProperty,
  freeze,
  jsonParse,
  setPrototypeOf,
} from './primordials.js';
import { load } from './parts.js';

let id = '';
let tenant = '';
let attempt = 0;
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

const accessors = {
  get id() {
    return id;
  },
  get tenant() {
    return tenant;
  },
  get attempt() {
    return attempt;
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
    return load('artifacts').artifacts;
  },
};

const methods = {
  progress(fraction, message = undefined) {
    load('job_more').progress(fraction, message);
  },
  [customInspect](depth, options) {
    return load('job_more').inspectJob(job, waited, options);
  },
};

// Called by the engine before the script runs; texts are JSON, empty for none.
export function beginJob(newId, newTenant, newAttempt, newInput, newEnv, newGrants, newParents) {
  id = newId;
  tenant = newTenant;
  attempt = newAttempt;
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
  const members = define(define({ __proto__: null }, accessors, true), methods, false); // as in main.js
  job = freeze(setPrototypeOf(members, Object.prototype));
  defineProperty(global, 'job', {
    __proto__: null,
    value: job,
    writable: true,
    configurable: true,
  });
}
