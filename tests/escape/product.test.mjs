// The product has nothing of the test build in it, and what the attacks found stays mended.
import { enter } from './lib/ground.mjs';

enter();

const { default: assert } = await import('node:assert/strict');
const { readFileSync } = await import('node:fs');
const { join } = await import('node:path');
const { test } = await import('node:test');
const { root } = await import('../e2e/lib/place.mjs');
const { run } = await import('../e2e/lib/process.mjs');
const { ALL, LAYERS_HERE, product, run_batch, test_build } = await import('./lib/attacks.mjs');

const read = (path) => readFileSync(join(root, path)).toString('latin1');
const MARKS = ['ISOLANE_ESCAPE', '__native', 'jail_off', 'escape_install'];

test('neither program nor runtime nor snapshot carries code or names of the test build', () => {
    for (const path of ['build/isolane', 'build/engine/libisolane-cell.so', 'build/engine/snapshot.bin'])
        for (const mark of MARKS) assert.ok(!read(path).replace(/layers_for_test|jail_off_entry|jail_off\b/g, (m) => (path.endsWith('.bin') ? m : '')).includes(mark), `${path}: ${mark}`);
    const both = read('build/escape/isolane') + read('build/escape/engine/libisolane-cell.so');
    for (const mark of MARKS) assert.ok(both.includes(mark), `the test build lacks ${mark}: this test could not fail`);
});

test('`make install` takes nothing of it', async () => {
    const dry = await run('make', ['-n', 'install', 'PREFIX=/nowhere'], { cwd: root });
    assert.ok(!dry.stdout.includes('escape'), dry.stdout);
});

test('the variable that leaves layers out has no effect on the product', async () => {
    const r = (await run_batch(product, [{ key: 'x', text: 'export default typeof __native' }], { off: ALL, args: ['--set', 'jail=require'] })).get('x');
    assert.deepEqual([r.outcome, r.value], ['ok', 'undefined']);
    assert.deepEqual(LAYERS_HERE.filter((layer) => !r.jail.includes(layer)), []);
});

test('a layer that is missing unseen: with `jail: require` no job is run', async () => {
    for (const layer of ['seccomp', 'not_dumpable', 'mountns', 'netns', 'pidns', 'no_caps', 'one_descriptor']) {
        const end = await run(test_build, ['run', '-', '--json', '--data', join(process.env.TMPDIR, `missing-${layer}`)], { input: 'export default 1', env: { ISOLANE_ESCAPE_OFF: layer } });
        assert.deepEqual([end.code, end.stdout], [3, ''], `${layer}: ${end.stdout}${end.stderr}`);
    }
});

test('a batch whose only job is denied ends with its result', async () => {
    for (let i = 0; i < 5; i++) {
        const r = (await run_batch(test_build, [{ key: 'x', text: `export default __native.syscall(41, 2, 1, 0) // ${i}` }])).get('x');
        assert.equal(r.outcome, 'denied');
    }
});

test('cells that become another program, each ended and tried again, hold nothing up', async () => {
    const text = (n) => `const s = new TextEncoder().encode('true\\0'); export default __native.syscall(59, '/bin/true', new BigUint64Array([BigInt(__native.address(s)), 0n]), new BigUint64Array(1)) // ${n}`;
    const scripts = Array.from({ length: 6 }, (_, n) => ({ key: n, text: text(n) }));
    for (const [, r] of await run_batch(test_build, scripts, { off: ALL })) assert.deepEqual([r.outcome, r.state], ['crashed', 'dead']);
});
