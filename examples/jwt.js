// JSON Web Tokens (RFC 7519) with Web Cryptography: one is signed with an ECDSA key and checked with the public
// key alone, as it would come from an identity provider's JWKS; one that was altered and one that has expired fail.
//
//   isolane run examples/jwt.js

const bytes = (text) => new TextEncoder().encode(text);
const toBase64url = (data) =>
  btoa(String.fromCharCode(...new Uint8Array(data))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const fromBase64url = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

const curve = { name: 'ECDSA', namedCurve: 'P-256' };
const es256 = { name: 'ECDSA', hash: 'SHA-256' };

async function sign(claims, key) {
  const head = toBase64url(bytes(JSON.stringify({ alg: 'ES256', typ: 'JWT' })));
  const body = toBase64url(bytes(JSON.stringify(claims)));
  const signature = await crypto.subtle.sign(es256, key, bytes(`${head}.${body}`));
  return `${head}.${body}.${toBase64url(signature)}`;
}

// The claims, or an error that says what is wrong.
async function verify(token, jwk, now) {
  const [head, body, signature] = token.split('.');
  const { alg } = JSON.parse(new TextDecoder().decode(fromBase64url(head)));
  if (alg !== 'ES256') throw new Error(`algorithm ${alg} is not the one agreed on`);
  const key = await crypto.subtle.importKey('jwk', jwk, curve, false, ['verify']);
  if (!(await crypto.subtle.verify(es256, key, fromBase64url(signature), bytes(`${head}.${body}`))))
    throw new Error('the signature is wrong');
  const claims = JSON.parse(new TextDecoder().decode(fromBase64url(body)));
  if (claims.exp <= now) throw new Error('the token has expired');
  return claims;
}

// The provider: its private key cannot be exported, its public key is what a JWKS holds.
const provider = await crypto.subtle.generateKey(curve, false, ['sign', 'verify']);
const jwks = { keys: [await crypto.subtle.exportKey('jwk', provider.publicKey)] };

const now = Math.floor(Date.now() / 1000);
const token = await sign({ sub: 'ada', role: 'admin', exp: now + 60 }, provider.privateKey);
console.log('token   ', `${token.length} characters`);
console.log('claims  ', await verify(token, jwks.keys[0], now));

const [head, , signature] = token.split('.');
const forged = [head, toBase64url(bytes(JSON.stringify({ sub: 'eve', role: 'admin', exp: now + 60 }))), signature].join('.');
const refused = [];
for (const [what, bad] of [
  ['forged', forged],
  ['expired', await sign({ sub: 'ada', exp: now - 1 }, provider.privateKey)],
  ['none', `${toBase64url(bytes('{"alg":"none"}'))}.${token.split('.')[1]}.`],
]) {
  await verify(bad, jwks.keys[0], now).then(
    () => console.log(what, 'was accepted'),
    (error) => refused.push(`${what}: ${error.message}`),
  );
}
console.log('refused ', refused);

export default { claims: (await verify(token, jwks.keys[0], now)).sub, refused: refused.length };
