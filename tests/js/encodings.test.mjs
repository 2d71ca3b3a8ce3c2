// TextDecoder in the encodings of old: every label, every byte of those of one byte beside Node's, known
// characters of those of more, streams cut anywhere, malformed input.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runCases } from './shell.mjs';

const source = readFileSync(new URL('../../sandbox/js/parts/encodings.js', import.meta.url), 'utf8');
const lines = /LABELS = `\n([^`]*)\n`/.exec(source)[1].trim().split('\n').map((line) => line.trim().split(' '));
const singles = lines.filter(([name]) => /^(ibm|iso-8859|koi8|mac|windows|x-mac)/.test(name)).map(([name]) => name);

test('every label, in any case and with spaces around it, names its encoding', () => {
  assert.deepEqual([lines.length, singles.length], [37, 28]);
  const { names } = runCases(`show('names', ${JSON.stringify(lines)}.map((all) => all.map((label) => {
    try { return new TextDecoder(' \\t' + label.toUpperCase() + '\\n').encoding } catch (e) { return e.name } })))`);
  lines.forEach(([name, ...labels], i) => {
    const expected = name === 'replacement' ? 'RangeError' : name;
    assert.deepEqual(names[i], [name, ...labels].map(() => expected), name);
  });
});

test('labels that are none', () => {
  const { errors } = runCases(`show('errors', ['', 'utf', '8859', 'big5 gbk', 'cs', '\\u212aoi8', 'iso-8859-12', 'gbk\\u00a0'].map((l) => {
    try { return new TextDecoder(l).encoding } catch (e) { return e.name } }))`);
  assert.deepEqual(errors, Array(8).fill('RangeError'));
});

test('encodings of one byte: all bytes as Node decodes them, and as an error where there is none', () => {
  const { texts, fatal } = runCases(`const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const names = ${JSON.stringify(singles)};
    show('texts', names.map((n) => new TextDecoder(n).decode(all)));
    show('fatal', names.map((n) => { const d = new TextDecoder(n, { fatal: true }); let bad = 0;
      for (const b of all) try { d.decode(new Uint8Array([b])) } catch (e) { if (e instanceof TypeError) bad++ } return bad }))`);
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  singles.forEach((name, i) => {
    assert.equal(texts[i], new TextDecoder(name).decode(all), name);
    assert.equal(fatal[i], texts[i].split('\ufffd').length - 1, name);
  });
});

const known = {
  gbk: [[0xc4, 0xe3, 0x80, 0x41], '你€A'], gb18030: [[0x81, 0x30, 0x81, 0x30, 0x94, 0x39, 0xda, 0x33], '\x80💩'],
  big5: [[0xa7, 0x41, 0xa1, 0x45], '你‧'], 'euc-jp': [[0xa4, 0xa2, 0x8e, 0xb1, 0x8f, 0xb0, 0xa1, 0xa1, 0xc1], 'あｱ丂～'],
  shift_jis: [[0x82, 0xa0, 0xb1, 0x81, 0x60, 0x5c, 0xf0, 0x40, 0x80], 'あｱ～\\\ue000\x80'], 'euc-kr': [[0xb0, 0xa1, 0x81, 0x41, 0xa2, 0xe6], '가갂€'],
  'iso-2022-jp': [[0x41, 0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x49, 0x31, 0x1b, 0x28, 0x4a, 0x5c, 0x7e, 0x1b, 0x28, 0x42, 0x5c], 'Aあｱ¥‾\\'],
  'x-user-defined': [[0x41, 0x80, 0xff], 'A\uf780\uf7ff'],
};
test('known characters, whole and cut at every byte', () => {
  const { all } = runCases(`const out = {};
    for (const [name, [bytes]] of Object.entries(${JSON.stringify(known)})) {
      const d = new TextDecoder(name, { fatal: true }); let cut = '';
      for (const b of bytes) cut += d.decode(new Uint8Array([b]), { stream: true });
      out[name] = [d.decode(new DataView(new Uint8Array(bytes).buffer)), cut + d.decode()];
    } show('all', out)`);
  for (const [name, [, text]] of Object.entries(known)) assert.deepEqual(all[name], [text, text], name);
});

test('malformed input: U+FFFD and on with the next byte, or TypeError and a fresh start', () => {
  const bad = { gbk: [0xff, 0x41], big5: [0x80, 0x41], 'euc-jp': [0xa4, 0x41], shift_jis: [0x81, 0x20, 0x41], 'euc-kr': [0x80, 0x41],
    'iso-2022-jp': [0x1b, 0x41], gb18030: [0x81] };
  const { texts, fatal } = runCases(`const bad = Object.entries(${JSON.stringify(bad)});
    show('texts', bad.map(([n, b]) => new TextDecoder(n).decode(new Uint8Array(b))));
    show('fatal', bad.map(([n, b]) => { const d = new TextDecoder(n, { fatal: true });
      try { d.decode(new Uint8Array(b)); return 'no error' } catch (e) { return e.name + d.decode(new Uint8Array([0x42])) } }))`);
  assert.deepEqual(texts, ['\ufffdA', '\ufffdA', '\ufffdA', '\ufffd A', '\ufffdA', '\ufffdA', '\ufffd']);
  assert.deepEqual(fatal, Array(7).fill('TypeErrorB'));
});
