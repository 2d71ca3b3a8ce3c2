// TextEncoder and TextDecoder (Encoding standard); UTF-8 and UTF-16 here, the others in a part; atob and btoa (HTML).
import {
  RangeError,
  TypeError,
  Uint8Array,
  bytesOf,
  charCodeAt,
  customInspect,
  isBufferSource,
  stringIncludes,
  stringSlice,
  stringToLowerCase,
  uncurry,
} from '../primordials.js';
import { inspect } from '../inspect.js';
import { shapeInterface } from './interface.js';
import { lazy } from '../parts.js';

const { text } = native;
const encodings = lazy('encodings');
const exceptions = lazy('dom_exception');

// Encodings and flags of native.text.decode().
const UTF_8 = 0;
const UTF_16LE = 1;
const UTF_16BE = 2;
const LEGACY = 3; // every other, in the part `encodings`
const FATAL = 1;
const KEEP_BOM = 2;
const STREAM = 4;
// State between two calls: how many bytes are kept, at most three of them, whether a BOM may come.
const STATE_BYTES = 5;

const encodingNames = ['utf-8', 'utf-16le', 'utf-16be'];

const isSpace = (character) => stringIncludes('\t\n\f\r ', character);

function trimmed(label) {
  let start = 0;
  let end = label.length;
  while (start < end && isSpace(label[start])) start++;
  while (end > start && isSpace(label[end - 1])) end--;
  return lowerAscii(stringSlice(label, start, end));
}

// Only letters of ASCII: the Kelvin sign is no k.
function lowerAscii(text) {
  for (let i = 0; i < text.length; i++) if (charCodeAt(text, i) > 0x7f) return text;
  return stringToLowerCase(text);
}

function encodingOf(label) {
  switch (label) {
    case 'unicode-1-1-utf-8':
    case 'unicode11utf8':
    case 'unicode20utf8':
    case 'utf-8':
    case 'utf8':
    case 'x-unicode20utf8':
      return UTF_8;
    case 'csunicode':
    case 'iso-10646-ucs-2':
    case 'ucs-2':
    case 'unicode':
    case 'unicodefeff':
    case 'utf-16':
    case 'utf-16le':
      return UTF_16LE;
    case 'unicodefffe':
    case 'utf-16be':
      return UTF_16BE;
    default:
      return LEGACY;
  }
}

// Options dictionaries of Web IDL: undefined and null are empty, other values that are no objects an error.
function optionsOf(options, name) {
  if (options === undefined || options === null) return { __proto__: null };
  if (typeof options === 'object' || typeof options === 'function') return options;
  throw new TypeError(`${name}: options must be an object, found ${typeof options}`);
}

export class TextEncoder {
  #brand; // makes calls on other objects a TypeError
  get encoding() {
    this.#check();
    return 'utf-8';
  }
  encode(input = '') {
    this.#check();
    return text.encode(`${input}`);
  }
  encodeInto(source, destination) {
    this.#check();
    if (arguments.length < 2) throw new TypeError('encodeInto: two arguments are needed');
    const counts = text.encodeInto(`${source}`, destination);
    return { read: counts[0], written: counts[1] };
  }
  #check() {
    if (!(#brand in this)) throw new TypeError('Illegal invocation');
  }
  [customInspect](depth, options) {
    this.#check();
    return `TextEncoder ${inspect({ encoding: 'utf-8' }, options)}`;
  }
}

export class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #state; // of a stream that is not at its end
  #name; // of a legacy encoding
  #legacy; // its decoder
  constructor(label = 'utf-8', options = undefined) {
    label = `${label}`;
    this.#encoding = encodingOf(trimmed(label));
    if (this.#encoding === LEGACY) {
      this.#name = encodings().nameOf(trimmed(label));
      if (this.#name === undefined)
        throw new RangeError(`TextDecoder: the encoding "${label}" is not one of the Encoding standard`);
    }
    const own = optionsOf(options, 'TextDecoder');
    this.#fatal = !!own.fatal;
    this.#ignoreBOM = !!own.ignoreBOM;
  }
  get encoding() {
    return check(this).#name ?? encodingNames[this.#encoding];
  }
  get fatal() {
    return check(this).#fatal;
  }
  get ignoreBOM() {
    return check(this).#ignoreBOM;
  }
  decode(input = undefined, options = undefined) {
    check(this);
    const stream = !!optionsOf(options, 'TextDecoder.decode').stream;
    if (this.#encoding === LEGACY) return this.#decodeLegacy(input, stream);
    let flags = 0;
    if (this.#fatal) flags |= FATAL;
    if (this.#ignoreBOM) flags |= KEEP_BOM;
    if (stream) {
      flags |= STREAM;
      this.#state ??= new Uint8Array(STATE_BYTES);
    }
    const state = this.#state;
    if (!stream) this.#state = undefined;
    return text.decode(this.#encoding, input, flags, state);
  }
  #decodeLegacy(input, stream) {
    if (input !== undefined && !isBufferSource(input))
      throw new TypeError('TextDecoder.decode: the input must be an ArrayBuffer or a view of one');
    this.#legacy ??= encodings().decoderOf(this.#name);
    const bytes = input === undefined ? new Uint8Array(0) : bytesOf(input);
    const decoder = this.#legacy;
    if (!stream) this.#legacy = undefined;
    return decoder(bytes, stream, this.#fatal);
  }
  static check(decoder) {
    if (!(#encoding in decoder)) throw new TypeError('Illegal invocation');
    return decoder;
  }
  [customInspect](depth, options) {
    const { encoding, fatal, ignoreBOM } = check(this);
    return `TextDecoder ${inspect({ encoding, fatal, ignoreBOM }, options)}`;
  }
}
const { check } = TextDecoder;
delete TextDecoder.check;
const decode = uncurry(TextDecoder.prototype.decode);

// For other built-ins: decoder.decode(), whatever a script put there; undefined is the end.
export function decodeWith(decoder, input, stream) {
  if (stream && input === undefined) throw new TypeError('the chunk must be a buffer or a view');
  return decode(decoder, input, { __proto__: null, stream });
}

const functions = {
  atob(data) {
    if (arguments.length === 0) throw new TypeError('atob: one argument is needed');
    const decoded = text.atob(`${data}`);
    if (decoded !== undefined) return decoded;
    throw new (exceptions().DOMException)('atob: the text is not correctly encoded base64', 'InvalidCharacterError');
  },
  btoa(data) {
    if (arguments.length === 0) throw new TypeError('btoa: one argument is needed');
    const encoded = text.btoa(`${data}`);
    if (encoded !== undefined) return encoded;
    throw new (exceptions().DOMException)(
      'btoa: the text contains characters beyond U+00FF; encode it with TextEncoder first',
      'InvalidCharacterError',
    );
  },
};
export const { atob, btoa } = functions;

shapeInterface(TextEncoder, 'TextEncoder');
shapeInterface(TextDecoder, 'TextDecoder');
