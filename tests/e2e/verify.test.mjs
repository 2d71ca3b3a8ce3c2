// Signatures and the chain: checked by openssl alone, and by `isolane verify`.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, open_envelope } from './lib/client.mjs';
import { fresh_folder, scratch } from './lib/place.mjs';
import { isolane, run } from './lib/process.mjs';
import { openssl_verifies } from './lib/signature.mjs';
import { up } from './lib/worker.mjs';

const JOBS = 12;
let w, c, pem, envelope;
before(async () => {
    w = await up();
    c = await Client.connect(w.url);
    for (let i = 0; i < JOBS; i++) await c.publish({ id: `v-${i}`, script: `console.log("öut ${i}"); export default [${i}, null]` });
    for (let i = 0; i < JOBS; i++) await c.result(`v-${i}`);
    pem = (await isolane(['keys', 'export', '--data', w.data])).stdout;
    envelope = await c.direct('v-3');
});
after(async () => {
    await c?.close();
    await w?.stop();
});

const verify = (args, options) => isolane(['verify', ...args], options);
const altered = (change) => {
    const copy = structuredClone(envelope);
    change(copy);
    return copy;
};
const repack = (e, change) => {
    const statement = JSON.parse(Buffer.from(e.payload, 'base64'));
    change(statement);
    e.payload = Buffer.from(JSON.stringify(statement)).toString('base64');
};

test('`isolane keys export` is an SPKI PEM that openssl reads', async () => {
    assert.match(pem, /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=]{60}\n-----END PUBLIC KEY-----\n$/);
    const shown = await run('openssl', ['pkey', '-pubin', '-noout', '-text'], { input: pem });
    assert.match(shown.stdout, /ED25519/);
    assert.equal(statSync(join(w.data, 'worker.key')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(w.data, 'worker.pub'), 'utf8'), pem);
});

test('openssl alone verifies a result that the JavaScript client fetched', async () => {
    assert.equal(envelope.payloadType, 'application/vnd.in-toto+json');
    assert.equal(envelope.signatures.length, 1);
    assert.equal(await openssl_verifies(envelope, pem), true);
    const der = Buffer.from(pem.split('\n')[1], 'base64');
    assert.equal(envelope.signatures[0].keyid, createHash('sha256').update(der).digest('hex'));
});

test('the statement: in-toto v1, its subject is the job and its script\'s hash', async () => {
    const statement = JSON.parse(Buffer.from(envelope.payload, 'base64'));
    assert.deepEqual(Object.keys(statement), ['_type', 'subject', 'predicateType', 'predicate']);
    const sha256 = createHash('sha256').update('console.log("öut 3"); export default [3, null]').digest('hex');
    assert.equal(statement.subject.length, 1);
    assert.ok(statement.subject[0].name.endsWith('v-3'), statement.subject[0].name);
    assert.deepEqual(statement.subject[0].digest, { sha256 });
    assert.equal(statement.predicate.script_sha256, sha256);
    assert.match(statement.predicateType, /^https?:\/\//);
});

test('an altered envelope does not verify, by openssl nor by us', async () => {
    for (const change of [
        (e) => repack(e, (s) => { s.predicate.value = [4, null]; }),
        (e) => repack(e, (s) => { s.predicate.outcome = 'threw'; }),
        (e) => repack(e, (s) => { s.subject[0].digest.sha256 = '0'.repeat(64); }),
        (e) => { const sig = Buffer.from(e.signatures[0].sig, 'base64'); sig[7] ^= 1; e.signatures[0].sig = sig.toString('base64'); },
    ]) {
        const bad = altered(change);
        assert.equal(await openssl_verifies(bad, pem), false);
        const end = await verify(['-', '--data', w.data], { input: JSON.stringify(bad) });
        assert.equal(end.code, 1, end.stdout + end.stderr);
        assert.match(end.stdout + end.stderr, /signature does not hold/);
    }
});

test('`isolane verify` takes a file, stdin, and a key in a file', async () => {
    const file = join(scratch, 'envelope.json'), key = join(scratch, 'key.pem');
    writeFileSync(file, JSON.stringify(envelope));
    writeFileSync(key, pem);
    for (const end of [
        await verify([file, '--data', w.data]),
        await verify([file, '--key', key]),
        await verify(['-', '--key', key], { input: JSON.stringify(envelope, null, 2) }),
    ])
        assert.equal(end.code, 0, end.stdout + end.stderr);
});

test('another key\'s signature is refused, naming both keys', async () => {
    const other = join(scratch, 'other.pem');
    writeFileSync(other, generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }));
    const end = await verify(['-', '--key', other], { input: JSON.stringify(envelope) });
    assert.equal(end.code, 1);
    assert.match(end.stdout + end.stderr, new RegExp(`signed by key ${envelope.signatures[0].keyid}`));
});

test('what is no envelope is told apart from a wrong signature', async () => {
    for (const text of ['', '{}', 'no json', '[]', JSON.stringify(altered((e) => { e.payloadType = 'text/plain'; })), JSON.stringify(altered((e) => { e.signatures = []; }))]) {
        const end = await verify(['-', '--data', w.data], { input: text });
        assert.ok([1, 3].includes(end.code), `${text.slice(0, 40)}: ${end.code}`);
        assert.match(end.stdout + end.stderr, /envelope/, text.slice(0, 40));
        assert.doesNotMatch(end.stdout + end.stderr, /does not hold/);
    }
    const missing = await verify([join(scratch, 'no-such-file.json'), '--data', w.data]);
    assert.equal(missing.code, 2);
});

test('results are chained: prev is the hash of the statement before', async () => {
    const statements = [];
    for (let i = 0; i < JOBS; i++) {
        const payload = Buffer.from((await c.direct(`v-${i}`)).payload, 'base64');
        statements.push({ payload, ...JSON.parse(payload).predicate });
    }
    statements.sort((a, b) => a.seq - b.seq);
    assert.equal(statements[0].prev, '0'.repeat(64));
    for (let i = 1; i < JOBS; i++) {
        assert.equal(statements[i].seq, statements[i - 1].seq + 1);
        assert.equal(statements[i].prev, createHash('sha256').update(statements[i - 1].payload).digest('hex'));
    }
});

/** A copy of the worker's database, changed by sqlite3. */
async function database(name, sql) {
    const copy = join(scratch, `${name}.db`);
    const backup = await run('sqlite3', [join(w.data, 'results.db'), `.backup '${copy}'`]);
    assert.equal(backup.code, 0, backup.stderr);
    if (sql) {
        const end = await run('sqlite3', [copy, sql]);
        assert.equal(end.code, 0, `${sql}: ${end.stderr}`);
    }
    return verify(['--db', copy, '--data', w.data]);
}

test('verify --db: a whole database holds, also while the worker has it open', async () => {
    const end = await verify(['--db', join(w.data, 'results.db'), '--data', w.data]);
    assert.equal(end.code, 0, end.stdout + end.stderr);
    assert.match(end.stdout, new RegExp(`\\b${JOBS}\\b`));
    assert.equal((await database('whole')).code, 0);
});

test('verify --db: an altered column, an altered envelope, a removed row, swapped rows are found', async () => {
    for (const [name, sql] of [
        ['column', 'update results set outcome = \'threw\' where seq = 5'],
        ['text', 'update results set stdout = \'other\' where seq = 5'],
        ['envelope', 'update results set envelope = cast(substr(envelope, 1, 199) || \'AAAA\' || substr(envelope, 204) as blob) where seq = 5'],
        ['envelope-of-another', 'update results set envelope = (select envelope from results where seq = 6) where seq = 5'],
        ['removed', 'delete from results where seq = 5'],
        ['removed-first', 'delete from results where seq = 1'],
        ['moved', 'update results set seq = 500 where seq = 5'],
    ]) {
        const end = await database(name, sql);
        assert.equal(end.code, 1, `${name}: ${end.stdout}${end.stderr}`);
        assert.match(end.stdout + end.stderr, name === 'removed-first' ? /\b[12]\b/ : /\b[456]\b/, name);
    }
});

test('verify --db: what is no database is our failure, and left untouched', async () => {
    const file = join(scratch, 'no.db');
    writeFileSync(file, 'this is not a database, not even nearly one'.repeat(100));
    const end = await verify(['--db', file, '--data', w.data]);
    assert.ok([1, 3].includes(end.code));
    assert.match(end.stderr, /no\.db/);
    assert.equal(readFileSync(file, 'utf8').slice(0, 4), 'this');
    const missing = await verify(['--db', join(scratch, 'missing.db'), '--data', w.data]);
    assert.equal(missing.code, 2);
});

test('the database copied away verifies with nothing but the public key', async () => {
    const copy = join(scratch, 'away.db'), key = join(scratch, 'away.pem');
    copyFileSync(join(w.data, 'worker.pub'), key);
    await run('sqlite3', [join(w.data, 'results.db'), `.backup '${copy}'`]);
    const end = await verify(['--db', copy, '--key', key], { env: { HOME: fresh_folder('home') } });
    assert.equal(end.code, 0, end.stdout + end.stderr);
});

test('the row in the database says what the envelope says', async () => {
    const end = await run('sqlite3', ['-json', join(w.data, 'results.db'), 'select * from results where id = \'v-3\'']);
    const [row] = JSON.parse(end.stdout);
    const r = open_envelope(envelope);
    assert.deepEqual([row.id, row.tenant, row.outcome, row.state, row.stdout, row.seq, row.prev], [r.id, r.tenant, r.outcome, r.state, r.stdout, r.seq, r.prev]);
});
