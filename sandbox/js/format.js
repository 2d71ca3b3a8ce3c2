// format(args): the text of console.log(...args). Strings, numbers and their like are written here; specifiers
// (%s …) and objects are for the part `inspect`, which most jobs do not load.
import { numberToString, objectIs, stringIncludes } from './primordials.js';
import { load } from './parts.js';

function plainText(value) {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return objectIs(value, -0) ? '-0' : numberToString(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return 'undefined';
    default:
      return value === null ? 'null' : load('inspect').inspect(value);
  }
}

export function format(args) {
  const first = args[0];
  if (args.length === 1 && typeof first === 'string') return first;
  if (typeof first === 'string' && stringIncludes(first, '%')) return load('inspect').format(args);
  return formatRest(args, 0, '');
}

// The arguments from `start` on, with no specifiers, each after a space; the first after `before`.
export function formatRest(args, start, before) {
  let out = '';
  for (let i = start; i < args.length; i++) out += (i === start ? before : ' ') + plainText(args[i]);
  return out;
}
