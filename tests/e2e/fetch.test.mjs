// fetch: what a job's requests do through the worker, with real servers on loopback, and what policy refuses.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { start_dns } from './lib/dns_server.mjs';
import { start_http } from './lib/http_server.mjs';
import { build, fresh_folder, root, scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { config_file, up } from './lib/worker.mjs';

const IDLE_MS = 3000; // more than a server on a busy machine ever pauses
let w, c, server, dns, trap, trapped = 0;
before(async () => {
    server = await start_http();
    trap = createServer((s) => { trapped++; s.destroy(); });
    await new Promise((done) => { trap.listen(0, '127.0.0.1', done); });
    dns = await start_dns({
        'loop.test': [['127.0.0.1']],
        'inside.test': [['10.0.0.5']],
        'mixed.test': [['93.184.216.34', '127.0.0.1']],
        'rebind.test': [['93.184.216.34'], ['127.0.0.1']],
        'meta.test': [['169.254.169.254']],
    });
    w = await up({
        args: ['--set', 'log_level=debug'],
        config: {
            egress: { resolvers: dns.resolvers, ca_file: server.ca, max_requests: 40, max_concurrent: 4, connect_timeout_ms: 4000, max_body_mb: 2, idle_timeout_ms: IDLE_MS, max_attempt_mb: 8 },
            limits: { ceilings: { memory_mb: 2048 } },
            tenants: [
                { name: 'open', permissions: { net: ['127.0.0.1', '*.test', 'localhost'] }, egress_private: ['127.0.0.0/8'] },
                { name: 'shut', permissions: { net: ['127.0.0.1', '*.test', 'localhost', '[::1]'] } },
                { name: 'none' },
            ],
        },
    });
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
    server?.close();
    dns?.close();
    trap?.close();
});

/** The value of a script that finds `at` (the server), `tls`, `trap` and failure(f). */
const prelude = `const { at, tls, trap } = job.input;
const failure = async (f) => { try { return ['no error', await f()]; } catch (e) { return { name: e.name, message: e.message, cause: e.cause?.name, why: e.cause?.message }; } };
const bytes = async (r) => { let n = 0; for await (const x of r.body) n += x.length; return n; };
`;
async function job(body, { tenant = 'open', ...more } = {}) {
    const input = { at: server.http.replace('127.0.0.1', 'loop.test'), tls: `https://loop.test:${server.ports.tls}`, trap: `http://127.0.0.1:${trap.address().port}` };
    return c.execute({ script: `${prelude}export default await (async () => { ${body} })()`, input, ...more }, { tenant });
}
async function value(body, options) {
    const r = await job(body, options);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r.value;
}

test('a response: status, headers, body in every form', async () => {
    assert.deepEqual(await value(`
        const r = await fetch(at + '/hello#x');
        const again = r.clone();
        return [r.status, r.ok, r.statusText, r.headers.get('content-type'), r.url === at + '/hello', r.redirected, r.type, await r.text(), (await again.bytes()).length, r.bodyUsed,
            await (await fetch(at + '/json')).json(), (await (await fetch(at + '/empty')).text()), (await fetch(at + '/status?code=404')).ok,
            (await (await fetch(at + '/chunked')).blob()).size, (await fetch(at + '/cookies')).headers.getSetCookie()];`),
    [200, true, 'OK', 'text/plain', true, false, 'basic', 'hello', 5, true, { a: [1, 2, 3] }, '', false, 13, ['a=1', 'b=2']]);
});

test('a request: method, headers, bodies small and large, as streams and as forms', async () => {
    const found = await value(`
        const echo = async (init, path = '/echo') => (await fetch(at + path, init)).json();
        const a = await echo({ method: 'PATCH', headers: { 'x-a': '1', host: 'evil.example', 'content-length': '99', cookie: 'c=d' }, body: 'text' });
        const big = new Uint8Array(500000).fill(7);
        const b = await (await fetch(at + '/count', { method: 'POST', body: big })).text();
        let n = 0;
        const s = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(10000)); if (++n === 40) c.close(); } });
        const d = await (await fetch(at + '/count', { method: 'POST', body: s, duplex: 'half' })).text();
        const form = new FormData(); form.append('a', 'ä'); form.append('f', new File(['file'], 'f.txt', { type: 'text/plain' }));
        const back = await (await fetch(at + '/back', { method: 'POST', body: form })).formData();
        const e = await echo({ method: 'POST' });
        const f = await echo({ method: 'POST', body: new Blob(['{}'], { type: 'application/json' }) });
        return [a.method, a.headers, a.body, b, d, [back.get('a'), back.get('f').name, await back.get('f').text()], e.headers['content-length'], f.headers['content-type']];`);
    const [method, headers, body, big, stream, form, empty, type] = found;
    assert.deepEqual([method, body, big, stream, form, empty, type], ['PATCH', 'text', '500000', '400000', ['ä', 'f.txt', 'file'], '0', 'application/json']);
    assert.equal(headers['x-a'], '1');
    assert.equal(headers.host, `loop.test:${server.ports.http}`);
    assert.equal(headers['content-length'], '4');
    assert.equal(headers.cookie, 'c=d');
    assert.equal(headers['content-type'], 'text/plain;charset=UTF-8');
    assert.equal(headers['accept-encoding'], 'gzip, deflate, br, zstd');
});

test('bodies go both ways at once', async () => {
    assert.deepEqual(await value(`
        const s = new ReadableStream({ n: 0, pull(c) { c.enqueue(new Uint8Array(65536)); if (++this.n === 20) c.close(); } });
        return bytes(await fetch(at + '/back', { method: 'POST', body: s, duplex: 'half' }));`), 20 * 65536);
});

test('HTTP/2 over TLS with a CA of the configuration', async () => {
    assert.deepEqual(await value(`
        const e = await (await fetch(tls + '/echo', { method: 'PUT', body: 'x' })).json();
        return [e.version, e.method, e.body, await bytes(await fetch(tls + '/big?bytes=1500000')), (await fetch(tls + '/hello')).statusText];`),
    ['2.0', 'PUT', 'x', 1500000, '']);
    const r = await value(`return failure(() => fetch(tls.replace('loop.test', '127.0.0.1').replace('127.0.0.1', 'x.loop.test')))`);
    assert.equal(r.name, 'TypeError');
});

test('encoded bodies are decoded', async () => {
    assert.deepEqual(await value(`
        const out = [];
        for (const as of ['gzip', 'deflate', 'deflate-raw', 'br', 'zstd', 'gzip,br'])
            out.push(await (await fetch(at + '/encoded?text=some%20text&as=' + as)).text());
        return out;`), Array(6).fill('some text'));
    const r = await job(`return bytes(await fetch(at + '/bomb?mb=512&as=gzip'))`, { limits: { memory_mb: 64, cpu_ms: 30000, wall_ms: 60000 } });
    assert.deepEqual([r.outcome, r.value], ['ok', 512 << 20]); // a stream of it fits
    const held = await job(`return (await (await fetch(at + '/bomb?mb=128&as=br')).arrayBuffer()).byteLength`, { limits: { memory_mb: 64, cpu_ms: 30000, wall_ms: 60000 } });
    assert.equal(held.outcome, 'memory_exceeded');
});

test('redirects: followed, counted, refused, left alone', async () => {
    const found = await value(`
        const to = (code, where, init) => fetch(at + '/redirect?code=' + code + '&to=' + encodeURIComponent(where), init);
        const a = await to(302, '/hello');
        const m = await to(301, '/hello', { redirect: 'manual' });
        const p = await (await to(302, '/echo', { method: 'POST', body: 'x' })).json();
        const k = await (await to(307, '/echo', { method: 'POST', body: 'kept' })).json();
        const auth = { headers: { authorization: 'Bearer t' } };
        const same = await (await to(302, '/echo', auth)).json();
        const other = await (await to(302, at.replace('loop.test', '127.0.0.1') + '/echo', auth)).json();
        return [a.redirected, a.url === at + '/hello', await a.text(), m.status, m.headers.get('location'), p.method, p.length, k.method, k.body,
            same.headers.authorization, other.headers.authorization ?? 'none',
            (await failure(() => to(302, '/hello', { redirect: 'error' }))).name,
            (await failure(() => to(307, '/echo', { method: 'POST', body: new ReadableStream({ start(c) { c.close(); } }), duplex: 'half' }))).why];`);
    assert.deepEqual(found, [true, true, 'hello', 301, '/hello', 'GET', 0, 'POST', 'kept', 'Bearer t', 'none', 'TypeError',
        'found a redirect of a request whose body is a stream: it cannot be sent twice']);
    const loop = await value(`return failure(() => fetch(at + '/loop'))`);
    assert.match(loop.why, /found more than 20 redirects|found redirect number 21/);
    const down = await value(`return failure(() => fetch(tls + '/redirect?to=' + encodeURIComponent(at + '/hello')))`);
    assert.equal(down.cause, 'PermissionDenied');
    assert.match(down.why, /found a redirect from https to http/);
});

test('a tenant without permissions reaches nothing, and nothing is asked of DNS', async () => {
    const before = structuredClone(dns.asked);
    const r = await value(`return failure(() => fetch(at + '/hello'))`, { tenant: 'none' });
    assert.deepEqual(r, {
        name: 'TypeError', cause: 'PermissionDenied',
        why: `net: loop.test, port ${server.ports.http}, is not in permissions.net; allowed: nothing (permissions.net is empty)`,
        message: `fetch failed: net: loop.test, port ${server.ports.http}, is not in permissions.net; allowed: nothing (permissions.net is empty)`,
    });
    assert.deepEqual(dns.asked, before);
});

test('addresses inside are refused before anything is connected to, behind redirects too', async () => {
    const seen = server.seen.requests.length;
    const port = trap.address().port;
    const found = await value(`
        const out = [];
        for (const host of ['loop.test', '127.0.0.1', 'localhost', '[::1]', 'inside.test', 'mixed.test', 'meta.test', '2130706433', '0x7f.1'])
            out.push((await failure(() => fetch('http://' + host + ':${port}/'))).cause);
        return out;`, { tenant: 'shut' });
    assert.deepEqual(found, Array(9).fill('PermissionDenied'));
    const redirected = await value(`
        const out = [];
        for (const to of ['http://inside.test/', 'http://169.254.169.254/latest/', 'http://not-listed.example/', 'http://meta.test/', 'file:///etc/passwd', 'http://[::1]:${port}/'])
            out.push(await failure(() => fetch(at + '/redirect?to=' + encodeURIComponent(to))));
        return out.map((r) => r.cause);`);
    assert.deepEqual(redirected, ['PermissionDenied', 'PermissionDenied', 'PermissionDenied', 'PermissionDenied', 'TypeError', 'PermissionDenied']);
    assert.equal(trapped, 0);
    assert.equal(server.seen.requests.length, seen + 6);
});

test('a name that rebinds is asked for once a request, and the second answer is judged anew', async () => {
    const port = trap.address().port;
    const r = await value(`
        const signal = AbortSignal.timeout(200); // 93.184.216.34 is connected to by nobody here: the decision is what counts
        return failure(() => fetch('http://rebind.test:25/')).then(async (bad) => [bad.cause, (await failure(() => fetch('http://rebind.test.:${port}/', { signal: AbortSignal.abort() }))).name]);`, { tenant: 'shut' });
    assert.deepEqual(r, ['PermissionDenied', 'AbortError']);
    assert.equal(dns.asked['rebind.test'] ?? 0, 0);
    assert.equal(trapped, 0);
});

test('abort: before, while waiting, in the body; the server sees the connection go', async () => {
    const found = await value(`
        const a = await failure(() => fetch(at + '/hello', { signal: AbortSignal.abort() }));
        const b = await failure(() => fetch(at + '/silent', { signal: AbortSignal.timeout(50) }));
        const ctl = new AbortController();
        const r = await fetch(at + '/slow', { signal: ctl.signal });
        const reader = r.body.getReader(); await reader.read();
        ctl.abort(new RangeError('enough'));
        const d = await failure(async () => { for (;;) await reader.read(); });
        const done = new AbortController(); const whole = await fetch(at + '/hello', { signal: done.signal }); const text = await whole.text(); done.abort();
        const up = new AbortController(); let cancelled;
        const s = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1000)); return new Promise((f) => setTimeout(f, 5)); }, cancel(e) { cancelled = e.name; } });
        setTimeout(() => up.abort(), 60);
        const e = await failure(() => fetch(at + '/count', { method: 'POST', body: s, duplex: 'half', signal: up.signal }));
        return [a.name, b.name, d.name, text, e.name, cancelled];`);
    assert.deepEqual(found, ['AbortError', 'TimeoutError', 'RangeError', 'hello', 'AbortError', 'AbortError']);
});

test('what is no response is an error that says why', async () => {
    const found = await value(`
        const out = {};
        for (const name of ['cut', 'cut-chunk', 'garbage', 'huge-head', 'many-fields'])
            out[name] = await failure(async () => (await fetch(at + '/raw/' + name)).text());
        out.quiet = await failure(() => fetch(at + '/silent'));
        out.size = await failure(async () => (await fetch(at + '/big?bytes=3000000')).text());
        out.body = await failure(() => fetch(at + '/count', { method: 'POST', duplex: 'half', body: new ReadableStream({ pull(c) { c.error(new RangeError('mine')); } }) }));
        out.chunk = await failure(() => fetch(at + '/count', { method: 'POST', duplex: 'half', body: new ReadableStream({ pull(c) { c.enqueue('text'); c.close(); } }) }));
        return out;`, { limits: { wall_ms: 20000 } });
    for (const [name, r] of Object.entries(found)) assert.equal(r.name, 'TypeError', name);
    assert.match(found.cut.message, /ends early/);
    assert.match(found['huge-head'].why, /more than 65536 bytes or 256 fields/);
    assert.match(found.quiet.why, new RegExp(`nothing came for ${IDLE_MS} ms`));
    assert.deepEqual([found.size.cause, found.size.why], ['BudgetExceeded', 'net: loop.test: the response\'s body has more than 2097152 bytes']);
    assert.deepEqual([found.body.cause, found.body.why], ['RangeError', 'mine']);
    assert.equal(found.chunk.cause, 'TypeError');
});

test('more requests than may be at once wait for their turn, in order', async () => {
    const seen = server.seen.requests.length;
    assert.deepEqual(await value(`
        const all = await Promise.all(Array.from({ length: 20 }, async (_, i) => (await (await fetch(at + '/echo?n=' + i)).json()).method));
        const sent = (i, body) => fetch(at + '/count', { method: 'POST', body, duplex: 'half' }).then((r) => r.text());
        const bodies = await Promise.all([100, 60000, 0, 200000, 1, 150000, 0, 30000].map((n, i) => sent(i, i % 2 ? new ReadableStream({ start(c) { if (n) c.enqueue(new Uint8Array(n)); c.close(); } }) : new Uint8Array(n))));
        return [all.length, new Set(all).size, bodies];`, { limits: { wall_ms: 30000 } }),
    [20, 1, ['100', '60000', '0', '200000', '1', '150000', '0', '30000']]);
    assert.ok(server.seen.requests.length >= seen + 28);
});

test('one that waits can be called off, and ends with the run', async () => {
    assert.deepEqual(await value(`
        const stop = new AbortController(), off = new AbortController();
        const four = Array.from({ length: 4 }, () => fetch(at + '/slow', { signal: stop.signal }).then((r) => r.text())); // no end of their own
        const body = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1000)); } });
        const waiting = [fetch(at + '/hello', { signal: off.signal }), fetch(at + '/count', { method: 'POST', body, duplex: 'half', signal: off.signal }), fetch(at + '/hello')];
        setTimeout(() => off.abort(), 50);
        const ends = await Promise.allSettled(waiting.slice(0, 2));
        stop.abort();
        await Promise.allSettled(four);
        return [...ends.map((r) => r.reason.name), await (await waiting[2]).text()];`, { limits: { wall_ms: 30000 } }),
    ['AbortError', 'AbortError', 'hello']);
    const r = await job(`for (let i = 0; i < 6; i++) fetch(at + '/slow').catch(() => {}); return (await new Promise((w) => setTimeout(w, 50)), 'over')`);
    assert.deepEqual([r.outcome, r.value], ['ok', 'over'], JSON.stringify(r.error));
});

test('caps of one attempt: at once, in all, bytes', async () => {
    const at_once = await value(`
        const four = await Promise.all(Array.from({ length: 4 }, () => fetch(at + '/big?bytes=500000'))); // none is read: the fifth would wait for ever
        const e = await failure(() => fetch(at + '/hello'));
        await Promise.all(four.map((r) => r.body.cancel()));
        return [e.cause, e.why, await (await fetch(at + '/hello')).text()];`, { limits: { wall_ms: 60000 } });
    assert.deepEqual(at_once, ['BudgetExceeded', 'net: found more than 4 requests at once, responses whose bodies are not read to their end among them; allowed: up to that many (egress.max_concurrent)', 'hello']);
    const in_all = await value(`let n = 0; const e = await failure(async () => { for (;; n++) await (await fetch(at + '/hello')).text(); }); return [n, e.cause, e.why];`);
    assert.deepEqual(in_all, [40, 'BudgetExceeded', 'net: found more than 40 requests of one attempt; allowed: up to that many (egress.max_requests)']);
    const moved = await value(`let n = 0; const e = await failure(async () => { for (;; n++) await bytes(await fetch(at + '/big?bytes=2000000')); }); return [n, e.cause];`);
    assert.deepEqual(moved, [4, 'BudgetExceeded']);
    assert.equal((await value(`return (await fetch(at + '/hello')).text()`)), 'hello'); // the next attempt begins anew
});

test('a run that ends leaves nothing behind', async () => {
    const before = server.seen.requests.length;
    const r = await job(`await fetch(at + '/slow'); fetch(at + '/silent').catch(() => {}); return (await fetch(at + '/hello')).text()`);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    const stopped = await job(`await fetch(at + '/slow').then((x) => x.text())`, { limits: { wall_ms: 800 } });
    assert.equal(stopped.outcome, 'wall_exceeded');
    assert.ok(server.seen.requests.length >= before + 2);
    await until('the servers to be alone', () => server.busy() === 0);
});

test('connections are a tenant\'s own and are used again', async () => {
    const before = server.seen.connections;
    await value(`for (let i = 0; i < 10; i++) await (await fetch(at + '/hello')).text();`);
    assert.ok(server.seen.connections - before <= 1, `${server.seen.connections - before} connections`);
});

test('the log has decisions and no paths', async () => {
    await value(`return failure(() => fetch('http://nowhere.example/path?token=secret'))`);
    await until('a denial in the log', () => /info egress: job \S+ of open: net: nowhere\.example, port 80, is not in permissions\.net/.test(w.process.text.stderr));
    assert.doesNotMatch(w.process.text.stderr, /token=secret/);
});

test('the example, by `isolane run`: allowed, and not', async () => {
    const config = config_file({ tenants: [{ name: 'default', permissions: { net: ['127.0.0.1'] }, egress_private: ['127.0.0.1'] }] });
    const run = (more) => isolane(['run', join(root, 'examples/fetch.js'), '--json', '--data', fresh_folder(), '--input', JSON.stringify({ url: `${server.http}/chunked` }), ...more]);
    const fine = await run(['--config', config]);
    assert.deepEqual(JSON.parse(fine.stdout).value, { status: 200, bytes: 13, lines: 0 }, fine.stderr);
    const refused = JSON.parse((await run(['--config', config, '--deny', 'net'])).stdout);
    assert.deepEqual([refused.outcome, refused.error.name], ['threw', 'TypeError']);
    assert.match(refused.stderr, /PermissionDenied: net: 127\.0\.0\.1, port \d+, is not in permissions\.net/);
    const inside = JSON.parse((await run(['--allow', 'net=127.0.0.1'])).stdout);
    assert.match(inside.error.message, /127\.0\.0\.1 is 127\.0\.0\.1 \(loopback/);
});

test('a cell that was taken over gets no further than a script', async () => {
    const ask = (rest) => `call fetch {"url":"http://127.0.0.1:${trap.address().port}/",${rest}}`;
    const script = join(scratch, 'enemy.txt');
    writeFileSync(script, [
        ask('"method":"CONNECT","headers":[]'),
        ask('"method":"GET","headers":["Host","evil"]'),
        ask('"method":"GET","headers":["a","b\\r\\nHost: evil"]'),
        ask('"method":"GET","headers":[],"from":3'), // an answer that never was
        ask('"method":"GET","headers":[],"body":{"stream":77,"length":-1}'),
        'call fetch {"url":"http://127.0.0.1:1234/ HTTP/1.1\\r\\nX: y","method":"GET","headers":[]}',
        ask('"method":"GET","headers":[]'), // no permission
        'call fetch.cancel {"tag":5}', 'call fetch.cancel {}', 'call fetch [',
        'calls 30 fetch.body {}', 'value 1',
    ].join('\n'));
    const taken_over = () => isolane(['run', script, '--type', 'script', '--json', '--data', fresh_folder()], { env: { ISOLANE_ENGINE_DIR: join(build, 'fake-engine') } });
    const end = await taken_over();
    assert.equal(end.code, 0, end.stderr);
    const said = JSON.parse(end.stdout).stdout;
    const refused = [...said.matchAll(/^reply \d+ refused \{"name":"(\w+)"/mg)].map(([, name]) => name);
    assert.deepEqual(refused.slice(0, 7), [...Array(6).fill('InvalidArgument'), 'PermissionDenied'], said);
    assert.deepEqual(refused.slice(7), ['InvalidArgument', 'InvalidArgument', ...Array(6).fill('BudgetExceeded')]);
    writeFileSync(script, ['call fetch.body {}', 'frame 9 2 6161', 'spin'].join('\n')); // bytes before the request that they belong to
    const early = await taken_over();
    assert.deepEqual([early.code, JSON.parse(early.stdout).error.message], [1, 'the cell broke the frame protocol: DATA beyond its credit'], early.stdout);
    assert.equal(trapped, 0);
});
