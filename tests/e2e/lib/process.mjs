// Processes that a test starts: run to the end, or kept; killed by pid when the file ends, whatever
// happens, and the file itself ends when it hangs.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { patience, program, scratch } from './place.mjs';

const FILE_TIMEOUT_MS = Number(process.env.FILE_TIMEOUT_MS ?? 300_000) * patience; // a whole test file; prove goes on with the next

const running = new Set(); // ChildProcess
const adopted = new Set(); // pids of daemons that a test started and that left their parent

process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
    for (const pid of adopted) send_signal(pid, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => process.exit(1));
setTimeout(() => {
    process.stderr.write(`# this test file hangs: ended after ${FILE_TIMEOUT_MS} ms\n`);
    process.exit(1);
}, FILE_TIMEOUT_MS).unref();

/** False when there is no such process any more. */
export function send_signal(pid, signal) {
    try {
        return process.kill(pid, signal);
    } catch {
        return false;
    }
}

export const adopt = (pid) => adopted.add(pid);

/** The environment of what is tested: nothing of the caller's that could change a test. */
export function clean_env(more = {}) {
    const keep = ['PATH', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS', 'ISOLANE_ENGINE_DIR'];
    const env = Object.fromEntries(keep.filter((k) => k in process.env).map((k) => [k, process.env[k]]));
    return { ...env, HOME: scratch, LANG: 'C.UTF-8', TERM: 'dumb', ...more };
}

/** Starts a program; {child, ended, text} where ended resolves to {code, signal, stdout, stderr}. */
export function start(file, args, { env, cwd, input, stdio } = {}) {
    const child = spawn(file, args, {
        cwd: cwd ?? scratch,
        env: clean_env(env),
        stdio: stdio ?? [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
        child[name]?.setEncoding('utf8');
        child[name]?.on('data', (chunk) => { text[name] += chunk; });
    }
    running.add(child);
    const ended = new Promise((done, failed) => {
        child.on('error', failed);
        child.on('close', (code, signal) => {
            running.delete(child);
            done({ code, signal, ...text });
        });
    });
    if (input !== undefined) {
        child.stdin.on('error', () => {}); // it may end before it has read all
        child.stdin.end(input);
    }
    return { child, pid: child.pid, ended, text };
}

/** Runs a program to its end. */
export async function run(file, args, { timeout = 60_000, ...options } = {}) {
    const p = start(file, args, options);
    let late = false;
    const timer = setTimeout(() => {
        late = true;
        p.child.kill('SIGKILL');
    }, timeout * patience);
    const end = await p.ended;
    clearTimeout(timer);
    if (late)
        throw new Error(`${file} ${args.join(' ')}: no end after ${timeout * patience} ms\nstdout: ${end.stdout}\nstderr: ${end.stderr}`);
    return end;
}

/** Runs the isolane program: await isolane(['run', 'x.js'], {env, input}). */
export const isolane = (args, options) => run(program, args, options);

export const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** Asks again and again until `what` gives something true; its last answer is told on failure. */
export async function until(what, ask, { timeout = 40_000, every = 20 } = {}) {
    const end = Date.now() + timeout * patience;
    for (;;) {
        const answer = await ask();
        if (answer) return answer;
        if (Date.now() > end) throw new Error(`waited ${timeout * patience} ms in vain for: ${what}`);
        await sleep(every);
    }
}

// ---- /proc ------------------------------------------------------------------------------------------

function read(path) {
    try {
        return readFileSync(path, 'utf8');
    } catch {
        return ''; // the process is gone
    }
}

/** Children of a process, of all its threads. */
export function children_of(pid) {
    let threads = [];
    try {
        threads = readdirSync(`/proc/${pid}/task`);
    } catch {
        return [];
    }
    return threads.flatMap((t) => read(`/proc/${pid}/task/${t}/children`).trim().split(' ').filter(Boolean).map(Number));
}

export const descendants_of = (pid) => children_of(pid).flatMap((c) => [c, ...descendants_of(c)]);

/** Gone or a zombie that only waits for its parent. */
export function is_gone(pid) {
    const stat = read(`/proc/${pid}/stat`);
    return stat === '' || /^\d+ \(.*\) [ZX]/s.test(stat);
}

/** CPU time of a process so far; 0 when it is gone. */
export function cpu_ms(pid) {
    const fields = read(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ');
    return fields.length > 12 ? (Number(fields[11]) + Number(fields[12])) * 10 : 0; // ticks of 10 ms
}

export const status_of = (pid, field) => read(`/proc/${pid}/status`).match(new RegExp(`^${field}:\\s*(.*)$`, 'm'))?.[1];
export const command_of = (pid) => read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
export const rollup_kb = (pid, field) => Number(read(`/proc/${pid}/smaps_rollup`).match(new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm'))?.[1]);
