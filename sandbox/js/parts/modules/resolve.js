// From a specifier to a file, as Node.js resolves it (its documentation, "Resolution Algorithm Specification",
// for import; "modules.html#all-together" for require), over the job's files instead of a file system.
//
// Conditions of "exports" and "imports": isolane, worker, browser, import or require, default; the order is the
// map's own. "browser" counts as bundlers read it (browser.js). Where Node.js has built-in modules there is an error
// that says so; a package of that name among the files comes first.
import {
  isArray,
  objectKeys,
  regexpExec,
  stringEndsWith,
  stringIncludes,
  stringIndexOf,
  stringSlice,
  stringStartsWith,
} from '../../primordials.js';
import { emptyModule, replacedFile, replacedName } from './browser.js';
import { failPlain, shownName } from './failures.js';
import { parseDataUrl } from './data_url.js';
import { packageAt, packageScope } from './packages.js';
import { dirOf, extensionOf, joined, urlOf } from './paths.js';

const { modules } = native;

const CONDITIONS = {
  import: { __proto__: null, isolane: true, worker: true, browser: true, import: true, default: true },
  require: { __proto__: null, isolane: true, worker: true, browser: true, require: true, default: true },
};
const BUILTIN_NAMES = [
  'assert', 'async_hooks', 'buffer', 'child_process', 'cluster', 'console', 'constants', 'crypto', 'dgram',
  'diagnostics_channel', 'dns', 'domain', 'events', 'fs', 'http', 'http2', 'https', 'inspector', 'module', 'net',
  'os', 'path', 'perf_hooks', 'process', 'punycode', 'querystring', 'readline', 'repl', 'stream',
  'string_decoder', 'sys', 'timers', 'tls', 'trace_events', 'tty', 'url', 'util', 'v8', 'vm', 'wasi',
  'worker_threads', 'zlib',
];
const BUILTINS = { __proto__: null };
for (let i = 0; i < BUILTIN_NAMES.length; i++) BUILTINS[BUILTIN_NAMES[i]] = true;

const ONE_FILE = ': a job in "script" is one file; several are sent in "files" (isolane submit does so)';

const file = (path, query = '') => ({ __proto__: null, path, query, url: undefined, data: undefined });

// ---- what is missing ----

function missing(what, specifier, from, hint) {
  const name = shownName(specifier);
  if (from.required)
    failPlain('MODULE_NOT_FOUND', `Cannot find ${what} '${name}'${hint}\nRequire stack:\n- ${shownName(from.name)}`);
  failPlain('ERR_MODULE_NOT_FOUND', `Cannot find ${what} '${name}' imported from ${shownName(from.name)}${hint}`);
}

function missingFile(specifier, path, from) {
  if (!modules.several()) missing('module', specifier, from, ONE_FILE);
  const near = nearby(path);
  missing('module', specifier, from, near === undefined ? '' : `: did you mean '${shownName(near)}'?`);
}

// What require() would have taken: an import must say all of it.
const EXTENSIONS = ['.js', '.json', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx'];
function nearby(path) {
  for (let i = 0; i < EXTENSIONS.length; i++) if (modules.has(path + EXTENSIONS[i])) return `/${path}${EXTENSIONS[i]}`;
  for (let i = 0; i < EXTENSIONS.length; i++) {
    const index = joined(path, `index${EXTENSIONS[i]}`);
    if (modules.has(index)) return `/${index}`;
  }
  return undefined;
}

function builtin(specifier, from) {
  failPlain(
    'ERR_UNKNOWN_BUILTIN_MODULE',
    `'${shownName(specifier)}', imported from ${shownName(from.name)}, is a built-in module of Node.js: this profile has none of them`,
  );
}

const invalid = (specifier, from, why) =>
  failPlain('ERR_INVALID_MODULE_SPECIFIER', `Invalid module '${shownName(specifier)}' imported from ${shownName(from.name)}: ${why}`);

// ---- packages' maps ----

const notExported = (subpath, pkg, from) =>
  failPlain(
    'ERR_PACKAGE_PATH_NOT_EXPORTED',
    `Package subpath '${shownName(subpath)}' is not defined by "exports" in ${pkg.folder === '' ? '' : `${pkg.folder}/`}package.json, imported from ${shownName(from.name)}`,
  );

// A target of "exports" or "imports": a path in the package, undefined when no condition holds, null when refused.
function target(pkg, value, star, from, internal, depth = 0) {
  if (typeof value === 'string') {
    const path = star === undefined ? value : fillStars(value, star);
    if (stringStartsWith(path, './')) {
      if (regexpExec(/(^|\/)(\.\.?|node_modules)(\/|$)/, stringSlice(path, 2)) !== null)
        failPlain('ERR_INVALID_PACKAGE_TARGET', `Invalid target '${shownName(path)}' in ${pkg.folder}/package.json`);
      return file(joined(pkg.folder, path));
    }
    if (!internal || stringStartsWith(path, '../') || stringStartsWith(path, '/'))
      failPlain('ERR_INVALID_PACKAGE_TARGET', `Invalid target '${shownName(path)}' in ${pkg.folder}/package.json`);
    return resolveBare(path, { __proto__: null, ...from, path: joined(pkg.folder, 'package.json') });
  }
  if (value === null || depth > 20) return null;
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const found = target(pkg, value[i], star, from, internal, depth + 1);
      if (found) return found;
    }
    return null;
  }
  if (typeof value !== 'object') return null;
  const conditions = from.required ? CONDITIONS.require : CONDITIONS.import;
  const keys = objectKeys(value);
  for (let i = 0; i < keys.length; i++) {
    if (conditions[keys[i]] !== true) continue;
    const found = target(pkg, value[keys[i]], star, from, internal, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fillStars(text, star) {
  let out = '';
  let last = 0;
  for (let at; (at = stringIndexOf(text, '*', last)) >= 0; last = at + 1) out += stringSlice(text, last, at) + star;
  return out + stringSlice(text, last);
}

// The entry of "exports" or "imports" that fits, the longest pattern first: its target.
function matched(pkg, map, key, from, internal) {
  const keys = objectKeys(map);
  let best = '';
  let star;
  for (let i = 0; i < keys.length; i++) {
    const pattern = keys[i];
    if (pattern === key && !stringIncludes(key, '*')) return target(pkg, map[key], undefined, from, internal);
    const at = stringIndexOf(pattern, '*');
    if (at < 0) continue;
    const base = stringSlice(pattern, 0, at);
    const tail = stringSlice(pattern, at + 1);
    if (!stringStartsWith(key, base) || key === base || key.length < pattern.length || !stringEndsWith(key, tail)) continue;
    const bestBase = stringIndexOf(best, '*');
    if (best !== '' && (bestBase > at || (bestBase === at && best.length > pattern.length))) continue;
    best = pattern;
    star = stringSlice(key, base.length, key.length - tail.length);
  }
  return best === '' ? undefined : target(pkg, map[best], star, from, internal);
}

function packageExports(pkg, subpath, from) {
  const { exports } = pkg;
  let found;
  const keys = typeof exports === 'object' && !isArray(exports) ? objectKeys(exports) : [];
  if (keys.length > 0 && stringStartsWith(keys[0], '.')) found = matched(pkg, exports, subpath, from, false);
  else if (subpath === '.') found = target(pkg, exports, undefined, from, false);
  if (!found) notExported(subpath, pkg, from);
  return found;
}

function packageImports(specifier, from) {
  const pkg = from.path === undefined ? null : packageScope(from.path);
  const map = pkg?.imports;
  const found =
    typeof map === 'object' && map !== null && specifier !== '#' && !stringStartsWith(specifier, '#/')
      ? matched(pkg, map, specifier, from, true)
      : undefined;
  if (!found)
    failPlain(
      'ERR_PACKAGE_IMPORT_NOT_DEFINED',
      `Package import '${shownName(specifier)}' is not defined in package.json, imported from ${shownName(from.name)}`,
    );
  return found;
}

// ---- files and folders ----

// TypeScript's habit: './x.js' stands for './x.ts'.
const SOURCES = { __proto__: null, '.js': ['.ts', '.tsx'], '.mjs': ['.mts'], '.cjs': ['.cts'], '.jsx': ['.tsx'] };

function exactFile(path) {
  if (modules.has(path)) return path;
  const extension = extensionOf(path);
  const sources = SOURCES[extension];
  if (sources === undefined) return undefined;
  const stem = stringSlice(path, 0, path.length - extension.length);
  for (let i = 0; i < sources.length; i++) if (modules.has(stem + sources[i])) return stem + sources[i];
  return undefined;
}

function withExtension(path) {
  for (let i = 0; i < EXTENSIONS.length; i++) if (modules.has(path + EXTENSIONS[i])) return path + EXTENSIONS[i];
  return undefined;
}

const indexOf = (folder) => withExtension(joined(folder, 'index'));

// As require() finds it: the file, with an extension, a folder with "main" or index.
function looseFile(path) {
  const found = (path === '' ? undefined : exactFile(path)) ?? (path === '' ? undefined : withExtension(path));
  return found ?? looseFolder(path);
}

function looseFolder(folder) {
  const main = packageAt(folder)?.main;
  if (main !== undefined && main !== '') {
    const path = joined(folder, main);
    const found = exactFile(path) ?? withExtension(path) ?? indexOf(path);
    if (found !== undefined) return found;
  }
  return indexOf(folder);
}

// ---- bare names ----

function splitName(specifier, from) {
  let slash = stringIndexOf(specifier, '/');
  if (specifier[0] === '@' && slash >= 0) slash = stringIndexOf(specifier, '/', slash + 1);
  const name = slash < 0 ? specifier : stringSlice(specifier, 0, slash);
  if (name === '' || name[0] === '.' || stringIncludes(name, '\\') || stringIncludes(name, '%') || (name[0] === '@' && !stringIncludes(name, '/')))
    invalid(specifier, from, 'this is no name of a package');
  return [name, slash < 0 ? '.' : `.${stringSlice(specifier, slash)}`];
}

function inPackage(folder, subpath, specifier, from) {
  const pkg = packageAt(folder);
  if (pkg !== null && pkg.exports !== undefined && pkg.exports !== null) return packageExports(pkg, subpath, from);
  const found =
    subpath === '.' ? looseFolder(folder) : from.required ? looseFile(joined(folder, subpath)) : exactFile(joined(folder, subpath));
  const shown = found ?? joined(folder, subpath);
  const other = asBrowser(shown, from);
  if (other !== undefined) return other;
  if (found === undefined) missingFile(specifier, shown, from);
  return file(found);
}

// What a package's "browser" says takes the place of a file or a package: a file, an empty module.
function replacement(pkg, value, from) {
  if (value === false) return emptyModule();
  if (!isRelative(value)) return resolveBare(value, { __proto__: null, ...from, path: joined(pkg.folder, 'package.json') }, false);
  const path = joined(pkg.folder, value);
  const found = looseFile(path);
  if (found === undefined) missingFile(value, path, from);
  return file(found);
}

// A file that was found, or (not there) was looked for, as its package wants to have it where there is no Node.js.
function asBrowser(path, from) {
  const pkg = packageScope(path);
  const value = replacedFile(pkg, path);
  return value === undefined ? undefined : replacement(pkg, value, from);
}

function resolveBare(specifier, from, mapped = true) {
  const value = mapped ? replacedName(specifier, from.path) : undefined;
  if (value !== undefined) return replacement(packageScope(from.path), value, from);
  const parts = splitName(specifier, from);
  const name = parts[0];
  const subpath = parts[1];
  if (from.path === undefined) invalid(specifier, from, 'a data: URL can only import complete URLs');
  const own = packageScope(from.path);
  if (own !== null && own.name === name && own.exports !== undefined && own.exports !== null)
    return packageExports(own, subpath, from);
  for (let folder = dirOf(from.path); ; folder = dirOf(folder)) {
    const home = joined(folder, `node_modules/${name}`);
    if (modules.folder(home)) return inPackage(home, subpath, specifier, from);
    const single = from.required ? withExtension(home) : undefined; // node_modules/name.js
    if (single !== undefined && subpath === '.') return file(single);
    if (folder === '') break;
  }
  if (BUILTINS[name] === true) builtin(specifier, from);
  return missing(
    'package',
    specifier,
    from,
    modules.several() ? ': the job\'s files have no folder node_modules with it (isolane submit bundles packages)' : ONE_FILE,
  );
}

const inPackages = (path) => stringStartsWith(path, 'node_modules/') || stringIncludes(path, '/node_modules/');

// ---- the two ways in ----

// A path in a specifier of import: %xx is decoded; ?query and #hash make another instance of the file.
function fromUrlPath(base, text, specifier, from) {
  const cut = regexpExec(/[?#]/, text);
  const query = cut === null ? '' : stringSlice(text, cut.index);
  let path = cut === null ? text : stringSlice(text, 0, cut.index);
  if (regexpExec(/%(2f|5c)/i, path) !== null) invalid(specifier, from, 'it must not have "/" or "\\" as an escape');
  if (stringIncludes(path, '%')) {
    try {
      path = decodeURIComponent(path);
    } catch {
      invalid(specifier, from, 'its escapes are no UTF-8');
    }
  }
  const whole = joined(base, path);
  let found = stringEndsWith(path, '/') ? undefined : exactFile(whole);
  // Packages that are made for bundlers leave extensions out.
  if (found === undefined && from.path !== undefined && inPackages(from.path)) found = looseFile(whole);
  const other = asBrowser(found ?? whole, from);
  if (other !== undefined) return other;
  if (found === undefined) missingFile(specifier, whole, from);
  return file(found, query);
}

const isRelative = (specifier) =>
  stringStartsWith(specifier, './') || stringStartsWith(specifier, '../') || specifier === '.' || specifier === '..';

// {path, query} or {url, data}. from: {name, path} of the importer; path is undefined in a data: URL.
export function resolveImport(specifier, importer) {
  const from = { __proto__: null, name: importer.name, path: importer.path, required: false };
  if (stringStartsWith(specifier, 'data:'))
    return { __proto__: null, path: undefined, query: '', url: specifier, data: parseDataUrl(specifier) };
  if (isRelative(specifier) || specifier[0] === '/') {
    if (from.path === undefined) invalid(specifier, from, 'a data: URL can only import complete URLs');
    return fromUrlPath(specifier[0] === '/' ? '' : dirOf(from.path), specifier, specifier, from);
  }
  if (stringStartsWith(specifier, 'file:')) {
    if (!stringStartsWith(specifier, 'file:///')) invalid(specifier, from, 'file: URLs begin with file:///');
    return fromUrlPath('', stringSlice(specifier, 8), specifier, from);
  }
  if (stringStartsWith(specifier, 'node:') && replacedName(specifier, from.path) === undefined) builtin(specifier, from);
  if (!stringStartsWith(specifier, 'node:') && regexpExec(/^[a-z][a-z0-9+.-]*:/i, specifier) !== null)
    failPlain(
      'ERR_UNSUPPORTED_ESM_URL_SCHEME',
      `Cannot import '${shownName(specifier)}' from ${shownName(from.name)}: only the job's own files and data: URLs can be imported`,
    );
  if (specifier[0] === '#') return checked(packageImports(specifier, from), specifier, from);
  return checked(resolveBare(specifier, from), specifier, from);
}

// A package's map may name a file that is not there.
function checked(found, specifier, from) {
  if (found.data !== undefined) return found; // an empty module
  const path = exactFile(found.path);
  if (path === undefined) missingFile(specifier, found.path, from);
  return path === found.path ? found : file(path, found.query);
}

export function resolveRequire(specifier, importer) {
  const from = { __proto__: null, name: importer.name, path: importer.path, required: true };
  if (stringStartsWith(specifier, 'node:') && replacedName(specifier, from.path) === undefined) builtin(specifier, from);
  if (isRelative(specifier) || specifier[0] === '/') {
    const path = joined(specifier[0] === '/' ? '' : dirOf(from.path), specifier);
    const folder = specifier === '.' || specifier === '..' || stringEndsWith(specifier, '/') || stringEndsWith(specifier, '/.') || stringEndsWith(specifier, '/..');
    const found = folder ? looseFolder(path) : looseFile(path);
    const other = asBrowser(found ?? path, from);
    if (other !== undefined) return other;
    if (found === undefined) missingFile(specifier, path, from);
    return file(found);
  }
  if (specifier[0] === '#') return checked(packageImports(specifier, from), specifier, from);
  return checked(resolveBare(specifier, from), specifier, from);
}

export const resolvedUrl = (found) => (found.url === undefined ? urlOf(found.path) + found.query : found.url);
