// Whatever comes in on a jobs subject gets a result that says exactly what is wrong, and the worker
// stays up.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

let w, c;
before(async () => {
    w = await up({ config: { tenants: [{ name: 'default', ceilings: { cpu_ms: 2000 } }, { name: 'small', ceilings: { heap_mb: 16 } }] } });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const script = 'console.log("never")';
const deep = '['.repeat(5000) + ']'.repeat(5000);

for (const [what, message, pattern] of [
    ['no JSON', 'console.log(1)', /JSON/],
    ['nothing at all', '', /^job: found an empty message; allowed: a JSON object/],
    ['JSON that is cut off', '{"script":"1', /JSON/],
    ['text behind the JSON', '{"script":"1"} trailing', /JSON/],
    ['an array', '["script"]', /^job: found array; allowed: an object/],
    ['a string', '"script"', /^job: found string; allowed: an object/],
    ['no script', '{}', /^script: missing/],
    ['an unknown field', { script, cpu: 5 }, /^unknown field 'cpu'; allowed: id, script, /],
    ['a field that is spelled wrongly', { script, limit: {} }, /^unknown field 'limit'; did you mean 'limits'\?/],
    ['an unknown limit', { script, limits: { cpu: 5 } }, /^limits: unknown field 'cpu'; allowed: cpu_ms, .*did you mean 'cpu_ms'\?/],
    ['a script that is no string', { script: 5 }, /^script: found number; allowed: a string/],
    ['limits that are no object', { script, limits: 5 }, /^limits: found .*; allowed: an object/],
    ['a limit that is no number', { script, limits: { cpu_ms: '5' } }, /^limits\.cpu_ms: found .*; allowed: /],
    ['a limit that is no whole number', { script, limits: { cpu_ms: 1.5 } }, /^limits\.cpu_ms: found .*; allowed: /],
    ['a negative limit', { script, limits: { wall_ms: -1 } }, /^limits\.wall_ms: found -1; allowed: a whole number from 1 to 600000/],
    ['a limit of zero', { script, limits: { heap_mb: 0 } }, /^limits\.heap_mb: found 0; allowed: a whole number from 8 to 512/],
    ['a limit over the ceiling', { script, limits: { heap_mb: 100000 } }, /^limits\.heap_mb: found 100000; allowed: 8 to 512 \(ceiling of tenant 'default'\)/],
    ['a limit over this tenant\'s ceiling', { script, limits: { cpu_ms: 2001 } }, /^limits\.cpu_ms: found 2001; allowed: 1 to 2000 \(ceiling of tenant 'default'\)/],
    ['a limit beyond all numbers', `{"script":"1","limits":{"cpu_ms":1e400}}`, /./],
    ['a type that does not exist', { script, type: 'typescript' }, /^type: found .typescript.; allowed: /],
    ['a type that is no string', { script, type: true }, /^type: found /],
    ['env that is no object', { script, env: ['A=1'] }, /^env: found array; allowed: an object/],
    ['env with a value that is no string', { script, env: { A: 1 } }, /^env\.A: found 1; allowed: a string/],
    ['a name that is no string', { script, name: {} }, /^name: found /],
    ['a name that is too long', { script, name: 'n'.repeat(300) }, /^name: .*255/],
    ['max_attempts out of range', { script, max_attempts: 0 }, /^max_attempts: found 0; allowed: a whole number from 1 to 100/],
    ['JSON that is nested too deep', `{"script":"1","input":${deep}}`, /^job: not valid JSON: .*maximum parsing depth/],
    ['a name that stands twice', '{"script":"1","script":"2"}', /script.*twice|duplicate.*script/i],
]) {
    test(`invalid: ${what}`, async () => {
        const r = await c.execute(message);
        assert.equal(r.outcome, 'invalid', JSON.stringify(r.error));
        assert.equal(r.state, 'done');
        assert.equal(r.error.name, 'InvalidJob');
        assert.match(r.error.message, pattern);
        assert.ok(!/\n/.test(r.error.message));
        assert.deepEqual([r.value, r.stdout, r.started_at, r.attempts], [null, '', null, 0]);
    });
}

test('invalid: UTF-8 that is none', async () => {
    const message = Buffer.concat([Buffer.from('{"script":"console.log(\''), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from('\')"}')]);
    const r = await c.execute(message);
    assert.equal(r.outcome, 'invalid');
    assert.match(r.error.message, /^job: found invalid UTF-8 at byte 24; allowed: JSON text in UTF-8/);
});

test('invalid: job ids that cannot stand in a subject; the result has the sequence as id', async () => {
    for (const id of ['a b', 'a*', '>', '.a', 'a.', 'a..b', 'ä', '', 'x'.repeat(129), 'a/b', 'a\nb', '{}', '12345', 5, null, ['a']]) {
        const { seq } = await c.publish({ id, script });
        const r = await c.result(seq);
        assert.equal(r.outcome, 'invalid', JSON.stringify(id));
        assert.match(r.error.message, /^id: /, JSON.stringify(id));
    }
});

test('ids with every character that is allowed work', async () => {
    for (const id of ['a', 'A-z_0.9:x=@y+z', 'build.42.retry', 'x'.repeat(128), '007x'])
        assert.equal((await c.execute({ id, script: 'export default job.id' })).value, id);
});

test('invalid: a Nats-Msg-Id that is no valid id does not stop the job: the sequence is its id', async () => {
    const { seq } = await c.publish({ script: 'export default job.id' }, { msg_id: 'not a valid id!' });
    const r = await c.result(seq);
    assert.ok((r.outcome === 'ok' && r.value === String(seq)) || (r.outcome === 'invalid' && /Nats-Msg-Id/.test(r.error.message)), JSON.stringify(r));
});

test('invalid: an unknown tenant', async () => {
    const { seq } = await c.publish({ script }, { tenant: 'nobody' });
    const r = await c.result(seq, { tenant: 'nobody' });
    assert.deepEqual([r.outcome, r.tenant], ['invalid', 'nobody']);
    assert.match(r.error.message, /tenant.*nobody/);
});

test('a class that does not exist is refused to the publisher\'s face: no stream takes it', async () => {
    await assert.rejects(c.publish({ script }, { cls: 'urgent' }), /no responders|no stream|503|jetstream/i);
});

test('invalid: a tenant whose name cannot be one does not block the queue', async () => {
    await c.publish({ script }, { tenant: 't$nant' });
    assert.equal((await c.execute({ script: 'export default 1' })).value, 1);
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
});

test('a tenant\'s own ceiling holds for defaults too', async () => {
    const r = await c.execute({ script: 'export default 1' }, { tenant: 'small' });
    assert.equal(r.outcome, 'ok');
    const over = await c.execute({ script, limits: { heap_mb: 17 } }, { tenant: 'small' });
    assert.match(over.error.message, /^limits\.heap_mb: found 17; allowed: 8 to 16 \(ceiling of tenant 'small'\)/);
});

test('invalid: a message over job_max_kb says how large it was', async () => {
    const r = await c.execute({ script: 'export default job.input.length', input: 'x'.repeat(10 * 1024 * 1024) });
    assert.equal(r.outcome, 'invalid');
    assert.match(r.error.message, /^job: found \d{8} bytes; allowed: at most 8388608 \(job_max_kb\)/);
});

test('five megabytes of input are fine', async () => {
    const r = await c.execute({ script: 'export default job.input.length', input: 'x'.repeat(5 * 1024 * 1024), limits: { cpu_ms: 2000 } });
    assert.deepEqual([r.outcome, r.value], ['ok', 5 * 1024 * 1024], r.error?.message);
});

test('a script with a syntax error threw; an empty one is told', async () => {
    const broken = await c.execute({ script: 'let let = 1;;; }' });
    assert.deepEqual([broken.outcome, broken.error.name], ['threw', 'SyntaxError']);
    const empty = await c.execute({ script: '' });
    assert.ok(['invalid', 'ok'].includes(empty.outcome));
    if (empty.outcome === 'invalid') assert.match(empty.error.message, /^script: .*empty/);
});

test('the worker is up, has no complaint of its own, and the queue is empty', async () => {
    assert.ok(w.is_up());
    assert.equal((await c.execute({ script: 'export default 1' })).value, 1);
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
});
