// WebSocket: a job's connections through the worker, to an independent server (the ws package, plain and over TLS)
// and to one that lies; what policy refuses; bounds; how it ends.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { start_dns } from './lib/dns_server.mjs';
import { fresh_folder, root, scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { config_file, up } from './lib/worker.mjs';
import { hostile, start_ws } from './lib/ws_server.mjs';

let w, c, server, dns;
before(async () => {
    server = await start_ws();
    dns = await start_dns({ 'loop.test': [['127.0.0.1']], 'other.test': [['127.0.0.1']], 'inside.test': [['10.0.0.5']] });
    w = await up({
        args: ['--set', 'log_level=info'],
        config: {
            egress: { resolvers: dns.resolvers, ca_file: server.ca, connect_timeout_ms: 4000, max_message_mb: 1, max_sockets: 12, max_requests: 100, max_attempt_mb: 8 },
            limits: { ceilings: { memory_mb: 1024 } },
            tenants: [
                { name: 'open', permissions: { net: ['127.0.0.1', '*.test', 'localhost'] }, egress_private: ['127.0.0.0/8'] },
                { name: 'shut', permissions: { net: ['127.0.0.1', '*.test'] } },
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
});

// talk(url, on, protocols): what a WebSocket tells, as a list; on(socket, event) may answer.
const prelude = `const { ws, wss, raw } = job.input;
const shown = (d) => typeof d === 'string' ? d : d instanceof ArrayBuffer ? [...new Uint8Array(d)] : d;
const talk = (url, on = () => {}, more = undefined) => new Promise((done) => {
    const log = []; const s = new WebSocket(url, more); s.binaryType = 'arraybuffer';
    s.onopen = (e) => { log.push('open'); on(s, e); };
    s.onmessage = (e) => { log.push(shown(e.data)); on(s, e); };
    s.onerror = (e) => { log.push({ error: e.message, cause: e.error?.name }); on(s, e); };
    s.onclose = (e) => { log.push([e.wasClean, e.code, e.reason]); done(log); };
});
`;
async function job(body, { tenant = 'open', input, ...more } = {}) {
    const urls = { ws: `ws://loop.test:${server.ports.ws}`, wss: `wss://loop.test:${server.ports.wss}`, raw: `ws://loop.test:${server.ports.raw}`, ...input };
    return c.execute({ script: `${prelude}export default await (async () => { ${body} })()`, input: urls, ...more }, { tenant });
}
async function value(body, options) {
    const r = await job(body, options);
    assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
    return r.value;
}

test('messages of both kinds, a Close of the server\'s, plain and over TLS', async () => {
    const found = await value(`return [await talk(ws + '/hello'), await talk(wss + '/hello'), await talk(ws.replace('ws:', 'http:') + '/close?code=4001&reason=%C3%9F'), await talk(ws + '/close')];`);
    const hello = ['open', 'hello', [1, 2, 3], [true, 1000, 'bye']];
    assert.deepEqual(found, [hello, hello, ['open', [true, 4001, 'ß']], ['open', [true, 1005, '']]]);
});

test('what is sent: strings, buffers, views, blobs; echoed in order and whole', async () => {
    assert.deepEqual(await value(`
        const big = new Uint8Array(900_000).map((_, i) => i % 251);
        const texts = ['', 'a', 'ß€😀', '\\ud800', '\\ufeffbom', 'x'.repeat(70_000)];
        const out = []; let same;
        await talk(ws + '/echo', (s, e) => {
            if (e.type === 'open') { for (const t of texts) s.send(t); s.send(new Uint8Array([1, 2, 3]).subarray(1)); s.send(new Uint16Array([258]).buffer); s.send(new DataView(new ArrayBuffer(3), 1)); s.send(new Blob(['blob'])); s.send(big); big.fill(0); s.send(42); }
            else if (e.type === 'message' && typeof e.data === 'string') { out.push(e.data.length < 100 ? e.data : e.data.length); if (e.data === '42') s.close(1000); }
            else if (e.type === 'message') { const b = new Uint8Array(e.data); if (b.length > 1000) same = b.length === 900_000 && b.every((x, i) => x === i % 251); else out.push([...b]); }
        });
        return [out, same];`),
    [['', 'a', 'ß€😀', '\ufffd', '\ufeffbom', 70000, [2, 3], [2, 1], [0, 0], [98, 108, 111, 98], '42'], true]);
});

test('parts of messages, pings and pongs are the worker\'s business', async () => {
    const [pings, parts, slow] = await value(`return [await talk(ws + '/pings', (s, e) => e.data && s.close()), await talk(ws + '/fragments', (s, e) => e.data && s.close(3000, 'done')), await talk(raw + '/slow-drip')];`);
    assert.deepEqual(pings, ['open', 'all', [true, 1005, '']]);
    assert.deepEqual(parts, ['open', `a${'ß'.repeat(3000)}`, [true, 3000, 'done']]);
    assert.deepEqual(slow, ['open', 'slow ß', [true, 1000, '']]);
});

test('the handshake: protocols, headers of the script\'s, Origin, no extensions', async () => {
    const found = await value(`
        const out = [];
        for (const more of [undefined, 'chat', ['a', 'b'], { protocols: ['x'], headers: { authorization: 'Bearer t', origin: 'https://me.example', host: 'evil.example', 'sec-websocket-key': 'mine' } }]) {
            try { await talk(ws + '/head?a=b', (s, e) => { if (e.data) { out.push([s.protocol, s.extensions, s.url === ws + '/head?a=b', JSON.parse(e.data)]); s.close(); } else if (e.error) out.push(e.message); }, more); } catch (e) { out.push(e.message); }
        }
        return out;`);
    const [plain, one, two, own] = found;
    assert.deepEqual(plain.slice(0, 3), ['', '', true]);
    assert.equal(plain[3].url, '/head?a=b');
    const { 'sec-websocket-key': key, ...headers } = plain[3].headers;
    assert.equal(Buffer.from(key, 'base64').length, 16);
    assert.deepEqual(headers, { host: `loop.test:${server.ports.ws}`, upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13', origin: 'null', 'user-agent': 'Isolane' });
    assert.equal(one[0], 'chat');
    assert.deepEqual([two[0], two[3].headers['sec-websocket-protocol']], ['b', 'a, b']);
    assert.match(own, /found 'host', which the worker writes itself/);
    const [mine] = await value(`const out = []; await talk(ws + '/head', (s, e) => { if (e.data) { out.push([s.protocol, JSON.parse(e.data).headers]); s.close(); } }, { protocols: ['x'], headers: { authorization: 'Bearer t', origin: 'https://me.example' } }); return out;`);
    assert.deepEqual([mine[0], mine[1].authorization, mine[1].origin], ['x', 'Bearer t', 'https://me.example']);
    assert.match(JSON.stringify(await value(`return talk(ws + '/head', undefined, { headers: { 'sec-websocket-key': 'mine' } });`)), /found 'sec-websocket-key', which the worker writes itself/);
    assert.match(JSON.stringify(await value(`return talk(ws + '/unacknowledged', undefined, ['a']);`)), /Sec-WebSocket-Protocol: found none; allowed: one of those offered/);
});

test('states, constants, what is refused at once; send while connecting; close before it is open', async () => {
    assert.deepEqual(await value(`
        const wrong = (f) => { try { f(); return 'fine'; } catch (e) { return e.name; } };
        const s = new WebSocket(ws + '/echo');
        const early = wrong(() => s.send('x'));
        const seen = [s.readyState, s.bufferedAmount, s.binaryType];
        s.binaryType = 'other'; seen.push(s.binaryType);
        const end = new Promise((done) => { s.onclose = (e) => done([e.type, e.wasClean, e.code, s.readyState]); s.onerror = (e) => seen.push(e.type); s.onopen = () => seen.push('opened'); });
        s.close(); seen.push(s.readyState); s.close(3000);
        const urls = ['nothing', 'ftp://a/', 'ws://a/#f', 'ws://a/#'].map((u) => wrong(() => new WebSocket(u)));
        const protocols = [['a', 'a'], ['a', 'A'], [''], ['a b'], 'a,b'].map((p) => wrong(() => new WebSocket(ws, p)));
        const codes = [999, 1001, 2999, 5000, 0].map((n) => wrong(() => s.close(n)));
        return [early, seen, await end, urls, protocols, codes, wrong(() => s.close(1000, 'x'.repeat(124))), wrong(() => WebSocket(ws)), wrong(() => new WebSocket()), WebSocket.CLOSING, s.OPEN, String(s), new CloseEvent('x', { code: 5, reason: 'r', wasClean: true }).code];`),
    ['InvalidStateError', [0, 0, 'blob', 'blob', 2, 'error'], ['close', false, 1006, 3], ['SyntaxError', 'SyntaxError', 'SyntaxError', 'SyntaxError'],
        ['SyntaxError', 'SyntaxError', 'SyntaxError', 'SyntaxError', 'SyntaxError'], Array(5).fill('InvalidAccessError'), 'SyntaxError', 'TypeError', 'TypeError', 2, 1, '[object WebSocket]', 5]);
});

test('a message each its own task; data as Blob; what comes after close() is not told', async () => {
    assert.deepEqual(await value(`
        const log = [];
        await new Promise((done) => {
            const s = new WebSocket(ws + '/hello');
            s.addEventListener('message', (e) => { log.push(e.data instanceof Blob ? 'blob ' + e.data.size : e.data, e.origin === ws, e.isTrusted); Promise.resolve().then(() => log.push('microtask')); });
            s.onclose = done;
        });
        const late = await talk(ws + '/flood?messages=50&bytes=10', (s, e) => e.data && s.close());
        return [log, late.length];`),
    [['hello', true, true, 'microtask', 'blob 3', true, true, 'microtask'], 3]);
});

test('what policy refuses: an error with its words, no connection', async () => {
    const before_ = server.seen.connections;
    const refused = async (url, tenant) => {
        const [error, close] = await value(`return talk(${JSON.stringify(url)});`, { tenant });
        assert.deepEqual(close, [false, 1006, '']);
        return [error.cause, error.error];
    };
    const at = `ws://127.0.0.1:${server.ports.ws}/echo`;
    for (const [url, tenant, words] of [
        [at, 'none', /is not in permissions\.net; allowed: nothing/], [at, 'shut', /127\.0\.0\.1 is 127\.0\.0\.1 \(loopback/],
        ['ws://elsewhere.example/', 'open', /is not in permissions\.net/], ['wss://inside.test/', 'open', /10\.0\.0\.5 \(private/],
        ['ws://loop.test:25/', 'open', /port 25 of loop\.test is another protocol's/]]) {
        const [cause, text] = await refused(url, tenant);
        assert.equal(cause, 'PermissionDenied');
        assert.match(text, words);
    }
    assert.match((await refused(`ws://user:secret@127.0.0.1:${server.ports.ws}/`, 'open')).join(), /credentials/);
    assert.equal(server.seen.connections, before_);
    await until('the log names the refusal', () => w.stderr.includes('is not in permissions.net'));
});

test('nobody there, TLS at a plain server, a certificate of another name', async () => {
    const [nobody, plain] = await value(`return [(await talk('ws://loop.test:1/'))[0].error, (await talk(ws.replace('ws:', 'wss:') + '/echo'))[0].error];`);
    assert.match(nobody, /loop\.test/);
    assert.match(plain, /loop\.test: TLS/);
    assert.match((await value(`return talk('wss://other.test:${server.ports.wss}/');`))[0].error, /other\.test: TLS/);
});

const answers = {
    'wrong-key': /Sec-WebSocket-Accept: found/, 'no-upgrade': /found no Upgrade/, 'no-connection': /found no Connection/, 'status-200': /found '200 OK'; allowed: 101/,
    'redirect': /found '302 Found'; allowed: 101/, 'extension': /Sec-WebSocket-Extensions: found 'permessage-deflate'; allowed: none/, 'other-protocol': /Sec-WebSocket-Protocol: found 'other'/,
    'two-protocols': /Sec-WebSocket-Protocol: found 'chat'/, 'not-http': /found '220 mail/, 'endless-head': /a head of more than 16384 bytes/, 'drip-head': /no response to the WebSocket's request in time/,
    'no-head': /no response to the WebSocket's request in time/, 'cut-head': /ended before a response came/,
    'masked': /a masked frame/, 'reserved-bit': /a frame of an extension/, 'unknown-kind': /a frame of an unknown kind/, 'long-ping': /a malformed frame/, 'cut-ping': /a malformed frame/,
    'stray-part': /a part of no message/, 'nested': /a message inside another/, 'bad-utf8': /a text that is no UTF-8/, 'cut-utf8': /a text that is no UTF-8/, 'oversize': /too large; see egress\.max_message_mb/,
    'oversize-parts': /too large; see egress\.max_message_mb/, 'wrong-length': /a malformed frame/, 'empty-parts': /a flood of frames/, 'ping-flood': /a flood of frames/, 'close-1-byte': /a code that is none/,
    'close-1006': /a code that is none/, 'close-bad-reason': /reason is no UTF-8/, 'hang-up': /without a Close/,
};
test('a server that lies: every lie is an error and an unclean end, and the worker goes on', async () => {
    const names = Object.keys(hostile).filter((n) => n !== 'slow-drip' && n !== 'no-answer-to-close');
    assert.deepEqual(names, Object.keys(answers));
    const found = await value(`
        const names = job.input.names; const out = {};
        for (let i = 0; i < names.length; i += 8)
            await Promise.all(names.slice(i, i + 8).map(async (n) => { out[n] = await talk(raw + '/' + n, undefined, n === 'two-protocols' || n === 'other-protocol' ? 'chat' : undefined); }));
        return out;`, { input: { names } });
    for (const name of names) {
        const log = found[name].filter((x) => x !== 'open' && !Array.isArray(x));
        assert.equal(log.length, 1, `${name}: ${JSON.stringify(found[name])}`);
        assert.match(log[0].error, answers[name], name);
        assert.deepEqual(found[name].at(-1), [false, 1006, ''], name);
    }
    assert.equal(await value('return 1;'), 1);
    await until('no connection is left', () => server.seen.open() === 0);
});

test('bounds: sockets at once, bytes of an attempt; the error names the key', async () => {
    const many = await value(`
        const out = await Promise.all(Array.from({ length: 13 }, () => talk(ws + '/silent', (s, e) => e.type === 'open' && setTimeout(() => s.close(), 50))));
        return out.map((l) => l[0]).filter((x) => x !== 'open');`);
    assert.equal(many.length, 1);
    assert.match(many[0].error, /more than 12 WebSockets at once.*egress\.max_sockets/);
    assert.equal(many[0].cause, 'BudgetExceeded');
    const [down] = await value(`return new Promise((done) => { const s = new WebSocket(ws + '/flood?messages=100&bytes=200000'); s.onerror = (e) => done([{ error: e.message }]); });`);
    assert.match(down.error, /more than 8 MiB .* of one attempt.*egress\.max_attempt_mb/);
    const [up_] = await value(`return (await talk(ws + '/silent', (s, e) => { if (e.type === 'open') for (let i = 0; i < 100; i++) s.send(new Uint8Array(100_000)); })).filter((x) => x.error);`, { limits: { heap_mb: 128 } });
    assert.match(up_.error, /more than 8 MiB .* of one attempt/);
});

test('back-pressure both ways: a server that does not read fills bufferedAmount, a script that does not read stops the server', async () => {
    const [first, later, after_, clean] = await value(`
        return new Promise((done) => {
            const s = new WebSocket(ws + '/deaf'); const seen = [];
            s.onopen = () => {
                s.send(new Uint8Array(1000)); seen.push(s.bufferedAmount);
                for (let i = 0; i < 60; i++) s.send(new Uint8Array(100_000));
                setTimeout(() => { seen.push(s.bufferedAmount); s.close(); s.send('abc'); seen.push(s.bufferedAmount); }, 300);
            };
            s.onclose = (e) => done([...seen, e.wasClean]);
        });`, { limits: { heap_mb: 128, wall_ms: 20000 } });
    assert.equal(first, 1000);
    assert.ok(later > 1000 && later < 6_001_000, `${later}`);
    assert.equal(after_, later + 3);
    assert.equal(clean, true);
    server.seen.flooded = 0;
    const sent = await value(`
        return new Promise((done) => {
            const s = new WebSocket(ws + '/flood?messages=70&bytes=100000'); let n = 0;
            s.onmessage = (e) => { n += e.data.size; if (n === 100_000) { const until = Date.now() + 200; while (Date.now() < until); } };
            s.onclose = (e) => done([n, e.code]);
        });`, { limits: { cpu_ms: 10000 } });
    assert.deepEqual(sent, [7_000_000, 1000]);
    assert.equal(await value(`
        return new Promise((done) => {
            const s = new WebSocket(ws + '/count'); let sum = 0;
            s.onopen = () => { for (let i = 0; i < 30; i++) s.send(new Uint8Array(100_000)); };
            s.onmessage = (e) => { sum = Number(e.data); if (sum === 3_000_000) { done(s.bufferedAmount); s.close(); } };
        });`), 0);
});

test('the result says what a job did on the network', async () => {
    const quiet = await job('return 1;');
    assert.equal(quiet.usage.egress, null);
    const r = await job(`await talk(ws + '/echo', (s, e) => { if (e.type === 'open') s.send(new Uint8Array(10_000)); else if (e.data) s.close(); }); await talk('ws://elsewhere.example/'); await fetch('http://elsewhere.example/').catch(() => {}); const r = await fetch(ws.replace('ws:', 'http:'), { method: 'POST', body: 'x'.repeat(100) }); return (await r.text()).length;`);
    const { requests, denied, connections, sent_bytes, received_bytes } = r.usage.egress;
    assert.deepEqual([r.value, requests, denied, connections], [10, 4, 2, 2]);
    assert.ok(sent_bytes > 10_100 && sent_bytes < 11_000 && received_bytes > 10_010 && received_bytes < 11_000, JSON.stringify(r.usage.egress));
});

test('the end: of a Close that is not answered, of a script that returns, fails or is stopped', async () => {
    const r = await job(`const s = new WebSocket(raw + '/no-answer-to-close'); const t = Date.now(); return new Promise((done) => { s.onopen = () => s.close(1000); s.onerror = (e) => { s.why = e.message; }; s.onclose = (e) => done([s.why, e.wasClean, e.code]); });`, { limits: { wall_ms: 20000 } });
    assert.deepEqual(r.value, ['WebSocket: net: loop.test: the server did not answer a Close in time', false, 1006]);
    server.seen.closed.length = 0;
    const open = `const open = () => new Promise((done) => { const s = new WebSocket(ws + '/closed'); s.onopen = () => done(s); });`;
    assert.equal((await job(`${open} await open(); throw new Error('over');`)).outcome, 'threw');
    assert.equal((await job(`${open} await open(); for (;;);`, { limits: { cpu_ms: 100 } })).outcome, 'cpu_exceeded');
    assert.equal((await job(`${open} await open(); return 1;`, { limits: { wall_ms: 800 } })).outcome, 'wall_exceeded');
    await until('three were told', () => server.seen.closed.length === 3);
    assert.deepEqual(server.seen.closed, Array(3).fill([1001, '']));
    await until('no connection is left', () => server.seen.open() === 0);
});

test('the example talks to a server, and says what policy refuses', async () => {
    const run = async (...more) => isolane(['run', join(root, 'examples/websocket.js'), '--json', '--data', fresh_folder(), '--input', JSON.stringify({ url: `${server.ws}/echo`, say: ['a', 'b'] }), ...more]);
    const config = config_file({ tenants: [{ name: 'default', permissions: { net: ['127.0.0.1'] }, egress_private: ['127.0.0.1'] }] });
    const fine = JSON.parse((await run('--config', config)).stdout);
    assert.deepEqual([fine.value, fine.stdout], [['a', 'b'], 'closed cleanly: 1000 enough\n']);
    const refused = JSON.parse((await run()).stdout);
    assert.deepEqual([refused.value, refused.stdout], [[], 'closed uncleanly: 1006 \n']);
    assert.match(refused.stderr, /^PermissionDenied: WebSocket: net: 127\.0\.0\.1, port \d+, is not in permissions\.net/);
});

test('isolane run has it too', async () => {
    const config = config_file({ tenants: [{ name: 'default', permissions: { net: ['127.0.0.1'] }, egress_private: ['127.0.0.1'] }] });
    const file = join(scratch, 'ws.mjs');
    writeFileSync(file, `const s = new WebSocket(${JSON.stringify(`${server.ws}/hello`)}); s.onmessage = (e) => console.log(e.data); s.onclose = (e) => console.log(e.code, s);`);
    const end = await isolane(['run', file, '--config', config, '--data', fresh_folder()]);
    assert.match(end.stdout, /^hello\nBlob \{ size: 3, type: '' \}\n1000 WebSocket \{ url: 'ws:.*readyState: 3, protocol: '' \}\n$/);
});
