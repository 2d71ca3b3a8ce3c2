// All attacks: whole (every layer is there), alone (no layer but the one that must hold), and as a
// control without that one as well, so that the attack itself is seen to work. README.md.
import { enter, is_root } from './lib/ground.mjs';

enter();

const { default: assert } = await import('node:assert/strict');
const { before, after, test } = await import('node:test');
const { ALL, LAYERS, LAYERS_HERE, SOFT, all_attacks, landlock_abi, product, run_all, run_in_node, syscall_numbers, test_build } = await import('./lib/attacks.mjs');
const { make_targets, take_evidence, take_renamed } = await import('./lib/targets.mjs');

const attacks = all_attacks().filter(({ layer, name }) => new RegExp(process.env.ONLY ?? '').test(`${layer}/${name}`));
const phases = { whole: new Map(), alone: new Map(), control: new Map() };
let target;

const left_out = (attack, also = []) => ALL.filter((layer) => !attack.with.includes(layer) && (layer !== attack.layer || also.includes(layer)));
const off_alone = (attack) => (SOFT.includes(attack.layer) ? ALL : left_out(attack));

const needed_abi = (attack) => Number(attack.abi ?? (attack.layer === 'landlock' ? 1 : 0));
const skipped = (attack) => (attack.root && !is_root && 'needs root')
    || (needed_abi(attack) > landlock_abi && `needs version ${needed_abi(attack)} of Landlock, this kernel has ${landlock_abi}`);
const impossible = (attack) => (attack.needs && !target[attack.needs] ? `this machine has no ${attack.needs}` : null);

async function phase(name, jobs) {
    const input = { target, nr: syscall_numbers() };
    await run_all(jobs.filter(({ attack }) => !attack.apart), input);
    await run_all(jobs.filter(({ attack }) => attack.apart), input);
    const renamed = take_renamed();
    for (const job of jobs) {
        job.evidence = take_evidence(job.attack.name) || (renamed && job.attack.name === 'rename');
        phases[name].set(job.attack, job);
    }
}

before(async () => {
    target = await make_targets({ is_root });
    const tried = attacks.filter((attack) => !skipped(attack));
    await phase('whole', tried.map((attack) => ({ attack, program: attack.native ? test_build : product, off: [], args: attack.limits })));
    await phase('alone', tried.map((attack) => ({ attack, program: test_build, off: off_alone(attack), args: attack.limits })));
    const controlled = tried.filter(({ control }) => /^(succeeds|held|limits)/.test(control));
    await phase('control', controlled.map((attack) => (attack.control === 'limits'
        ? { attack, program: test_build, off: ALL, args: attack.control_limits }
        : { attack, program: test_build, off: left_out(attack, [attack.layer]), args: attack.limits })));
});

/** Did the attack get what it wanted? */
const escaped = (job) => job.evidence || job.results.some((r) => r.outcome === 'ok' && r.value?.escaped === true);
const shown = (job) => JSON.stringify(job.results.map(({ outcome, value, error, jail }) => ({ outcome, value, error: error?.message, jail })));

/** It did not, and it ended as the header says. */
function must_hold(job, ends) {
    if (job.failure) throw job.failure;
    assert.ok(!escaped(job), `it got through${job.evidence ? ' (it left evidence)' : ''}: ${shown(job)}`);
    for (const r of job.results) assert.ok(ends(r), `it was held, but ended in another way than its header says: ${shown(job)}`);
}

const one_of = (outcomes) => (r) => outcomes.split(/[ ,]+/).includes(r.outcome);
const denied = (names) => (r) => r.outcome === 'denied' && names.split(/[ ,]+/).some((name) => r.error.message.startsWith(`system call ${name} (`));
const ends_whole = ({ denied: call, ends }) => (call ? denied(call) : one_of(ends ?? 'ok'));
const ends_alone = (attack) => (attack.layer === 'seccomp' || (SOFT.includes(attack.layer) && !attack.denied) ? ends_whole(attack) : one_of(attack['alone-ends'] ?? 'ok'));

/** Exactly these layers were in force, as the result tells it. */
function must_have(job, layers) {
    for (const r of job.results) assert.deepEqual(r.jail, LAYERS.filter((layer) => layers.includes(layer)));
}

async function must_succeed(attack) {
    if (attack.control.startsWith('node')) {
        const value = await run_in_node(attack, attack.control.split(' ').slice(1));
        assert.ok(value?.escaped, `in Node.js: ${JSON.stringify(value)}`);
        return true;
    }
    const job = phases.control.get(attack);
    if (!job || impossible(attack)) return false;
    if (job.failure) throw job.failure;
    if (attack['control-ends']) for (const r of job.results) assert.ok(one_of(attack['control-ends'])(r), `control: ${shown(job)}`);
    if (attack.control.startsWith('held')) {
        assert.ok(!escaped(job), `control: it was to be held by what lies below: ${shown(job)}`);
        return false;
    }
    if (attack.control === 'limits') assert.ok(job.results.every((r) => r.outcome !== 'ok' || r.value?.escaped !== false), shown(job));
    else assert.ok(escaped(job), `control: it does not succeed without the layer either: ${shown(job)}`);
    return true;
}

const table = new Map();
const count = (attack, what) => {
    const row = table.get(attack.layer) ?? { attacks: 0, whole: 0, alone: 0, control: 0 };
    row[what]++;
    table.set(attack.layer, row);
};

for (const attack of attacks) {
    const skip = skipped(attack);
    test(`${attack.layer}/${attack.name}: ${attack.attack}`, skip ? { skip } : {}, async () => {
        const whole = phases.whole.get(attack), alone = phases.alone.get(attack);
        count(attack, 'attacks');
        must_hold(whole, ends_whole(attack));
        must_have(whole, LAYERS_HERE);
        count(attack, 'whole');
        must_hold(alone, ends_alone(attack));
        must_have(alone, SOFT.includes(attack.layer) ? [] : [attack.layer, ...attack.with]);
        count(attack, 'alone');
        if (await must_succeed(attack)) count(attack, 'control');
    });
}

const random = attacks.find(({ name }) => name === 'random');
test('random numbers of jobs from one zygote differ', random ? {} : { skip: 'not among those asked for' }, () => {
    const { results } = phases.whole.get(random);
    for (let i = 0; i < 3; i++) assert.equal(new Set(results.map((r) => r.value.draws[i])).size, results.length);
});

after(() => {
    const order = ['isolate', 'budgets', 'process', 'frames', 'seccomp', 'not_dumpable', 'one_descriptor', 'landlock', 'rlimits', 'no_new_privs', 'no_caps', 'foreign_uid', 'mountns', 'pidns', 'netns', 'ipcns', 'utsns', 'cgroupns', 'userns'];
    const rows = [['layer', 'attacks', 'held whole', 'held alone', 'control succeeded'], ...order.filter((layer) => table.has(layer)).map((layer) => [layer, ...Object.values(table.get(layer))])];
    const sum = rows.slice(1).reduce((all, row) => all.map((n, i) => n + row[i + 1]), [0, 0, 0, 0]);
    for (const row of [...rows, ['all', ...sum]]) process.stderr.write(`# ${String(row[0]).padEnd(16)}${row.slice(1).map((x) => String(x).padStart(19)).join('')}\n`);
});
