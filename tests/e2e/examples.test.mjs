// Every job in examples/, submitted to a worker as its head says: it ends as examples/README.md says, and gives what it
// promises. Those that need a host have a test of their own (fetch.test.mjs); what lies in folders is in projects, signed,
// accounts and groups_batch.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { root } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const dir = join(root, 'examples');

const printed = (pattern) => (r) => assert.match(r.stdout, pattern);
const value = (expected) => (r) => assert.deepEqual(r.value, expected);
const error = (pattern) => (r) => assert.match(`${r.error.name}: ${r.error.message}`, pattern);
const stopped = (limit) => (r) => assert.equal(r.limit?.name, limit, JSON.stringify(r.limit));

/** How each is submitted, and what must come of it beside its outcome. */
const examples = {
    'hello.js': { check: (r) => assert.equal(r.value.answer, 42) },
    'timers.js': { check: printed(/./) },
    'orders.js': { options: ['--input', `@${join(dir, 'inputs/orders.json')}`], check: (r) => assert.equal(typeof r.value, 'object') },
    'classic.cjs': { check: (r) => assert.notEqual(r.value, null) },
    'inspect.js': { check: printed(/┌/) },
    'sodium.js': { check: (r) => assert.match(r.stdout + JSON.stringify(r.value), /[0-9a-f]{16}|true/) },
    'jwt.js': { check: (r) => assert.match(r.stdout + JSON.stringify(r.value), /expired/) },
    'handler.js': { check: value({ uploaded: { name: 'greeting.txt', bytes: 7, text: 'grüße' }, counted: 'one two three' }) },
    'compress.js': { options: ['--input', '5000'], check: value({ lines: 5000, smaller: true }) },
    'counter.js': { options: ['--allow', 'kv'], check: value({ raised: 6, keys: ['example/count', 'example/last'] }) },
    'fan_out.js': { options: ['--allow', 'emit', '--id', 'fan', '--input', '["a b", "c"]'], check: value({ parts: 2, sum: 'fan.sum' }) },
    'wasm.js': { options: ['--allow', 'wasm'], check: value({ sum: 5050, told: [5050] }) },
    'patience.js': { check: value({ quick: 'quick', late: ['TimeoutError'] }) },
    'primes.js': { options: ['--input', '20000'], check: (r) => assert.match(JSON.stringify(r.value), /2262/) },
    'progress.js': { check: printed(/./) },
    'artifacts.js': {
        options: ['--artifact', `sales.csv=${join(dir, 'inputs/sales.csv')}`, '--allow', 'artifacts'],
        check: (r) => assert.deepEqual(r.artifacts.map((a) => a.name), ['report.csv']),
    },
    'shapes.ts': { check: (r) => assert.equal(r.language, 'typescript') },
    'page.tsx': { check: (r) => assert.match(r.stdout + JSON.stringify(r.value), /</) },
    'mistyped.ts': { options: ['--check'], check: error(/^TypeScriptError: mistyped\.ts:\d+:\d+ TS\d+/) },
    'escape.js': { check: printed(/./) },
    'flaky.js': { options: ['--retry-on', 'threw', '--backoff', 'fixed,1'], check: (r) => assert.equal(r.attempts, 3) },
    'throws.js': { check: (r) => assert.match(r.error.stack, /throws\.js:\d+/) },
    'loop.js': { options: ['--cpu-ms', '100'], check: stopped('cpu_ms') },
    'regexp.js': { options: ['--cpu-ms', '100'], check: stopped('cpu_ms') },
    'sleeper.js': { options: ['--wall-ms', '200'], check: stopped('wall_ms') },
    'hog.js': { options: ['--heap-mb', '32', '--cpu-ms', '10000'], check: stopped('heap_mb') },
    'buffers.js': { options: ['--memory-mb', '64', '--cpu-ms', '10000'], check: stopped('memory_mb') },
    'flood.js': { options: ['--output-kb', '16'], check: stopped('output_kb') },
};

/** file → outcome, from the table of the README. */
function told() {
    const rows = readFileSync(join(dir, 'README.md'), 'utf8').matchAll(/^\| (`[^|]*`) \|[^\n]*\| ([^|\n]*) \|$/gm);
    return Object.fromEntries([...rows].flatMap(([row, names, ends]) =>
        [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => [name, { outcomes: [...ends.matchAll(/`([^`-][^`]*)`/g)].map(([, o]) => o), elsewhere: /needs a host/.test(row) }])));
}
const all = told();

let w, c;
before(async () => {
    w = await up({ config: { tenants: [{ name: 'default', permissions: { wasm: true, kv: true, emit: true, artifacts: true } }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

test('the README tells every file, and nothing else', () => {
    const files = readdirSync(dir).filter((n) => /\.(js|cjs|mjs|ts|tsx)$/.test(n)).sort();
    assert.deepEqual(Object.keys(all).sort(), files);
    assert.deepEqual(Object.keys(examples).filter((n) => !files.includes(n)), []);
    assert.ok(files.length >= 20 && Object.values(all).filter((e) => e.elsewhere).length < 4);
});

for (const [name, { outcomes, elsewhere }] of Object.entries(all)) {
    if (elsewhere) continue;
    const { options = [], check = () => {} } = examples[name] ?? {};
    test(name, async () => {
        const run = await isolane(['submit', join(dir, name), '--wait=60', '--json', '--nats', w.url, ...options]);
        const r = JSON.parse(run.stdout || 'null');
        assert.ok(r && outcomes.includes(r.outcome), `${run.stdout}${run.stderr}`);
        check(r);
    });
}

test('what fan_out.js emitted ends with the sum', async () => {
    const e = await until('the sum', () => c.direct('fan.sum'));
    assert.equal(JSON.parse(Buffer.from(e.payload, 'base64')).predicate.value, 3);
});

test('a folder as an artifact: examples/report', async () => {
    const run = await isolane(['submit', join(dir, 'report'), '--files-artifact', '--wait=60', '--json', '--nats', w.url]);
    assert.equal(JSON.parse(run.stdout).outcome, 'ok', run.stdout + run.stderr);
});
