// The attacks of ../budgets/, one a file: each must end in an outcome of its own, keep what it printed, say which limit it met,
// stay within the limit's slack, and leave worker and zygote as they were.
//
// Head of a file: `// expect:` outcomes, one of which must come, "threw NAME" with the error's name; `// limits:` what differs
// from those below; `// permissions:` what it is granted. A .gen.mjs makes the script (its default export) and may make the input.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from './client.mjs';
import { up } from './worker.mjs';

const MB = 1 << 20;
// What a process may take beyond memory_mb before it is stopped, and the heap beyond heap_mb (docs/security.md).
const MEMORY_SLACK_MB = 64;
const HEAP_SLACK_MB = 40;
const LIMIT_OF = {
    cpu_exceeded: 'cpu_ms', wall_exceeded: 'wall_ms', heap_exceeded: 'heap_mb', memory_exceeded: 'memory_mb',
    output_exceeded: 'output_kb',
};

const folder = new URL('../budgets/', import.meta.url);

async function attack_of(file) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const limits = { heap_mb: 32, memory_mb: 96, wall_ms: 60_000 };
    for (const pair of (text.match(/^\/\/ limits: (.*)$/m)?.[1] ?? '').split(' ').filter(Boolean)) {
        const [name, value] = pair.split('=');
        limits[name] = Number(value);
    }
    const made = file.endsWith('.gen.mjs') ? await import(new URL(file, folder)) : { default: text };
    const job = { script: made.default, limits };
    job.permissions = { eval: false, wasm: false, sab: false };
    for (const name of (text.match(/^\/\/ permissions: (.*)$/m)?.[1] ?? '').split(' ').filter(Boolean)) job.permissions[name] = true;
    if (made.input !== undefined) job.input = made.input;
    return { job, expected: text.match(/^\/\/ expect: (.*)$/m)[1].split('|'), prints: text.includes('console.log("before")') };
}

function assert_limit(r, limits) {
    const name = LIMIT_OF[r.outcome];
    if (!name) {
        assert.equal(r.limit, null);
        return;
    }
    assert.equal(r.error.name, 'BudgetExceeded');
    const [, named, limit, by, used] =
        r.error.message.match(/^(\w+): the limit of (\d+) was reached( by the job's value)? \(used (\d+)\)$/) ?? [];
    assert.deepEqual([named, Number(limit)], [name, limits[name] ?? Number(limit)], r.error.message);
    assert.equal(by === undefined || r.outcome === 'output_exceeded', true);
    assert.deepEqual(r.limit, { name, value: Number(limit), used: Number(used) });
    assert.ok(Number(used) >= Number(limit));
}

/** A worker of the test file's own, and a test for each attack whose file's name fits: {w, c}, there when tests run. */
export function attacks(which) {
    const at = {};
    let zygote;
    before(async () => {
        const permissions = { eval: true, wasm: true, sab: true };
        at.w = await up({ config: { tenants: [{ name: 'default', permissions }] } });
        at.c = await Client.connect(at.w.url);
        [zygote] = at.w.zygotes();
    });
    after(async () => {
        await at.c?.close();
        await at.w?.stop();
    });
    for (const file of readdirSync(folder).filter((f) => /\.m?js$/.test(f) && which.test(f)).sort()) {
        test(file, async () => {
            const { job, expected, prints } = await attack_of(file);
            const r = await at.c.execute(job, { timeout: 90_000 });
            const got = r.outcome === 'threw' ? `threw ${r.error.name}` : r.outcome;
            const about = JSON.stringify({ ...r, stdout: r.stdout.slice(0, 100), stderr: r.stderr.slice(0, 100) }).slice(0, 2000);
            assert.ok(expected.includes(got), `${got} is none of ${expected.join(', ')}: ${about}`);
            if (prints) assert.ok(r.stdout.startsWith('before\n'), about);
            assert.doesNotMatch(r.stdout + r.stderr, /caught|finally/);
            assert_limit(r, job.limits);
            if (r.outcome === 'output_exceeded' && !/value/.test(r.error.message)) {
                const short = r.limit.value * 1024 - Buffer.byteLength(r.stdout) - Buffer.byteLength(r.stderr);
                assert.ok(short >= 0 && short < (/[^\0-\x7f]/.test(r.stdout) ? 4 : 1), `${short}: ${about}`); // whole characters
                assert.equal(r.truncated, true);
            }
            assert.ok(r.usage.memory_peak_bytes <= (job.limits.memory_mb + MEMORY_SLACK_MB) * MB, about);
            assert.ok(r.usage.heap_peak_bytes <= (job.limits.heap_mb + HEAP_SLACK_MB) * MB, about);
            assert.ok(r.usage.cpu_ms > 0 && r.usage.wall_ms > 0, about);
            assert.equal(r.attempts, 1);
            assert.deepEqual(at.w.zygotes(), [zygote], `the zygote was replaced: ${at.w.stderr}`);
        });
    }
    return at;
}
