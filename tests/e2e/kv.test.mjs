// kv and emit: what jobs keep for one another and what they publish, under their permissions; log.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, program, scratch } from './lib/place.mjs';
import { run } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const config = {
    nats: { kv_max_mb: 1 },
    tenants: [
        { name: 'default', permissions: { kv: true, emit: true, eval: true, net: ['*.example.com'] } },
        { name: 'other', permissions: { kv: true } },
        { name: 'none' },
    ],
};

let w, c;
before(async () => {
    w = await up({ config });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

/** The value of a job that went well. */
async function value(script, { tenant = 'default', ...job } = {}) {
    const r = await c.execute({ script, limits: { wall_ms: 20_000 }, ...job }, { tenant });
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r.value;
}
const refused = (name) => `const refused = async (f) => { try { return await f() } catch (e) { return e.constructor.name } };\n${name}`;

test('a value is kept from job to job, and any NATS client sees it', async () => {
    assert.deepEqual(await value('export default [await kv.get("a"), await kv.put("a", { n: 1 }) > 0]'), [null, true]);
    assert.deepEqual(await value('export default await kv.get("a")'), { n: 1 });
    const m = await c.jsm.direct.getMessage('KV_ISOLANE_KV_default', { last_by_subj: '$KV.ISOLANE_KV_default.a' });
    assert.deepEqual(m.json(), { n: 1 });
    await c.js.publish('$KV.ISOLANE_KV_default.from-outside', 'plain text');
    assert.equal(await value('export default await kv.get("from-outside", { type: "text" })'), 'plain text');
});

test('text, bytes, JSON; an entry with its facts', async () => {
    const script = `
        await kv.put('bytes', new Uint8Array([0, 255, 128]));
        await kv.put('json', [1, 'zwei', null]);
        const e = await kv.entry('json');
        export default { bytes: [...await kv.get('bytes', { type: 'bytes' })], text: await kv.get('json', { type: 'text' }), value: e.value,
            key: e.key, fresh: Date.now() - e.storedAt < 60_000, expires: e.expiresAt ?? null, none: await kv.entry('no') ?? null };`;
    assert.deepEqual(await value(script), { bytes: [0, 255, 128], text: '[1,"zwei",null]', value: [1, 'zwei', null], key: 'json', fresh: true, expires: null, none: null });
});

test('a tenant sees its own store, and only with the permission', async () => {
    assert.deepEqual(await value('export default [await kv.get("a"), (await kv.list()).keys]', { tenant: 'other' }), [null, []]);
    assert.equal(await value(refused('export default await refused(() => kv.get("a"))'), { tenant: 'none' }), 'PermissionDenied');
    assert.equal(await value(refused('export default await refused(() => kv.put("a", 1))'), { permissions: { kv: false } }), 'PermissionDenied');
    assert.deepEqual(await value('export default await kv.get("a")'), { n: 1 });
});

test('compare and set: of jobs that count at once none is lost', async () => {
    const script = `
        for (;;) {
            const e = await kv.entry('counter');
            try { await kv.put('counter', (e?.value ?? 0) + 1, { revision: e?.revision ?? 0 }); break; } catch (error) { if (!(error instanceof Conflict)) throw error; }
        }`;
    await Promise.all(Array.from({ length: 12 }, () => value(script)));
    assert.equal(await value('export default await kv.get("counter")'), 12);
    assert.equal(await value(refused('export default await refused(() => kv.put("counter", 1, { revision: 0 }))')), 'Conflict');
    const anew = 'const { revision } = await kv.entry("counter"); await kv.delete("counter", { revision }); export default [await kv.get("counter"), await kv.put("counter", 1, { revision: 0 }) > revision]';
    assert.deepEqual(await value(anew), [null, true]);
});

test('a value that is to last for three seconds is gone after them', async () => {
    const script = `
        await kv.put('short', 1, { ttlMs: 3000 });
        const e = await kv.entry('short');
        await new Promise((r) => setTimeout(r, e.expiresAt - Date.now() + 20));
        export default [e.value, await kv.get('short') ?? null, (await kv.list({ prefix: 'sho' })).keys, await kv.put('short', 2, { revision: 0 }) > 0];`;
    assert.deepEqual(await value(script), [1, null, [], true]);
});

test('lists by prefix, sorted, with a limit', async () => {
    const script = `
        for (const key of ['l.b', 'l.a', 'l.c.d', 'lx', 'gone']) await kv.put(key, key);
        await kv.delete('gone');
        export default [await kv.list({ prefix: 'l.' }), await kv.list({ prefix: 'l' }), (await kv.list({ prefix: 'l', limit: 2 })).complete, (await kv.list({ prefix: 'gone' })).keys];`;
    assert.deepEqual(await value(script), [{ keys: ['l.a', 'l.b', 'l.c.d'], complete: true }, { keys: ['l.a', 'l.b', 'l.c.d', 'lx'], complete: true }, false, []]);
});

test('a watch tells what is there, then what other jobs change', async () => {
    await value('await kv.put("w.1", "before")');
    const watching = value(`
        const seen = [];
        for await (const e of kv.watch({ prefix: 'w.' })) {
            seen.push(e.type === 'put' ? [e.type, e.key, e.value] : [e.type, e.key ?? null]);
            if (e.type === 'current') job.progress(0.5);
            if (e.type === 'delete') break;
        }
        export default seen;`, { id: 'watcher' });
    const progress = c.nc.subscribe('isolane.progress.default.watcher', { max: 1 });
    for await (const _ of progress); // eslint-disable-line
    await value('await kv.put("w.2", "after"); await kv.put("elsewhere", 1); await kv.delete("w.1")');
    assert.deepEqual(await watching, [['put', 'w.1', 'before'], ['current', null], ['put', 'w.2', 'after'], ['delete', 'w.1']]);
});

test('wrong arguments and a full store are errors of named classes', async () => {
    const script = refused(`export default [
        await refused(() => kv.get(5)), await refused(() => kv.get('a..b')), await refused(() => kv.put('x')), await refused(() => kv.put('x', 1, { ttlMs: 1 })),
        await refused(() => kv.put('x', 1, { revision: -1 })), await refused(() => kv.list({ prefix: '*' })), await refused(() => kv.list({ limit: 1e6 })),
        await refused(() => kv.put('x', 'y'.repeat(40_000))), await refused(() => kv.get('a', { type: 'xml' })), await refused(() => kv.get('a', 3))]`);
    const invalid = 'InvalidArgument';
    assert.deepEqual(await value(script), [invalid, invalid, invalid, invalid, invalid, invalid, invalid, 'BudgetExceeded', invalid, invalid]);
    const full = refused('let last; for (let i = 0; i < 60 && typeof last !== "string"; i++) last = await refused(() => kv.put("big." + i, "z".repeat(32_000))); export default last');
    assert.equal(await value(full, { tenant: 'other' }), 'BudgetExceeded');
});

test('emit: the job runs as one of the same tenant, under an id that says from whom', async () => {
    const ids = await value('export default [await emit({ script: "export default job.input * 2", input: 21 }), await emit({ id: "named", script: "export default job.id" }, { class: "high" })]', { id: 'parent' });
    assert.deepEqual(ids.map((e) => [e.id, e.duplicate]), [['parent.e1', false], ['named', false]]);
    assert.equal((await c.result('parent.e1')).value, 42);
    const named = await c.result('named');
    assert.deepEqual([named.value, named.class], ['named', 'high']);
});

test('emit: an attempt that is run again emits the same jobs', async () => {
    const script = 'const e = await emit({ script: "export default 1" }); if (job.attempt === 1) throw new Error("again"); export default e.duplicate';
    const r = await c.execute({ id: 'twice', script, max_attempts: 2, retry_on: ['threw'], backoff: { delay_ms: 0 } });
    assert.deepEqual([r.outcome, r.value, r.attempts], ['ok', true, 2]);
    assert.equal((await c.result('twice.e1')).value, 1);
});

test('emit: no more rights than the emitter has', async () => {
    const look = 'export default (() => { try { return eval("1") } catch (e) { return e.name } })()';
    const child = (more) => JSON.stringify({ script: look, ...more });
    const run_child = async (id, permissions, more) => {
        await value(`await emit(${child(more)})`, { id, permissions });
        return c.result(`${id}.e1`);
    };
    assert.equal((await run_child('free', undefined, {})).value, 1);
    const narrowed = await run_child('narrow', { eval: false, net: [] }, {});
    assert.deepEqual([narrowed.value, narrowed.permissions], ['EvalError', ['kv', 'emit']]);
    const wider = refused(`let m; try { await emit(${child({ permissions: { eval: true } })}) } catch (e) { m = e.constructor.name + ': ' + e.message } export default m`);
    assert.match(await value(wider, { permissions: { eval: false } }), /^InvalidArgument: emit: permissions\.eval: found true; allowed: false/);
    assert.equal(await value(refused('export default await refused(() => emit({ script: "1" }))'), { tenant: 'other' }), 'PermissionDenied');
});

test('emit: wrong jobs, too many, and chains without an end are refused', async () => {
    const wrong = refused('export default [await refused(() => emit({ scrip: "1" })), await refused(() => emit("1")), await refused(() => emit({ script: "1", emitted: {} })), await refused(() => emit({ script: "1" }, { class: "urgent" }))]');
    assert.deepEqual(await value(wrong), Array(4).fill('InvalidArgument'));
    const many = refused('let n = 0, last; while (n < 200 && typeof last !== "string") { last = await refused(() => emit({ script: "1", id: "same" })); if (typeof last !== "string") n++ } export default [n, last]');
    assert.deepEqual(await value(many), [100, 'BudgetExceeded']);
    const script = 'const text = job.input; export default await emit({ script: text, input: text }).then((e) => e.id, (e) => e.constructor.name)';
    let r = await c.execute({ id: 'chain', script, input: script });
    let length = 0;
    for (; r.value !== 'BudgetExceeded'; length++) r = await c.result(r.value);
    assert.equal(length, 8);
    const invalid = await c.execute({ script: '1', emitted: { by: 'x', depth: 9 } });
    assert.match(invalid.error.message, /^emitted\.depth: found 9; allowed: a whole number from 1 to 8/);
});

test('isolane run keeps kv in a file of the data folder; emit says that there is no queue', async () => {
    const data = fresh_folder();
    const file = join(scratch, 'kv.mjs');
    writeFileSync(file, 'console.log(await kv.get("n") ?? 0, await kv.put("n", (await kv.get("n") ?? 0) + 1), (await kv.list()).keys.join());\n' +
        'await emit({ script: "1" }).catch((e) => console.log(e.constructor.name, e.message));');
    for (const n of [0, 1]) {
        const end = await run(program, ['run', file, '--data', data, '--allow', 'kv,emit']);
        assert.equal(end.stdout, `${n} ${n + 1} n\nHostError emit: needs a queue, which 'isolane run' has not\n`, end.stderr);
    }
});

test('log: lines of JSON on stderr', async () => {
    const r = await c.execute({ script: 'log.info("begun", { n: 1, level: "mine", error: new TypeError("no"), big: 1n }); log.error({ a: 1 }); try { log.warn("x", 3) } catch (e) { log.debug(e.message) }' });
    const lines = r.stderr.trim().split('\n').map((l) => JSON.parse(l));
    assert.deepEqual(lines.map((l) => [l.level, l.msg]), [['info', 'begun'], ['error', '{ a: 1 }'], ['debug', 'log.warn: fields: found number; allowed: an object']]);
    assert.deepEqual([lines[0].n, lines[0]._level, lines[0].error.name, lines[0].big], [1, 'mine', 'TypeError', '1n']);
    assert.ok(Math.abs(Date.parse(lines[0].time) - Date.parse(r.finished_at)) < 60_000);
});
