// crypto.subtle against published values; each is looked at in Node as well, so that a slip in copying them shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases, runNode } from './shell.mjs';
import { prelude } from './subtle_cases.mjs';

const helpers = `${prelude}
const raw = (bytes, algorithm, ...usages) => subtle.importKey('raw', bytes, algorithm, false, usages);
const pkcs8 = (prefix, seed, algorithm, ...usages) => subtle.importKey('pkcs8', unhex(prefix + seed), algorithm, false, usages);
const digest = async (hash, s) => hex(await subtle.digest(hash, text(s)));
`;

const aes128 = '2b7e151628aed2a6abf7158809cf4f3c', block = '6bc1bee22e409f96e93d7e117393172a';
// [what, expression of a promise, value]
const vectors = [
  ['SHA-1 (FIPS 180-4)', `digest('SHA-1', 'abc')`, 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['SHA-256', `digest('SHA-256', 'abc')`, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['SHA-384', `digest('SHA-384', 'abc')`, 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7'],
  ['SHA-512', `digest('SHA-512', 'abc')`, 'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f'],
  ['SHA3-256 (FIPS 202)', `digest('SHA3-256', 'abc')`, '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532'],
  ['SHA3-384', `digest('SHA3-384', 'abc')`, 'ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25'],
  ['SHA3-512', `digest('SHA3-512', 'abc')`, 'b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0'],
  ['SHA-256 of a million letters', `digest('SHA-256', 'a'.repeat(1000000))`, 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ['HMAC-SHA-256 (RFC 4231, 2)', `raw(text('Jefe'), { name: 'HMAC', hash: 'SHA-256' }, 'sign').then((k) => subtle.sign('HMAC', k, text('what do ya want for nothing?'))).then(hex)`,
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  ['HMAC-SHA-512, key longer than a block (RFC 4231, 6)', `raw(new Uint8Array(131).fill(0xaa), { name: 'HMAC', hash: 'SHA-512' }, 'sign').then((k) => subtle.sign('HMAC', k, text('Test Using Larger Than Block-Size Key - Hash Key First'))).then(hex)`,
    '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598'],
  ['HKDF-SHA-256 (RFC 5869, 1)', `raw(new Uint8Array(22).fill(11), 'HKDF', 'deriveBits').then((k) => subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: unhex('000102030405060708090a0b0c'), info: unhex('f0f1f2f3f4f5f6f7f8f9') }, k, 336)).then(hex)`,
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'],
  ['PBKDF2-SHA-1 (RFC 6070)', `raw(text('passwordPASSWORDpassword'), 'PBKDF2', 'deriveBits').then((k) => subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-1', salt: text('saltSALTsaltSALTsaltSALTsaltSALTsalt'), iterations: 4096 }, k, 200)).then(hex)`,
    '3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038'],
  ['PBKDF2-SHA-256 (RFC 7914, 11)', `raw(text('passwd'), 'PBKDF2', 'deriveBits').then((k) => subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: text('salt'), iterations: 1 }, k, 512)).then(hex)`,
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783'],
  ['AES-128-CBC (SP 800-38A, F.2.1), first block', `raw(unhex('${aes128}'), 'AES-CBC', 'encrypt').then((k) => subtle.encrypt({ name: 'AES-CBC', iv: unhex('000102030405060708090a0b0c0d0e0f') }, k, unhex('${block}'))).then((c) => hex(c.slice(0, 16)))`,
    '7649abac8119b246cee98e9b12e9197d'],
  ['AES-128-CTR (SP 800-38A, F.5.1), first block', `raw(unhex('${aes128}'), 'AES-CTR', 'encrypt').then((k) => subtle.encrypt({ name: 'AES-CTR', counter: unhex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'), length: 64 }, k, unhex('${block}'))).then(hex)`,
    '874d6191b620e3261bef6864990db6ce'],
  ['AES-128-GCM (McGrew and Viega, 2)', `raw(new Uint8Array(16), 'AES-GCM', 'encrypt').then((k) => subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, k, new Uint8Array(16))).then(hex)`,
    '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf'],
  ['AES-GCM with additional data (McGrew and Viega, 4)', `raw(unhex('feffe9928665731c6d6a8f9467308308'), 'AES-GCM', 'encrypt').then((k) => subtle.encrypt({ name: 'AES-GCM', iv: unhex('cafebabefacedbaddecaf888'), additionalData: unhex('feedfacedeadbeeffeedfacedeadbeefabaddad2') }, k, unhex('d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'))).then((c) => hex(c.slice(-16)))`,
    '5bc94fbc3221a5db94fae95ae7121a47'],
  ['AES-KW, 128 bits with 128 (RFC 3394, 4.1)', `Promise.all([raw(unhex('000102030405060708090a0b0c0d0e0f'), 'AES-KW', 'wrapKey'), subtle.importKey('raw', unhex('00112233445566778899aabbccddeeff'), 'AES-CBC', true, ['encrypt'])]).then(([w, k]) => subtle.wrapKey('raw', k, w, 'AES-KW')).then(hex)`,
    '1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5'],
  ['Ed25519 (RFC 8032, 7.1, 2)', `pkcs8('302e020100300506032b657004220420', '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'Ed25519', 'sign').then((k) => subtle.sign('Ed25519', k, unhex('72'))).then(hex)`,
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'],
  ['Ed448 (RFC 8032, 7.4, 1 octet)', `pkcs8('3047020100300506032b6571043b0439', 'c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e', 'Ed448', 'sign').then((k) => subtle.sign('Ed448', k, unhex('03'))).then(hex)`,
    '26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0ff3348ab21aa4adafd1d234441cf807c03a00'],
  ['Ed448 with a context (RFC 8032, 7.4)', `pkcs8('3047020100300506032b6571043b0439', 'c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e', 'Ed448', 'sign').then((k) => subtle.sign({ name: 'Ed448', context: unhex('666f6f') }, k, unhex('03'))).then(hex)`,
    'd4f8f6131770dd46f40867d6fd5d5055de43541f8c5e35abbcd001b32a89f7d2151f7647f11d8ca2ae279fb842d607217fce6e042f6815ea000c85741de5c8da1144a6a1aba7f96de42505d7a7298524fda538fccbbb754f578c1cad10d54d0d5428407e85dcbc98a49155c13764e66c3c00'],
  ['X25519 (RFC 7748, 6.1)', `Promise.all([pkcs8('302e020100300506032b656e04220420', '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a', 'X25519', 'deriveBits'), raw(unhex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'), 'X25519')]).then(([k, p]) => subtle.deriveBits({ name: 'X25519', public: p }, k, 256)).then(hex)`,
    '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'],
];

test('the values are those of the standards', () => {
  const body = vectors.map(([name, expression]) => `show(${JSON.stringify(name)}, await ${expression});`).join('\n');
  const wanted = Object.fromEntries(vectors.map(([name, , value]) => [name, value]));
  assert.deepEqual(runCases(helpers + body), wanted);
  const show = 'const results = {}; const show = (name, value) => { results[name] = value; };';
  const node = runNode(`${show}${helpers}${body} console.log(JSON.stringify(results));`);
  assert.equal(node.status, 0, node.stderr);
  assert.deepEqual(JSON.parse(node.stdout), wanted);
});

test('PBKDF2 with every hash, at lengths around blocks, as Node has it', () => {
  const body = `${helpers}
    const results = {}, password = await raw(text('correct horse battery staple'), 'PBKDF2', 'deriveBits'), long = await raw(new Uint8Array(200).fill(5), 'PBKDF2', 'deriveBits');
    for (const hash of ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'SHA3-256', 'SHA3-384', 'SHA3-512'])
      for (const [iterations, length] of [[1, 8], [2, 160], [3, 168], [1030, 256], [5, 264], [2, 1032], [2, 0]])
        for (const key of [password, long])
          results[[hash, iterations, length, key === long]] = hex(await subtle.deriveBits({ name: 'PBKDF2', hash, salt: text('salt of some length'), iterations }, key, length));`;
  const node = runNode(`${body} console.log(JSON.stringify(results));`);
  assert.equal(node.status, 0, node.stderr);
  const theirs = JSON.parse(node.stdout);
  assert.equal(Object.keys(theirs).length, 98);
  assert.deepEqual(runCases(`${body} show('results', results);`).results, theirs);
});

test('counters of AES-CTR that come round, as Node has it', () => {
  const body = `${helpers}
    const results = {}, key = await raw(unhex('${aes128}'), 'AES-CTR', 'encrypt');
    for (const [counter, length] of [['ff'.repeat(16), 128], ['ff'.repeat(16), 64], ['00'.repeat(8) + 'ff'.repeat(7) + 'fe', 33], ['ab'.repeat(15) + 'fe', 9], ['ab'.repeat(15) + '7f', 7], ['12'.repeat(15) + '05', 3], ['ff'.repeat(15) + '00', 8]])
      for (const bytes of [1, 16, 31, 32, 33, 100, 128])
        results[[counter, length, bytes]] = await subtle.encrypt({ name: 'AES-CTR', counter: unhex(counter), length }, key, new Uint8Array(bytes).fill(1)).then(hex, (e) => e.name);`;
  const node = runNode(`${body} console.log(JSON.stringify(results));`);
  assert.equal(node.status, 0, node.stderr);
  assert.deepEqual(runCases(`${body} show('results', results);`).results, JSON.parse(node.stdout));
});
