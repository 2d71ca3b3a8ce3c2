// Attacks on the budgets, one a file in budgets/: each must end in an outcome of its own, keep what it printed, say which
// limit it met, stay within the limit's slack, and leave worker and zygote as they were.
//
// Head of a file: `// expect:` outcomes, one of which must come, "threw NAME" with the error's name; `// limits:` what differs
// from those below; `// permissions:` what it is granted. A .gen.mjs makes the script (its default export) and may make the input.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, program } from './lib/place.mjs';
import { run, send_signal, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const MB = 1 << 20;
// What a process may take beyond memory_mb before it is stopped, and the heap beyond heap_mb (docs/security.md).
const MEMORY_SLACK_MB = 64;
const HEAP_SLACK_MB = 40;
const LIMIT_OF = {
    cpu_exceeded: 'cpu_ms', wall_exceeded: 'wall_ms', heap_exceeded: 'heap_mb', memory_exceeded: 'memory_mb',
    output_exceeded: 'output_kb',
};

let w, c, zygote;
before(async () => {
    const permissions = { eval: true, wasm: true, sab: true };
    w = await up({ config: { tenants: [{ name: 'default', permissions }] } });
    c = await Client.connect(w.url);
    [zygote] = w.zygotes();
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const folder = new URL('budgets/', import.meta.url);

async function attack_of(file) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const limits = { heap_mb: 32, memory_mb: 96 };
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

for (const file of readdirSync(folder).filter((f) => /\.m?js$/.test(f)).sort()) {
    test(file, async () => {
        const { job, expected, prints } = await attack_of(file);
        const r = await c.execute(job, { timeout: 90_000 });
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
        assert.deepEqual(w.zygotes(), [zygote], `the zygote was replaced: ${w.stderr}`);
    });
}

test('a script that is stopped says where it was', async () => {
    const script = 'console.log("before");\nfunction inner() {\n    for (;;);\n}\nclass A {\n    work() {\n        inner();\n    }\n}\nnew A().work();\n';
    const r = await c.execute({ script, limits: { cpu_ms: 40 } });
    assert.equal(r.outcome, 'cpu_exceeded');
    assert.equal(r.error.line, 3);
    assert.match(r.error.stack,
        /^BudgetExceeded: cpu_ms: the limit of 40 was reached \(used \d+\)\n {4}at inner \(script\.mjs:3:\d+\)\n {4}at work \(script\.mjs:7:\d+\)\n {4}at script\.mjs:10:\d+$/);
});

test('a cell that does not answer is killed: same outcome, nothing printed is lost', async () => {
    const id = 'stopped-cell';
    const printed = (async () => {
        for await (const m of c.nc.subscribe(`isolane.logs.default.${id}`, { max: 1 })) return m;
    })();
    await c.publish({ id, script: 'console.log("early"); setTimeout(() => {}, 1e6)', limits: { wall_ms: 3000 } });
    await printed;
    const cells = w.cells();
    for (const pid of cells) send_signal(pid, 'SIGSTOP'); // the idle ones too: nobody knows which it is
    try {
        const r = await c.result(id);
        assert.deepEqual([r.outcome, r.stdout], ['wall_exceeded', 'early\n']);
        assert.deepEqual([r.limit.name, r.limit.value], ['wall_ms', 3000]);
        assert.match(r.error.message, /^wall_ms: the limit of 3000 was reached \(used \d+\)$/);
    } finally {
        for (const pid of cells) {
            try {
                send_signal(pid, 'SIGCONT');
            } catch { /* it was killed */ }
        }
    }
    await until('a healthy cell', async () => (await c.execute({ script: 'export default 1' })).value === 1);
});

test('jobs that sleep at their last CPU millisecond are not eaten up by being looked at', async () => {
    const script = 'await new Promise((r) => setTimeout(r, 400)); export default 1';
    const r = await c.execute({ script, limits: { cpu_ms: 10 } });
    assert.deepEqual([r.outcome, r.value], ['ok', 1], JSON.stringify(r));
});

test('the operator\'s ulimit does not decide where a recursion ends', async () => {
    const script = 'let n = 0\nconst f = () => { n++; f() }\nlet name\ntry { f() } catch (e) { name = e.name }\n'
        + 'let deep = ""\ntry { JSON.parse("[".repeat(1e6)) } catch (e) { deep = e.name }\nexport default [name, n, deep]\n';
    const depths = [];
    for (const limit of ['-Ss unlimited', '-Ss 8192', '-Ss 256', '-s 1024']) { // the last is a hard one: scripts get less
        const shell = `ulimit ${limit} && exec "$0" run - --json --data "$1"`;
        const end = await run('bash', ['-c', shell, program, fresh_folder()], { input: script });
        assert.equal(end.code, 0, `${limit}: ${end.stderr}`);
        const [name, depth, deep] = JSON.parse(end.stdout).value;
        assert.equal(name, 'RangeError', limit);
        assert.match(deep, /RangeError|SyntaxError/, limit);
        depths.push(depth);
    }
    assert.ok(Math.abs(depths[0] - depths[1]) < 200 && Math.abs(depths[2] - depths[1]) < 200, `${depths}`);
    assert.ok(depths[3] > 1000 && depths[3] < depths[1], `${depths}`);
});
