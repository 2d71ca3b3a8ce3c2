// MIME types (https://mimesniff.spec.whatwg.org/): parsed, written, and found in Content-Type headers.
import {
  list,
  mapGet,
  mapHas,
  mapSet,
  push,
  regexpExec,
  stringIndexOf,
  stringSlice,
  stringToLowerCase,
} from '../../primordials.js';
import { headersInside, isToken, trimmed } from './headers.js';

const quotedValue = /^[\t\x20-\x7e\x80-\xff]*$/;

// A quoted string (RFC 9110 5.6.4) that begins at `at`: [its value, what follows it].
function quoted(text, at) {
  let value = '';
  for (let i = at + 1; i < text.length; i++) {
    const c = text[i];
    if (c === '"') return [value, i + 1];
    if (c === '\\' && i + 1 < text.length) value += text[++i];
    else value += c;
  }
  return [value, text.length];
}

// Without the blanks at its end alone.
const endTrimmed = (text) => stringSlice(trimmed(`x${text}`), 1);

// {essence, parameters: Map}, or undefined.
export function parseMimeType(input) {
  const text = trimmed(input);
  const slash = stringIndexOf(text, '/');
  if (slash < 0) return undefined;
  let end = stringIndexOf(text, ';', slash);
  if (end < 0) end = text.length;
  const type = stringSlice(text, 0, slash);
  const subtype = endTrimmed(stringSlice(text, slash + 1, end));
  if (!isToken(type) || !isToken(subtype)) return undefined;
  const parameters = new Map();
  for (let at = end; at < text.length; ) {
    at++; // ";"
    while (at < text.length && trimmed(text[at]) === '') at++;
    let stop = at;
    while (stop < text.length && text[stop] !== ';' && text[stop] !== '=') stop++;
    const name = stringToLowerCase(stringSlice(text, at, stop));
    at = stop;
    if (text[at] !== '=') continue;
    let value;
    if (text[at + 1] === '"') {
      [value, at] = quoted(text, at + 1);
      while (at < text.length && text[at] !== ';') at++;
    } else {
      stop = stringIndexOf(text, ';', at);
      if (stop < 0) stop = text.length;
      value = endTrimmed(stringSlice(text, at + 1, stop));
      at = stop;
      if (value === '') continue;
    }
    if (isToken(name) && regexpExec(quotedValue, value) !== null && !mapHas(parameters, name)) mapSet(parameters, name, value);
  }
  return { __proto__: null, essence: stringToLowerCase(`${type}/${subtype}`), parameters };
}

export function mimeTypeText({ essence, parameters }) {
  let out = essence;
  parameters.forEach((value, name) => {
    let text = value;
    if (!isToken(value)) {
      text = '"';
      for (let i = 0; i < value.length; i++) text += value[i] === '"' || value[i] === '\\' ? `\\${value[i]}` : value[i];
      text += '"';
    }
    out += `;${name}=${text}`;
  });
  return out;
}

// The values of a header that is a list, quoted strings kept whole.
export function listedValues(text) {
  const out = list();
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text[i] === '"') i = quoted(text, i)[1] - 1;
    else if (i === text.length || text[i] === ',') {
      push(out, trimmed(stringSlice(text, from, i)));
      from = i + 1;
    }
  }
  return out;
}

// "Extract a MIME type" (Fetch standard): the last one that is one; a charset outlives a repetition.
export function mimeTypeOf(headers) {
  const all = headersInside.get(headers, 'content-type');
  if (all === null) return undefined;
  const values = listedValues(all);
  let found;
  let charset;
  for (let i = 0; i < values.length; i++) {
    const type = parseMimeType(values[i]);
    if (type === undefined || type.essence === '*/*') continue;
    if (found === undefined || type.essence !== found.essence) charset = mapGet(type.parameters, 'charset');
    else if (!mapHas(type.parameters, 'charset') && charset !== undefined) mapSet(type.parameters, 'charset', charset);
    found = type;
  }
  return found;
}

