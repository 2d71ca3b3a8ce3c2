// Web servers on 127.0.0.1 that do what a URL's path asks for, decent and hostile: HTTP/1.1, and
// HTTP/2 and HTTP/1.1 over TLS with a certificate of a CA made here. For tests that import it, and
// for unit tests in C, which run this file: it prints one JSON line with ports and ends with its
// standard input.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';

const openssl = (dir, ...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });

/** A CA and a certificate for loop.test, localhost and 127.0.0.1; paths. */
export function make_certificates(dir) {
    const file = (name) => join(dir, name);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    writeFileSync(file('names'), 'subjectAltName=DNS:loop.test,DNS:localhost,IP:127.0.0.1\n');
    openssl(dir, 'req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '3650', '-subj', '/CN=Test CA');
    openssl(dir, 'req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=loop.test');
    openssl(dir, 'x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
        '-out', 'server.pem', '-days', '3650', '-extfile', 'names');
    return { ca: file('ca.pem'), cert: file('server.pem'), key: file('server.key') };
}

const MiB = 1 << 20;
const number = (url, name, other) => Number(url.searchParams.get(name) ?? other);

/** Writes n bytes as fast as they are taken. */
function pour(res, n) {
    const piece = Buffer.alloc(64 << 10, 'x');
    const more = () => {
        while (n > 0) {
            const part = piece.subarray(0, Math.min(n, piece.length));
            n -= part.length;
            if (!res.write(part)) {
                res.once('drain', more);
                return;
            }
        }
        res.end();
    };
    more();
}

function give(res, type, text) {
    res.setHeader('content-type', type);
    res.end(text);
}

async function whole(req) {
    const parts = [];
    for await (const p of req) parts.push(p);
    return Buffer.concat(parts);
}

const encoders = {
    gzip: zlib.gzipSync, deflate: zlib.deflateSync, 'deflate-raw': zlib.deflateRawSync, br: zlib.brotliCompressSync, zstd: zlib.zstdCompressSync,
};

// What an ordinary server does. /name → handler(req, res, url).
const paths = {
    '/hello': (req, res) => give(res, 'text/plain', 'hello'),
    '/empty': (req, res) => { res.statusCode = 204; res.end(); },
    '/status': (req, res, url) => { res.statusCode = number(url, 'code', 200); res.end(`status ${res.statusCode}`); },
    '/json': (req, res) => give(res, 'application/json', '{"a": [1, 2, 3]}'),
    '/big': (req, res, url) => pour(res, number(url, 'bytes', MiB)),
    '/chunked': (req, res) => { res.write('one '); res.write('two '); res.end('three'); },
    // What came, told back.
    '/echo': async (req, res) => {
        const body = await whole(req);
        res.setHeader('content-type', 'application/json');
        res.end(JSON.stringify({
            method: req.method, url: req.url, headers: req.headers, raw: req.rawHeaders, version: req.httpVersion,
            length: body.length, body: body.toString('latin1').slice(0, 4096),
        }));
    },
    '/back': (req, res) => { res.setHeader('content-type', req.headers['content-type'] ?? 'application/octet-stream'); req.pipe(res); },
    // How many bytes of a body came, and no more of it kept.
    '/count': (req, res) => {
        let n = 0;
        req.on('data', (p) => { n += p.length; });
        req.on('end', () => res.end(String(n)));
    },
    '/refuse': (req, res) => { res.statusCode = 413; res.setHeader('connection', 'close'); res.end('too large'); },
    '/redirect': (req, res, url) => {
        res.statusCode = number(url, 'code', 302);
        res.setHeader('location', url.searchParams.get('to') ?? '/hello');
        res.end('moved');
    },
    '/loop': (req, res, url) => { res.statusCode = 302; res.setHeader('location', `/loop?n=${number(url, 'n', 0) + 1}`); res.end(); },
    '/encoded': (req, res, url) => {
        const names = (url.searchParams.get('as') ?? 'gzip').split(',');
        let body = Buffer.from(url.searchParams.get('text') ?? 'hello');
        for (const n of names) body = encoders[n](body);
        res.setHeader('content-encoding', names.map((n) => (n === 'deflate-raw' ? 'deflate' : n)).join(', '));
        res.end(body);
    },
    // A few kilobytes that become many megabytes.
    '/bomb': (req, res, url) => {
        const as = url.searchParams.get('as') ?? 'gzip';
        res.setHeader('content-encoding', as);
        const mb = number(url, 'mb', 256);
        const fast = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } };
        // gzip: a member for each MiB, which is one text as well (RFC 1952 2.2)
        res.end(as === 'gzip' ? Buffer.concat(Array(mb).fill(zlib.gzipSync(Buffer.alloc(MiB)))) : zlib.brotliCompressSync(Buffer.alloc(mb * MiB), fast));
    },
    '/slow': (req, res) => { // a byte now and then, for ever
        res.writeHead(200);
        const drip = setInterval(() => res.write('.'), 20);
        res.on('close', () => clearInterval(drip));
    },
    '/events': (req, res, url) => {
        res.setHeader('content-type', url.searchParams.get('type') ?? 'text/event-stream');
        const last = Number(req.headers['last-event-id'] ?? 0);
        res.write(`retry: 10\n: a comment\nid: ${last + 1}\ndata: first of ${last}\ndata: two lines\n\n`);
        res.end(`event: other\r\nid: ${last + 2}\r\ndata: {"n": ${last + 2}}\r\n\r\ndata: cut`);
    },
    '/silent': () => {},
    '/headers-then-silent': (req, res) => { res.writeHead(200, { 'x-early': 'yes' }); res.write('first'); },
    '/cookies': (req, res) => { res.setHeader('set-cookie', ['a=1', 'b=2']); res.setHeader('x-many', ['one', 'two']); res.end('ok'); },
};

// What no library would send: written to the socket. /raw/name
const raw = {
    'cut': 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this',
    'cut-chunk': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nonly this',
    'garbage': '\x00\x01\x02 this is no HTTP\r\n\r\n',
    'http09': 'just text',
    'huge-field': () => `HTTP/1.1 200 OK\r\nx-huge: ${'y'.repeat(300_000)}\r\n\r\n`,
    'huge-head': () => `HTTP/1.1 200 OK\r\n${`x-some: ${'z'.repeat(1000)}\r\n`.repeat(100)}\r\n`,
    'many-fields': () => `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(300)}\r\n`,
    'fold': 'HTTP/1.1 200 OK\r\nx-fold: one\r\n two\r\nbad name: x\r\nContent-Length: 2\r\n\r\nok',
    'two-lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc',
    'latin1': Buffer.from('HTTP/1.1 200 Gr\xfc\xdfe\r\nx-latin: \xe4\xf6\xfc\r\ncontent-length: 0\r\n\r\n', 'latin1'),
    'interim': 'HTTP/1.1 103 Early Hints\r\nx-early: yes\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
    'trailers': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-trailer: yes\r\n\r\n',
    'two-answers': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil',
};

/** {http, tls, ports, seen, ca, busy(), close()}: busy() counts requests under way; seen.connections and seen.requests (texts) count. */
export async function start_http(dir) {
    const own = dir ?? mkdtempSync(join(tmpdir(), 'isolane-http-'));
    const files = make_certificates(own);
    const seen = { connections: 0, requests: [] };
    let busy = 0;
    const handle = (req, res) => {
        busy++;
        res.on('close', () => busy--);
        const url = new URL(req.url, 'http://x');
        if (url.pathname !== '/seen') seen.requests.push(`${req.method} ${req.url}`);
        if (url.pathname === '/seen') {
            res.end(JSON.stringify(seen));
        } else if (url.pathname.startsWith('/raw/') && req.httpVersionMajor === 1) {
            const text = raw[url.pathname.slice(5)];
            req.socket.end(typeof text === 'function' ? text() : text, 'latin1');
        } else if (paths[url.pathname]) {
            paths[url.pathname](req, res, url);
        } else {
            res.statusCode = 404;
            res.end('nothing here');
        }
    };
    const plain = http.createServer({ keepAliveTimeout: 60_000, maxHeaderSize: 1 << 20 }, handle);
    const tls = http2.createSecureServer({ key: readFileSync(files.key), cert: readFileSync(files.cert), allowHTTP1: true }, handle);
    const sockets = new Set();
    const keep = (s) => {
        seen.connections++;
        sockets.add(s);
        s.on('error', () => {});
        s.on('close', () => sockets.delete(s));
    };
    plain.on('connection', keep);
    tls.on('secureConnection', keep);
    tls.on('sessionError', () => {});
    tls.on('tlsClientError', () => {});
    const listening = (server) => new Promise((done) => { server.listen(0, '127.0.0.1', () => done(server.address().port)); });
    const ports = { http: await listening(plain), tls: await listening(tls) };
    return {
        ports, seen, ...files,
        http: `http://127.0.0.1:${ports.http}`,
        tls: `https://127.0.0.1:${ports.tls}`,
        busy: () => busy,
        close() {
            plain.close();
            tls.close();
            for (const s of sockets) s.destroy();
            if (!dir) rmSync(own, { recursive: true, force: true });
        },
    };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
    const server = await start_http(process.argv[2]);
    process.stdout.write(`${JSON.stringify({ ...server.ports, ca: server.ca })}\n`);
    process.stdin.on('end', () => process.exit(0)).resume();
}
