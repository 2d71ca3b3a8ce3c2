// A DNS server of ours on 127.0.0.1 (RFC 1035, UDP, A records alone): names from a table of name → list of
// answers, the next one for each question, the last for ever. Counts what was asked for.
import { createSocket } from 'node:dgram';

const label = (name) => Buffer.concat([...name.split('.').map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])), Buffer.from([0])]);

function answer_to(question, table, asked) {
    const names = [];
    let at = 12;
    for (; question[at]; at += question[at] + 1) names.push(question.toString('latin1', at + 1, at + 1 + question[at]));
    const name = names.join('.').toLowerCase();
    const type = question.readUInt16BE(at + 1);
    const wanted = type === 1 ? table[name] : undefined;
    let addresses = [];
    if (type === 1) asked[name] = (asked[name] ?? 0) + 1;
    if (wanted) addresses = wanted[Math.min(asked[name] - 1, wanted.length - 1)];
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8180 | (name in table ? 0 : 3), 2);
    head.writeUInt16BE(addresses.length, 6);
    head.writeUInt16BE(0, 8);
    head.writeUInt16BE(0, 10);
    const records = addresses.map((a) => Buffer.concat([label(name), Buffer.from([0, 1, 0, 1, 0, 0, 0, 1, 0, 4]), Buffer.from(a.split('.').map(Number))]));
    return Buffer.concat([head, question.subarray(12, at + 5), ...records]);
}

/** table: {'name.test': [['127.0.0.1'], …]}. {resolvers: '127.0.0.1:53053', asked: {name: count}, close()}. */
export async function start_dns(table) {
    const socket = createSocket('udp4');
    const asked = {};
    socket.on('message', (question, from) => socket.send(answer_to(question, table, asked), from.port, from.address));
    await new Promise((done) => { socket.bind(0, '127.0.0.1', done); });
    return { resolvers: `127.0.0.1:${socket.address().port}`, asked, close: () => socket.close() };
}
