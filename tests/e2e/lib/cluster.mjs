// Three nats-servers that are one cluster, three workers at them, and jobs that flow while either is killed.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, open_envelope } from './client.mjs';
import { fresh_folder, patience } from './place.mjs';
import { isolane, sleep, until } from './process.mjs';
import { NatsServer, free_port, worker } from './worker.mjs';

export class NatsCluster {
    static async start(size = 3) {
        const c = new NatsCluster();
        const ports = [];
        while (ports.length < 2 * size) ports.push(await free_port());
        const routes = ports.slice(size).map((p) => `nats://127.0.0.1:${p}`).join(', ');
        c.nodes = ports.slice(0, size).map((port, i) => {
            const s = new NatsServer();
            Object.assign(s, { name: `n${i + 1}`, port, dir: fresh_folder('node'), url: `nats://127.0.0.1:${port}` });
            mkdirSync(s.dir);
            Object.assign(s, { conf: join(s.dir, 'server.conf'), log: join(s.dir, 'server.log') });
            writeFileSync(s.conf, `server_name: ${s.name}\nlisten: "127.0.0.1:${port}"\nlog_file: "${s.log}"\nmax_payload: 16MB\n`
                + `jetstream { store_dir: "${s.dir}/js" }\n`
                + `cluster { name: test, listen: "127.0.0.1:${ports[size + i]}", routes: [${routes}] }\n`);
            return s;
        });
        c.url = c.nodes.map((s) => s.url).join(',');
        await Promise.all(c.nodes.map((s) => s.restart()));
        return c;
    }

    node(name) { return this.nodes.find((s) => s.name === name); }

    /** Which node leads a stream, null while there is none; `current`: every copy of it is up to date. */
    async leader(client, stream) {
        const info = await client.jsm.streams.info(stream).catch(() => null);
        const { leader, replicas = [] } = info?.cluster ?? {};
        return leader ? { node: this.node(leader), current: replicas.length === this.nodes.length - 1 && replicas.every((r) => r.current && !r.offline) } : null;
    }

    /** All copies of all streams are up to date: the next node may be killed. */
    async healthy(client, timeout = 60_000) {
        for (const stream of ['ISOLANE_JOBS', 'ISOLANE_RESULTS', 'KV_ISOLANE_WORKERS'])
            await until(`${stream} to have all its copies`, async () => (await this.leader(client, stream))?.current, { timeout, every: 200 });
    }

    stop() { return Promise.all(this.nodes.map((s) => s.stop('SIGKILL'))); }
}

/** A cluster with workers w1… and a client at all its nodes. */
export class ClusterHouse {
    workers = new Map(); // name → {worker, data}

    static async open({ workers = 3, config = {} } = {}) {
        const h = new ClusterHouse();
        h.nats = await NatsCluster.start();
        h.client = await until('the cluster to have a leader', () => Client.connect(h.nats.nodes.map((s) => s.url)).catch(() => null), { timeout: 30_000 });
        h.config = { nats: { replicas: 3, ack_wait_ms: 3000, heartbeat_s: 1 }, max_running: 2, pool: 2, ...config };
        for (let i = 1; i <= workers; i++) await h.start_worker(`w${i}`);
        await h.nats.healthy(h.client);
        return h;
    }

    async start_worker(name) {
        const data = this.workers.get(name)?.data ?? fresh_folder(name);
        this.workers.set(name, { data, worker: await worker(this.nats.url, { data, config: { ...this.config, worker: name } }) });
    }

    async close() {
        for (const { worker: w } of this.workers.values()) await w.stop();
        await this.client.close();
        await this.nats.stop();
    }
}

/** Publishes jobs <prefix>-0 … at a rate until stopped; a job without a PubAck is published again under its id. Counts results as
 *  they come, so that an interruption has a length. */
export class Flow {
    published = 0;
    seen = new Map(); // id → times the result was heard on the wire
    ticks = []; // [ms, results so far] at each result

    constructor(client, { prefix = 'flow', every_ms = 25, script = (i) => `export default ${i}` } = {}) {
        Object.assign(this, { client, prefix, every_ms, script });
        this.begun = Date.now();
        this.sub = client.nc.subscribe('isolane.results.default.>', {
            callback: (error, m) => {
                if (error) return;
                const id = m.subject.slice('isolane.results.default.'.length);
                if (!id.startsWith(`${prefix}-`)) return;
                this.seen.set(id, (this.seen.get(id) ?? 0) + 1);
                this.ticks.push(Date.now() - this.begun);
            },
        });
        this.publishing = this.#publish();
    }

    async #publish() {
        const mine = [];
        while (!this.stopped) {
            const i = this.published++;
            const id = `${this.prefix}-${i}`;
            mine.push(this.#one({ id, script: this.script(i), max_attempts: 100 }));
            await sleep(this.every_ms);
        }
        await Promise.all(mine);
    }

    async #one(job) {
        while (!await this.client.publish(job, { msg_id: job.id }).catch(() => null)) await sleep(100);
    }

    now() { return Date.now() - this.begun; }

    /** Results per second in a span of time. */
    rate(from, to) { return this.ticks.filter((t) => t >= from && t < to).length / (to - from) * 1000; }

    /** The longest time without a result within a span. */
    silence(from, to) {
        let last = from, most = 0;
        for (const t of this.ticks.filter((x) => x >= from && x < to)) {
            most = Math.max(most, t - last);
            last = t;
        }
        return Math.max(most, to - last);
    }

    /** Waits until results flow again: n of them in a row without a gap of a second. → ms since `from` */
    async flowing(from, n = 20, timeout = 60_000) {
        return until('results to flow again', () => {
            const since = this.ticks.filter((t) => t >= from);
            for (let i = 0; i + n <= since.length; i++) {
                const run = since.slice(i, i + n);
                if (run.every((t, k) => k === 0 || t - run[k - 1] < 1000) && run[0] - from >= 0) {
                    // A result that was on its way when the blow fell is no recovery: the run must outlast it.
                    if (run.at(-1) - from > 300) return Math.max(1, this.#gap_end(since, from) - from);
                }
            }
            return false;
        }, { timeout, every: 50 });
    }

    /** Where the longest silence since `from` ended. */
    #gap_end(since, from) {
        let last = from, most = 0, end = from;
        for (const t of since) {
            if (t - last > most) [most, end] = [t - last, t];
            last = t;
        }
        return end;
    }

    async stop() {
        this.stopped = true;
        await this.publishing;
    }

    /** Every job that was accepted has exactly one result, and its own. */
    async check({ timeout = 60_000 } = {}) {
        const of_ours = async () => Object.entries(await this.client.result_counts().catch(() => ({})))
            .filter(([subject]) => subject.startsWith(`isolane.results.default.${this.prefix}-`));
        await until('a result for every job', async () => (await of_ours()).length >= this.published, { timeout, every: 200 })
            .catch(async (error) => {
                const there = new Set((await of_ours()).map(([s]) => s.slice('isolane.results.default.'.length)));
                const lost = Array.from({ length: this.published }, (_, i) => `${this.prefix}-${i}`).filter((id) => !there.has(id));
                throw new Error(`${error.message}; ${lost.length} of ${this.published} are missing: ${lost.slice(0, 20)}`);
            });
        const counts = await of_ours();
        assert.equal(counts.length, this.published);
        assert.deepEqual(counts.filter(([, n]) => n !== 1), [], 'doubled results');
        await until('the queue to be empty', async () => await this.client.jobs_left().catch(() => 1) === 0, { timeout, every: 200 });
    }

    /** Some results, by direct get through that client and by asking the workers: both must say the same. */
    async poll(client, samples = 5) {
        for (let k = 0; k < samples; k++) {
            const i = Math.floor(k * (this.published - 1) / Math.max(1, samples - 1));
            const id = `${this.prefix}-${i}`;
            const direct = open_envelope(await until(`${id} by direct get`, () => client.direct(id).catch(() => null), { timeout: 10_000 * patience }));
            assert.deepEqual([direct.id, direct.outcome, direct.value], [id, 'ok', i]);
            const asked = await client.get(id, { tenant: 'default' });
            assert.equal(open_envelope(asked).id, id);
        }
    }
}

/** Verifies each worker's chain; tells jobs that have a row in two databases: run twice, told once. */
export async function check_databases(house) {
    const rows = new Map(); // id → workers
    for (const [name, { data }] of house.workers) {
        const end = await isolane(['verify', '--db', join(data, 'results.db'), '--data', data, '--json'], { timeout: 60_000 });
        assert.equal(end.code, 0, `${name}: ${end.stdout}${end.stderr}`);
        const list = await isolane(['ls', '--data', data, '--json', '-n', '1000000'], { timeout: 60_000 });
        for (const line of list.stdout.split('\n').filter(Boolean)) {
            const { id } = JSON.parse(line);
            rows.set(id, [...(rows.get(id) ?? []), name]);
        }
    }
    const twice = [...rows].filter(([, who]) => who.length > 1);
    for (const [id, who] of twice) { // the stream has the one of one of them
        const told = open_envelope(await house.client.direct(id));
        assert.ok(who.includes(told.worker), `${id}: told by ${told.worker}, rows at ${who}`);
    }
    return { rows: rows.size, twice: twice.length };
}
