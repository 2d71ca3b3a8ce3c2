// FileReader: what it reads, in which order it tells, abort. (The web platform tests of it run with make wpt.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases } from './shell.mjs';

const prelude = `const read = (method, blob, ...more) => new Promise((done) => { const r = new FileReader(); r.onloadend = () => done(r); r[method](blob, ...more); });
const wrong = (f) => { try { f(); return 'fine'; } catch (e) { return e.name; } };
`;

test('bytes, text in every encoding, binary strings, data URLs', () => {
  const r = runCases(`${prelude}
    const b = new Blob(['hällo'], { type: 'text/plain' });
    const buffer = (await read('readAsArrayBuffer', b)).result; show('buffer', [buffer instanceof ArrayBuffer, buffer.byteLength]);
    show('text', (await read('readAsText', b)).result);
    show('latin', (await read('readAsText', new Blob([new Uint8Array([0xe4])]), 'windows-1252')).result);
    show('unknown', (await read('readAsText', new Blob(['ä']), 'no-such')).result);
    show('charset', (await read('readAsText', new Blob([new Uint8Array([0xe4])], { type: 'text/plain;charset=iso-8859-1' }))).result);
    show('bom', (await read('readAsText', new Blob([new Uint8Array([0xff, 0xfe, 0x61, 0])]), 'utf-8')).result);
    show('binary', (await read('readAsBinaryString', new Blob([new Uint8Array([0, 255, 65])]))).result);
    const long = new Uint8Array(10000).map((_, i) => i % 256); show('long', [...(await read('readAsBinaryString', new Blob([long]))).result].every((c, i) => c.charCodeAt(0) === i % 256));
    show('url', [(await read('readAsDataURL', b)).result, (await read('readAsDataURL', new Blob(['x']))).result, (await read('readAsDataURL', new File([], 'a'))).result]);`);
  assert.deepEqual(r, {
    buffer: [true, 6], text: 'hällo', latin: 'ä', unknown: 'ä', charset: 'ä', bom: 'a', binary: '\0ÿA', long: true,
    url: ['data:text/plain;base64,aMOkbGxv', 'data:application/octet-stream;base64,eA==', 'data:application/octet-stream;base64,'],
  });
});

test('events and states in their order, a task each; a read within loadend; abort; refusals', () => {
  const r = runCases(`${prelude}
    const log = []; const f = new FileReader();
    for (const type of ['loadstart', 'progress', 'load', 'abort', 'error', 'loadend']) f.addEventListener(type, (e) => { log.push([e.type, f.readyState, e.loaded, e.total, f.result]); Promise.resolve().then(() => log.push('microtask')); });
    f.readAsText(new Blob(['abc'])); show('during', [f.readyState, f.result, f.error, wrong(() => f.readAsText(new Blob()))]);
    await new Promise((done) => { f.onloadend = done; }); show('log', log.splice(0));
    f.readAsText(new Blob([])); await new Promise((done) => { f.onloadend = done; }); show('empty', log.splice(0).filter((x) => x !== 'microtask').map((x) => x[0]));
    f.readAsText(new Blob(['x'])); f.abort(); await new Promise((done) => setTimeout(done, 5)); show('abort', [log.splice(0).filter((x) => x !== 'microtask').map((x) => x[0]), f.readyState, f.result]);
    f.abort(); show('again', log.length);
    const twice = new FileReader(); const results = []; twice.onload = () => { results.push(twice.result); if (results.length < 3) twice.readAsText(new Blob([String(results.length)])); }; let ends = 0; const all = new Promise((done) => { twice.onloadend = () => { ends++; done(); }; });
    twice.readAsText(new Blob(['first'])); await all; await new Promise((done) => setTimeout(done, 5)); show('twice', [results, ends]);
    show('kinds', [wrong(() => f.readAsText('x')), wrong(() => f.readAsText()), wrong(() => FileReader.prototype.abort.call({})), FileReader.DONE, f.LOADING, String(f), f instanceof EventTarget]);`);
  assert.deepEqual(r.during, [1, null, null, 'InvalidStateError']);
  assert.deepEqual(r.log, [['loadstart', 1, 0, 3, null], 'microtask', ['progress', 1, 3, 3, null], 'microtask', ['load', 2, 3, 3, 'abc'], 'microtask', ['loadend', 2, 3, 3, 'abc'], 'microtask']);
  assert.deepEqual([r.empty, r.abort, r.again], [['loadstart', 'load', 'loadend'], [['abort', 'loadend'], 2, null], 0]);
  assert.deepEqual(r.twice, [['first', '1', '2'], 1]);
  assert.deepEqual(r.kinds, ['TypeError', 'TypeError', 'TypeError', 2, 1, '[object FileReader]', true]);
});
