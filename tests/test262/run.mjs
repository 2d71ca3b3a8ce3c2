// make test262 TEST262=checkout [FILTER=language/expressions] [SLICE=1/10] [BESIDE=node]: README.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cells } from './cells.mjs';
import { nodes } from './nodes.mjs';
import { find_tests, passed, read_test, scenarios, skipped } from './tests.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = process.env.TEST262;
if (!root || !existsSync(join(root, 'harness/assert.js'))) {
    console.error('TEST262 must name a checkout of test262 (with harness/ and test/)');
    process.exit(2);
}
const [slice, slices] = (process.env.SLICE || '1/1').split('/').map(Number);
const parallel = Number(process.env.PARALLEL || 2);

/** "path reason" a line: what is known to fail, and why. */
function read_expected() {
    const lines = readFileSync(join(here, 'expected.txt'), 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
    return lines.map((l) => ({ prefix: l.slice(0, l.indexOf(' ')), reason: l.slice(l.indexOf(' ') + 1) }));
}
const expected = read_expected();
const reason_of = (path) => expected.find(({ prefix }) => path === prefix || (prefix.endsWith('/') && path.startsWith(prefix)))?.reason;

const area_of = (path) => path.split('/').slice(0, 2).filter((part) => !part.endsWith('.js')).join('/');
const rate = (ok, all) => (all ? `${(100 * ok / all).toFixed(2)} %` : '-');

async function run_all(engine, tests) {
    const areas = new Map();
    const failures = [];
    let left = tests.length;
    const one = async (path) => {
        const t = read_test(root, path);
        const area = areas.get(area_of(path)) ?? { ok: 0, all: 0, skipped: 0 };
        areas.set(area_of(path), area);
        if (skipped(t)) {
            area.skipped++;
        } else {
            for (const scenario of scenarios(root, t)) {
                const how = await engine.run(scenario);
                area.all++;
                if (passed(t, how)) area.ok++;
                else failures.push({ path, mode: scenario.mode, how });
            }
        }
        if (--left % 2000 === 0) console.error(`${engine.what}: ${left} tests to go`);
    };
    // As many at once as the engine lets through; it holds the others back.
    let next = 0;
    const lane = async () => {
        while (next < tests.length) await one(tests[next++]);
    };
    await Promise.all(Array.from({ length: 64 }, lane));
    return { areas, failures };
}

const all = find_tests(root, process.env.FILTER);
// ONLY: those that failed in an earlier REPORT.
const only = process.env.ONLY && new Set(JSON.parse(readFileSync(process.env.ONLY, 'utf8'))[0].failures.map((f) => f.path));
const tests = all.filter((path, i) => (only ? only.has(path) : i % slices === slice - 1));
console.log(`# ${tests.length} of ${all.length} files${process.env.FILTER ? ` below ${process.env.FILTER}` : ''}, each scenario by itself`);

const runs = [];
for (const make of process.env.BESIDE === 'node' ? [cells, nodes] : [cells]) {
    const engine = await make({ parallel });
    const began = Date.now();
    runs.push({ engine, ...(await run_all(engine, tests)), seconds: (Date.now() - began) / 1000 });
    await engine.close();
}

const names = [...new Set(runs.flatMap((r) => [...r.areas.keys()]))].sort();
const totals = runs.map(() => ({ ok: 0, all: 0, skipped: 0 }));
for (const name of names) {
    const cols = runs.map((r, i) => {
        const a = r.areas.get(name) ?? { ok: 0, all: 0, skipped: 0 };
        for (const key of ['ok', 'all', 'skipped']) totals[i][key] += a[key];
        return `${a.ok}/${a.all} ${rate(a.ok, a.all)}`;
    });
    console.log(`# ${name.padEnd(40)} ${cols.map((c) => c.padEnd(24)).join('')}`);
}
runs.forEach((r, i) => console.log(`# ${r.engine.what}: ${totals[i].ok} of ${totals[i].all} scenarios (${rate(totals[i].ok, totals[i].all)}), ${totals[i].skipped} files skipped, ${r.seconds.toFixed(0)} s`));

if (process.env.REPORT) writeFileSync(process.env.REPORT, JSON.stringify(runs.map((r) => ({ what: r.engine.what, failures: r.failures })), null, 1));
const unexpected = runs[0].failures.filter((f) => !reason_of(f.path));
for (const f of unexpected.slice(0, 200)) console.log(`not ok - ${f.path} (${f.mode}): ${f.how.ended} ${f.how.name ?? ''}: ${String(f.how.message ?? '').split('\n')[0].slice(0, 200)}`);
const failed = new Set(runs[0].failures.map((f) => f.path));
const ran = new Set(tests);
const stale = expected.filter(({ prefix }) => !prefix.endsWith('/') && ran.has(prefix) && !failed.has(prefix));
for (const { prefix } of stale) console.log(`not ok - ${prefix} passes: take it out of expected.txt`);
console.log(`${totals[0].ok} passed, ${unexpected.length} failed, ${totals[0].skipped} skipped`);
process.exit(unexpected.length || stale.length ? 1 : 0);
