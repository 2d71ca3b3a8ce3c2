// A worker (`isolane up`, `isolane worker`) or a nats-server of a test's own.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fresh_folder, patience, program, scratch } from './place.mjs';
import { children_of, command_of, descendants_of, is_gone, run, send_signal, start, until } from './process.mjs';

const NATS_SERVER = process.env.NATS_SERVER ?? '/usr/sbin/nats-server'; // where Debian puts it
const READY = /^isolane is up \(pid (\d+), data (.*)\): (\S+)$/m;

let files = 0;
/** Writes a configuration; JSON is YAML. */
export function config_file(config) {
    const path = join(scratch, `config-${++files}.yaml`);
    writeFileSync(path, typeof config === 'string' ? config : JSON.stringify(config, null, 4));
    return path;
}

/** Redelivery within a second instead of half a minute. */
export const impatient = { nats: { ack_wait_ms: 1000 } };

class Worker {
    constructor(command, args, { data = fresh_folder(), config, env, file = program } = {}) {
        this.data = data;
        if (config) args = [...args, '--config', config_file(config)];
        this.process = start(file, [command, '--data', data, ...args], { env });
        this.pid = this.process.pid;
        this.ended = this.process.ended;
    }

    /** Resolves when jobs are taken; rejects when it ends before. */
    async ready() {
        let end = null;
        this.ended.then((how) => { end = how; });
        const found = await until('the worker to be ready', () => {
            if (end && !READY.test(end.stdout))
                throw new Error(`the worker ended: code ${end.code}, signal ${end.signal}\n${end.stdout}${end.stderr}`);
            return this.process.text.stdout.match(READY);
        });
        assert.equal(Number(found[1]), this.pid);
        this.url = found[3];
        return this;
    }

    get stderr() { return this.process.text.stderr; }
    is_up() { return !is_gone(this.pid); }

    nats_pid() { return descendants_of(this.pid).find((p) => /nats-server$/.test(command_of(p)[0] ?? '')); }

    /** The processes that carry V8: zygotes (children of ours), and cells (children of theirs). */
    zygotes() { return children_of(this.pid).filter((p) => p !== this.nats_pid() && !is_gone(p)); }
    cells() { return this.zygotes().flatMap(descendants_of).filter((p) => !is_gone(p)); }

    /** Drains and ends; everything it started must be gone, and it must say nothing went wrong. */
    async stop({ code = 0 } = {}) {
        const family = descendants_of(this.pid);
        send_signal(this.pid, 'SIGTERM');
        const end = await this.end();
        assert.deepEqual({ code: end.code, signal: end.signal }, { code, signal: null }, end.stderr);
        await until('the worker\'s processes to be gone', () => family.every(is_gone));
        return end;
    }

    /** Waits for the end of the process, whoever brings it about. */
    async end(timeout = 50_000) {
        let timer;
        const late = new Promise((_, no) => {
            timer = setTimeout(() => no(new Error(`the worker does not end\n${this.stderr}`)), timeout * patience);
        });
        return Promise.race([this.ended, late]).finally(() => clearTimeout(timer));
    }

    /** kill -9, and waits until it and its children are gone. */
    async kill() {
        const family = descendants_of(this.pid);
        send_signal(this.pid, 'SIGKILL');
        await this.end();
        await until('the killed worker\'s processes to be gone', () => family.every(is_gone));
    }
}

/** Starts `isolane up` in a folder of its own and waits until it is ready. */
export const up = (options = {}) => new Worker('up', options.args ?? [], options).ready();

/** Starts `isolane worker` at a server. */
export const worker = (url, options = {}) =>
    new Worker('worker', [...(url ? ['--nats', url] : []), ...(options.args ?? [])], options).ready();

// ---- nats-server ------------------------------------------------------------------------------------

// Below the ports that the kernel gives to connections (ip_local_port_range): a client that dials while the server is away
// could be given the very port as its own, be connected to itself, and keep the server from coming back.
const PORTS = { first: 20_000, count: 12_000 };
const given = new Set(); // by this process: none twice

/** A port of 127.0.0.1 where nobody listens, and that no connection is given. */
export async function free_port() {
    for (let tries = 0; ; tries++) {
        const port = PORTS.first + randomInt(PORTS.count);
        if (given.has(port)) continue;
        const free = await new Promise((done, failed) => {
            const s = createServer().on('error', (error) => (error.code === 'EADDRINUSE' && tries < 100 ? done(false) : failed(error)));
            s.listen(port, '127.0.0.1', () => s.close(() => done(true)));
        });
        if (!free) continue;
        given.add(port);
        return port;
    }
}

export class NatsServer {
    /** conf: further lines of its configuration. */
    static async start(options, tries = 5) {
        try {
            return await NatsServer.#start(options);
        } catch (error) { // another test file was quicker: it looked for a port at the same moment
            if (tries > 0 && /address already in use/.test(error.message)) return NatsServer.start(options, tries - 1);
            throw error;
        }
    }

    static async #start({ conf = '', scheme = 'nats', max_payload = '16MB' } = {}) {
        const s = new NatsServer();
        s.port = await free_port();
        s.dir = fresh_folder('nats');
        s.url = `${scheme}://127.0.0.1:${s.port}`;
        mkdirSync(s.dir);
        s.conf = join(s.dir, 'server.conf');
        s.log = join(s.dir, 'server.log');
        writeFileSync(s.conf, `listen: "127.0.0.1:${s.port}"\nlog_file: "${s.log}"\nmax_payload: ${max_payload}\n`
            + `jetstream { store_dir: "${s.dir}/js" }\n${conf}\n`);
        await s.restart();
        return s;
    }

    async restart() {
        this.process = start(NATS_SERVER, ['-c', this.conf]);
        let ended = false;
        this.process.ended.then(() => { ended = true; }, () => { ended = true; });
        await until('nats-server to listen', () => {
            let log = '';
            try {
                log = readFileSync(this.log, 'utf8');
            } catch { /* not yet */ }
            if (ended) throw new Error(`nats-server ended: ${log}`);
            return log.includes('Server is ready') && log.lastIndexOf('Server is ready') > (this.seen ?? -1);
        });
        this.seen = readFileSync(this.log, 'utf8').lastIndexOf('Server is ready');
        return this;
    }

    async stop(signal = 'SIGTERM') {
        send_signal(this.process.pid, signal);
        await this.process.ended;
    }
}

export const openssl = async (args, options) => {
    const end = await run('openssl', args, options);
    assert.equal(end.code, 0, `openssl ${args.join(' ')}: ${end.stderr}`);
    return end;
};
