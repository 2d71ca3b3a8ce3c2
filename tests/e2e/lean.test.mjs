// The zygote is single-threaded and lean, and nothing that should be random is shared by its cells.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { status_of, until } from './lib/process.mjs';
import { up } from './lib/worker.mjs';

const CELLS = 100;
/** How often the kernel found no huge page, since it began. */
const huge_pages_refused = () => [...readFileSync('/proc/vmstat', 'utf8').matchAll(/^(?:thp_fault_fallback|thp_collapse_alloc_failed) (\d+)$/mg)].reduce((sum, [, n]) => sum + Number(n), 0);
const refused_before = huge_pages_refused();

let w, c;
before(async () => {
    w = await up();
    c = await Client.connect(w.url);
});
after(async () => {
    await c?.close();
    await w?.stop();
});

/** Private dirty kB of a process, with and without huge pages (text that was copied into them on purpose). */
function private_dirty_kb(pid) {
    let small = 0, huge = 0;
    for (const mapping of readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
        const kb = (field) => Number(mapping.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
        huge += kb('AnonHugePages');
        small += Math.max(0, kb('Private_Dirty') - kb('AnonHugePages'));
    }
    return { small, huge };
}

test('the zygote has one thread, before and after it has forked for many jobs', async () => {
    const [zygote, ...others] = w.zygotes();
    assert.deepEqual(others, []);
    assert.equal(status_of(zygote, 'Threads'), '1');
    for (let i = 0; i < 20; i++) await c.publish({ id: `warm-${i}`, script: 'export default 1' });
    for (let i = 0; i < 20; i++) await c.result(`warm-${i}`);
    assert.deepEqual(w.zygotes(), [zygote], 'it was not renewed meanwhile');
    assert.equal(status_of(zygote, 'Threads'), '1');
});

test('cells have one thread', async () => {
    const cells = await until('cells in the pool', () => w.cells().length > 0 && w.cells());
    for (const pid of cells) assert.equal(status_of(pid, 'Threads'), '1');
});

test('the zygote\'s private dirty memory stays under 4 MB', (t) => {
    const [zygote] = w.zygotes();
    let dirty;
    try {
        dirty = private_dirty_kb(zygote);
    } catch (error) {
        t.skip(`cannot read the zygote's smaps (${error.code}): only root can look at a jailed process`);
        return;
    }
    t.diagnostic(`private dirty ${dirty.small} kB, and ${dirty.huge} kB in huge pages`);
    assert.ok(dirty.small > 0 && dirty.small < 4096, `${dirty.small} kB`);
});

/** The zygote's mappings as smaps tells them; undefined, and the test is skipped, for those who may not look. */
function mappings_of_zygote(t) {
    try {
        return readFileSync(`/proc/${w.zygotes()[0]}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
    } catch (error) {
        t.skip(`cannot read the zygote's smaps (${error.code}): only root can look at a jailed process`);
    }
}

test('the zygote has in its own page tables only what cells touch; the rest lies in a file that nobody can write to', (t) => {
    const maps = mappings_of_zygote(t);
    if (!maps) return;
    const kb = (mapping, field) => Number(mapping.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
    const sum = (list, field) => list.reduce((all, mapping) => all + kb(mapping, field), 0);
    const image = maps.filter((mapping) => mapping.includes('/memfd:isolane-zygote'));
    const size = sum(image, 'Size'), own = sum(image, 'Anonymous');
    t.diagnostic(`${image.length} of ${maps.length} mappings, ${size} kB, ${own} kB of them its own pages`);
    assert.ok(image.length > 0 && own > 0 && own < size / 2, `${own} of ${size} kB`);
    for (const mapping of image) assert.match(mapping.split('\n')[0], /^[0-9a-f]+-[0-9a-f]+ r[w-]-p /, 'private, and no code');
    const code = maps.find((mapping) => / r-xp .*\/libc\.so/.test(mapping.split('\n')[0]));
    assert.ok(kb(code, 'Rss') < kb(code, 'Size') / 2, `${kb(code, 'Rss')} of ${kb(code, 'Size')} kB of libc's text`);
});

test('the heaps that cells use much of are huge pages in the zygote, and stay so while it forks', (t) => {
    const maps = mappings_of_zygote(t);
    if (!maps) return;
    const huge = maps.filter((mapping) => Number(mapping.match(/^AnonHugePages:\s+(\d+) kB/m)?.[1] ?? 0) > 0);
    if (huge.length === 0) {
        t.skip('this machine gives no huge pages');
        return;
    }
    const data = (access) => huge.filter((mapping) => mapping.split('\n')[0].includes(` ${access} `)).length;
    const refused = huge_pages_refused();
    if (refused > refused_before && data('rw-p') < 2) {
        t.skip(`this machine had no huge page to give ${refused - refused_before} times`);
        return;
    }
    t.diagnostic(`mappings with huge pages: ${data('r-xp')} of text, ${data('r--p')} that are read, ${data('rw-p')} that are written`);
    assert.ok(data('rw-p') >= 2, 'the heaps of V8 and of malloc');
    for (const mapping of huge) assert.ok(!mapping.includes(' rwxp '), 'none of them is code that can be written');
});

test(`every random source differs between ${CELLS} cells`, async () => {
    const script = `const bytes = new Uint8Array(16);
        export default {
            math: Math.random(),
            math_later: (() => { for (let i = 0; i < 100; i++) Math.random(); return Math.random() })(),
            values: crypto.getRandomValues(bytes).join(),
            uuid: crypto.randomUUID(),
            sodium: sodium.bin2hex(sodium.randombytesBuf(16)),
            sodium_int: String(sodium.randombytesRandom()) + sodium.randombytesRandom(),
            key: sodium.bin2hex(sodium.cryptoSecretboxKeygen()),
            pair: sodium.bin2hex(sodium.cryptoSignKeypair().publicKey),
            subtle: (await crypto.subtle.exportKey('jwk', await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']))).k,
            openssl: (await crypto.subtle.exportKey('jwk', (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])).publicKey)).x,
        }`;
    for (let i = 0; i < CELLS; i++) await c.publish({ id: `random-${i}`, script });
    const seen = {};
    for (let i = 0; i < CELLS; i++) {
        const r = await c.result(`random-${i}`);
        assert.equal(r.outcome, 'ok', JSON.stringify(r.error));
        for (const [source, drawn] of Object.entries(r.value)) (seen[source] ??= new Set()).add(drawn);
    }
    assert.equal(Object.keys(seen).length, 10);
    for (const [source, drawn] of Object.entries(seen)) assert.equal(drawn.size, CELLS, source);
});

test('a cell sees nothing of the job before it', async () => {
    await c.execute({ script: 'globalThis.left = 1; Array.prototype.map = null; Object.prototype.evil = 1; sodium.x = 1' });
    const r = await c.execute({ script: 'export default [typeof left, typeof [].map, typeof {}.evil]' });
    assert.deepEqual(r.value, ['undefined', 'function', 'undefined']);
});

test('idle cells are of the size of a cell, and their number is the pool\'s', async (t) => {
    const cells = await until('a full pool', () => w.cells().length === 4 && w.cells());
    try {
        const sizes = cells.map((pid) => private_dirty_kb(pid).small);
        t.diagnostic(`private dirty of idle cells: ${sizes.join(', ')} kB`);
        for (const kb of sizes) assert.ok(kb < 8192, `${kb} kB`);
    } catch (error) {
        if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
        t.skip('only root can look at a jailed process');
    }
});
