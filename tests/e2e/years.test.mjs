// Results for years: listed, exported, backed up, removed by retention, and still provable.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { fresh_folder, scratch } from './lib/place.mjs';
import { isolane, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const JOBS = 30;
let copies = 0;
let w, c;
before(async () => {
    w = await up({ config: { retention_interval_s: 1, tenants: [{ name: 'default' }, { name: 'short', retention: { max_rows: 5 } }] } });
    c = await Client.connect(w.url);
    for (let i = 0; i < JOBS; i++) {
        const id = `job-${String(i).padStart(2, '0')}`;
        await c.publish({ id, script: i % 3 ? `console.log("line, \\"${i}\\"\\nnext"); export default { i: ${i} }` : 'throw new TypeError("no, ${thing}")' });
    }
    for (let i = 0; i < JOBS; i++) await c.result(`job-${String(i).padStart(2, '0')}`);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const mine = async (...args) => {
    const end = await isolane([...args, '--data', w.data]);
    assert.equal(end.code, 0, end.stderr);
    return end;
};
const lines = (text) => text.split('\n').filter(Boolean);

test('ls: a table, newest first; a filter for each thing one looks for', async () => {
    const table = lines((await mine('ls', '-n', '5')).stdout);
    assert.equal(table.length, 6);
    assert.match(table[0], /finished.*tenant.*id.*outcome/);
    const failed = lines((await mine('ls', '--failed', '--json')).stdout).map(JSON.parse);
    assert.equal(failed.length, 10);
    assert.ok(failed.every((r) => r.outcome === 'threw' && r.error === 'no, ${thing}'));
    assert.ok(failed[0].seq > failed[1].seq);
    const some = lines((await mine('ls', '--id', 'job-1', '--json', '--oldest', '--since', '1h')).stdout).map((l) => JSON.parse(l).id);
    assert.equal(some.length, 10);
    assert.deepEqual([...some].sort(), Array.from({ length: 10 }, (_, i) => `job-1${i}`));
    assert.equal((await mine('ls', '--until', '1h', '--json')).stdout, '');
    assert.equal((await mine('ls', '--tenant', 'nobody', '--json')).stdout, '');
    assert.equal((await mine('ls', '--outcome', 'cpu_exceeded', '--json')).stdout, '');
});

test('ls: pages by cursor are the whole list, each result once', async () => {
    const seen = [];
    let after = [];
    for (;;) {
        const end = await mine('ls', '--json', '-n', '7', ...after);
        seen.push(...lines(end.stdout).map((l) => JSON.parse(l).seq));
        const more = end.stderr.match(/^more: --after (\d+)$/m);
        if (!more) break;
        after = ['--after', more[1]];
    }
    assert.deepEqual(seen, Array.from({ length: JOBS }, (_, i) => JOBS - i));
});

test('ls: what is wrong is said, with what is meant', async () => {
    for (const [args, says] of [
        [['--outcome', 'threww'], /--outcome: found 'threww'; allowed: ok, threw, .*; did you mean 'threw'\?/],
        [['--state', 'x'], /--state: found 'x'; allowed: done, dead/],
        [['--since', 'yesterday'], /--since: found 'yesterday'; allowed: a date/],
        [['--after', 'abc'], /--after: found 'abc'/],
        [['--limit', '0'], /--limit: found .0./],
    ]) {
        const end = await isolane(['ls', ...args, '--data', w.data]);
        assert.equal(end.code, 2);
        assert.match(end.stderr, says);
    }
    const none = await isolane(['ls', '--data', fresh_folder()]);
    assert.equal(none.code, 3);
    assert.match(none.stderr, /results database/);
});

/** RFC 4180, enough of it for a test. */
function parse_csv(text) {
    const rows = [[]];
    for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
        rows.at(-1).push(quoted === undefined ? (plain === '' ? null : plain) : quoted.replaceAll('""', '"'));
        if (end === '\r\n') rows.push([]);
        if (end === '') break;
    }
    return rows.filter((r) => r.length > 1);
}

test('export: NDJSON is the signed objects, CSV has one shape, envelopes verify', async () => {
    const objects = lines((await mine('export')).stdout).map(JSON.parse);
    assert.equal(objects.length, JOBS);
    assert.deepEqual(objects.find((r) => r.id === 'job-01'), await c.result('job-01'));
    const [head, ...rows] = parse_csv((await mine('export', '--format', 'csv')).stdout);
    assert.equal(rows.length, JOBS);
    assert.ok(rows.every((r) => r.length === head.length));
    const at = (row, name) => row[head.indexOf(name)];
    const one = rows.find((r) => at(r, 'id') === 'job-01');
    assert.equal(at(one, 'stdout'), 'line, "1"\nnext\n');
    assert.deepEqual(JSON.parse(at(one, 'value')), { i: 1 });
    assert.equal(at(one, 'error_name'), null);
    assert.equal(at(rows.find((r) => at(r, 'id') === 'job-03'), 'error_name'), 'TypeError');
    const envelopes = (await mine('export', '--format', 'envelopes', '--id', 'job-0')).stdout;
    assert.equal(lines(envelopes).length, 10);
    const verified = await isolane(['verify', '-', '--data', w.data], { input: envelopes });
    assert.equal(verified.code, 0, verified.stderr);
});

test('backup: of a database in use, verified, one file, never over another', async () => {
    const to = join(scratch, `copy-${++copies}.db`);
    const end = await mine('backup', to, '--json');
    assert.equal(JSON.parse(end.stdout).results, JOBS);
    assert.equal(existsSync(`${to}-wal`), false);
    const whole = await mine('verify', '--db', to, '--integrity');
    assert.match(whole.stdout, new RegExp(`${JOBS} results`));
    const again = await isolane(['backup', to, '--data', w.data]);
    assert.equal(again.code, 3);
    assert.match(again.stderr, /is there already/);
    assert.ok(readFileSync(to).length > 0);
});

test('retention: one tenant\'s results go, a checkpoint proves that nothing else did', async () => {
    for (let i = 0; i < 25; i++) await c.publish({ id: `s-${i}`, script: 'export default 1' }, { tenant: 'short' });
    for (let i = 0; i < 25; i++) await c.result(`s-${i}`, { tenant: 'short' });
    const left = async () => lines((await mine('ls', '--tenant', 'short', '--json')).stdout).length;
    await until('retention to have removed what it does not keep', async () => (await left()) === 5);
    assert.equal(lines((await mine('ls', '--tenant', 'default', '--json')).stdout).length, JOBS);
    const end = await mine('verify', '--db', join(w.data, 'results.db'), '--json');
    const report = JSON.parse(end.stdout);
    assert.equal(report.checked, JOBS + 5);
    assert.ok(report.pruned >= 20, end.stdout);
    const to = join(scratch, `copy-${++copies}.db`);
    await mine('backup', to);
});
