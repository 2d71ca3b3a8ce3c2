// EventSource against a real server on loopback: events, reconnection with the last id, what ends it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { start_http } from './lib/http_server.mjs';
import { fresh_folder, scratch } from './lib/place.mjs';
import { isolane } from './lib/process.mjs';
import { config_file } from './lib/worker.mjs';

let server, config, n = 0;
const data = fresh_folder();
before(async () => {
    server = await start_http();
    config = config_file({ tenants: [{ name: 'default', permissions: { net: ['127.0.0.1'] }, egress_private: ['127.0.0.1'] }] });
});
after(() => server?.close());

async function value(body) {
    const file = join(scratch, `events-${++n}.mjs`);
    writeFileSync(file, `const { at } = job.input;\nexport default await new Promise((done) => { ${body} });`);
    const end = await isolane(['run', file, '--json', '--config', config, '--data', data, '--input', JSON.stringify({ at: server.http })]);
    const r = JSON.parse(end.stdout);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r.value;
}

test('events, comments, types, ids; the connection is made again with the last id', async () => {
    const found = await value(`
        const log = [];
        const es = new EventSource(at + '/events');
        const note = (e) => log.push([e.type, e.data, e.lastEventId, e.origin === at]);
        es.onopen = () => log.push(['open', es.readyState]);
        es.onmessage = note;
        es.addEventListener('other', (e) => { note(e); if (e.lastEventId === '4') { es.close(); done([log, es.readyState]); } });
        es.onerror = () => log.push(['error', es.readyState]);`);
    assert.deepEqual(found, [[
        ['open', 1], ['message', 'first of 0\ntwo lines', '1', true], ['other', '{"n": 2}', '2', true], ['error', 0],
        ['open', 1], ['message', 'first of 2\ntwo lines', '3', true], ['other', '{"n": 4}', '4', true]], 2]);
});

test('a wrong type, a wrong status, a refusal: an error, and no second try', async () => {
    for (const [path, words] of [['/events?type=text/plain', 'Content-Type "text/plain"'], ['/status?code=500', 'status 500'], ['/empty', 'status 204']]) {
        const [state, message] = await value(`const es = new EventSource(at + '${path}'); es.onerror = (e) => done([es.readyState, e.message]);`);
        assert.equal(state, 2);
        assert.ok(message.includes(words), message);
    }
    assert.deepEqual(await value(`const es = new EventSource('http://elsewhere.example/'); es.onerror = (e) => done([es.readyState, e.error.cause.name]);`), [2, 'PermissionDenied']);
});

test('close before it is open; what it is', async () => {
    assert.deepEqual(await value(`
        const es = new EventSource(at + '/slow', { withCredentials: true }); const before = es.readyState; es.close();
        let wrong; try { new EventSource('not a url'); } catch (e) { wrong = e.name; }
        setTimeout(() => done([before, es.readyState, es.url === at + '/slow', es.withCredentials, EventSource.OPEN, es.CLOSED, wrong, es instanceof EventTarget, Object.prototype.toString.call(es)]), 20);`),
    [0, 2, true, true, 1, 2, 'SyntaxError', true, '[object EventSource]']);
});
