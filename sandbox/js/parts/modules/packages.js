// package.json among the job's files: what of it resolution needs. Read once each; a broken one is an error that
// names it. Its values are a publisher's: only own properties count.
import { hasOwn, isArray, jsonParse, stringSlice } from '../../primordials.js';
import { failPlain, shownName } from './failures.js';
import { dirOf } from './paths.js';

const { modules } = native;

const cache = { __proto__: null, epoch: -1, byFolder: undefined };

const member = (object, key) => (hasOwn(object, key) ? object[key] : undefined);
const isObject = (value) => typeof value === 'object' && value !== null && !isArray(value);

function parse(path) {
  const text = modules.read(path);
  if (text === undefined) return null;
  let value;
  try {
    value = jsonParse(text);
  } catch (error) {
    failPlain('ERR_INVALID_PACKAGE_CONFIG', `Invalid package config '${shownName(path)}': ${error.message}`);
  }
  if (!isObject(value)) failPlain('ERR_INVALID_PACKAGE_CONFIG', `Invalid package config '${shownName(path)}': no object`);
  const string = (key) => (typeof member(value, key) === 'string' ? member(value, key) : undefined);
  const type = string('type');
  return {
    __proto__: null,
    name: string('name'),
    main: string('browser') ?? string('main'),
    browserMap: isObject(member(value, 'browser')) ? value.browser : undefined,
    type: type === 'module' || type === 'commonjs' ? type : undefined,
    exports: member(value, 'exports'),
    imports: member(value, 'imports'),
  };
}

// The package.json of a folder; null without one.
export function packageAt(folder) {
  if (cache.epoch !== modules.epoch()) {
    cache.epoch = modules.epoch();
    cache.byFolder = { __proto__: null };
  }
  const key = `/${folder}`;
  const known = cache.byFolder[key];
  if (known !== undefined) return known;
  const found = parse(folder === '' ? 'package.json' : `${folder}/package.json`);
  if (found !== null) found.folder = folder;
  cache.byFolder[key] = found;
  return found;
}

// The package that a file belongs to: that of the nearest package.json; null without one.
export function packageScope(path) {
  for (let folder = dirOf(path); ; folder = dirOf(folder)) {
    if (lastPart(folder) === 'node_modules') return null;
    const found = packageAt(folder);
    if (found !== null || folder === '') return found;
  }
}

function lastPart(path) {
  const parent = dirOf(path);
  return parent === '' ? path : stringSlice(path, parent.length + 1);
}
