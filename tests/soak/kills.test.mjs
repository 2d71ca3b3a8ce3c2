// Nothing lost, nothing doubled: SIGKILL to worker, zygote, cells and nats-server, and a wire that breaks, at random while jobs flow,
// each third of them with one of the ways of re-use.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, open_envelope } from '../e2e/lib/client.mjs';
import { fresh_folder } from '../e2e/lib/place.mjs';
import { isolane, send_signal, sleep, until } from '../e2e/lib/process.mjs';
import { Proxy } from '../e2e/lib/proxy.mjs';
import { NatsServer, impatient, worker } from '../e2e/lib/worker.mjs';

const JOBS = Number(process.env.SOAK_JOBS ?? 1500); // at least so many …
const MINUTES = Number(process.env.SOAK_MINUTES ?? 0); // … and for at least so long
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000);
const AT_ONCE = 30, PAUSE_MS = 150; // the publisher leaves time for kills between its jobs
const REUSE = ['none', 'tenant', 'script'];
const MAX_TIMES = 20; // attempts
const KILL_MIN_MS = 250, KILL_MORE_MS = 900;
const CUT_MIN_MS = 100, CUT_MORE_MS = 2500, SLOW_MS = 80;
const LONG_CUT_MS = 60_000, LONG_CUT_FROM = 20_000; // a soak of so many jobs has one cut of a minute
const ASK_AT_ONCE = 64;

let state = SEED;
/** Park and Miller's generator: the same seed, the same order of kills. */
function random() {
    state = (state * 48271 + 1) % 2147483647;
    return state / 2147483647;
}

class House {
    kills = { worker: 0, zygote: 0, cell: 0, nats: 0, cut: 0, swallowed: 0, slow: 0, minute: 0 };
    long_cut_due = JOBS >= LONG_CUT_FROM;

    async open() {
        this.data = fresh_folder();
        this.nats = await NatsServer.start();
        this.proxy = await Proxy.start(this.nats.port); // the worker's wire; the publisher has one of its own
        await this.start_worker();
        this.client = await Client.connect(this.nats.url);
        return this;
    }

    async start_worker() {
        this.worker = await worker(this.proxy.url, { data: this.data, config: impatient });
    }

    kill_one(kind, pids) {
        if (!pids.length) return;
        this.kills[kind]++;
        send_signal(pids[Math.floor(random() * pids.length)], 'SIGKILL');
    }

    async harm_wire(dice) {
        const ms = CUT_MIN_MS + random() * CUT_MORE_MS;
        if (this.long_cut_due) {
            this.long_cut_due = false;
            this.kills.minute++;
            this.proxy.cut();
            await sleep(LONG_CUT_MS);
        } else if (dice < 1 / 3) {
            this.kills.cut++;
            this.proxy.cut();
            await sleep(ms);
        } else if (dice < 2 / 3) {
            this.kills.swallowed++;
            this.proxy.swallow();
            await sleep(ms);
        } else {
            this.kills.slow++;
            this.proxy.slow(SLOW_MS);
            await sleep(ms);
        }
        this.proxy.mend();
    }

    async harm_something() {
        const dice = random();
        if (dice < 0.3) {
            this.kills.worker++;
            await this.worker.kill();
            await this.start_worker();
        } else if (dice < 0.4) {
            this.kills.nats++;
            await this.nats.stop('SIGKILL');
            await this.nats.restart();
        } else if (dice < 0.6) {
            this.kill_one('zygote', this.worker.zygotes());
        } else if (dice < 0.8) {
            this.kill_one('cell', this.worker.cells());
        } else {
            await this.harm_wire((dice - 0.8) / 0.2);
        }
    }
}

// The same for all, so that cells stay and lines form: what it must say is its input.
const script = 'export default (n) => { console.log(n); return n; };';

// A publisher who got no PubAck publishes again; the id makes it the same job.
async function publish(client, i) {
    const job = { id: `soak-${i}`, script, input: i, reuse: REUSE[i % REUSE.length], max_attempts: MAX_TIMES };
    while (!await client.publish(job, { msg_id: job.id }).catch(() => null)) await sleep(100);
}

/** → how many were accepted. */
async function publish_all(client) {
    const end = Date.now() + MINUTES * 60_000;
    let i = 0;
    for (; i < JOBS || Date.now() < end; i += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => publish(client, i + k)));
        await sleep(PAUSE_MS);
    }
    return i;
}

/** → how many found a cell that had stayed, by their kind of re-use. */
async function check_results(client, jobs) {
    const again = Object.fromEntries(REUSE.map((kind) => [kind, 0]));
    for (let first = 0; first < jobs; first += ASK_AT_ONCE)
        await Promise.all(Array.from({ length: Math.min(ASK_AT_ONCE, jobs - first) }, async (_, k) => {
            const i = first + k, r = open_envelope(await client.direct(`soak-${i}`));
            assert.deepEqual([r.id, r.outcome, r.value, r.stdout], [`soak-${i}`, 'ok', i, `${i}\n`]);
            if (r.reuse?.call > 1) again[r.reuse.mode]++;
        }));
    return again;
}

test(`${MINUTES ? `${MINUTES} minutes` : `${JOBS} jobs`} under random kills (seed ${SEED})`, async () => {
    const house = await new House().open();
    let publishing = true;
    const published = publish_all(house.client).finally(() => { publishing = false; });
    while (publishing) {
        await sleep(KILL_MIN_MS + random() * KILL_MORE_MS);
        await house.harm_something();
    }
    const jobs = await published;

    const { client, data } = house;
    const ask = (question) => question().catch(() => null); // the server may just be coming back
    const stored = async () => (await ask(() => client.jsm.streams.info('ISOLANE_RESULTS')))?.state.messages ?? 0;
    await until('a result for every job', async () => await stored() >= jobs, { timeout: 60_000 + jobs * 20, every: 200 });
    await until('the queue to be empty', async () => await ask(() => client.jobs_left()) === 0, { timeout: 60_000, every: 200 });

    assert.equal(await stored(), jobs, 'doubled results');
    const again = await check_results(client, jobs);
    assert.ok(again.none === 0 && again.tenant > 0 && again.script > 0, `cells that stayed: ${JSON.stringify(again)}`);
    await house.worker.stop();
    const end = await isolane(['verify', '--db', join(data, 'results.db'), '--data', data, '--json'], { timeout: 60_000 + jobs });
    assert.equal(end.code, 0, end.stdout + end.stderr);
    console.log(`# ${jobs} jobs, in cells that had stayed ${JSON.stringify(again)}, harmed: ${JSON.stringify(house.kills)}; lost 0, doubled 0, chain verified`);
    await client.close();
    house.proxy.stop();
    await house.nats.stop();
});
