// An attempt to get out. A script has ECMAScript and the few things Isolane gives it; there is no
// file system, no process, no network and no loader to reach for. What it finds instead is the value.
//
//   isolane run examples/escape.js

async function attempt(what) {
    try {
        const found = await what();
        return found === undefined ? 'not there' : `FOUND ${typeof found}`;
    } catch (error) {
        return `refused: ${error.name}`;
    }
}

const way_out = {
    require: () => require('fs'),
    import_fs: () => import('node:fs'),
    import_file: () => import('/etc/passwd'),
    process: () => globalThis.process,
    process_by_constructor: () => console.log.constructor('return globalThis.process')(),
    binding: () => process.binding('fs'),
    fetch: () => fetch('http://169.254.169.254/latest/meta-data/'),
    WebSocket: () => new Promise((opened, refused) => {
        const socket = new WebSocket('ws://127.0.0.1:4222');
        socket.onopen = () => opened(socket);
        socket.onerror = ({ error }) => refused(error);
    }),
    Deno: () => globalThis.Deno,
    native: () => globalThis.native,
    env: () => globalThis.process?.env ?? (Object.keys(job.env).length ? job.env : undefined),
    worker: () => new Worker('data:text/javascript,postMessage(1)'),
    eval_in_global: () => (0, eval)('typeof process === "undefined" ? undefined : process'),
};

const report = {};
for (const [name, what] of Object.entries(way_out))
    report[name] = await attempt(what);
console.table(report);

if (Object.values(report).some((found) => found.startsWith('FOUND')))
    throw new Error('a way out was found');
export default report;
