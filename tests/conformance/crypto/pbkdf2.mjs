// Behaviour: PBKDF2-HMAC-SHA-256, one round
// Spec: RFC 7914, section 11
// Covers: crypto
// Expect: value "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
const t = (s) => new TextEncoder().encode(s); const key = await crypto.subtle.importKey('raw', t('passwd'), 'PBKDF2', false, ['deriveBits']);
export default new Uint8Array(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: t('salt'), iterations: 1 }, key, 256)).toHex();
