// WebSocket servers on 127.0.0.1: the ws package (an independent one), plain and over TLS, that does what a URL's
// path asks for; and a hostile one that writes what no library would, byte by byte. For tests that import it, and
// for unit tests in C, which run this file: it prints one JSON line with ports and ends with its standard input.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WebSocketServer } from 'ws';
import { make_certificates } from './http_server.mjs';

const number = (url, name, other) => Number(url.searchParams.get(name) ?? other);

// /name → what the server does with a connection.
const paths = {
    '/echo': (s) => s.on('message', (data, binary) => s.send(data, { binary })),
    '/hello': (s) => { s.send('hello'); s.send(Buffer.from([1, 2, 3])); s.close(1000, 'bye'); },
    // The request's head, as one message.
    '/head': (s, req) => s.send(JSON.stringify({ headers: req.headers, url: req.url })),
    '/close': (s, req, url) => { const code = url.searchParams.get('code'); s.close(...(code ? [Number(code), url.searchParams.get('reason') ?? ''] : [])); },
    // How the script closed.
    '/closed': (s, req, url, seen) => s.on('close', (code, reason) => seen.closed.push([code, reason.toString()])),
    '/count': (s) => { let n = 0; s.on('message', (data) => { n += data.length; s.send(String(n)); }); },
    // Messages as fast as they are taken; /flood?messages=…&bytes=…
    '/flood': (s, req, url, seen) => {
        const piece = Buffer.alloc(number(url, 'bytes', 1000), 'x');
        let left = number(url, 'messages', 1000);
        const more = () => {
            while (left > 0 && s.bufferedAmount < 1 << 20) { left--; s.send(piece); seen.flooded += piece.length; }
            if (left > 0) setImmediate(more);
            else s.close(1000);
        };
        more();
    },
    '/pings': (s) => { for (let i = 0; i < 20; i++) s.ping(`p${i}`); let n = 0; s.on('pong', () => { if (++n === 20) s.send('all'); }); },
    '/fragments': (s) => { s.send('a', { fin: false }); s.send('ß'.repeat(3000), { fin: false }); s.ping(); s.send('', { fin: true }); },
    '/deaf': (s, req, url) => { req.socket.pause(); setTimeout(() => req.socket.resume(), number(url, 'ms', 1000)); },
    '/drop': (s, req) => { s.send('soon gone'); setTimeout(() => req.socket.destroy(), 20); },
    '/silent': () => {},
};

const accept = (key) => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const head = (key, more = '') => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: ${accept(key)}\r\n${more}\r\n`;
/** A frame as bytes: first byte, payload; mask: with a mask, which servers must not send. */
export function frame(first, payload = Buffer.alloc(0), { mask = false, length = payload.length } = {}) {
    const bytes = [Buffer.from([first])];
    const bit = mask ? 0x80 : 0;
    if (length < 126) bytes.push(Buffer.from([bit | length]));
    else if (length < 65536) { const b = Buffer.alloc(3); b[0] = bit | 126; b.writeUInt16BE(length, 1); bytes.push(b); } else { const b = Buffer.alloc(9); b[0] = bit | 127; b.writeBigUInt64BE(BigInt(length), 1); bytes.push(b); }
    if (mask) bytes.push(Buffer.alloc(4));
    return Buffer.concat([...bytes, payload]);
}
const repeat = (s, bytes, every) => { const t = setInterval(() => s.write(bytes), every); s.on('close', () => clearInterval(t)); };
const pour = (s, bytes) => { // for ever, as fast as it is taken
    const more = () => { while (!s.destroyed && s.write(bytes)); };
    s.on('drain', more);
    more();
};

// /name → what is written, by name, once the request is here. {answer(key, socket)}: instead of a decent head.
export const hostile = {
    'wrong-key': { answer: (key, s) => s.write(head('another')) },
    'no-upgrade': { answer: (key, s) => s.write(head(key).replace('Upgrade: websocket\r\n', '')) },
    'no-connection': { answer: (key, s) => s.write(head(key).replace('keep-alive, Upgrade', 'keep-alive')) },
    'status-200': { answer: (key, s) => s.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') },
    'redirect': { answer: (key, s) => s.end('HTTP/1.1 302 Found\r\nLocation: /echo\r\n\r\n') },
    'extension': { answer: (key, s) => s.write(head(key, 'Sec-WebSocket-Extensions: permessage-deflate\r\n')) },
    'other-protocol': { answer: (key, s) => s.write(head(key, 'Sec-WebSocket-Protocol: other\r\n')) },
    'two-protocols': { answer: (key, s) => s.write(head(key, 'Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n')) },
    'not-http': { answer: (key, s) => s.write('220 mail.example ESMTP\r\n') },
    'endless-head': { answer: (key, s) => { s.write(head(key).slice(0, -2)); pour(s, Buffer.from(`x-a: ${'y'.repeat(1000)}\r\n`)); } },
    'drip-head': { answer: (key, s) => { s.write('HTTP/1.1 101 Switching Protocols\r\n'); repeat(s, 'x', 30); } },
    'no-head': { answer: () => {} },
    'cut-head': { answer: (key, s) => s.end(head(key).slice(0, 40)) },
    'masked': { frames: (s) => s.write(frame(0x81, Buffer.from('hi'), { mask: true })) },
    'reserved-bit': { frames: (s) => s.write(frame(0xc1, Buffer.from('hi'))) },
    'unknown-kind': { frames: (s) => s.write(frame(0x83, Buffer.from('hi'))) },
    'long-ping': { frames: (s) => s.write(frame(0x89, Buffer.alloc(126))) },
    'cut-ping': { frames: (s) => s.write(frame(0x09, Buffer.alloc(1))) },
    'stray-part': { frames: (s) => s.write(frame(0x80, Buffer.from('hi'))) },
    'nested': { frames: (s) => s.write(Buffer.concat([frame(0x01, Buffer.from('a')), frame(0x81, Buffer.from('b'))])) },
    'bad-utf8': { frames: (s) => s.write(frame(0x81, Buffer.from([0x61, 0xff, 0xff, 0xff, 0xff]))) },
    'cut-utf8': { frames: (s) => s.write(Buffer.concat([frame(0x01, Buffer.from([0xe2, 0x82])), frame(0x80)])) },
    'oversize': { frames: (s) => s.write(frame(0x82, Buffer.alloc(10), { length: 2 ** 40 })) },
    'oversize-parts': { frames: (s) => { s.write(frame(0x02, Buffer.alloc(1 << 20))); pour(s, frame(0x00, Buffer.alloc(1 << 20))); } },
    'wrong-length': { frames: (s) => s.write(Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5])) },
    'empty-parts': { frames: (s) => { s.write(frame(0x01)); pour(s, Buffer.concat(Array(1000).fill(frame(0x00)))); } },
    'ping-flood': { frames: (s) => pour(s, Buffer.concat(Array(500).fill(frame(0x89, Buffer.from('x'))))) },
    'close-1-byte': { frames: (s) => s.write(frame(0x88, Buffer.from([3]))) },
    'close-1006': { frames: (s) => s.write(frame(0x88, Buffer.from([3, 0xee]))) },
    'close-bad-reason': { frames: (s) => s.write(frame(0x88, Buffer.from([3, 0xe8, 0xff]))) },
    'hang-up': { frames: (s) => s.end() },
    'no-answer-to-close': { frames: () => {} },
    'slow-drip': { frames: (s) => { const all = frame(0x81, Buffer.from('slow ß')); let at = 0; const t = setInterval(() => { if (at < all.length) s.write(all.subarray(at, ++at)); else { clearInterval(t); s.write(frame(0x88, Buffer.from([3, 0xe8]))); } }, 5); s.on('close', () => clearInterval(t)); } },
};

/** {ports, ws, wss, raw, ca, seen, close()}; seen.open(): sockets that are open. */
export async function start_ws(dir) {
    const own = dir ?? mkdtempSync(join(tmpdir(), 'isolane-ws-'));
    const files = make_certificates(own);
    const seen = { closed: [], flooded: 0, connections: 0, frames: [] };
    const sockets = new Set();
    const keep = (s) => { seen.connections++; sockets.add(s); s.on('error', () => {}); s.on('close', () => sockets.delete(s)); };
    const make = (server) => {
        const wss = new WebSocketServer({ server, maxPayload: 256 << 20, handleProtocols: (offered, req) => (req.url.startsWith('/unacknowledged') ? false : [...offered][offered.size - 1]) });
        wss.on('connection', (s, req) => {
            const url = new URL(req.url, 'http://x');
            s.on('error', () => {});
            (paths[url.pathname] ?? paths['/silent'])(s, req, url, seen);
        });
        server.on('connection', keep);
        return new Promise((done) => { server.listen(0, '127.0.0.1', () => done(server.address().port)); });
    };
    const plain = http.createServer((req, res) => res.end('no upgrade'));
    const tls = https.createServer({ key: readFileSync(files.key), cert: readFileSync(files.cert) });
    tls.on('tlsClientError', () => {});
    const raw = net.createServer((s) => {
        keep(s);
        let text = '', done = false;
        s.on('data', (bytes) => {
            if (done) { seen.frames.push(bytes[0]); return; }
            text += bytes.toString('latin1');
            if (!text.includes('\r\n\r\n')) return;
            done = true;
            const key = /sec-websocket-key: (.*)\r\n/i.exec(text)?.[1];
            const act = hostile[/^GET \/(\S*)/.exec(text)?.[1]] ?? hostile['no-head'];
            if (act.answer) act.answer(key, s);
            else { s.write(head(key)); act.frames(s); }
        });
    });
    const ports = {
        ws: await make(plain), wss: await make(tls),
        raw: await new Promise((done) => { raw.listen(0, '127.0.0.1', () => done(raw.address().port)); }),
    };
    seen.open = () => sockets.size;
    return {
        ports, seen, ...files,
        ws: `ws://127.0.0.1:${ports.ws}`, wss: `wss://127.0.0.1:${ports.wss}`, raw: `ws://127.0.0.1:${ports.raw}`,
        close() {
            for (const server of [plain, tls, raw]) server.close();
            for (const s of sockets) s.destroy();
            if (!dir) rmSync(own, { recursive: true, force: true });
        },
    };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
    const server = await start_ws(process.argv[2]);
    process.stdout.write(`${JSON.stringify({ ...server.ports, ca: server.ca })}\n`);
    process.stdin.on('end', () => process.exit(0)).resume();
}
