// The Encoding standard's encodings but UTF-8 and UTF-16: labels, and decoders for TextDecoder.
import {
  TypeError,
  Uint8Array,
  list,
  stringFromCharCode,
  stringIndexOf,
  stringSlice,
  typedArraySet,
} from '../primordials.js';
import { tables } from 'isolane:single-byte';

const { legacy } = native;

// A name a line, in lower case, and its further labels.
const LABELS = `
  ibm866 866 cp866 csibm866
  iso-8859-2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2
  iso-8859-3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3
  iso-8859-4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4
  iso-8859-5 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988
  iso-8859-6 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987
  iso-8859-7 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek
  iso-8859-8 csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual
  iso-8859-8-i csiso88598i logical
  iso-8859-10 csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6
  iso-8859-13 iso8859-13 iso885913
  iso-8859-14 iso8859-14 iso885914
  iso-8859-15 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9
  iso-8859-16
  koi8-r cskoi8r koi koi8 koi8_r
  koi8-u koi8-ru
  macintosh csmacintosh mac x-mac-roman
  windows-874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620
  windows-1250 cp1250 x-cp1250
  windows-1251 cp1251 x-cp1251
  windows-1252 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252
  windows-1253 cp1253 x-cp1253
  windows-1254 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 x-cp1254
  windows-1255 cp1255 x-cp1255
  windows-1256 cp1256 x-cp1256
  windows-1257 cp1257 x-cp1257
  windows-1258 cp1258 x-cp1258
  x-mac-cyrillic x-mac-ukrainian
  gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk
  gb18030
  big5 big5-hkscs cn-big5 csbig5 x-x-big5
  euc-jp cseucpkdfmtjapanese x-euc-jp
  iso-2022-jp csiso2022jp
  shift_jis csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis
  euc-kr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949
  replacement csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr
  x-user-defined
`;

// The encoding of a label in lower case; undefined: none.
export function nameOf(label) {
  if (label === '' || stringIndexOf(label, ' ') >= 0 || stringIndexOf(label, '\n') >= 0) return undefined;
  let at = -1;
  for (;;) {
    at = stringIndexOf(LABELS, label, at + 1);
    if (at < 0) return undefined;
    const before = LABELS[at - 1];
    const after = LABELS[at + label.length];
    if (before === ' ' && (after === ' ' || after === '\n')) break;
  }
  let start = at;
  while (LABELS[start - 1] !== '\n') start--;
  start += 2;
  let end = start;
  while (LABELS[end] !== ' ' && LABELS[end] !== '\n') end++;
  const name = stringSlice(LABELS, start, end);
  return name === 'replacement' ? undefined : name;
}

const malformed = (name) => new TypeError(`The encoded data was not valid for encoding ${name}`);

function joined(first, second) {
  if (first === undefined || first.length === 0) return second;
  const all = new Uint8Array(first.length + second.length);
  typedArraySet(all, first, 0);
  typedArraySet(all, second, first.length);
  return all;
}

// What a decoder of so many bytes keeps between two calls is what a character began with.
function multiByte(name) {
  let kept;
  return (bytes, stream, fatal) => {
    const all = joined(kept, bytes);
    kept = undefined;
    const result = legacy.convert(name, all, !stream, fatal);
    if (result === undefined) throw malformed(name);
    if (result[1] > 0) {
      kept = new Uint8Array(result[1]);
      for (let i = 0; i < result[1]; i++) kept[i] = all[all.length - result[1] + i];
    }
    return result[0];
  };
}

function singleByte(name, table) {
  return (bytes, stream, fatal) => {
    const text = legacy.map(bytes, table, fatal);
    if (text === undefined) throw malformed(name);
    return text;
  };
}

let userDefined = '';
for (let i = 0; i < 128; i++) userDefined += stringFromCharCode(0xf780 + i);

// ---- ISO-2022-JP (12.2): its states, by hand ------------------------------------------------------------------
const ASCII = 0;
const ROMAN = 1;
const KATAKANA = 2;
const LEAD = 3;
const TRAIL = 4;
const ESCAPE_START = 5;
const ESCAPE = 6;
const ESC = 0x1b;

function iso2022jp() {
  const pair = new Uint8Array(2);
  let state = ASCII;
  let output = ASCII;
  let lead = 0;
  let escaped = false; // an escape sequence came, and nothing since
  const reset = () => {
    state = output = ASCII;
    lead = 0;
    escaped = false;
  };
  // One byte, or -1 at the end; back: bytes to look at again.
  function step(byte, back) {
    switch (state) {
      case ESCAPE_START:
        if (byte === 0x24 || byte === 0x28) {
          lead = byte;
          state = ESCAPE;
          return '';
        }
        if (byte >= 0) back[back.length] = byte;
        escaped = false;
        state = output;
        return undefined;
      case ESCAPE: {
        const first = lead;
        lead = 0;
        let next = -1;
        if (first === 0x28 && byte === 0x42) next = ASCII;
        if (first === 0x28 && byte === 0x4a) next = ROMAN;
        if (first === 0x28 && byte === 0x49) next = KATAKANA;
        if (first === 0x24 && (byte === 0x40 || byte === 0x42)) next = LEAD;
        if (next >= 0) {
          state = output = next;
          const twice = escaped;
          escaped = true;
          return twice ? undefined : '';
        }
        if (byte >= 0) back[back.length] = byte;
        back[back.length] = first;
        escaped = false;
        state = output;
        return undefined;
      }
      case TRAIL:
        if (byte === ESC) {
          state = ESCAPE_START;
          return undefined;
        }
        state = LEAD;
        if (byte < 0x21 || byte > 0x7e) return undefined;
        pair[0] = lead | 0x80;
        pair[1] = byte | 0x80;
        return legacy.convert('euc-jp', pair, true, true)?.[0];
      default:
    }
    if (byte === ESC) {
      state = ESCAPE_START;
      return '';
    }
    if (byte < 0) return '';
    escaped = false;
    if (state === LEAD) {
      if (byte < 0x21 || byte > 0x7e) return undefined;
      lead = byte;
      state = TRAIL;
      return '';
    }
    if (state === KATAKANA)
      return byte >= 0x21 && byte <= 0x5f ? stringFromCharCode(0xff61 - 0x21 + byte) : undefined;
    if (byte > 0x7f || byte === 0x0e || byte === 0x0f) return undefined;
    if (state === ROMAN && byte === 0x5c) return '\u00a5';
    if (state === ROMAN && byte === 0x7e) return '\u203e';
    return stringFromCharCode(byte);
  }
  return (bytes, stream, fatal) => {
    let out = '';
    const back = list();
    const take = (byte) => {
      const text = step(byte, back);
      if (text !== undefined) {
        out += text;
      } else {
        if (fatal) {
          reset();
          throw malformed('iso-2022-jp');
        }
        out += '\ufffd';
      }
    };
    const drain = () => {
      while (back.length > 0) {
        const byte = back[back.length - 1];
        back.length--;
        take(byte);
      }
    };
    for (let i = 0; i < bytes.length; i++) {
      take(bytes[i]);
      drain();
    }
    if (!stream) {
      while (state === ESCAPE_START || state === ESCAPE || state === TRAIL) {
        take(-1);
        drain();
        if (state === LEAD) break;
      }
      reset();
    }
    return out;
  };
}

// (bytes, stream, fatal) → text, of one TextDecoder.
export function decoderOf(name) {
  if (name === 'x-user-defined') return singleByte(name, userDefined);
  if (name === 'iso-2022-jp') return iso2022jp();
  const table = tables[name === 'iso-8859-8-i' ? 'iso-8859-8' : name];
  return table === undefined ? multiByte(name) : singleByte(name, table);
}
