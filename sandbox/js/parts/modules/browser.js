// The field "browser" of a package.json when it is an object (package-browser-field-spec, as bundlers read it): what
// takes the place of the package's own files, and of packages that it uses, where there is no Node.js. It holds for
// what the package's own files ask for, and for the file that it is imported by; `false` is an empty module.
import { hasOwn, stringEndsWith, stringSlice, stringStartsWith } from '../../primordials.js';
import { packageScope } from './packages.js';

// A key may leave these out, or name them where the file that asks does not.
const ENDS = ['.js', '.json', '.mjs', '.cjs', '/index.js', '/index.json', '/index.mjs', '/index.cjs'];

// Its exports are one empty object for the whole job, as in bundles.
const EMPTY = { __proto__: null, format: 'empty', text: () => '' };
export const emptyModule = () => ({ __proto__: null, path: undefined, query: '', url: 'isolane:empty', data: EMPTY });

function entry(map, key) {
  const value = hasOwn(map, key) ? map[key] : undefined;
  return value === false || typeof value === 'string' ? value : undefined;
}

// What takes the place of a package for the file at `path`: a specifier, false (an empty module), or undefined.
export function replacedName(specifier, path) {
  const map = path === undefined ? undefined : packageScope(path)?.browserMap;
  return map === undefined ? undefined : entry(map, specifier);
}

// Likewise of a file of that package, which need not be there.
export function replacedFile(pkg, path) {
  const map = pkg?.browserMap;
  if (map === undefined) return undefined;
  const { folder } = pkg;
  if (folder !== '' && !stringStartsWith(path, `${folder}/`)) return undefined;
  const inside = `./${folder === '' ? path : stringSlice(path, folder.length + 1)}`;
  let found = entry(map, inside);
  for (let i = 0; i < ENDS.length && found === undefined; i++) {
    found = entry(map, inside + ENDS[i]);
    if (found === undefined && stringEndsWith(inside, ENDS[i]))
      found = entry(map, stringSlice(inside, 0, inside.length - ENDS[i].length));
  }
  return found;
}
