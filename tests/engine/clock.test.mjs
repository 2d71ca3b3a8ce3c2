// No clock that a script can read tells less than the job's clock_us apart. Each test reads one of them as
// fast as it can over many steps: two values that differ must differ by a step at least.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runJob } from '../js/shell.mjs';

// Expressions that give milliseconds since some moment.
const CLOCKS = {
  'performance.now': 'performance.now()',
  'performance.timeOrigin and now': 'performance.timeOrigin + performance.now()',
  'Date.now': 'Date.now()',
  'new Date': 'new Date().getTime()',
  'Date()': 'Date.parse(Date())',
  'Intl.DateTimeFormat': `Number(format.formatToParts().find((p) => p.type === 'second').value) * 1000 +
    Number(format.formatToParts().find((p) => p.type === 'fractionalSecond').value)`,
  'Temporal.Now.instant': 'Number(Temporal.Now.instant().epochNanoseconds) / 1e6',
  'Temporal.Now.plainTimeISO': `(t => ((t.hour * 60 + t.minute) * 60 + t.second) * 1e3 + t.millisecond + t.microsecond / 1e3 +
    t.nanosecond / 1e6)(Temporal.Now.plainTimeISO('UTC'))`,
};
const PRELUDE = `const format = new Intl.DateTimeFormat('en', { second: 'numeric', fractionalSecondDigits: 3 });`;

// Smallest distance of two different readings, milliseconds, and how many there were.
const smallest = (clock, steps) => `${PRELUDE}
  let last = ${clock}, least = Infinity, back = 0, seen = 0;
  for (let i = 0; seen < ${steps} && i < 3e7; i++) {
    const t = ${clock};
    if (t === last) continue;
    if (t < last - 30000) { last = t; continue; } // the minute or the day is over, for clocks that begin anew then
    if (t < last) back++; else if (seen > 0) least = Math.min(least, t - last);
    last = t; seen++;
  }
  export default { least, back, seen };`;

const near = (ms) => ms * 0.999 - 0.001; // doubles of milliseconds since 1970 are some 0.0002 ms apart

for (const [name, clock] of Object.entries(CLOCKS)) {
  for (const us of [2000, 20000]) {
    test(`${name} in steps of ${us} µs`, () => {
      const r = runJob(smallest(clock, 4), '--clock-us', `${us}`);
      assert.equal(r.end, 'ok', JSON.stringify(r));
      assert.equal(r.value.back, 0, 'it ran back');
      const wanted = name === 'Date()' ? 1000 : us / 1000;
      if (name !== 'Date()') assert.equal(r.value.seen, 4);
      if (r.value.least !== null) assert.ok(r.value.least >= near(wanted), `${r.value.least} ms apart`);
    });
  }
}

test('a fine clock where it is permitted', () => {
  const r = runJob(smallest('performance.now()', 50), '--clock-us', '5');
  assert.ok(r.value.least >= 0.0049 && r.value.least < 1, JSON.stringify(r));
});

test('the clocks tick together: no two of them give a finer one', () => {
  const clocks = ['performance.now()', 'Date.now()', 'Number(Temporal.Now.instant().epochNanoseconds) / 1e6'];
  const r = runJob(`
    const read = [${clocks.map((c) => `() => ${c}`).join()}];
    const all = () => { // with no tick in between
      for (;;) {
        const before = read[0](), t = read.map((f) => f());
        if (read[0]() === before) return t;
      }
    };
    const ticks = []; // which clocks moved, each time one did
    for (let last = all(); ticks.length < 12; ) {
      const t = all(), moved = t.map((v, i) => v !== last[i]);
      if (moved.some(Boolean)) ticks.push(moved);
      last = t;
    }
    export default ticks;`, '--clock-us', '10000');
  assert.equal(r.end, 'ok', JSON.stringify(r));
  for (const moved of r.value) assert.ok(moved.every((m) => m === moved[0]), JSON.stringify(r.value));
});

test('timers are due when the clock says so, whatever they were set to', () => {
  const r = runCases(`
    const at = [];
    for (let ms = 1; ms <= 60; ms++) setTimeout(() => at.push(performance.now()), ms);
    await new Promise((done) => setTimeout(done, 65));
    show('distinct', [...new Set(at)].sort((a, b) => a - b)); show('all', at.length);
    const set = performance.now(); await new Promise((done) => setTimeout(done, 30));
    show('slept', performance.now() - set);`, '--clock-us', '20000');
  assert.equal(r.all, 60);
  for (const t of r.distinct) assert.equal(t % 20, 0, `${r.distinct}`);
  assert.ok(r.slept >= 30, `${r.slept}`);
});

test('timers of one step run together: a chain of them counts nothing in between', () => {
  // Each link runs at once while the clock shows its due time; the number of rounds is what a busy loop
  // would count as well, and it is never a fixed part of a step.
  const r = runCases(`
    const ticks = new Set(); let n = 0;
    const end = performance.now() + 80;
    while (performance.now() < end) { await new Promise((done) => setTimeout(done, 1)); ticks.add(performance.now()); n++; }
    show('ticks', [...ticks]);`, '--clock-us', '20000');
  for (const t of r.ticks) assert.equal(t % 20, 0, `${r.ticks}`);
});

test('Atomics.waitAsync is due when the clock says so', () => {
  const r = runCases(`
    const a = new Int32Array(new SharedArrayBuffer(4)); const at = [];
    await Promise.all(Array.from({ length: 40 }, (_, i) => Atomics.waitAsync(a, 0, 0, i + 1).value.then(() => at.push(performance.now()))));
    show('at', at);`, '--clock-us', '20000', '--allow-sab');
  assert.equal(r.at.length, 40);
  for (const t of r.at) assert.equal(t % 20, 0, `${r.at}`);
});

test('console.time reads the same clock', () => {
  const r = runJob(`console.time(); for (let t = performance.now(); performance.now() < t + 40; ); console.timeEnd()`,
    '--clock-us', '20000');
  const [, number, unit] = r.stdout.match(/^default: ([\d.]+)(ms|s)\n$/) ?? assert.fail(r.stdout);
  const ms = Math.round(Number(number) * (unit === 's' ? 1000 : 1));
  assert.ok(ms >= 40 && ms % 20 === 0, r.stdout); // more than one step only where the machine paused
});

test('steps begin at uneven moments: their edges are no ruler', () => {
  // Loops counted between edges of a floor would differ by noise alone; ours lie anywhere in their step.
  const r = runJob(`
    const counts = []; let last = performance.now(), n = 0;
    while (counts.length < 24) { const t = performance.now(); n++; if (t !== last) { counts.push(n); n = 0; last = t } }
    export default counts.slice(4)`, '--clock-us', '4000');
  const counts = r.value, mean = counts.reduce((a, b) => a + b) / counts.length;
  const spread = Math.sqrt(counts.reduce((a, c) => a + (c - mean) ** 2, 0) / counts.length) / mean;
  assert.ok(spread > 0.15, `${spread.toFixed(3)} of ${counts}`); // uniform edges: about 0.4
});

test('the time of day is the machine\'s', () => {
  const before = Date.now(), r = runJob('export default Date.now()', '--clock-us', '1000');
  assert.ok(r.value >= before - 2 && r.value <= Date.now() + 2, `${before} ${r.value} ${Date.now()}`);
});
