// Behaviour: HMAC-SHA-256, test case 2 of RFC 4231
// Spec: RFC 4231
// Covers: CryptoKey, crypto
// Expect: value ["5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",true]
const t = (s) => new TextEncoder().encode(s);
const key = await crypto.subtle.importKey('raw', t('Jefe'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
export default [new Uint8Array(await crypto.subtle.sign('HMAC', key, t('what do ya want for nothing?'))).toHex(), key instanceof CryptoKey];
