// Publishes a signed job with Node.js and the NATS client alone: npm i @nats-io/transport-node
//   node submit.mjs KEY.pem TENANT < job.json
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, headers } from '@nats-io/transport-node';

const [key_file, tenant] = process.argv.slice(2);
const job = readFileSync(0); // the bytes that are signed are the bytes that are published
const key = createPrivateKey(readFileSync(key_file));

const type = `application/vnd.isolane.job.v1+json;tenant=${tenant}`;
const pae = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${job.length} `), job]);
const keyid = createHash('sha256').update(createPublicKey(key).export({ type: 'spki', format: 'der' })).digest('hex');

const h = headers();
h.set('Isolane-Signature', `${keyid} ${sign(null, pae, key).toString('base64')}`);
const nc = await connect({ servers: process.env.NATS_URL });
const ack = await nc.request(`isolane.jobs.${tenant}.normal`, job, { headers: h, timeout: 5000 });
console.log(ack.string()); // {"stream":"ISOLANE_JOBS","seq":1}
await nc.close();
