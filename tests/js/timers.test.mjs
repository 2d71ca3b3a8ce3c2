// Timers, immediates, microtasks: order, arguments, clears, delays (HTML, with Node's details).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runJob, runNode } from './shell.mjs';

// Lines that the script prints, the same in Node.
function sameAsNode(name, source) {
  test(name, () => {
    const job = runJob(source);
    assert.equal(job.end, 'ok', JSON.stringify(job));
    assert.equal(job.stdout, runNode(source).stdout);
  });
}

sameAsNode('microtasks run after every callback, timers by due time, then by creation', `
  const log = (...a) => console.log(...a);
  setTimeout(() => { log('t1'); Promise.resolve().then(() => log('t1 micro')); queueMicrotask(() => log('t1 queued')); }, 2);
  setTimeout(() => log('t2'), 2);
  setTimeout(() => log('late'), 30);
  setTimeout(() => log('middle'), 15);
  queueMicrotask(() => log('micro')); Promise.resolve().then(() => log('promise'));
  log('sync');`);

sameAsNode('immediates set by an immediate wait for the next round', `
  setImmediate(() => { console.log('a'); setImmediate(() => console.log('c')); Promise.resolve().then(() => console.log('a micro')); });
  setImmediate(() => console.log('b'));`);

sameAsNode('arguments are passed on', `
  setTimeout((...a) => console.log(a), 1, 1, 'two', { three: 3 });
  setTimeout((...a) => console.log(a));
  setTimeout(() => setImmediate((...a) => console.log(a), 5, undefined), 20);
  const id = setInterval((a, b) => { console.log(a, b); clearInterval(id); }, 5, 'i', 'v');`);

sameAsNode('clears: before, inside the callback, of another kind, of nothing', `
  const a = setTimeout(() => console.log('never'), 1); clearTimeout(a);
  const i = setImmediate(() => console.log('never')); clearImmediate(i);
  clearTimeout(undefined); clearTimeout(null); clearTimeout(12345); clearTimeout({}); clearInterval('x'); clearImmediate();
  let n = 0; const v = setInterval(() => { console.log('tick', ++n); if (n === 3) clearInterval(v); }, 1);
  const x = setTimeout(() => console.log('never'), 1); clearInterval(x);
  setTimeout(() => { clearTimeout(y); console.log('clears y'); }, 1); const y = setTimeout(() => console.log('never'), 1);
  const first = setImmediate(() => { clearImmediate(second); }); const second = setImmediate(() => console.log('never'));`);

sameAsNode('setTimeout of 0, negative, huge, not a number: 1 ms', `
  setTimeout(() => console.log('zero'), 0); setTimeout(() => console.log('minus'), -5);
  setTimeout(() => console.log('huge'), 2 ** 31); setTimeout(() => console.log('nan'), 'x');
  setTimeout(() => console.log('null'), null); setTimeout(() => console.log('one'), 1);
  setTimeout(() => console.log('text'), '3'); setTimeout(() => console.log('fraction'), 1.9);`);

sameAsNode('nested timers keep running', `
  let depth = 0; (function next() { if (++depth < 20) setTimeout(next, 0); else console.log('depth', depth); })();`);

sameAsNode('a callback that is no function is a TypeError', `
  for (const f of [setTimeout, setInterval, setImmediate, queueMicrotask])
    for (const bad of [undefined, null, 'code()', {}, 5]) try { f(bad); console.log('no error'); } catch (e) { console.log(e.name); }`);

test('ids are numbers, never 0, never the same', () => {
  const r = runCases(`
    const ids = [setTimeout(() => {}, 1), setInterval(() => {}, 1), setImmediate(() => {}), setTimeout(() => {}, 1)];
    ids.forEach(clearTimeout);
    show('types', ids.map((id) => typeof id)); show('distinct', new Set(ids).size); show('positive', ids.every((id) => id > 0));`);
  assert.deepEqual(r, { types: ['number', 'number', 'number', 'number'], distinct: 4, positive: true });
});

test('this is the global object in a callback', () => {
  const r = runJob(`setTimeout(function () { console.log(this === globalThis); }, 1)`, '--script');
  assert.equal(r.stdout, 'true\n');
});

test('a timer waits as long as it says', () => {
  const r = runCases(`
    const t0 = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const waited = performance.now() - t0;
    show('waited', waited >= 49 && waited < 5000);`);
  assert.equal(r.waited, true);
});

test('the job waits for pending timers, and not for cleared ones', () => {
  const t0 = process.hrtime.bigint();
  const r = runJob(`const id = setTimeout(() => {}, 20000); const iv = setInterval(() => {}, 20000);
    setTimeout(() => { clearTimeout(id); clearInterval(iv); console.log('last'); }, 5); export default 1`);
  assert.equal(r.end, 'ok');
  assert.equal(r.stdout, 'last\n');
  assert.ok(process.hrtime.bigint() - t0 < 15_000_000_000n);
});

test('an error in a timer ends the job with that error', () => {
  const r = runJob(`setTimeout(() => { throw new RangeError('in timer'); }, 1); setTimeout(() => console.log('no more'), 50);`);
  assert.equal(r.end, 'threw');
  assert.equal(r.name, 'RangeError');
  assert.equal(r.message, 'in timer');
  assert.equal(r.stdout, '');
});

test('an error in queueMicrotask ends the job with that error', () => {
  const r = runJob(`queueMicrotask(() => { throw new TypeError('in microtask'); }); export default 1`);
  assert.equal(r.end, 'threw');
  assert.equal(r.message, 'in microtask');
});

test('ten thousand timers run in order of their due time', () => {
  const r = runCases(`
    const order = []; let left = 10000;
    await new Promise((resolve) => { for (let i = 0; i < 10000; i++) {
      const delay = 1 + (i * 7919) % 40, range = [performance.now() + delay, 0];
      setTimeout(() => { order.push(range); if (--left === 0) resolve(); }, delay);
      range[1] = performance.now() + delay; } });
    // The due time lies in the range; none may be due before one that ran earlier.
    let sorted = true, latest = 0;
    for (const [low, high] of order) { if (high < latest) sorted = false; latest = Math.max(latest, low); }
    show('count', order.length); show('sorted', sorted);`);
  assert.deepEqual(r, { count: 10000, sorted: true });
});

test('timers that were cleared are given up', () => {
  const r = runJob(`for (let i = 0; i < 1e6; i++) clearTimeout(setTimeout(() => {}, 1e6));
    const keep = setTimeout(() => {}, 1e6); for (let i = 0; i < 1e6; i++) clearTimeout(setTimeout(() => {}, 1e6));
    clearTimeout(keep); console.log('done')`, '--heap-mb', '32');
  assert.equal(r.end, 'ok', r.message);
  assert.equal(r.stdout, 'done\n');
});

test('a job may have 20000 timers pending, of all kinds together', () => {
  const text = (what) => `
    const set = [() => setTimeout(() => {}, 1e6), () => setInterval(() => {}, 1e6), () => setImmediate(() => {})];
    let n = 0;
    try { for (;; n++) set[n % 3](); } catch (e) { console.log(n, e.name + ': ' + e.message); }
    ${what}`;
  const full = runJob(`${text('throw new Error("done")')}`);
  assert.equal(full.stdout, '20000 RangeError: setImmediate: at most 20000 timers and immediates may be pending in a job\n');
  // Cleared and finished ones don't count.
  const again = runJob('for (let i = 0; i < 1e5; i++) clearTimeout(setTimeout(() => {}, 1e6)); export default 1');
  assert.equal(again.value, 1, JSON.stringify(again));
});
