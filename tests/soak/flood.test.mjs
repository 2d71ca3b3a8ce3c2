// Nothing lost, nothing doubled while a whole flood is in hand: thousands of jobs lie in the queue, and the worker, its cells or its
// zygote are killed with many results on their way to the disk and to the stream. Each way of re-use by itself. (nats-server is
// killed in kills.test.mjs.)
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert_chain } from '../e2e/lib/checks.mjs';
import { Client, open_envelope } from '../e2e/lib/client.mjs';
import { fresh_folder } from '../e2e/lib/place.mjs';
import { send_signal, sleep, until } from '../e2e/lib/process.mjs';
import { NatsServer, impatient, worker } from '../e2e/lib/worker.mjs';

const JOBS = Math.ceil(Number(process.env.SOAK_JOBS ?? 1500) / 3);
const AT_ONCE = 64; // publishes on their way
const LETS_RUN_MS = 20, LETS_RUN_MORE_MS = 200;
const VICTIMS = ['worker', 'cells', 'worker', 'zygote'];
const script = 'export default (n) => { console.log(n); return n; };';

async function publish_all(client, reuse) {
    let next = 0;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        for (let i = next++; i < JOBS; i = next++) {
            const job = { id: `${reuse}-${i}`, script, input: i, reuse, max_attempts: 20 };
            await client.publish(job, { msg_id: job.id });
        }
    }));
}

for (const reuse of ['none', 'tenant', 'script']) {
    test(`${JOBS} jobs in the queue, reuse ${reuse}`, async () => {
        const nats = await NatsServer.start(), client = await Client.connect(nats.url), data = fresh_folder();
        const stored = async () => (await client.jsm.streams.info('ISOLANE_RESULTS').catch(() => null))?.state.messages ?? 0;
        const begin = () => worker(nats.url, { data, config: impatient });
        let w = await begin(), kills = 0;
        await w.stop(); // it has made the streams
        await publish_all(client, reuse);
        w = await begin();
        for (; await stored() < JOBS; kills++) {
            await sleep(LETS_RUN_MS + Math.random() * LETS_RUN_MORE_MS);
            const victim = VICTIMS[kills % VICTIMS.length];
            if (victim === 'worker') {
                await w.kill();
                w = await begin();
            } else {
                for (const pid of victim === 'cells' ? w.cells() : w.zygotes()) send_signal(pid, 'SIGKILL');
            }
        }
        await until('the queue to be empty', () => client.jobs_left().then((n) => n === 0, () => false));
        assert.equal(await stored(), JOBS, 'doubled results');
        for (let i = 0; i < JOBS; i++) {
            const r = open_envelope(await client.direct(`${reuse}-${i}`));
            assert.deepEqual([r.outcome, r.value, r.stdout], ['ok', i, `${i}\n`]);
        }
        await w.stop();
        await assert_chain(data);
        console.log(`# ${reuse}: ${JOBS} jobs, ${kills} kills; lost 0, doubled 0, chain verified`);
        await client.close();
        await nats.stop();
    });
}
