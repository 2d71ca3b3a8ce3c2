// Every outcome a job can have, through the queue: what was printed before is kept, and the next job
// finds a healthy worker.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { cpu_ms, send_signal, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up();
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const slow = { cpu_ms: 20_000, wall_ms: 20_000 };

for (const [outcome, what, script, limits, error] of [
    ['ok', 'a value', 'console.log("printed"); export default 1', {}, null],
    ['threw', 'an exception', 'console.log("printed");\nthrow new RangeError("thrown")', {}, ['RangeError', /^thrown$/]],
    ['threw', 'a rejection nobody handles', 'console.log("printed");\nPromise.reject(new Error("left alone")); await new Promise((r) => setTimeout(r, 1000))', {}, ['Error', /^left alone$/]],
    ['threw', 'an exception in a timer', 'console.log("printed");\nsetTimeout(() => { throw new TypeError("late") }, 5)', {}, ['TypeError', /^late$/]],
    ['threw', 'something thrown that is no error', 'console.log("printed");\nthrow { code: 7 }', {}, ['Error', /code: 7/]],
    ['threw', 'a stack that is used up', 'console.log("printed");\n(function f() { f() })()', {}, ['RangeError', /call stack/i]],
    ['cpu_exceeded', 'a loop', 'console.log("printed"); for (;;);', { cpu_ms: 50 }, ['BudgetExceeded', /^cpu_ms: the limit of 50 was reached/]],
    ['cpu_exceeded', 'a regular expression', 'console.log("printed"); /^(a+)+$/.test("a".repeat(60) + "!")', { cpu_ms: 50 }, ['BudgetExceeded', /^cpu_ms/]],
    ['cpu_exceeded', 'a loop of promises', 'console.log("printed"); for (;;) await null', { cpu_ms: 50 }, ['BudgetExceeded', /^cpu_ms/]],
    ['cpu_exceeded', 'a loop in finally', 'console.log("printed"); try { for (;;); } finally { for (;;); }', { cpu_ms: 50 }, ['BudgetExceeded', /^cpu_ms/]],
    ['wall_exceeded', 'a timer that is far off', 'console.log("printed"); await new Promise((r) => setTimeout(r, 1e6))', { wall_ms: 1500 }, ['BudgetExceeded', /^wall_ms: the limit of 1500 was reached/]],
    ['heap_exceeded', 'many objects', 'console.log("printed"); const a = []; for (;;) a.push({ n: a.length, s: "x".repeat(10) + a.length })', { heap_mb: 16, ...slow }, ['BudgetExceeded', /^heap_mb: the limit of 16/]],
    ['heap_exceeded', 'one huge array', 'console.log("printed"); const a = new Array(3e7).fill(0.5)', { heap_mb: 16, ...slow }, ['BudgetExceeded', /^heap_mb/]],
    ['memory_exceeded', 'array buffers', 'console.log("printed"); const a = []; for (;;) a.push(new ArrayBuffer(4e6))', { memory_mb: 48, ...slow }, ['BudgetExceeded', /^memory_mb: the limit of 48/]],
    ['output_exceeded', 'a flood', 'console.log("printed"); for (;;) console.log("x".repeat(1000))', { output_kb: 8, ...slow }, ['BudgetExceeded', /^output_kb: the limit of 8 was reached \(used [0-9]+\)$/]],
    ['output_exceeded', 'a value that is too large', 'console.log("printed"); export default "x".repeat(20000)', { output_kb: 8, ...slow }, ['BudgetExceeded', /^output_kb.*value/]],
    ['invalid', 'a limit that is none', 'console.log("never printed")', { cpu_ms: 'fast' }, ['InvalidJob', /^limits\.cpu_ms: found/]],
]) {
    test(`${outcome}: ${what}`, async () => {
        const r = await c.execute({ script, limits });
        assert.equal(r.outcome, outcome, JSON.stringify(r).slice(0, 1500));
        assert.equal(r.state, 'done');
        if (outcome === 'invalid') {
            assert.deepEqual([r.stdout, r.started_at, r.attempts], ['', null, 0]);
        } else {
            assert.ok(r.stdout.startsWith('printed\n'), r.stdout.slice(0, 200));
            assert.equal(r.attempts, 1);
        }
        if (error) {
            assert.equal(r.error.name, error[0]);
            assert.match(r.error.message, error[1]);
        } else {
            assert.equal(r.error, null);
        }
    });
}

test('an error says where: line, column, stack', async () => {
    const r = await c.execute({ script: '// line 1\nfunction inner() {\n    null.x;\n}\ninner();\n' });
    assert.deepEqual([r.error.name, r.error.line, r.error.column], ['TypeError', 3, 10]);
    assert.match(r.error.stack, /^TypeError: .*\n {4}at inner \(script\.mjs:3:10\)\n {4}at script\.mjs:5:1/);
});

// More cells than processors: one that is stopped may have no processor while the supervisor asks again.
test('a loop that is stopped has a place, also on a busy machine', async () => {
    const scripts = ['let n = 0;\nfor (;;);', 'let n = 0;\nfor (;;) n++;', 'function f() {\nwhile (true);\n}\nf()', 'const o = { n: 0 };\nfor (;;) { o.n += 1; }'];
    const results = await Promise.all(Array.from({ length: 32 }, (_, i) => c.execute({ script: scripts[i % scripts.length], limits: { cpu_ms: 20 } })));
    assert.deepEqual(results.map((r) => [r.outcome, r.error.line]), results.map(() => ['cpu_exceeded', 2]));
});

test('an error says where, whatever a script did to stacks', async () => {
    for (const limit of ['Infinity', '2 ** 31 - 1', '10000', '0', '-1', '"none"']) {
        const r = await c.execute({ script: `Error.stackTraceLimit = ${limit};\nfunction down(n) { if (n === 0) throw new Error("deep"); down(n - 1) }\ndown(500)` });
        assert.deepEqual([r.outcome, r.error.message, r.error.line], ['threw', 'deep', 2], limit);
    }
    const own = await c.execute({ script: 'Error.prepareStackTrace = () => { throw new Error("of the hook") };\nnull.x' });
    assert.deepEqual([own.outcome, own.error.name], ['threw', 'TypeError'], JSON.stringify(own.error));
});

test('hostile values do not hurt: thrown proxies, getters that loop, prototypes turned over', async () => {
    for (const [outcome, script] of [
        ['threw', 'throw new Proxy(new Error("p"), { get() { throw 1 }, getPrototypeOf() { throw 2 }, ownKeys() { throw 3 } })'],
        ['threw', 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy'],
        ['threw', 'throw null'], ['threw', 'throw undefined'], ['threw', 'throw Symbol("s")'],
        ['threw', 'const e = new Error("m"); e.name = "n".repeat(1e6); e.message = "m".repeat(1e6); throw e'],
        ['cpu_exceeded', 'const e = new Error("x"); Object.defineProperty(e, "stack", { get() { for (;;); } }); throw e'],
        ['cpu_exceeded', 'export default { toJSON() { for (;;); } }'],
        ['cpu_exceeded', '(function f() { try { f() } finally { f() } })()'],
        ['ok', 'for (const k of Reflect.ownKeys(globalThis)) try { delete globalThis[k] } catch {} export default 1'],
        ['ok', 'Array.prototype.push = Array.prototype.map = Map.prototype.get = Promise.prototype.then = null; console.log([1], new Map([[1, 2]])); export default [1]'],
        ['ok', 'Object.prototype.toJSON = () => "hijacked"; console.log({ a: [1] }); setTimeout(() => console.log("t"), 1); export default { a: 1 }'],
    ]) {
        const r = await c.execute({ script, limits: { cpu_ms: 200, wall_ms: 20_000 } });
        assert.equal(r.outcome, outcome, `${script}: ${JSON.stringify(r.error)}`);
    }
});

test('a syntax error is the script\'s own: threw, with its place', async () => {
    const r = await c.execute({ script: 'const a = 1;\nconst = 2;' });
    assert.deepEqual([r.outcome, r.error.name, r.error.line], ['threw', 'SyntaxError', 2]);
});

test('an import finds nothing to import', async () => {
    const fixed = await c.execute({ script: 'import fs from "node:fs"' });
    assert.equal(fixed.outcome, 'threw', JSON.stringify(fixed.error));
    const dynamic = await c.execute({ script: 'export default await import("node:fs").then(() => "loaded", (e) => "refused: " + e.name)' });
    assert.equal(dynamic.outcome, 'ok');
    assert.match(dynamic.value, /^refused: /);
});

test('output that was cut: the kept part fits the budget and is marked', async () => {
    const r = await c.execute({ script: 'for (let i = 0; i < 100000; i++) console.log("0123456789")', limits: { output_kb: 2, ...slow } });
    assert.equal(r.outcome, 'output_exceeded');
    assert.ok(r.stdout.length <= 2048 && r.stdout.length > 1024, `${r.stdout.length} kept`);
    assert.equal(r.truncated, true);
});

test('cancelled: a running job and a waiting one', async () => {
    let heard = '';
    c.nc.subscribe('isolane.logs.default.stopped', { callback: (_, m) => { heard += m.json().data; } });
    await c.publish({ id: 'stopped', script: 'console.log("printed"); await new Promise((r) => setTimeout(r, 1e6))', limits: slow });
    await until('it to print', () => heard === 'printed\n');
    assert.equal((await c.get('stopped')).state, 'running');
    assert.equal((await c.cancel('stopped')).state, 'cancelling');
    const r = await c.result('stopped');
    assert.deepEqual([r.outcome, r.error.name, r.stdout, r.attempts], ['cancelled', 'Cancelled', 'printed\n', 1]);

    assert.equal((await c.cancel('comes-later')).state, 'unknown');
    const early = await c.execute({ id: 'comes-later', script: 'console.log("never")' });
    assert.deepEqual([early.outcome, early.stdout, early.started_at], ['cancelled', '', null]);
});

test('crashed: a cell that dies each time uses its attempts up, and its result is `dead`', async () => {
    const script = 'console.log("attempt", job.attempt); for (;;);';
    const heard = [];
    c.nc.subscribe('isolane.logs.default.dies', { callback: (_, m) => heard.push(m.json().attempt) });
    await c.publish({ id: 'dies', script, max_attempts: 2, limits: slow });
    for (let attempt = 1; attempt <= 2; attempt++) {
        await until(`the output of attempt ${attempt}`, () => heard.includes(attempt));
        const cell = await until('its cell to be the busy one', () => w.cells().find((pid) => cpu_ms(pid) >= 100));
        send_signal(cell, 'SIGKILL');
    }
    const r = await c.result('dies');
    assert.deepEqual([r.outcome, r.state, r.attempts, r.stdout], ['crashed', 'dead', 2, 'attempt 2\n']);
    assert.match(r.error.message, /signal 9 \(SIGKILL\)/);
});

test('the worker is as it was before', async () => {
    assert.ok(w.is_up());
    assert.equal((await c.execute({ script: 'export default 1' })).value, 1);
    assert.equal(w.stderr.match(/\b(error|fatal)\b/i), null, w.stderr);
});
