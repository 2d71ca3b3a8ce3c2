// A WebSocket's round trip through the worker beside Node.js's own client, to one server (the ws package) on
// loopback, turn by turn; and what open sockets weigh in the supervisor.
//   node bench/websocket.mjs [--rounds 3] [--messages 3000] [--sockets 64]
import { readFileSync } from 'node:fs';
import { Client } from '../tests/e2e/lib/client.mjs';
import { up } from '../tests/e2e/lib/worker.mjs';
import { start_ws } from '../tests/e2e/lib/ws_server.mjs';
import { options } from './options.mjs';

const { rounds, messages, sockets } = options('websocket', "A WebSocket's round trip and large messages beside Node.js, and what open sockets weigh.", {
  rounds: { help: 'in turns', value: 3, least: 1, most: 50 },
  messages: { help: 'round trips of each', value: 3000, least: 1, most: 1000000 },
  sockets: { help: 'open at once', value: 64, least: 1, most: 1000 },
});

const server = await start_ws();
const w = await up({
  config: {
    egress: { max_sockets: 60 },
    limits: { ceilings: { cpu_ms: 120000, wall_ms: 120000, heap_mb: 256, memory_mb: 1024 } },
    tenants: [{ name: 'open', permissions: { net: ['127.0.0.1'] }, egress_private: ['127.0.0.1'] }],
  },
});
const c = await Client.connect(w.url);

// The same text on both sides: microseconds a round trip.
const body = `
  const size = 32;
  const socket = new WebSocket(url); socket.binaryType = 'arraybuffer';
  await new Promise((done) => { socket.onopen = done; });
  const trip = (n) => new Promise((done) => { let left = n; socket.onmessage = () => (--left > 0 ? socket.send(text) : done()); socket.send(text); });
  const text = 'x'.repeat(size);
  await trip(200);
  const began = performance.now(); await trip(messages); const each = (performance.now() - began) * 1000 / messages;
  const big = new Uint8Array(1 << 20); const from = performance.now();
  for (let i = 0; i < 32; i++) { const back = new Promise((done) => { socket.onmessage = done; }); socket.send(big); await back; }
  const mb = 64 / ((performance.now() - from) / 1000);
  const closed = new Promise((done) => { socket.onclose = done; }); socket.close(1000); await closed;
  return [each, mb];`;
const AsyncFunction = (async () => {}).constructor;
const inNode = new AsyncFunction('url', 'messages', body);
const url = `${server.ws}/echo`;
const fixed = (n) => n.toFixed(1);

console.log('round  isolane µs  node µs  isolane MB/s  node MB/s   (32 bytes and back; 1 MiB and back, both ways counted)');
for (let i = 0; i < rounds; i++) {
  const r = await c.execute({ script: `const { url, messages } = job.input; export default await (async () => {${body}})()`, input: { url, messages }, limits: { cpu_ms: 60000, wall_ms: 60000, heap_mb: 256 } }, { tenant: 'open' });
  if (r.outcome !== 'ok') throw new Error(JSON.stringify(r.error));
  const [ours, theirs] = [r.value, await inNode(url, messages)];
  console.log(`${i + 1}      ${fixed(ours[0])}        ${fixed(theirs[0])}     ${fixed(ours[1])}         ${fixed(theirs[1])}`);
}

const memory = () => {
  const text = readFileSync(`/proc/${w.process.child.pid}/smaps_rollup`, 'utf8');
  return ['Private_Dirty', 'Anonymous'].map((name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)[1]));
};
const before = memory();
const hold = (n) => c.execute({ script: `const { url, n } = job.input; await Promise.all(Array.from({ length: n }, () => new Promise((done) => { const s = new WebSocket(url); s.onopen = () => { s.send('x'.repeat(1000)); setTimeout(() => { s.onclose = done; s.close(); }, 2000); }; })))`, input: { url, n }, limits: { wall_ms: 20000 } }, { tenant: 'open' });
const jobs = [];
for (let left = sockets; left > 0; left -= 32) jobs.push(hold(Math.min(left, 32)));
await new Promise((done) => setTimeout(done, 1500));
const during = memory();
await Promise.all(jobs);
console.log(`supervisor, ${server.seen.connections} connections in all, ${sockets} open at once: private dirty ${before[0]} → ${during[0]} kB, anonymous ${before[1]} → ${during[1]} kB: ${fixed((during[1] - before[1]) / sockets)} kB a socket`);
await c.close();
await w.stop();
server.close();
process.exit(0);
