// Attacks on cpu_ms, wall_ms, output_kb, the stack, the parser, timers (lib/attacks.mjs), and what a result says of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attacks } from './lib/attacks.mjs';
import { fresh_folder, program } from './lib/place.mjs';
import { run, send_signal, until } from './lib/process.mjs';

const at = attacks(/^(?!heap-|memory-|wasm-|sab-)/);

test('a script that is stopped says where it was', async () => {
    const script = 'console.log("before");\nfunction inner() {\n    for (;;);\n}\nclass A {\n    work() {\n        inner();\n    }\n}\nnew A().work();\n';
    const r = await at.c.execute({ script, limits: { cpu_ms: 40 } });
    assert.equal(r.outcome, 'cpu_exceeded');
    assert.equal(r.error.line, 3);
    assert.match(r.error.stack,
        /^BudgetExceeded: cpu_ms: the limit of 40 was reached \(used \d+\)\n {4}at inner \(script\.mjs:3:\d+\)\n {4}at work \(script\.mjs:7:\d+\)\n {4}at script\.mjs:10:\d+$/);
});

test('a cell that does not answer is killed: same outcome, nothing printed is lost', async () => {
    const id = 'stopped-cell';
    const printed = (async () => {
        for await (const m of at.c.nc.subscribe(`isolane.logs.default.${id}`, { max: 1 })) return m;
    })();
    await at.c.publish({ id, script: 'console.log("early"); setTimeout(() => {}, 1e6)', limits: { wall_ms: 3000 } });
    await printed;
    const cells = at.w.cells();
    for (const pid of cells) send_signal(pid, 'SIGSTOP'); // the idle ones too: nobody knows which it is
    try {
        const r = await at.c.result(id);
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
    await until('a healthy cell', async () => (await at.c.execute({ script: 'export default 1' })).value === 1);
});

test('jobs that sleep at their last CPU millisecond are not eaten up by being looked at', async () => {
    const script = 'await new Promise((r) => setTimeout(r, 400)); export default 1';
    const r = await at.c.execute({ script, limits: { cpu_ms: 10 } });
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
