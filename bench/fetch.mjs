// HTTP of scripts beside Node.js: `fetch.mjs [--json]`. A server of Node's on loopback; the same script in a cell and
// in Node.js: small responses one after the other (latency of a request), and a large body read as it comes
// (throughput, and what the worker holds meanwhile). Medians of RUNS; figures, never a pass or fail.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exitAtSignals, options } from './options.mjs';

const { json } = options('fetch', 'Requests of a script and a large body beside Node.js, and the supervisor\'s memory meanwhile.', {
  json: { help: 'the figures as JSON', flag: true },
});
exitAtSignals();
const RUNS = 5;
const REQUESTS = 500;
const BODY_MB = 100;

const root = resolve(import.meta.dirname, '..');
const program = join(process.env.ISOLANE_BUILD ?? join(root, 'build'), 'isolane');
const folder = mkdtempSync(join(tmpdir(), 'isolane-bench-fetch-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const server = http.createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  if (req.url === '/small') {
    res.end('hello');
    return;
  }
  const piece = Buffer.alloc(64 << 10, 'x');
  let left = BODY_MB << 20;
  res.setHeader('content-length', left);
  const more = () => {
    while (left > 0) {
      left -= piece.length;
      if (!res.write(piece)) return void res.once('drain', more);
    }
    res.end();
  };
  more();
});
await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
const at = `http://127.0.0.1:${server.address().port}`;

const script = (body) => `const at = ${JSON.stringify(at)};\n${body}`;
const files = {
  latency: script(`
const times = [];
for (let i = 0; i < ${REQUESTS}; i++) {
  const before = performance.now();
  await (await fetch(at + '/small')).text();
  times.push(performance.now() - before);
}
const all = times.slice(20).reduce((a, b) => a + b, 0);
console.log(JSON.stringify({ ms: all / (times.length - 20) }));`),
  throughput: script(`
const before = performance.now();
let n = 0;
for await (const chunk of (await fetch(at + '/large')).body) n += chunk.length;
console.log(JSON.stringify({ ms: performance.now() - before, n }));`),
};
const config = join(folder, 'config.yaml');
writeFileSync(config, JSON.stringify({
  permissions: { clock_us: 5 },
  tenants: [{ name: 'default', permissions: { net: ['127.0.0.1'] }, egress_private: ['127.0.0.1'] }],
}));

// Runs it; the largest resident size of the process itself meanwhile (of the supervisor: not of its cells).
async function run(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  let peak = 0;
  child.stdout.on('data', (text) => { out += text; });
  const look = setInterval(() => {
    try {
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]));
    } catch { /* it has ended */ }
  }, 5);
  await new Promise((done) => { child.on('close', done); });
  clearInterval(look);
  return { ...JSON.parse(out), peak_mb: peak / 1024 };
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const found = {};
for (const [name, text] of Object.entries(files)) {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, text);
  const limits = ['--cpu-ms', '60000', '--wall-ms', '60000', '--config', config, '--data', join(folder, 'data')];
  const sides = { cell: [program, ['run', file, ...limits]], node: [process.execPath, ['--no-warnings', file]] };
  const runs = { cell: [], node: [] };
  for (let i = 0; i < RUNS; i++)
    for (const [side, [command, args]] of Object.entries(sides)) runs[side].push(await run(command, args));
  found[name] = Object.fromEntries(Object.entries(runs).map(([side, all]) =>
    [side, { ms: median(all.map((r) => r.ms)), peak_mb: median(all.map((r) => r.peak_mb)) }]));
}
server.close();
server.closeAllConnections();

const small = await (async () => { // what the supervisor takes without a request: the same program, another script
  const file = join(folder, 'nothing.mjs');
  writeFileSync(file, `await new Promise((done) => setTimeout(done, 200)); console.log('{}');`);
  return (await run(program, ['run', file, '--config', config, '--data', join(folder, 'data')])).peak_mb;
})();
const rate = (ms) => BODY_MB / (ms / 1000);
const result = {
  requests_ms: { cell: found.latency.cell.ms, node: found.latency.node.ms },
  body_mb_per_s: { cell: rate(found.throughput.cell.ms), node: rate(found.throughput.node.ms) },
  supervisor_peak_mb: { idle: small, small_requests: found.latency.cell.peak_mb, body: found.throughput.cell.peak_mb },
};
if (json) {
  process.stdout.write(`${JSON.stringify(result)}\n`);
} else {
  const f = (x) => x.toFixed(2);
  process.stdout.write(`a request on loopback, one after the other: ${f(result.requests_ms.cell)} ms in a cell, ${f(result.requests_ms.node)} ms in Node.js
a body of ${BODY_MB} MiB: ${f(result.body_mb_per_s.cell)} MiB/s in a cell, ${f(result.body_mb_per_s.node)} MiB/s in Node.js
the supervisor's memory at its peak: ${f(small)} MiB without requests, ${f(result.supervisor_peak_mb.small_requests)} with small ones, ${f(result.supervisor_peak_mb.body)} with the body
`);
}
