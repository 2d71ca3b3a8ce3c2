import { start_ws } from './lib/ws_server.mjs';
import { writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
const s = await start_ws();
writeFileSync('/tmp/wt/ws1.yaml', `tenants:\n  - name: default\n    permissions: {net: ["127.0.0.1","localhost"]}\n    egress_private: ["127.0.0.1"]\negress:\n  ca_file: ${s.ca}\n  connect_timeout_ms: 700\n  max_message_mb: 1\n  max_attempt_mb: 8\nlog_level: debug\n`);
const body = process.argv[2];
writeFileSync('/tmp/wt/ws1.job.mjs', `
const { ws, wss, raw } = job.input;
const talk = (url, on = () => {}, more = undefined) => new Promise((done) => {
    const log = []; const s = new WebSocket(url, more); s.binaryType = 'arraybuffer';
    s.onopen = (e) => { log.push('open'); on(s, e); };
    s.onmessage = (e) => { log.push(e.data.byteLength ?? e.data); on(s, e); };
    s.onerror = (e) => { log.push({ error: e.message, cause: e.error?.name }); on(s, e); };
    s.onclose = (e) => { log.push([e.wasClean, e.code, e.reason]); done(log); };
});
${body}
`);
const r = await new Promise((done) => execFile('/tmp/wt/ws/build/isolane', ['run', '/tmp/wt/ws1.job.mjs', '--config', '/tmp/wt/ws1.yaml', '--data', '/tmp/wt/ws1.data', '--input', JSON.stringify({ ws: s.ws, wss: s.wss, raw: s.raw })], { env: { ...process.env, ISOLANE_BUILD: '/tmp/wt/ws/build' } }, (e, out, err) => done([e?.code, out, err])));
console.log(r[0]); console.log(r[1]); console.log(r[2].split('\n').filter((l) => !/ (info|debug) /.test(l)).join('\n'));
console.log(s.seen, s.seen.open());
s.close();
