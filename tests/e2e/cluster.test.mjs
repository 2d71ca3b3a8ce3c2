// Three nodes of NATS, three workers; a node and a worker are killed while jobs flow: nothing lost, nothing doubled.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { ClusterHouse, Flow, check_databases } from './lib/cluster.mjs';
import { isolane, until } from './lib/process.mjs';

let house;
before(async () => { house = await ClusterHouse.open(); });
after(async () => { await house?.close(); });

test('streams, consumers and registry have a copy on every node; the workers see one another from each', async () => {
    for (const stream of ['ISOLANE_JOBS', 'ISOLANE_RESULTS', 'KV_ISOLANE_WORKERS']) {
        const info = await house.client.jsm.streams.info(stream);
        assert.equal(info.config.num_replicas, 3, stream);
    }
    for (const node of house.nats.nodes) {
        await until(`all workers at ${node.name}`, async () => {
            const end = await isolane(['workers', '--nats', node.url, '--json']);
            return end.code === 0 && end.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l).worker).join() === 'w1,w2,w3';
        });
    }
});

test('the node that leads the queue is killed, then a worker, under load: exactly one result each, from any node', async () => {
    const flow = new Flow(house.client, { prefix: 'kill' });
    await flow.flowing(0);
    const { node } = await house.nats.leader(house.client, 'ISOLANE_JOBS');
    let blow = flow.now();
    await node.stop('SIGKILL');
    console.log(`# node ${node.name} killed: results flow again after ${await flow.flowing(blow)} ms`);
    await node.restart();

    blow = flow.now();
    await house.workers.get('w1').worker.kill();
    console.log(`# worker w1 killed: results flow again after ${await flow.flowing(blow)} ms`);
    await house.start_worker('w1');
    await house.nats.healthy(house.client);
    await flow.stop();
    await flow.check();
    const extra = [...flow.seen.values()].filter((n) => n > 1).length;
    for (const each of house.nats.nodes) {
        const client = await Client.connect(each.url, { ignoreClusterUpdates: true });
        await flow.poll(client, 3);
        await client.close();
    }
    const { rows, twice } = await check_databases(house);
    assert.equal(rows >= flow.published, true);
    console.log(`# ${flow.published} jobs: each one result; ${twice} ran at two workers, ${extra} results were offered twice`);
});
