// A TCP proxy in front of a nats-server, on 127.0.0.1: the wire that is cut, that swallows everything, or that is slow.
import { connect, createServer } from 'node:net';

export class Proxy {
    #pairs = new Set(); // [near, far] sockets
    #mode = 'pass';
    #delay_ms = 0;

    /** Forwards to that port. */
    static async start(port) {
        const p = new Proxy();
        p.server = createServer((near) => p.#accept(near, port));
        await new Promise((done, failed) => p.server.on('error', failed).listen(0, '127.0.0.1', done));
        p.url = `nats://127.0.0.1:${p.server.address().port}`;
        return p;
    }

    #accept(near, port) {
        if (this.#mode === 'cut') {
            near.resetAndDestroy();
            return;
        }
        const far = connect(port, '127.0.0.1'), pair = [near, far];
        this.#pairs.add(pair);
        for (const [from, to] of [[near, far], [far, near]]) {
            const waiting = []; // in their order, also when the delay changes
            let due = 0;
            from.setNoDelay(true);
            from.on('data', (chunk) => {
                if (this.#delay_ms === 0 && waiting.length === 0) {
                    to.write(chunk);
                    return;
                }
                due = Math.max(due, performance.now() + this.#delay_ms);
                waiting.push(chunk);
                setTimeout(() => to.write(waiting.shift()), due - performance.now());
            });
            from.on('error', () => {});
            from.on('close', () => {
                this.#pairs.delete(pair);
                to.destroy();
            });
        }
        if (this.#mode === 'hole') for (const s of pair) s.pause();
    }

    /** Resets all connections and every new one. */
    cut() {
        this.#mode = 'cut';
        for (const [near, far] of this.#pairs) {
            near.resetAndDestroy();
            far.resetAndDestroy();
        }
    }

    /** Connections stay, nothing goes through any more. */
    swallow() {
        this.#mode = 'hole';
        for (const pair of this.#pairs) for (const s of pair) s.pause();
    }

    /** Everything takes so much longer, each way. */
    slow(delay_ms) { this.#delay_ms = delay_ms; }

    /** As at the start. */
    mend() {
        this.#mode = 'pass';
        this.#delay_ms = 0;
        for (const pair of this.#pairs) for (const s of pair) s.resume();
    }

    stop() {
        this.cut();
        this.server.close();
    }
}
