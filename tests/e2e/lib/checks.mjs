// What must hold after anything was killed, cut or deleted.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { isolane, until } from './process.mjs';

/** Every job has exactly one message in the results stream, and nothing is left to do. */
export async function assert_one_result_each(c, ids, check = () => {}) {
    for (const id of ids) check(await c.result(id));
    await until('the queue to be empty', async () => await c.jobs_left() === 0);
    const counts = await c.result_counts();
    for (const id of ids) assert.equal(counts[`isolane.results.default.${id}`], 1, id);
}

/** The database of that data folder verifies, whole. */
export async function assert_chain(data) {
    const end = await isolane(['verify', '--db', join(data, 'results.db'), '--data', data]);
    assert.equal(end.code, 0, end.stdout + end.stderr);
}

/** Publishes so many jobs "<prefix>-<n>" → their ids. */
export async function publish_all(c, prefix, count, script) {
    const ids = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
    for (const id of ids) await c.publish({ id, script });
    return ids;
}
