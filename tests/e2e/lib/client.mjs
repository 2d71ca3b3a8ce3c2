// A publisher as anybody would write one: the official NATS JavaScript client, and nothing of ours.
import assert from 'node:assert/strict';
import { TimeoutError, connect, headers } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { patience } from './place.mjs';
import { until } from './process.mjs';

/** The names of a JSON result, in their order (docs/protocol.md). */
export const RESULT_NAMES = ['id', 'tenant', 'class', 'state', 'outcome', 'value', 'stdout', 'stderr', 'truncated', 'error', 'limit', 'usage',
    'attempts', 'tries', 'artifacts', 'published_at', 'started_at', 'finished_at', 'worker', 'engine', 'profile', 'engine_flags', 'reuse', 'language', 'transform', 'script_sha256', 'input_sha256',
    'signed_by', 'permissions', 'jail', 'attestation', 'seq', 'prev'];
export const ERROR_NAMES = ['name', 'message', 'stack', 'line', 'column'];
export const USAGE_NAMES = ['cpu_ms', 'wall_ms', 'heap_peak_bytes', 'memory_peak_bytes', 'egress'];

/** Every result has the same shape, whatever happened. */
export function assert_result_shape(r) {
    assert.deepEqual(Object.keys(r), RESULT_NAMES);
    assert.deepEqual(Object.keys(r.usage), USAGE_NAMES);
    if (r.error !== null) assert.deepEqual(Object.keys(r.error), ERROR_NAMES);
    assert.equal(r.error === null, r.outcome === 'ok');
    assert.match(r.prev, /^[0-9a-f]{64}$/);
    assert.ok(Number.isInteger(r.seq) && r.seq >= 1);
    assert.ok(!Number.isNaN(Date.parse(r.finished_at)), r.finished_at);
    return r;
}

/** DSSE envelope → result object. The signature is for those who check it (lib/signature.mjs). */
export function open_envelope(envelope) {
    assert.deepEqual(Object.keys(envelope).sort(), ['payload', 'payloadType', 'signatures']);
    const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8'));
    assert.equal(statement._type, 'https://in-toto.io/Statement/v1');
    return assert_result_shape(statement.predicate);
}

export class Client {
    static async connect(url, options = {}) {
        const c = new Client();
        c.nc = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...options });
        c.js = jetstream(c.nc, { timeout: 5000 * patience });
        c.jsm = await jetstreamManager(c.nc, { timeout: 5000 * patience });
        return c;
    }

    close() { return this.nc.close(); }

    /** job: an object, or bytes/text as they are. → PubAck {seq, duplicate} */
    publish(job, { tenant = 'default', cls = 'normal', msg_id } = {}) {
        const data = typeof job === 'string' || job instanceof Uint8Array ? job : JSON.stringify(job);
        const options = {};
        if (msg_id) {
            options.headers = headers();
            options.headers.set('Nats-Msg-Id', msg_id);
        }
        return this.js.publish(`isolane.jobs.${tenant}.${cls}`, data, options);
    }

    async ask(subject, question) {
        const reply = await this.nc.request(subject, question === undefined ? '' : JSON.stringify(question), { timeout: 5000 * patience });
        return reply.json();
    }

    /** Way 1 of polling: any worker answers → an envelope, or {"state": …}. */
    get(id, more = {}) { return this.ask('isolane.results.get', { id: String(id), ...more }); }

    /** Way 2: JetStream alone, no worker involved → an envelope, or null. */
    async direct(id, tenant = 'default') {
        const m = await this.jsm.direct.getMessage('ISOLANE_RESULTS', { last_by_subj: `isolane.results.${tenant}.${id}` })
            .catch((error) => {
                if (/not found|no message/i.test(error.message)) return null;
                throw error;
            });
        return m && m.json();
    }

    /** Way 3: a subscription made before the job is published → promise of an envelope. */
    listen(id, tenant = 'default') {
        const sub = this.nc.subscribe(`isolane.results.${tenant}.${id}`, { max: 1, timeout: 60_000 * patience });
        return (async () => {
            for await (const m of sub) return m.json();
        })();
    }

    /** The result as soon as the results stream has it. */
    async result(id, { tenant = 'default', timeout = 60_000 } = {}) {
        const ask = () => this.direct(id, tenant).catch((error) => {
            if (error instanceof TimeoutError) return null; // the server went away with the question
            throw error;
        });
        return open_envelope(await until(`the result of ${id}`, ask, { timeout }));
    }

    /** Publishes and waits. */
    async execute(job, options = {}) {
        const ack = await this.publish(job, options);
        const id = job.id ?? options.msg_id ?? String(ack.seq);
        return this.result(id, options);
    }

    cancel(id, more) { return this.ask(`isolane.cancel.${id}`, more); }

    /** How many messages each subject of the results stream has: {"isolane.results.default.x": 1}. */
    async result_counts() {
        const info = await this.jsm.streams.info('ISOLANE_RESULTS', { subjects_filter: '>' });
        return info.state.subjects ?? {};
    }

    /** Jobs that the server would still hand out, or waits for the ack of. Not the stream's own count: a nats-server that
     *  was killed can bring back messages that were acked, and hands them to nobody any more. */
    async jobs_left() {
        let left = 0;
        for await (const c of this.jsm.consumers.list('ISOLANE_JOBS')) left += c.num_pending + c.num_ack_pending;
        return left;
    }
}
