// Behaviour: AES-GCM opens what it sealed, and nothing that was altered
// Spec: Web Cryptography, AES-GCM
// Covers: crypto
// Expect: value ["secret","OperationError"]
const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']); const iv = new Uint8Array(12);
const box = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode('secret')));
const text = new TextDecoder().decode(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, box)); box[0] ^= 1;
export default [text, await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, box).catch((e) => e.name)];
