// Every system call number there is, and many there are not, from a sealed cell: those of the list
// (sandbox/jail/syscalls.h) reach the kernel and no others.
import { enter } from './lib/ground.mjs';

enter();

const { default: assert } = await import('node:assert/strict');
const { readFileSync } = await import('node:fs');
const { join } = await import('node:path');
const { test } = await import('node:test');
const { root } = await import('../e2e/lib/place.mjs');
const { run_batch, syscall_numbers, test_build } = await import('./lib/attacks.mjs');

const NUMBERS = 4096; // Linux has given out about 470
const number_of = syscall_numbers();
const name_of = Object.fromEntries(Object.entries(number_of).map(([name, nr]) => [nr, name]));

const table = readFileSync(join(root, 'sandbox/jail/syscalls.h'), 'utf8');
const rows = [...table.matchAll(/^\s+(ALWAYS|SELF|ZERO|CODE)\((\w+), "(.*?)"\)/gm)].map(([, kind, name, why]) => ({ kind, name, why, nr: number_of[name] }));
const kinds = new Map(rows.map((row) => [row.nr, row.kind]));
// Recent kernels let the two numbers of their own probes pass every seccomp filter: they do nothing but
// inside code that the kernel put there; elsewhere the first is SIGILL and the second ENXIO.
const UNFILTERED = { 335: 'uretprobe', 336: 'uprobe' };
const ENXIO = 6;

// These end the process that makes them; each has a job of its own below.
const LAST = ['exit', 'exit_group', 'rt_sigreturn'];

const PATTERNS = {
    nothing: '0, 0, 0, 0, 0, 0',
    minus: '-1, -1, -1, -1, -1, -1',
    self: 'self, self, 0, 0, 0, 0',
    other: '1, 1, 0, 0, 0, 0',
    high: '1n << 32n, (1n << 32n) + BigInt(self), 0, 0, 0, 0',
};

async function sweep(from, to, args) {
    const scripts = Object.entries(PATTERNS).map(([key, args]) => ({ key, text: `const self = __native.syscall(39); export default [...__native.sweep(${from}, ${to}, ${args})].map((t, i) => (t ? -1 : i + ${from})).filter((n) => n >= 0); // ${key}` }));
    const results = await run_batch(test_build, scripts, { args });
    return Object.fromEntries([...results].map(([key, r]) => {
        assert.equal(r.outcome, 'ok', `${key}: ${JSON.stringify(r.error)}`);
        return [key, r.value.filter((nr) => !UNFILTERED[nr])];
    }));
}

test('the table is read as the compiler reads it', () => {
    assert.ok(rows.length >= 20, `${rows.length} rows`);
    assert.equal(rows.length, table.match(/^\s+(ALWAYS|SELF|ZERO|CODE)\(/gm).length);
    for (const { name, nr, why } of rows) assert.ok(nr >= 0 && why.length > 4, `${name}: ${nr}, '${why}'`);
});

test('only the list passes, and each of its calls only with the arguments that it says', async () => {
    const passed = await sweep(0, NUMBERS);
    const wanted = (...which) => rows.filter(({ kind, name }) => which.includes(kind) || LAST.includes(name)).map(({ nr }) => nr).sort((a, b) => a - b);
    const named = (numbers) => numbers.map((nr) => name_of[nr] ?? nr);
    const any = ['ALWAYS', 'CODE'];
    for (const [pattern, kinds_wanted] of Object.entries({ nothing: [...any, 'ZERO'], minus: any, self: [...any, 'SELF'], other: any, high: any }))
        assert.deepEqual(named(passed[pattern]), named(wanted(...kinds_wanted)), `arguments: ${pattern}`);
    // Only `minus` has PROT_EXEC in the third argument.
    const no_code = await sweep(0, NUMBERS, ['--profile', 'jitless']);
    for (const [pattern, kinds_wanted] of Object.entries({ nothing: [...any, 'ZERO'], minus: ['ALWAYS'], self: [...any, 'SELF'], other: any, high: any }))
        assert.deepEqual(named(no_code[pattern]), named(wanted(...kinds_wanted)), `jitless, arguments: ${pattern}`);
    const all = new Set(Object.values(passed).flat());
    assert.deepEqual([...all].sort((a, b) => a - b), [...kinds.keys()].sort((a, b) => a - b));
    process.stderr.write(`# system calls: ${all.size} of ${Object.keys(number_of).length} named are allowed (${[...kinds.values()].filter((k) => k === 'SELF' || k === 'ZERO').length} of them on the cell itself alone); ${NUMBERS} numbers tried\n`);
});

test('no number at the edges of what a register holds passes', async () => {
    for (const from of [1 << 16, 0x3fffff00]) {
        const passed = await sweep(from, from + 256);
        for (const pattern of Object.keys(PATTERNS)) assert.deepEqual(passed[pattern], [], `${pattern} from ${from}`);
    }
    const beyond = [0x40000000, 0x7fffffff, -1, -39, '1n << 31n', '(1n << 32n) - 1n'].map((nr) => ({ key: nr, text: `export default __native.syscall(${nr})` }));
    for (const [nr, r] of await run_batch(test_build, beyond)) assert.notEqual(r.outcome, 'ok', `${nr}: ${r.value}`);
});

test('the calls that end a cell end it, and no call of the x32 interface passes', async () => {
    const ends = LAST.map((name) => ({ key: name, text: `export default __native.syscall(${number_of[name]}, 7); // ${name}` }));
    const x32 = rows.map(({ name, nr }) => ({ key: `x32 ${name}`, text: `export default __native.syscall(${0x40000000 + nr}, 0); // x32 ${name}` }));
    const i386 = [1, 4, 20, 120].map((nr) => ({ key: `i386 ${nr}`, text: `export default __native.run(new Uint8Array([0xb8, ${nr}, 0, 0, 0, 0xcd, 0x80, 0xc3])); // i386 ${nr}` }));
    const results = await run_batch(test_build, [...ends, ...x32, ...i386], { args: ['--set', 'max_running=8'] });
    for (const [key, r] of results) {
        assert.notEqual(r.outcome, 'ok', `${key}: ${JSON.stringify(r.value)}`);
        if (/^(x32|i386)/.test(key)) assert.match(r.error.message, /not allowed|SIGS(YS|EGV)/, key);
    }
    assert.match(results.get('exit').error.message, /exit status 7/);
});

test('the numbers that the kernel does not filter do nothing', async () => {
    const scripts = Object.keys(UNFILTERED).map((nr) => ({ key: nr, text: `export default __native.syscall(${nr}, 1, 1)` }));
    for (const [nr, r] of await run_batch(test_build, scripts))
        assert.ok(r.outcome === 'denied' || /SIGILL/.test(r.error?.message) || r.value === -ENXIO, `${UNFILTERED[nr]}: ${JSON.stringify([r.outcome, r.value, r.error])}`);
});

test('jitless: no memory becomes code', async () => {
    const [RW, RX, RWX] = [3, 5, 7], PRIVATE_ANONYMOUS = 0x22;
    const map = (protection) => `__native.syscall(${number_of.mmap}, 0, 4096, ${protection}, ${PRIVATE_ANONYMOUS}, -1, 0)`;
    const scripts = [
        { key: 'data', text: `const p = ${map(RW)}; export default __native.syscall(${number_of.mprotect}, p, 4096, 1)` },
        { key: 'mmap', text: `export default ${map(RX)}` },
        { key: 'mmap, writable', text: `export default ${map(RWX)}` },
        { key: 'mprotect', text: `const p = ${map(RW)}; export default __native.syscall(${number_of.mprotect}, p, 4096, ${RX})` },
        { key: 'pkey_mprotect', text: `const p = ${map(RW)}; export default __native.syscall(${number_of.pkey_mprotect}, p, 4096, ${RX}, -1)` },
    ];
    for (const [key, r] of await run_batch(test_build, scripts)) assert.equal(r.outcome, 'ok', `control: ${key}: ${JSON.stringify(r.error)}`);
    for (const [key, r] of await run_batch(test_build, scripts, { args: ['--profile', 'jitless'] })) {
        assert.equal(r.outcome, key === 'data' ? 'ok' : 'denied', `${key}: ${JSON.stringify(r)}`);
        if (key !== 'data') assert.ok(r.error.message.includes(key.split(',')[0]), r.error.message);
    }
});

test('a cell that survives the trap gets nothing for it', async () => {
    // As an attacker who rewrites the handler's code would: the call was skipped all the same.
    const text = 'const trapped = __native.sweep(41, 42, 2, 1, 0); export default [trapped[0], __native.syscall(0, 3, new Uint8Array(8), 8)]';
    const r = (await run_batch(test_build, [{ key: 'trap', text }])).get('trap');
    assert.deepEqual([r.outcome, r.value], ['ok', [1, -9]], 'no descriptor 3 came of socket()');
});
