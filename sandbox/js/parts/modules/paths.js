// Paths of a job's files: relative to an imagined root, parts between single '/'.
import { charCodeAt, stringIndexOf, stringLastIndexOf, stringSlice, stringToWellFormed } from '../../primordials.js';

export function dirOf(path) {
  const slash = stringLastIndexOf(path, '/');
  return slash < 0 ? '' : stringSlice(path, 0, slash);
}

// '.', '..' and empty parts are resolved against the folder; above the root there is nothing, as in URLs.
export function joined(folder, relative) {
  let out = folder;
  for (let start = 0; start <= relative.length; ) {
    const slash = stringIndexOf(relative, '/', start);
    const end = slash < 0 ? relative.length : slash;
    const part = stringSlice(relative, start, end);
    if (part === '..') out = dirOf(out);
    else if (part !== '' && part !== '.') out = out === '' ? part : `${out}/${part}`;
    start = end + 1;
  }
  return out;
}

export function extensionOf(path) {
  const slash = stringLastIndexOf(path, '/');
  const dot = stringLastIndexOf(path, '.');
  return dot > slash + 1 ? stringSlice(path, dot) : '';
}

// As the engine writes import.meta.url.
export function urlOf(path) {
  for (let i = 0, n = path.length; i < n; i++) {
    const c = charCodeAt(path, i);
    const plain = (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 45 && c <= 57) || c === 95 || c === 126;
    if (!plain) return `file:///${encodeOther(stringToWellFormed(path))}`;
  }
  return `file:///${path}`;
}

// encodeURIComponent leaves !*'() as they are.
function encodeOther(path) {
  let out = '';
  for (let i = 0, n = path.length; i < n; i++) {
    const c = charCodeAt(path, i);
    const pair = c >= 0xd800 && c <= 0xdbff && i + 1 < n;
    const one = pair ? path[i] + path[++i] : path[i];
    if (c === 47) out += one;
    else if (c === 33 || (c >= 39 && c <= 42)) out += `%${hex(c >> 4)}${hex(c & 15)}`;
    else out += encodeURIComponent(one);
  }
  return out;
}

const hex = (digit) => '0123456789ABCDEF'[digit];
