// Runs classic scripts that its parent sends, each in a context of its own; says how each ended.
import vm from 'node:vm';

process.on('unhandledRejection', () => {});
process.on('message', async (source) => {
    const lines = [];
    const context = vm.createContext({ __proto__: null, console: { log: (...args) => lines.push(args.join(' ')) }, setTimeout, clearTimeout });
    for (const name of ['console', 'setTimeout', 'clearTimeout'])
        Object.defineProperty(context, name, { value: context[name], enumerable: false, writable: true, configurable: true });
    let how = { ended: 'ok' };
    try {
        new vm.Script(source, { filename: 'test.js' }).runInContext(context, { timeout: 50_000 });
        for (let i = 0; i < 50 && !lines.some((l) => l.startsWith('Test262:')); i++) await new Promise((resolve) => setImmediate(resolve));
        if (/\$DONE\b/.test(source) && !lines.some((l) => l.startsWith('Test262:'))) await new Promise((resolve) => setTimeout(resolve, 500));
    } catch (e) {
        how = { ended: 'threw', name: String(e?.name ?? e?.constructor?.name), message: String(e?.message ?? e) };
    }
    process.send({ ...how, stdout: lines.map((l) => `${l}\n`).join('') });
});
