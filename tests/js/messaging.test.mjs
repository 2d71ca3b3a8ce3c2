// MessageChannel, BroadcastChannel, structuredClone with transfer; performance's entries; navigator.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runCases, runJob } from './shell.mjs';

test('messages arrive in order, copied when they were posted, each in a task of its own', () => {
  const { log } = runCases(`const { port1, port2 } = new MessageChannel(); const log = [];
    const value = { n: 1 };
    port1.postMessage(value); value.n = 2; port1.postMessage(value);
    const bytes = new Uint8Array([7]); port1.postMessage(bytes, [bytes.buffer]); log.push(bytes.length);
    queueMicrotask(() => log.push('microtask'));
    await new Promise((done) => { port2.onmessage = (e) => { log.push(e.data.n ?? e.data[0], e.isTrusted, e.ports.length);
      queueMicrotask(() => log.push('between')); if (e.data[0] === 7) done() } });
    show('log', log)`);
  assert.deepEqual(log, [0, 'microtask', 1, true, 0, 'between', 2, true, 0, 'between', 7, true, 0, 'between']);
});

test('ports: transferred through ports and structuredClone, closed, refused', () => {
  const r = runCases(`const a = new MessageChannel(), b = new MessageChannel();
    a.port1.postMessage('go', [b.port2]);
    const inner = await new Promise((r) => { a.port2.onmessage = (e) => r(e.ports[0]) });
    const [copy] = [structuredClone({ p: inner }, { transfer: [inner] })];
    b.port1.postMessage('through');
    show('through', await new Promise((r) => { copy.p.addEventListener('message', (e) => r(e.data)); copy.p.start() }));
    const refused = [];
    for (const f of [() => structuredClone(a.port1), () => structuredClone(1, { transfer: [inner] }), () => a.port1.postMessage(0, [a.port1]),
      () => structuredClone(1, { transfer: [b.port1, b.port1] }), () => a.port1.postMessage(() => {})])
      try { f(); refused.push('none') } catch (e) { refused.push(e.name) }
    show('refused', refused);
    show('kinds', [() => new MessagePort(), () => MessagePort.prototype.postMessage.call({}, 1), () => a.port1.postMessage()].map((f) => { try { f() } catch (e) { return e.name } }));
    const closed = new Promise((r) => { a.port2.onclose = r }); a.port1.close(); show('closed', (await closed).type)`);
  assert.equal(r.through, 'through');
  assert.deepEqual(r.refused, Array(5).fill('DataCloneError'));
  assert.deepEqual(r.kinds, Array(3).fill('TypeError'));
  assert.equal(r.closed, 'close');
});

test('memory that is shared stays shared, however deep it lies in what is cloned', () => {
  const { r, ports } = runCases(`const s = new SharedArrayBuffer(8, { maxByteLength: 64 }), t = new SharedArrayBuffer(4);
    const deep = { a: [{ s, view: new Uint8Array(s, 4) }, 1.5, 'x'.repeat(100)], b: { c: [t, new Int32Array(t)] }, s };
    const c = structuredClone(deep);
    new Uint8Array(s).fill(7); new Uint8Array(t).fill(9); s.grow(16);
    show('r', [c.s === c.a[0].s, c.s !== s, c.s.byteLength, c.s.growable, c.a[0].view[0], new Uint8Array(c.b.c[0])[3], c.b.c[1][0] === 0x09090909]);
    const { port1, port2 } = new MessageChannel();
    const got = new Promise((done) => { port2.onmessage = ({ data }) => done(data.list) });
    port1.postMessage({ list: Array.from({ length: 40 }, (_, i) => ({ i, x: i % 2 ? t : s })) });
    show('ports', (await got).every(({ i, x }) => new Uint8Array(x)[0] === (i % 2 ? 9 : 7)))`, '--allow-sab');
  assert.deepEqual(r, [true, true, 16, true, 7, 9, true]);
  assert.equal(ports, true);
});

test('a job does not wait for open ports and channels, but for messages on their way', () => {
  const { end, stdout } = runJob(`const { port1, port2 } = new MessageChannel(); port2.onmessage = (e) => console.log(e.data);
    new BroadcastChannel('x').onmessage = (e) => console.log(e.data); new BroadcastChannel('x').postMessage(2); port1.postMessage(1)`);
  assert.deepEqual([end, stdout.split('\n').sort()], ['ok', ['', '1', '2']]);
});

test('BroadcastChannel: by name, not to itself, not after close', () => {
  const { log, closed } = runCases(`const [a, b, c, d] = ['n', 'n', 'n', 'm'].map((n) => new BroadcastChannel(n)); const log = [];
    for (const [i, x] of [a, b, c, d].entries()) x.onmessage = (e) => log.push(i + ':' + e.data);
    a.postMessage('1'); c.close(); b.postMessage('2');
    for (let i = 0; i < 1000 && log.length < 2; i++) await new Promise((r) => setTimeout(r, 1)); // a timer that is due may come before a message
    await new Promise((r) => setTimeout(r, 3)); show('log', log);
    try { c.postMessage(1) } catch (e) { show('closed', e.name) }`);
  assert.deepEqual([log, closed], [['1:1', '0:2'], 'InvalidStateError']);
});

test('performance: marks, measures, observers, entries in order of time', () => {
  const r = runCases(`performance.mark('b', { startTime: 5, detail: { x: 1 } }); performance.mark('a', { startTime: 2 });
    const m = performance.measure('m', 'a', 'b'); const o = performance.measure('o', { start: 1, duration: 3, detail: 'd' });
    show('m', [m.startTime, m.duration, m.detail, o.duration, o.detail]);
    show('names', performance.getEntries().map((e) => e.entryType + ' ' + e.name));
    show('json', [performance.getEntriesByName('b')[0], performance.getEntriesByType('measure').length]);
    show('errors', [() => performance.measure('x', 'none'), () => performance.mark('x', { startTime: -1 }), () => new PerformanceEntry(),
      () => performance.measure('x', { start: 1 }, 'a'), () => new PerformanceObserver(() => {}).observe({})].map((f) => { try { f() } catch (e) { return e.name } }));
    const seen = []; const observer = new PerformanceObserver((list, me) => { seen.push(...list.getEntries().map((e) => e.name), me === observer) });
    observer.observe({ type: 'mark', buffered: true }); performance.mark('late', { startTime: 9 }); performance.clearMarks('a');
    for (let i = 0; i < 1000 && seen.length < 4; i++) await new Promise((r) => setTimeout(r, 1));
    await new Promise((r) => setTimeout(r, 2)); show('seen', seen);
    show('left', performance.getEntriesByType('mark').map((e) => e.name));
    show('is', [performance instanceof EventTarget, performance.dispatchEvent(new Event('x'))])`);
  assert.deepEqual(r.m, [2, 3, null, 3, 'd']);
  assert.deepEqual(r.names, ['measure o', 'mark a', 'measure m', 'mark b']);
  assert.deepEqual(r.json, [{ name: 'b', entryType: 'mark', startTime: 5, duration: 0, detail: { x: 1 } }, 2]);
  assert.deepEqual(r.errors, ['SyntaxError', 'TypeError', 'TypeError', 'TypeError', 'TypeError']);
  assert.deepEqual([r.seen, r.left, r.is], [['a', 'b', 'late', true], ['b', 'late'], [true, true]]);
});

test('navigator.userAgent names Isolane and its version', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url)));
  assert.equal(runJob('export default navigator.userAgent').value, `Isolane/${version}`);
});
