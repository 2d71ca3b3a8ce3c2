// examples/nats/accounts.conf at a real nats-server: what a tenant's user and a worker can do there, and what they cannot.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PermissionViolationError, connect, headers } from '@nats-io/transport-node';
import { open_envelope } from './lib/client.mjs';
import { fresh_folder, patience, root } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { NatsServer, config_file, worker } from './lib/worker.mjs';

const tenants = [{ name: 'ci', permissions: { artifacts: true } }, { name: 'web' }];
let server, w;
const users = {};
const login = (user) => connect({ servers: server.url, user, pass: `${user}-password` });

before(async () => {
    server = await NatsServer.start({ conf: readFileSync(join(root, 'examples/nats/accounts.conf'), 'utf8') });
    w = await worker(server.url, { config: { tenants, nats: { user: 'worker', password: 'worker-password' } } });
    for (const name of ['ci', 'ci-reader', 'web', 'worker']) users[name] = await login(name);
});
after(async () => {
    for (const nc of Object.values(users)) await nc.close();
    await w?.stop();
    await server?.stop();
});

const timeout = 5000 * patience;
const direct = (tenant, id) => `$JS.API.DIRECT.GET.ISOLANE_RESULTS.isolane.results.${tenant}.${id}`;

/** Publishes a job as a JetStream client does: a request answered by a PubAck. */
async function publish(nc, tenant, job, cls = 'normal') {
    const ack = (await nc.request(`isolane.jobs.${tenant}.${cls}`, JSON.stringify(job), { timeout })).json();
    assert.equal(ack.stream, 'ISOLANE_JOBS', JSON.stringify(ack));
    return ack;
}

async function result(nc, tenant, id) {
    const m = await until(`the result of ${id}`, async () => {
        const reply = await nc.request(direct(tenant, id), '', { timeout });
        return reply.headers?.get('Status') === '404' || reply.headers?.code === 404 ? null : reply;
    });
    return open_envelope(m.json());
}

/** The server says no: a permission violation, or that there is nobody in this account. Silence is no answer. */
async function refused(what, act) {
    const error = await act().then(() => null, (e) => e);
    assert.ok(error, `${what}: it was allowed`);
    assert.ok(error instanceof PermissionViolationError || /permissions violation|no responders/i.test(`${error.name} ${error.message} ${error.cause?.message}`), `${what}: ${error}`);
}

test('a tenant publishes its jobs, is told of their output and results, and polls them', async () => {
    const heard = { results: 0, logs: 0, progress: 0 };
    for (const kind of Object.keys(heard)) users.ci.subscribe(`isolane.${kind}.ci.>`, { callback: () => { heard[kind]++; } });
    await users.ci.flush();
    for (const cls of ['high', 'normal', 'low']) await publish(users.ci, 'ci', { id: `mine-${cls}`, script: 'job.progress(1); console.log(1); await new Promise((f) => setTimeout(f, 50)); export default job.id' }, cls);
    for (const cls of ['high', 'normal', 'low']) assert.equal((await result(users.ci, 'ci', `mine-${cls}`)).value, `mine-${cls}`);
    await until('what the tenant is told', () => heard.results === 3 && heard.logs >= 3 && heard.progress === 3);
    assert.equal((await result(users['ci-reader'], 'ci', 'mine-low')).value, 'mine-low');
});

test('its jobs put artifacts and read them', async () => {
    await publish(users.ci, 'ci', { id: 'puts', script: 'await job.artifacts.put("a", "hello")' });
    const [a] = (await result(users.ci, 'ci', 'puts')).artifacts;
    await publish(users.ci, 'ci', { id: 'gets', script: 'export default (await job.artifacts.get("a")).text()', artifacts: { a: { object: a.object, sha256: a.sha256, size: a.size } } });
    assert.equal((await result(users.ci, 'ci', 'gets')).value, 'hello');
});

test('`isolane submit` and `isolane result` work with a tenant\'s login', async () => {
    const config = config_file({ tenants, nats: { user: 'web', password: 'web-password' } });
    const args = ['--nats', server.url, '--config', config, '--data', fresh_folder(), '--tenant', 'web'];
    const sent = await isolane(['submit', '-', '--id', 'by-cli', '--wait=20', '--json', ...args], { input: 'export default 7' });
    assert.deepEqual([sent.code, JSON.parse(sent.stdout || '{}').value], [0, 7], sent.stderr);
    const read = await isolane(['result', 'by-cli', '--json', ...args]);
    assert.deepEqual([read.code, JSON.parse(read.stdout || '{}').value], [0, 7], read.stderr);
});

test('a tenant\'s login submits a batch and sees its counts, and cancels only its own', async () => {
    const path = config_file('{"script":"1"}\n{"id":"b.slow","script":"await new Promise((f) => setTimeout(f, 60000))","limits":{"wall_ms":100000}}\n');
    const as = (user) => ['--nats', server.url, '--set', `nats.user=${user}`, '--set', `nats.password=${user}-password`];
    const sent = await isolane(['submit', '--batch', path, '--id', 'b', '--tenant', 'ci', ...as('ci')]);
    assert.deepEqual([sent.code, sent.stdout], [0, 'b\n'], sent.stderr);
    await until('one to run', async () => /^ +1 {2}running\n +1 {2}ok$/m.test((await isolane(['batch', 'b', '--tenant', 'ci', ...as('ci')])).stdout));
    for (const subject of ['isolane.cancels.ci.b', 'isolane.cancels.ci', 'isolane.batches.ci.b'])
        await refused(`${subject} by another tenant`, () => users.web.request(subject, '{}', { timeout }));
    const other = await isolane(['cancel', '--batch', 'b', '--tenant', 'ci', ...as('web')]);
    assert.notEqual(other.code, 0);
    const own = await isolane(['cancel', '--batch', 'b', '--tenant', 'ci', ...as('ci')]);
    assert.equal(own.code, 0, own.stderr);
    const end = await isolane(['batch', 'b', '--tenant', 'ci', '--wait=60', '--json', ...as('ci')]);
    assert.equal(end.code, 1, end.stderr);
    assert.deepEqual(JSON.parse(end.stdout).value.outcomes, { ok: 1, cancelled: 1 });
});

test('a tenant calls with its own login, and nobody calls for it', async () => {
    const envelope = (await users.ci.request('isolane.call.ci', '{"script":"export default job.tenant"}', { timeout })).json();
    assert.equal(JSON.parse(Buffer.from(envelope.payload, 'base64')).predicate.value, 'ci');
    await refused('a call for another tenant', () => users.web.request('isolane.call.ci', '{"script":"1"}', { timeout }));
});

test('nobody gets in without a login, or with another\'s password', async () => {
    await assert.rejects(connect({ servers: server.url, maxReconnectAttempts: 0 }), /uthorization/);
    await assert.rejects(connect({ servers: server.url, user: 'ci', pass: 'web-password', maxReconnectAttempts: 0 }), /uthorization/);
});

test('a tenant cannot publish or read what is another\'s, nor rule the streams', async () => {
    await publish(users.ci, 'ci', { id: 'private', script: 'export default "of ci"' });
    await result(users.ci, 'ci', 'private');
    for (const [what, user, subject] of [
        ['a job of another tenant', 'web', 'isolane.jobs.ci.normal'],
        ['another\'s result by direct get', 'web', direct('ci', 'private')],
        ['any result by direct get', 'web', '$JS.API.DIRECT.GET.ISOLANE_RESULTS'],
        ['a message of the stream', 'web', '$JS.API.STREAM.MSG.GET.ISOLANE_RESULTS'],
        ['the streams', 'web', '$JS.API.STREAM.LIST'],
        ['deleting the jobs stream', 'web', '$JS.API.STREAM.DELETE.ISOLANE_JOBS'],
        ['purging the jobs stream', 'web', '$JS.API.STREAM.PURGE.ISOLANE_JOBS'],
        ['taking jobs as a worker does', 'web', '$JS.API.CONSUMER.MSG.NEXT.ISOLANE_JOBS.worker_normal_ci'],
        ['making a consumer', 'web', '$JS.API.CONSUMER.CREATE.ISOLANE_RESULTS'],
        ['a forged result', 'web', 'isolane.results.web.forged'],
        ['cancelling', 'web', 'isolane.cancel.private'],
        ['the state of any job', 'web', 'isolane.results.get'],
        ['draining a worker', 'web', 'isolane.workers.x.drain'],
        ['a job by a reader', 'ci-reader', 'isolane.jobs.ci.normal'],
        ['the streams, by the worker', 'worker', '$JS.API.STREAM.LIST'],
        ['deleting the jobs stream, by the worker', 'worker', '$JS.API.STREAM.DELETE.ISOLANE_JOBS'],
        ['purging results, by the worker', 'worker', '$JS.API.STREAM.PURGE.ISOLANE_RESULTS'],
        ['a job put away for later', 'web', 'isolane.later.web.x'],
        ['a dead letter', 'web', 'isolane.dead.web.x'],
        ['an event', 'web', 'isolane.events.web.x'],
    ])
        await refused(what, () => users[user].request(subject, '{}', { timeout }));
});

test('a tenant cannot listen to another\'s results, output, jobs or inboxes', async () => {
    for (const subject of ['isolane.results.ci.>', 'isolane.logs.ci.>', 'isolane.>', '>', 'isolane.jobs.web.>', '$JS.>'])
        await refused(`subscribing to ${subject}`, async () => {
            const sub = users.web.subscribe(subject);
            for await (const _ of sub) break;
        });
    // Inboxes it may name, but they are those of its own account.
    let overheard = 0;
    users.web.subscribe('_INBOX.>', { callback: (_e, m) => { if (m.subject.startsWith('_INBOX.') && m.string().includes('of ci')) overheard++; } });
    users.web.subscribe('isolane.results.web.>', { callback: (_e, m) => { if (m.string().includes('private')) overheard++; } });
    await users.web.flush();
    await publish(users.ci, 'ci', { id: 'private-2', script: 'export default "of ci"' });
    await result(users.ci, 'ci', 'private-2');
    await publish(users.web, 'web', { id: 'after', script: '1' });
    await result(users.web, 'web', 'after');
    assert.equal(overheard, 0);
});

test('a reply subject of another tenant leads nowhere: no PubAck can stand in the place of a result', async () => {
    const heard = [];
    users.ci.subscribe('isolane.results.ci.victim', { callback: (_e, m) => heard.push(m.string()) });
    await users.ci.flush();
    users.web.publish('isolane.jobs.web.normal', JSON.stringify({ id: 'attack', script: '1' }), { reply: 'isolane.results.ci.victim' });
    users.web.publish(direct('web', 'by-cli'), '', { reply: 'isolane.results.ci.victim' });
    users.web.publish(direct('web', 'by-cli'), '', { reply: 'isolane.jobs.ci.normal' });
    await users.web.flush();
    await result(users.web, 'web', 'attack');
    await publish(users.ci, 'ci', { id: 'victim', script: 'export default "mine"' });
    assert.equal((await result(users.ci, 'ci', 'victim')).value, 'mine');
    await until('the result to be told', () => heard.length > 0);
    assert.equal(heard.length, 1);
    assert.equal(open_envelope(JSON.parse(heard[0])).value, 'mine');
});

test('headers pass: a job\'s Nats-Msg-Id is its id', async () => {
    const h = headers();
    h.set('Nats-Msg-Id', 'ci/header-1');
    const ack = (await users.ci.request('isolane.jobs.ci.normal', '{"id":"header-1","script":"export default 9"}', { headers: h, timeout })).json();
    assert.equal(ack.stream, 'ISOLANE_JOBS');
    assert.equal((await result(users.ci, 'ci', 'header-1')).value, 9);
});

test('the worker had all it needs: no complaint', () => {
    assert.doesNotMatch(w.stderr, /warn|error/, w.stderr);
    assert.doesNotMatch(readFileSync(server.log, 'utf8').split('\n').filter((l) => /User "worker"/.test(l) && !/STREAM\.(LIST|DELETE|PURGE)|isolane\.jobs/.test(l)).join('\n'), /Violation/);
});
