// Nothing lost, nothing doubled: SIGKILL to worker, zygote and nats-server at random while jobs flow.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, open_envelope } from '../e2e/lib/client.mjs';
import { fresh_folder } from '../e2e/lib/place.mjs';
import { isolane, send_signal, sleep, until } from '../e2e/lib/process.mjs';
import { NatsServer, impatient, worker } from '../e2e/lib/worker.mjs';

const JOBS = Number(process.env.SOAK_JOBS ?? 1500);
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000);
const PAUSE_EVERY = 50, PAUSE_MS = 120; // the publisher leaves time for kills between its jobs
const KILL_MIN_MS = 400, KILL_MORE_MS = 1200;

let state = SEED;
/** Park and Miller's generator: the same seed, the same order of kills. */
function random() {
    state = (state * 48271 + 1) % 2147483647;
    return state / 2147483647;
}

class House {
    kills = { worker: 0, zygote: 0, nats: 0 };

    async open() {
        this.data = fresh_folder();
        this.nats = await NatsServer.start();
        await this.start_worker();
        this.client = await Client.connect(this.nats.url);
        return this;
    }

    async start_worker() {
        this.worker = await worker(this.nats.url, { data: this.data, config: impatient });
    }

    async kill_something() {
        const dice = random();
        if (dice < 0.4) {
            this.kills.worker++;
            await this.worker.kill();
            await this.start_worker();
        } else if (dice < 0.55) {
            this.kills.nats++;
            await this.nats.stop('SIGKILL');
            await this.nats.restart();
        } else {
            const [zygote] = this.worker.zygotes();
            if (!zygote) return;
            this.kills.zygote++;
            send_signal(zygote, 'SIGKILL');
        }
    }
}

async function publish_all(client) {
    for (let i = 0; i < JOBS; i++) {
        const job = { id: `soak-${i}`, script: `console.log(${i}); export default ${i}` };
        // A publisher who got no PubAck publishes again; the id makes it the same job.
        while (!await client.publish(job, { msg_id: job.id }).catch(() => null)) await sleep(100);
        if (i % PAUSE_EVERY === 0) await sleep(PAUSE_MS);
    }
}

test(`${JOBS} jobs under random kills (seed ${SEED})`, async () => {
    const house = await new House().open();
    let publishing = true;
    const published = publish_all(house.client).finally(() => { publishing = false; });
    while (publishing) {
        await sleep(KILL_MIN_MS + random() * KILL_MORE_MS);
        await house.kill_something();
    }
    await published;

    const { client, data } = house;
    const ask = (question) => question().catch(() => null); // the server may just be coming back
    await until('a result for every job', async () =>
        Object.keys(await ask(() => client.result_counts()) ?? {}).length >= JOBS, { timeout: 60_000 + JOBS * 20, every: 200 });
    await until('the queue to be empty', async () => await ask(() => client.jobs_left()) === 0, { timeout: 60_000, every: 200 });

    const counts = await client.result_counts();
    assert.deepEqual(Object.entries(counts).filter(([, n]) => n !== 1), [], 'doubled results');
    assert.equal(Object.keys(counts).length, JOBS);
    for (let i = 0; i < JOBS; i++) {
        const r = open_envelope(await client.direct(`soak-${i}`));
        assert.deepEqual([r.id, r.outcome, r.value, r.stdout], [`soak-${i}`, 'ok', i, `${i}\n`]);
    }
    await house.worker.stop();
    const end = await isolane(['verify', '--db', join(data, 'results.db'), '--data', data, '--json'], { timeout: 60_000 + JOBS });
    assert.equal(end.code, 0, end.stdout + end.stderr);
    console.log(`# ${JOBS} jobs, killed: ${JSON.stringify(house.kills)}; lost 0, doubled 0, chain verified`);
    await client.close();
    await house.nats.stop();
});
