// test262 in Node.js: classic scripts each in a vm context of its own, what imports in a process of its own.
import { fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RENEW_AFTER = 1000; // scenarios of one process
const TIMEOUT_MS = 60_000;

const here = dirname(fileURLToPath(import.meta.url));

function folder_of(files) {
    const root = mkdtempSync(join(tmpdir(), 'isolane-262-'));
    for (const [path, data] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), typeof data === 'string' ? data : Buffer.from(data.base64, 'base64'));
    }
    return root;
}

// What it throws at last stands on stderr: the line "Name: message".
function by_process(scenario) {
    // Node.js imports no text.
    const run = scenario.files['__run.mjs'].replace(/await import\('\.\/(__\w+\.txt)', .*?\.then\(.*?\.default\)/g, "readFileSync(new URL('$1', import.meta.url), 'utf8')");
    const root = folder_of({ ...scenario.files, '__run.mjs': `import { readFileSync } from 'node:fs';\n${run}`, '__node.mjs': `process.on('unhandledRejection', () => {}); process.on('uncaughtException', (e) => { process.stderr.write('\\n@@' + JSON.stringify([e?.name ?? e?.constructor?.name, String(e?.message ?? e)])); process.exit(1); });\nawait import('./__run.mjs');` });
    const child = spawn(process.execPath, ['--no-warnings', join(root, '__node.mjs')], { stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) child[stream].on('data', (data) => { text[stream] += data; });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    return new Promise((resolve) => child.on('close', (code, signal) => {
        clearTimeout(timer);
        rmSync(root, { recursive: true });
        const [name, message] = JSON.parse(/@@(.*)$/.exec(text.stderr)?.[1] ?? '["",""]');
        resolve({ ended: code === 0 ? 'ok' : signal ? 'killed' : 'threw', name, message, stdout: text.stdout });
    }));
}

class Slot {
    constructor() { this.left = 0; }

    start() {
        this.child?.kill();
        this.child = fork(join(here, 'node_child.mjs'), { stdio: 'ignore', execArgv: ['--no-warnings'] });
        this.left = RENEW_AFTER;
    }

    run(scenario) {
        if (scenario.files) return by_process(scenario);
        if (this.left-- <= 0) this.start();
        return new Promise((resolve) => {
            const ended = (how) => {
                clearTimeout(timer);
                this.child.removeAllListeners();
                if (how.ended === 'killed') this.left = 0;
                resolve(how);
            };
            const timer = setTimeout(() => this.child.kill('SIGKILL'), TIMEOUT_MS);
            this.child.once('message', ended);
            this.child.once('exit', () => ended({ ended: 'killed', stdout: '' }));
            this.child.send(scenario.script);
        });
    }
}

export async function nodes({ parallel }) {
    const free = Array.from({ length: parallel }, () => new Slot());
    const all = [...free];
    const queue = [];
    return {
        what: `node ${process.version}`,
        async run(scenario) {
            if (free.length === 0) await new Promise((resolve) => queue.push(resolve));
            const slot = free.pop();
            const how = await slot.run(scenario);
            free.push(slot);
            queue.shift()?.();
            return how;
        },
        async close() { for (const slot of all) slot.child?.kill(); },
    };
}
