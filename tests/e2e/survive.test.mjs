// Nothing survives a job: one test a claim, each by a job that tries to leave a mark and jobs, of the same tenant and of
// another, that look for it. A mark is only a mark when it shows in the job that made it: that is checked too.
//
// docs/security.md lists the claims. For a mode of re-use: a row in MODES, with who must not see what is left.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { is_gone, sleep, status_of, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const only_root = { skip: process.getuid() !== 0 && 'only root may look at a jailed process' };
const MODES = [
    { name: 'none', job: {}, strangers: ['alice', 'bob'] },
    { name: 'tenant', job: { reuse: 'tenant' }, strangers: ['alice', 'bob'] }, // a context of its own
]; // script: what is left is the point of it (reuse.test.mjs)
const ROUNDS = 4; // of mark, look, look
const HOSTILE = 500;

let w, c, zygote;
before(async () => {
    w = await up({ config: { pool: 3, max_running: 4, warm: { idle_s: 1 }, tenants: [{ name: 'alice' }, { name: 'bob' }] } });
    c = await Client.connect(w.url);
    [zygote] = w.zygotes();
});
after(async () => {
    await c?.close();
    await w?.stop();
});

let jobs = 0;
/** Publishes and waits: the result, whatever the outcome. */
const job = (script, tenant, more = {}) => c.execute({ id: `s${++jobs}`, script, ...more }, { tenant });
const look_script = (look, mark = '') => `${mark}\nexport default await (async () => { ${look} })()`;
async function value(script, tenant, more) {
    const r = await job(script, tenant, more);
    assert.equal(r.outcome, 'ok', `${JSON.stringify(r.error)}\n${script}`);
    return { value: r.value, stdout: r.stdout, stderr: r.stderr };
}

// ---- marks in the script's world --------------------------------------------------------------------------------

/** Everything that can be reached from the globals: names, flags, kinds, prototypes, source texts of functions, primitive values. */
const GRAPH = `
    const seen = new Map(), lines = [];
    const { getOwnPropertyDescriptor: describe, getPrototypeOf, isExtensible } = Object, { ownKeys } = Reflect;
    const name_of = (v) => {
        if ((typeof v !== 'object' && typeof v !== 'function') || v === null) return typeof v === 'symbol' ? String(v) : typeof v + ' ' + v;
        if (!seen.has(v)) { seen.set(v, seen.size); todo.push(v); }
        return '#' + seen.get(v);
    };
    const todo = [];
    const skip = new Set(['timeOrigin']); // a clock
    name_of(globalThis);
    for (let i = 0; i < todo.length; i++) {
        const o = todo[i];
        lines.push(i + ' ' + typeof o + ' ' + isExtensible(o) + ' ' + name_of(getPrototypeOf(o)) + ' ' + (typeof o === 'function' ? Function.prototype.toString.call(o).length : ''));
        for (const k of ownKeys(o)) {
            const d = describe(o, k);
            lines.push('  ' + String(k) + ' ' + [d.writable, d.enumerable, d.configurable] + ' '
                + (skip.has(k) ? '' : 'value' in d ? name_of(d.value) : name_of(d.get) + ' ' + name_of(d.set)));
        }
    }
    return { objects: todo.length, lines: lines.length, text: sodium.bin2hex(sodium.cryptoGenerichash(32, new TextEncoder().encode(lines.join('\\n')))) };`;

const CLAIMS = {
    'globals': ['globalThis.left = "mark"; globalThis[Symbol.for("left")] = 1', 'return [typeof globalThis.left, typeof globalThis[Symbol.for("left")]]'],
    'identical scripts keep no count': ['globalThis.n = 41', 'globalThis.n = (globalThis.n ?? 0) + 1; return globalThis.n'],
    'properties of prototypes': [
        'for (const p of [Object, Array, Promise, Function, String, Map, Error, RegExp, Uint8Array]) p.prototype.evil = "mark"',
        'return [{}.evil, [].evil, Promise.resolve().evil, (() => 0).evil, "".evil, new Map().evil, new Error().evil, /x/.evil, new Uint8Array().evil].map(String)'],
    'replaced primordials': [
        'Array.prototype.map = function () { return ["evil"] }; JSON.stringify = () => "evil"; Promise.prototype.then = Promise.prototype.then.bind(Promise.resolve());'
        + 'Object.keys = () => ["evil"]; Array.prototype[Symbol.iterator] = Array.prototype.keys; Function.prototype.call = 1; Math.max = () => 13',
        'return [[1, 2].map(String), Object.keys({ a: 1 }), [...["x"]], typeof Function.prototype.call, Math.max(1, 2)]'],
    'deleted globals': ['delete globalThis.Map; delete globalThis.structuredClone; delete Array.prototype.at', 'return [typeof Map, typeof structuredClone, typeof [].at]'],
    'frozen and sealed objects': [
        'Object.freeze(Array.prototype); Object.freeze(Object.prototype); Object.preventExtensions(globalThis)',
        'return [Array.prototype, Object.prototype, globalThis].map((o) => [Object.isFrozen(o), Object.isExtensible(o)])'],
    'symbols of the registry': ['Object.defineProperty(Symbol.prototype, "seen", { value: Symbol.for("mark").description })', 'return [typeof Symbol.for("mark").seen, Object.getOwnPropertySymbols(globalThis).length]'],
    'Error.prepareStackTrace and stackTraceLimit': [
        'Error.stackTraceLimit = 1; Error.prepareStackTrace = () => "evil"',
        'const deep = (n) => n ? deep(n - 1) : new Error("x").stack; return [Error.stackTraceLimit, typeof Error.prepareStackTrace, deep(5).split("\\n").length]'],
    'console: methods': ['console.log = () => {}; console.error = undefined', 'console.log("heard"); return [typeof console.error]'],
    'console: counters, groups, timers': [
        'console.count("c"); console.count("c"); console.group("g"); console.group("g"); console.time("t")',
        'console.count("c"); console.log("at the margin"); console.timeEnd("t"); return 0'],
    'RegExp\'s last match': ['/(m)(a)rk/.exec("--mark--")', 'return [RegExp.$1, RegExp.$2, RegExp.lastMatch, RegExp.leftContext, RegExp["$+"]]'],
    'lastIndex of a literal': ['const re = () => /a/g; globalThis.__r = re(); __r.exec("aa")', 'return globalThis.__r?.lastIndex ?? /a/g.lastIndex'],
    'locale, time zone, dates': [
        'Date.prototype.getTimezoneOffset = () => 720; Date.prototype.toLocaleString = () => "evil"; Intl.DateTimeFormat = class { resolvedOptions() { return { locale: "xx", timeZone: "Evil" } } }',
        'const o = new Intl.DateTimeFormat().resolvedOptions(); return [o.locale, o.timeZone, new Date(0).getTimezoneOffset(), new Date(0).toLocaleString(), (1234.5).toLocaleString()]'],
    'sodium and crypto': [
        'sodium.evil = 1; sodium.randombytesBuf = () => new Uint8Array(4); crypto.getRandomValues = (a) => a; crypto.randomUUID = () => "evil"; Math.random = () => 0.5',
        'return [typeof sodium.evil, sodium.randombytesBuf(16).length, crypto.getRandomValues(new Uint8Array(32)).every((b) => b === 0), crypto.randomUUID().length, Math.random() === Math.random()]'],
    'clocks that were replaced': ['Date.now = () => 0; performance.now = () => -1', 'return [Date.now() > 1e12, performance.now() >= 0]'],
    'tagged template objects and caches': ['globalThis.__tag = (s) => s; Object.prototype.cache = __tag`mark`', 'return [typeof globalThis.__tag, String({}.cache)]'],
    'the whole graph of built-ins, by a script that spoils all of it': [
        `{ const seen = new Set([globalThis]);
           for (const o of seen) {
             for (const k of Reflect.ownKeys(o)) { let d; try { d = Reflect.getOwnPropertyDescriptor(o, k) } catch { continue }
               for (const v of [d.value, d.get, d.set]) if (v && (typeof v === 'object' || typeof v === 'function')) seen.add(v) }
             const p = Reflect.getPrototypeOf(o); if (p) seen.add(p) }
           const { defineProperty } = Reflect; let i = 0;
           for (const o of seen) defineProperty(o, 'evil' + i++, { value: 1, enumerable: false, configurable: true }) }`,
        GRAPH],
};

for (const mode of MODES)
    for (const [claim, [mark, look]] of Object.entries(CLAIMS))
        test(`${mode.name}: ${claim}`, async () => {
            const clean = await value(look_script(look), 'alice', mode.job);
            const marked = await job(look_script(look, mark), 'alice', mode.job);
            assert.notDeepEqual({ value: marked.value, stdout: marked.stdout, stderr: marked.stderr }, clean, 'the mark shows in its own job');
            for (let i = 0; i < ROUNDS; i++) {
                const marks = [1, 2].map(() => job(look_script(look, mark), 'alice', mode.job));
                for (const tenant of mode.strangers) assert.deepEqual(await value(look_script(look), tenant, mode.job), clean, tenant);
                await Promise.all(marks);
                for (const tenant of mode.strangers) assert.deepEqual(await value(look_script(look), tenant, mode.job), clean, tenant);
            }
        });

// The first context of a process is another than its later ones: to a script they must look alike.
for (const reuse of ['none', 'tenant'])
    test(`${reuse}: a script finds no match of a regular expression that it did not make, in the first context of a process and in later ones`, async () => {
        const look = 'export default [RegExp.input, RegExp.lastMatch, RegExp.lastParen, RegExp.leftContext, RegExp.rightContext, RegExp.$1]';
        for (let i = 0; i < 2; i++) {
            for (let k = 0; k < 3; k++) assert.deepEqual((await value(look, 'bob', { reuse })).value, ['', '', '', '', '', '']);
            await until('the warm cell of bob to be gone', () => w.cells().length <= 3);
        }
    });

// ---- what goes on when the script has ended -----------------------------------------------------------------------

const QUIET = 'await new Promise((r) => setTimeout(r, 60)); export default "quiet"';
for (const [what, mark, outcome, limits = {}] of [
    ['timers and intervals', 'setInterval(() => console.log("mark"), 1); setTimeout(() => console.log("mark"), 500); throw new Error("gone")', 'threw'],
    ['an interval that a budget ended', 'setInterval(() => console.log("mark"), 5)', 'wall_exceeded', { wall_ms: 150 }],
    ['promises that never settle', 'globalThis.p = new Promise(() => {}); p.then(() => console.log("mark")); export default 1', 'ok'],
    ['rejections that nobody handles', 'Promise.reject(new Error("mark")); Promise.reject(1); export default 1', 'threw'],
    ['finalization callbacks', 'const f = new FinalizationRegistry(() => console.log("mark")); for (let i = 0; i < 2e4; i++) f.register({ a: new Array(50) }, i); export default 1', 'ok'],
    ['endless loops', 'for (;;);', 'cpu_exceeded', { cpu_ms: 60, wall_ms: 60000 }],
])
    test(`none: ${what} end with their job`, async () => {
        for (let i = 0; i < ROUNDS; i++) {
            const left = job(mark, 'alice', { limits });
            const beside = ['alice', 'bob'].map((tenant) => value(QUIET, tenant));
            assert.equal((await left).outcome, outcome);
            for (const tenant of ['alice', 'bob']) beside.push(value(QUIET, tenant));
            for (const seen of await Promise.all(beside)) assert.deepEqual(seen, { value: 'quiet', stdout: '', stderr: '' });
        }
        await until('the cells of those jobs to be gone', () => w.cells().length <= 3);
    });

test('none: input, env and job are each job\'s own', async () => {
    const spoil = 'job.input.a.push("mark"); job.env.LEFT = "mark"; try { job.id = "mark" } catch {} export default [job.input, job.env.LEFT]';
    for (let i = 0; i < ROUNDS; i++) {
        const marked = await value(spoil, 'alice', { input: { a: [1] }, env: { OWN: 'x' } });
        assert.deepEqual(marked.value, [{ a: [1, 'mark'] }, 'mark']);
        for (const tenant of ['alice', 'bob'])
            assert.deepEqual((await value('export default [job.input, job.env, job.tenant]', tenant, { input: { a: [1] }, env: { OWN: 'x' } })).value,
                [{ a: [1] }, { OWN: 'x' }, tenant]);
        assert.deepEqual((await value('export default [job.input ?? null, job.env]', 'bob')).value, [null, {}]);
    }
});

test('none: each job\'s clock begins with it, not with its process or its zygote', async () => {
    let last = 0;
    for (let i = 0; i < 6; i++) {
        const before_ms = Date.now();
        const { value: [origin, now] } = await value('export default [performance.timeOrigin, performance.now()]', i % 2 ? 'alice' : 'bob');
        assert.ok(now >= 0 && now < Date.now() - before_ms + 2, `now() is ${now}`);
        assert.ok(origin >= before_ms - 5 && origin <= Date.now() + 5 && origin >= last - 1, `timeOrigin is ${origin}, asked at ${before_ms}`);
        last = origin;
        await new Promise((r) => setTimeout(r, 15));
    }
});

test('none: random numbers of a job tell nothing of those of the next', async () => {
    const draw = 'for (let i = 0; i < 1000; i++) Math.random(); export default [Math.random(), crypto.randomUUID(), sodium.randombytesRandom()]';
    const drawn = await Promise.all(Array.from({ length: 40 }, (_, i) => value(draw, i % 2 ? 'alice' : 'bob')));
    for (let k = 0; k < 3; k++) assert.equal(new Set(drawn.map((d) => d.value[k])).size, drawn.length);
});

// ---- memory -------------------------------------------------------------------------------------------------------

const PAGE = 4096, MEGABYTES = 24;
/** Pages of a pattern that stands in no script: made by arithmetic. */
const FILL = `
    const kept = [];
    const bytes = (n) => { const a = new Uint8Array(n); for (let i = 0; i < n; i++) a[i] = (i * 31 + (i >> 5) * 7 + 165) & 255; return a };
    const secret = bytes(64);
    for (let i = 0; i < ${MEGABYTES}; i++) { const a = new Uint8Array(1 << 20); for (let at = 0; at < a.length; at += 64) a.set(secret, at); kept.push(a) }
    const text = String.fromCharCode(...secret); for (let i = 0; i < 2000; i++) kept.push(text + i, [...secret], { [text + i]: text });`;
const secret = Buffer.from(Array.from({ length: 64 }, (_, i) => (i * 31 + (i >> 5) * 7 + 165) & 255));

/** How often the pattern stands in a process's memory. */
function find_secret(pid) {
    let found = 0, fd;
    try {
        fd = openSync(`/proc/${pid}/mem`, 'r');
    } catch {
        return -1;
    }
    const buffer = Buffer.alloc(4 << 20);
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
        const m = line.match(/^([0-9a-f]+)-([0-9a-f]+) r.[^ ]* /);
        if (!m || /\[v(var|syscall)/.test(line)) continue;
        for (let at = parseInt(m[1], 16), end = parseInt(m[2], 16); at < end;) {
            let n = 0;
            try {
                n = readSync(fd, buffer, 0, Math.min(buffer.length, end - at), at);
            } catch { /* a guard or hole: the next page */ }
            for (let i = -1; n > 0 && (i = buffer.subarray(0, n).indexOf(secret, i + 1)) >= 0;) found++;
            at += n > 0 ? n : PAGE;
        }
    }
    closeSync(fd);
    return found;
}

test('none: memory that a job wrote is found in no later cell and not in the zygote', only_root, async () => {
    const running = job(`${FILL}\nconsole.log("filled"); await new Promise((r) => setTimeout(r, 60000)); export default kept.length`, 'alice',
        { id: 'filled', limits: { wall_ms: 60000, cpu_ms: 20000, memory_mb: 256, heap_mb: 128 } });
    await until('the pattern in the cell that wrote it', () => w.cells().some((pid) => find_secret(pid) > 1000));
    const owners = w.cells().filter((pid) => find_secret(pid) > 0);
    assert.equal(owners.length, 1, 'in that cell alone');
    await c.cancel('filled', { tenant: 'alice' });
    assert.equal((await running).outcome, 'cancelled');
    await until('its end', () => is_gone(owners[0]));
    for (let i = 0; i < 8; i++) assert.equal((await value(`${FILL}\nexport default kept.length`, 'alice', { limits: { cpu_ms: 20000, memory_mb: 256, heap_mb: 128 } })).value, MEGABYTES + 6000);
    const cells = await until('a full pool', () => w.cells().length >= 3 && w.cells());
    for (const pid of [...w.zygotes(), ...cells]) assert.ok(find_secret(pid) <= 0, `in process ${pid}`);
});

test('none: memory that a job gets is zero: array buffers of every size, after jobs that filled theirs', async () => {
    const scan = `let found = 0;
        for (const n of [1, 100, 4096, 65536, 1 << 20, 8 << 20]) for (let k = 0; k < 4; k++)
            for (const a of [new Uint8Array(n), new Uint8Array(new ArrayBuffer(n, { maxByteLength: n * 2 })), new Uint8Array(structuredClone(new ArrayBuffer(n))), new Uint8Array(new ArrayBuffer(1).transfer(n))])
                for (let i = 0; i < a.length; i += 1 + (a.length >> 12)) found += a[i];
        export default found`;
    for (let i = 0; i < 3; i++) {
        await value(`${FILL}\nexport default 1`, 'alice', { limits: { cpu_ms: 20000, memory_mb: 256, heap_mb: 128 } });
        for (const tenant of ['alice', 'bob']) assert.equal((await value(scan, tenant, { limits: { cpu_ms: 20000, memory_mb: 256 } })).value, 0);
    }
});

test('none: a cell has one descriptor, its own socket; the zygote has as many as before', only_root, async () => {
    const count = () => readdirSync(`/proc/${zygote}/fd`).length; // more for a moment, while it forks
    await until('an idle pool', () => w.cells().length === 3);
    let at_first = Infinity;
    for (let i = 0; i < 5; i++, await sleep(10)) at_first = Math.min(at_first, count());
    for (let i = 0; i < 20; i++) await value('export default 1', i % 2 ? 'alice' : 'bob');
    const looked_at = await until('a cell that is sealed and goes on', () => {
        let seen = 0;
        for (const pid of w.cells().filter((p) => status_of(p, 'Seccomp_filters') === '2')) {
            let open, what;
            try {
                open = readdirSync(`/proc/${pid}/fd`);
                what = readlinkSync(`/proc/${pid}/fd/0`);
            } catch {
                continue; // it has ended
            }
            if (open.length === 0) continue; // it is just ending
            assert.deepEqual(open, ['0'], `cell ${pid}`);
            assert.match(what, /^socket:/);
            seen++;
        }
        return seen;
    });
    assert.ok(looked_at >= 1);
    assert.deepEqual(w.zygotes(), [zygote]);
    await until('the zygote to have as many as before', () => count() === at_first);
});

test('none: signal masks, handlers and limits of idle cells are those of the zygote, after a job that was stopped', only_root, async () => {
    await job('for (;;);', 'alice', { limits: { cpu_ms: 30 } });
    const state = (pid) => ['SigBlk', 'SigIgn', 'SigCgt', 'NoNewPrivs', 'CapEff'].map((field) => status_of(pid, field)).join(' ')
        + readFileSync(`/proc/${pid}/limits`, 'utf8');
    const states = () => w.cells().filter((pid) => status_of(pid, 'Seccomp_filters') === '2').map((pid) => { try { return state(pid) } catch { return 'it has ended' } });
    const [of_zygote] = w.zygotes().map(state);
    // The cell of the job that was stopped has a memory limit of its own until it is gone.
    await until('a full pool of cells as the zygote is', () => states().length >= 3 && states().every((s) => s === of_zygote));
});

/** V8's hashes of a key in a process's memory: they stand in front of its characters, with the length between. */
function hashes_of(pid, key) {
    const found = new Set(), wanted = Buffer.from(key), fd = openSync(`/proc/${pid}/mem`, 'r');
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
        const m = line.match(/^([0-9a-f]+)-([0-9a-f]+) rw/);
        if (!m || parseInt(m[2], 16) - parseInt(m[1], 16) > 64 << 20) continue;
        const memory = Buffer.alloc(parseInt(m[2], 16) - parseInt(m[1], 16));
        try {
            readSync(fd, memory, 0, memory.length, parseInt(m[1], 16));
        } catch {
            continue;
        }
        for (let i = -1; (i = memory.indexOf(wanted, i + 1)) >= 0;)
            if (i >= 8 && memory.readUInt32LE(i - 4) === key.length && (memory.readUInt32LE(i - 8) & 3) === 2) found.add(memory.readUInt32LE(i - 8));
    }
    closeSync(fd);
    return [...found];
}

test('each zygote has a hash seed of its own: keys that collide in one tell nothing of the next', only_root, async () => {
    const key = 'hash_seed_probe_key', seen = [];
    for (let i = 0; i < 3; i++) {
        const running = job('const o = {}; o["hash_seed_" + "probe_key"] = 1; console.log(Object.keys(o)[0] in o); await new Promise((r) => setTimeout(r, 60000))', 'alice',
            { id: `hashed-${i}`, limits: { wall_ms: 60000 } });
        const hashes = await until('the key in a cell', () => {
            const found = w.cells().flatMap((pid) => { try { return hashes_of(pid, key) } catch { return [] } });
            return found.length > 0 && found;
        });
        seen.push(hashes[0]);
        await c.cancel(`hashed-${i}`, { tenant: 'alice' });
        await running;
        const [old] = w.zygotes();
        process.kill(old, 'SIGKILL');
        await until('another zygote', () => w.zygotes().length === 1 && w.zygotes()[0] !== old && w.cells().length === 3);
    }
    assert.equal(new Set(seen).size, 3, `${seen}`);
});

// ---- the zygote ---------------------------------------------------------------------------------------------------------

/** A process's own memory: the pages of every private mapping that can be written, and how much of it is no file's. The heaps
 *  are V8's, the C library's and every anonymous mapping but these: the runtime's zeroed data, the thread's own block (errno). */
function memory_of(pid) {
    const mappings = new Map();
    let own_kb = 0, previous = '';
    const fd = openSync(`/proc/${pid}/mem`, 'r');
    for (const block of readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
        const m = block.match(/^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/m);
        if (!m) continue;
        own_kb += Number(block.match(/^Anonymous:\s+(\d+)/m)[1]);
        if (!/^.w.p/.test(m[3])) continue;
        const from = parseInt(m[1], 16), size = parseInt(m[2], 16) - from, pages = [], buffer = Buffer.alloc(PAGE);
        for (let at = 0; at < size; at += PAGE) {
            let n = 0;
            try {
                n = readSync(fd, buffer, 0, PAGE, from + at);
            } catch { /* reserved, never touched */ }
            pages.push(n ? Buffer.from(buffer) : null);
        }
        const books = previous.endsWith('libisolane-cell.so') || m[4] === '[stack]' || size <= 8 * PAGE;
        mappings.set(`${m[1]}-${m[2]} ${m[4]}`, { pages, heap: !books });
        previous = m[4];
    }
    closeSync(fd);
    return { mappings, own_kb };
}

const HOSTILE_JOBS = [
    'Object.prototype.evil = 1; Array.prototype.map = null; throw 1',
    'for (;;);',
    'const a = []; for (;;) a.push(new Array(1000).fill(1))',
    'const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(7))',
    'const f = () => f(); f()',
    '/(a+)+$/.test("a".repeat(40) + "!")',
    'setInterval(() => console.log("x".repeat(10000)), 0)',
    'export default "x".repeat(1 << 20).split("")',
    'for (let i = 0; ; i++) globalThis["k" + i] = Symbol.for("s" + i)',
    'globalThis.a = []; for (let i = 0; i < 8; i++) a.push(new Uint8Array(1 << 20).fill(0xa5)); export default 1',
    'export default () => JSON.parse("[".repeat(1e5))',
    'console.count(); console.group(); Error.stackTraceLimit = 0; await Promise.reject(new Error("x"))',
];

test(`none: after ${HOSTILE} hostile jobs the zygote's memory is what it was, byte for byte, but for its own books`, only_root, async (t) => {
    await until('an idle pool', () => w.cells().length === 3);
    const [pid] = w.zygotes();
    const earlier = memory_of(pid);
    for (let sent = 0; sent < HOSTILE; sent += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, i) =>
            job(HOSTILE_JOBS[(sent + i) % HOSTILE_JOBS.length], i % 2 ? 'alice' : 'bob', { limits: { cpu_ms: 20, wall_ms: 200, heap_mb: 16, memory_mb: 32, output_kb: 16 } })));
    }
    assert.deepEqual(w.zygotes(), [pid], 'nobody had to replace it');
    await until('an idle pool', () => w.cells().length === 3);
    const later = memory_of(pid);
    assert.deepEqual([...later.mappings.keys()], [...earlier.mappings.keys()], 'no mapping more or less');
    const changed = [];
    let bytes = 0;
    for (const [name, { pages, heap }] of later.mappings) {
        const before_pages = earlier.mappings.get(name).pages;
        pages.forEach((page, i) => {
            let n = 0;
            for (let k = 0; k < PAGE; k++) n += (page?.[k] ?? 0) !== (before_pages[i]?.[k] ?? 0);
            if (n === 0) return;
            changed.push(`${name}, page ${i}: ${n} bytes`);
            bytes += n;
            assert.ok(!heap, `a heap changed: ${changed.at(-1)}`);
        });
    }
    t.diagnostic(`its own ${earlier.own_kb} kB before, ${later.own_kb} kB after; changed: ${changed.join('; ') || 'nothing'}`);
    assert.ok(bytes < 4096, `${bytes} bytes: ${changed}`); // the table of its children, its stack, errno
    assert.ok(later.own_kb <= earlier.own_kb + 16, `${earlier.own_kb} kB → ${later.own_kb} kB`);
});
