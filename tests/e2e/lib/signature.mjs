// Verification of a result by openssl alone, as a stranger would do it from docs/verify.md.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from './place.mjs';
import { run } from './process.mjs';

/** DSSE's pre-authentication encoding (https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md). */
export function pre_authentication(type, payload) {
    return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

let files = 0;
/** True when openssl says the envelope's signature holds under that SPKI PEM. */
export async function openssl_verifies(envelope, pem) {
    const base = join(scratch, `signature-${++files}`);
    writeFileSync(`${base}.pem`, pem);
    writeFileSync(`${base}.pae`, pre_authentication(envelope.payloadType, Buffer.from(envelope.payload, 'base64')));
    writeFileSync(`${base}.sig`, Buffer.from(envelope.signatures[0].sig, 'base64'));
    const end = await run('openssl', ['pkeyutl', '-verify', '-pubin', '-inkey', `${base}.pem`, '-rawin', '-in', `${base}.pae`, '-sigfile', `${base}.sig`]);
    return end.code === 0 && /Verified Successfully/i.test(end.stdout);
}
