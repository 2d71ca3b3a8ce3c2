// test262 in cells: each scenario is a job of its own, so in a process and a context of its own, through a whole worker.
import { Client, open_envelope } from '../e2e/lib/client.mjs';
import { up } from '../e2e/lib/worker.mjs';

const AT_ONCE = 64; // jobs on their way
const LIMITS = { cpu_ms: 60_000, wall_ms: 120_000, heap_mb: 256, memory_mb: 768, output_kb: 256 };

/** run(scenario) → {ended, name, message, stdout}; close(). */
export async function cells({ parallel }) {
    const w = await up({
        config: { pool: parallel, tenants: [{ name: 'default', permissions: { eval: true, wasm: true, sab: true } }] },
        args: ['--set', `pool=${parallel}`],
    });
    const c = await Client.connect(w.url);
    const waiting = new Map();
    const sub = c.nc.subscribe('isolane.results.default.>');
    (async () => {
        for await (const m of sub) {
            const r = open_envelope(m.json());
            waiting.get(r.id)?.(r);
            waiting.delete(r.id);
        }
    })();
    let id = 0;
    let busy = 0;
    const queue = [];
    const release = () => {
        busy--;
        queue.shift()?.();
    };
    return {
        what: 'isolane',
        async run(scenario) {
            if (busy >= AT_ONCE) await new Promise((resolve) => queue.push(resolve));
            busy++;
            const job = { id: `t-${++id}`, limits: LIMITS, max_attempts: 1 };
            if (scenario.files) Object.assign(job, { files: scenario.files, main: scenario.main });
            else Object.assign(job, { script: scenario.script || ' ', type: 'script', name: 'test.js' });
            const result = new Promise((resolve) => waiting.set(job.id, resolve));
            await c.publish(job);
            const r = await result;
            release();
            return { ended: r.outcome, name: r.error?.name, message: r.error?.message, stdout: r.stdout };
        },
        async close() {
            await c.close();
            await w.stop();
        },
    };
}
