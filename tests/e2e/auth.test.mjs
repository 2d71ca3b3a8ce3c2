// Logging in to a real nats-server: user and password, token, NKey, credentials file, TLS.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { credsAuthenticator, nkeyAuthenticator, nkeys, tokenAuthenticator, usernamePasswordAuthenticator } from '@nats-io/transport-node';
import { Client } from './lib/client.mjs';
import { fresh_folder, scratch } from './lib/place.mjs';
import { isolane } from './lib/process.mjs';
import { NatsServer, openssl, worker, config_file } from './lib/worker.mjs';

let files = 0;
function secret_file(text) {
    const path = join(scratch, `secret-${++files}`);
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    return path;
}

/** A worker with these settings runs a job; `isolane submit` with them gets its result; with others neither does. */
async function check(server, settings, client_options, wrong) {
    const client = await Client.connect(server.url, client_options);
    try {
        const w = await worker(server.url, { config: { nats: settings } });
        assert.equal((await client.execute({ script: 'export default 1' })).value, 1);
        const config = config_file({ nats: settings });
        const sent = await isolane(['submit', '-', '--nats', server.url, '--config', config, '--data', fresh_folder(), '--wait=20', '--json'], { input: 'export default 2' });
        assert.equal(sent.code, 0, sent.stdout + sent.stderr);
        assert.equal(JSON.parse(sent.stdout).value, 2);
        assert.doesNotMatch(w.stderr, /warn|error/, w.stderr);
        await w.stop();
        for (const [what, bad] of Object.entries(wrong)) {
            const end = await isolane(['worker', '--nats', server.url, '--data', fresh_folder(), '--config', config_file({ nats: bad })]);
            assert.equal(end.code, 3, what);
            assert.equal(end.stdout, '', what);
            assert.match(end.stderr, /^isolane: [^\n]*127\.0\.0\.1:\d+[^\n]*\n$/, what);
            for (const secret of ['s3cret', 'wr0ng', 'SUA']) assert.ok(!end.stderr.includes(secret), `${what}: ${end.stderr}`);
        }
    } finally {
        await client.close();
        await server.stop();
    }
}

test('user and password', async () => {
    const server = await NatsServer.start({ conf: 'authorization { user: isolane, password: s3cret }' });
    await check(server, { user: 'isolane', password: 's3cret' }, { authenticator: usernamePasswordAuthenticator('isolane', 's3cret') },
        { 'wrong password': { user: 'isolane', password: 'wr0ng' }, 'no login': {} });
});

test('token', async () => {
    const server = await NatsServer.start({ conf: 'authorization { token: "s3cret-token" }' });
    await check(server, { token: 's3cret-token' }, { authenticator: tokenAuthenticator('s3cret-token') },
        { 'wrong token': { token: 'wr0ng' } });
});

test('NKey', async () => {
    const user = nkeys.createUser(), stranger = nkeys.createUser();
    const seed = (k) => new TextDecoder().decode(k.getSeed());
    const server = await NatsServer.start({ conf: `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }` });
    await check(server, { nkey_seed_file: secret_file(`${seed(user)}\n`) }, { authenticator: nkeyAuthenticator(user.getSeed()) },
        { 'another key': { nkey_seed_file: secret_file(seed(stranger)) } });
});

// ---- credentials file: operator → account → user, each a JWT signed by the one above ------------------

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
function jwt(issuer, subject, name, nats) {
    const claims = { jti: String(++files), iat: Math.floor(Date.now() / 1000), iss: issuer.getPublicKey(), name, sub: subject.getPublicKey(), nats: { version: 2, ...nats } };
    const signed = `${base64url(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }))}.${base64url(JSON.stringify(claims))}`;
    return `${signed}.${base64url(issuer.sign(new TextEncoder().encode(signed)))}`;
}
const creds_text = (token, key) => `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n`
    + `-----BEGIN USER NKEY SEED-----\n${new TextDecoder().decode(key.getSeed())}\n------END USER NKEY SEED------\n`;

test('credentials file', async () => {
    const operator = nkeys.createOperator(), account = nkeys.createAccount(), system = nkeys.createAccount();
    const user = nkeys.createUser(), stranger = nkeys.createAccount();
    const unlimited = { subs: -1, data: -1, payload: -1 };
    const account_jwt = (key, name, jetstream) => jwt(operator, key, name, {
        type: 'account', default_permissions: { pub: {}, sub: {} },
        limits: { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1, ...jetstream },
    });
    const preload = {
        [account.getPublicKey()]: account_jwt(account, 'isolane', { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }),
        [system.getPublicKey()]: account_jwt(system, 'system', {}),
    };
    const server = await NatsServer.start({
        conf: `operator: "${jwt(operator, operator, 'test', { type: 'operator' })}"\nsystem_account: ${system.getPublicKey()}\n`
            + `resolver: MEMORY\nresolver_preload: { ${Object.entries(preload).map(([key, token]) => `${key}: "${token}"`).join('\n')} }\n`,
    });
    const user_claims = { type: 'user', pub: {}, sub: {}, ...unlimited };
    const good = creds_text(jwt(account, user, 'worker', user_claims), user);
    await check(server, { creds_file: secret_file(good) }, { authenticator: credsAuthenticator(new TextEncoder().encode(good)) },
        { 'another account\'s': { creds_file: secret_file(creds_text(jwt(stranger, user, 'worker', user_claims), user)) } });
});

// ---- TLS -----------------------------------------------------------------------------------------------

const pem = (name) => join(scratch, `pki-${name}.pem`);
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

const authority = (name) => openssl(['req', '-x509', ...EC, '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', pem(`${name}-key`), '-out', pem(name)]);

async function certificate(name, extension) {
    const ext = join(scratch, `${name}.ext`);
    writeFileSync(ext, `${extension}\n`);
    await openssl(['req', ...EC, '-subj', `/CN=${name}`, '-keyout', pem(`${name}-key`), '-out', pem(`${name}-request`)]);
    await openssl(['x509', '-req', '-in', pem(`${name}-request`), '-CA', pem('ca'), '-CAkey', pem('ca-key'), '-CAcreateserial',
        '-days', '2', '-extfile', ext, '-out', pem(name)]);
}

before(async () => {
    await authority('ca');
    await authority('strangers');
    await certificate('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
    await certificate('client', 'extendedKeyUsage=clientAuth');
});

test('TLS, the server checked against an authority', async () => {
    const server = await NatsServer.start({ conf: `tls { cert_file: "${pem('server')}", key_file: "${pem('server-key')}" }` });
    await check(server, { tls: true, tls_ca_file: pem('ca') }, { tls: { caFile: pem('ca') } },
        { 'another authority': { tls: true, tls_ca_file: pem('strangers') } });
});

test('TLS on both sides: the server wants a client certificate', async () => {
    const server = await NatsServer.start({ scheme: 'tls', conf: `tls { cert_file: "${pem('server')}", key_file: "${pem('server-key')}", ca_file: "${pem('ca')}", verify: true }` });
    const mine = { tls_cert_file: pem('client'), tls_key_file: pem('client-key') };
    await check(server, { tls_ca_file: pem('ca'), ...mine }, { tls: { caFile: pem('ca'), certFile: pem('client'), keyFile: pem('client-key') } },
        { 'no certificate': { tls_ca_file: pem('ca') } });
});
