// make cluster-soak: three nodes of NATS, three workers, an archive that follows; in turn a node (the one that leads the queue, the
// one that leads the results, a third) and a worker are killed under load. Nothing lost, nothing doubled, and how long each took.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../e2e/lib/client.mjs';
import { ClusterHouse, Flow, check_databases } from '../e2e/lib/cluster.mjs';
import { fresh_folder, program, scratch } from '../e2e/lib/place.mjs';
import { isolane, send_signal, sleep, start } from '../e2e/lib/process.mjs';

const MINUTES = Number(process.env.CLUSTER_MINUTES ?? 10);
const EVERY_MS = Number(process.env.CLUSTER_EVERY_MS ?? 20); // between two jobs
const CALM_MS = 4000; // before and after each blow

const median = (v) => [...v].sort((a, b) => a - b)[Math.floor(v.length / 2)];
const show = (v) => (v.length ? `${median(v).toFixed(0)} (most ${Math.max(...v).toFixed(0)})` : '-');

test(`${MINUTES} minutes of kills`, async () => {
    const house = await ClusterHouse.open();
    const { nats, client } = house;
    const keys = fresh_folder('keys');
    mkdirSync(keys);
    for (const [name, { data }] of house.workers) copyFileSync(join(data, 'worker.pub'), join(keys, `${name}.pub`));
    const db = join(scratch, 'archive.db');
    const archive = start(program, ['archive', '--db', db, '--trust', keys, '--nats', nats.url, '--json']);
    const flow = new Flow(client, { prefix: 'soak', every_ms: EVERY_MS });
    await flow.flowing(0);

    const restart_node = async (node) => {
        await node.stop('SIGKILL');
        return () => node.restart();
    };
    const blows = {
        'queue leader': async () => restart_node((await nats.leader(client, 'ISOLANE_JOBS')).node),
        'results leader': async () => restart_node((await nats.leader(client, 'ISOLANE_RESULTS')).node),
        'other node': async () => {
            const leaders = [await nats.leader(client, 'ISOLANE_JOBS'), await nats.leader(client, 'ISOLANE_RESULTS')].map((l) => l.node);
            return restart_node(nats.nodes.find((n) => !leaders.includes(n)) ?? nats.nodes[0]);
        },
        worker: async (turn) => {
            const name = `w${1 + turn % 3}`;
            await house.workers.get(name).worker.kill();
            return () => house.start_worker(name);
        },
    };
    const figures = Object.fromEntries(Object.keys(blows).map((k) => [k, { silence: [], before: [], during: [], after: [] }]));
    const kinds = Object.keys(figures);
    for (let turn = 0; flow.now() < MINUTES * 60_000; turn++) {
        const kind = kinds[turn % kinds.length];
        await sleep(CALM_MS);
        const at = flow.now();
        const mend = await blows[kind](Math.floor(turn / kinds.length));
        await flow.flowing(at, 20, 120_000);
        const f = figures[kind];
        const flowing = flow.now();
        f.silence.push(flow.silence(at, flowing));
        f.before.push(flow.rate(at - CALM_MS, at));
        f.during.push(flow.rate(at, flowing));
        await mend();
        await nats.healthy(client, 120_000);
        const mended = flow.now();
        await sleep(CALM_MS);
        f.after.push(flow.rate(mended, flow.now()));
    }
    await flow.stop();
    await flow.check({ timeout: 120_000 });
    for (const node of nats.nodes) {
        const each = await Client.connect(node.url, { ignoreClusterUpdates: true });
        await flow.poll(each, 20);
        await each.close();
    }
    const { rows, twice } = await check_databases(house);
    console.log(`# ${flow.published} jobs, lost 0, doubled 0; rows of ${rows} jobs, ${twice} ran at two workers; `
        + `${[...flow.seen.values()].filter((n) => n > 1).length} results were offered twice`);
    for (const [kind, f] of Object.entries(figures))
        console.log(`# ${kind} killed ${f.silence.length} times: no result for ${show(f.silence)} ms; results/s before ${show(f.before)}, until they flow ${show(f.during)}, after ${show(f.after)}`);

    await sleep(3000);
    send_signal(archive.pid, 'SIGTERM');
    const told = JSON.parse((await archive.ended).stdout);
    assert.equal(told.results, flow.published, 'the archive has them all');
    assert.deepEqual(Object.entries(told.faults).filter(([kind, n]) => n && kind !== 'second'), []);
    assert.ok(told.missing <= twice, `gaps (${told.missing}) are results that the stream refused (${twice})`);
    const verified = await isolane(['verify', '--db', db, '--key', keys], { timeout: 120_000 });
    assert.equal(verified.code, 0, verified.stderr);
    console.log(`# archive: ${told.results} results, ${told.missing} places in gaps, ${told.faults.second} second; verified`);
    await house.close();
});
