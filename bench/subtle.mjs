// node subtle.mjs [--rounds N] [--out DIR]: operations of crypto.subtle in a cell and in Node.js of the same version, in turns, one operation at
// a time; and the first ones of a fresh cell, which pay for loading them. Ratios above 1: the cell is faster.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { machine, stemOf } from './machine.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const build = process.env.ISOLANE_BUILD ?? resolve(here, '../build')
const { values: given } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, out: { type: 'string', default: join(here, 'out') } } })
const rounds = Number(given.rounds)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) {
  console.error(`subtle: --rounds: found '${given.rounds}'; allowed: 1 to 50`)
  process.exit(2)
}
const data = mkdtempSync(join(build, 'bench-data.'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

const OPERATIONS = `
const { subtle } = globalThis.crypto
const big = new Uint8Array(1 << 20), small = new Uint8Array(256), iv = new Uint8Array(12)
const aes = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])
const mac = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
const rsa = await subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, false, ['sign', 'verify'])
const ec = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
const ed = await subtle.generateKey('Ed25519', false, ['sign', 'verify'])
const x = await subtle.generateKey('X25519', false, ['deriveBits'])
const password = await subtle.importKey('raw', small, 'PBKDF2', false, ['deriveBits'])
const es = { name: 'ECDSA', hash: 'SHA-256' }, rs = 'RSASSA-PKCS1-v1_5'
const signed = { rsa: await subtle.sign(rs, rsa.privateKey, small), ec: await subtle.sign(es, ec.privateKey, small), ed: await subtle.sign('Ed25519', ed.privateKey, small) }
const operations = {
  'SHA-256 of 1 MB': () => subtle.digest('SHA-256', big),
  'SHA-256 of 256 B': () => subtle.digest('SHA-256', small),
  'AES-256-GCM of 1 MB': () => subtle.encrypt({ name: 'AES-GCM', iv }, aes, big),
  'AES-256-GCM of 256 B': () => subtle.encrypt({ name: 'AES-GCM', iv }, aes, small),
  'HMAC-SHA-256 of 256 B': () => subtle.sign('HMAC', mac, small),
  'ECDSA P-256 sign': () => subtle.sign(es, ec.privateKey, small),
  'ECDSA P-256 verify': () => subtle.verify(es, ec.publicKey, signed.ec, small),
  'RSA-2048 sign': () => subtle.sign(rs, rsa.privateKey, small),
  'RSA-2048 verify': () => subtle.verify(rs, rsa.publicKey, signed.rsa, small),
  'Ed25519 sign': () => subtle.sign('Ed25519', ed.privateKey, small),
  'Ed25519 verify': () => subtle.verify('Ed25519', ed.publicKey, signed.ed, small),
  'X25519 derive': () => subtle.deriveBits({ name: 'X25519', public: x.publicKey }, x.privateKey, 256),
  'PBKDF2-SHA-256, 10000 rounds': () => subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: small, iterations: 10000 }, password, 256),
}
const results = {}
for (const [name, run] of Object.entries(operations)) {
  for (let i = 0; i < 3; i++) await run()
  let done = 0
  const began = performance.now()
  while (performance.now() - began < 150) { await run(); done++ }
  results[name] = done / (performance.now() - began) * 1000
}
`
const FIRST = `
const bytes = new Uint8Array(3), times = {}
let at = performance.now()
const note = (name) => { const now = performance.now(); times[name] = (now - at) * 1000; at = performance.now() }
await crypto.subtle.digest('SHA-256', bytes)
note('digest SHA-256, which loads crypto.subtle')
const key = await crypto.subtle.importKey('raw', new Uint8Array(32), 'AES-GCM', false, ['encrypt'])
await crypto.subtle.encrypt({ name: 'AES-GCM', iv: bytes }, key, bytes)
note('import and AES-GCM, which starts OpenSSL')
const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, bytes)
note('ECDSA P-256: a key and a signature')
await crypto.subtle.digest('SHA-256', bytes)
note('digest SHA-256 again')
`

function inCell(name, source) {
  const file = join(data, name)
  writeFileSync(file, source)
  const ran = spawnSync(join(build, 'isolane'), ['run', file, '--json', '--data', join(data, 'worker'), '--cpu-ms', '60000', '--wall-ms', '60000', '--memory-mb', '1024', '--allow', 'clock_us=5'],
    { encoding: 'utf8', maxBuffer: 1 << 26 })
  const result = JSON.parse(ran.stdout)
  if (result.outcome !== 'ok') throw new Error(`${name}: ${JSON.stringify(result.error)}`)
  return result.value
}

const inNode = (source) => JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', `${source}\nconsole.log(JSON.stringify(results))`], { encoding: 'utf8' }))
const median = (v) => v.toSorted((a, b) => a - b)[v.length >> 1]
const best = (v) => Math.max(...v)

const ours = [], theirs = [], first = []
for (let i = 0; i < rounds; i++) {
  process.stderr.write(`subtle: round ${i + 1} of ${rounds}\n`)
  ours.push(inCell('subtle.mjs', `${OPERATIONS}\nexport default results`))
  theirs.push(inNode(OPERATIONS))
  for (let j = 0; j < 5; j++) first.push(inCell('first.mjs', `${FIRST}\nexport default times`))
}
const rows = Object.keys(ours[0]).map((name) => {
  const cell = best(ours.map((r) => r[name])), node = best(theirs.map((r) => r[name]))
  return { name, cell, node, ratio: cell / node }
})
const firsts = Object.keys(first[0]).map((name) => ({ name, us: median(first.map((r) => r[name])) }))

const { stem, date } = stemOf('subtle')
const markdown = `# crypto.subtle in a cell beside Node.js ${process.version}, ${date}

The best of ${rounds} rounds in turns (other work on the machine only slows down); one operation at a time. In Node.js most of them go to another thread and back.

| machine | |
|---|---|
${machine(build).map(([k, v]) => `| ${k} | ${v} |`).join('\n')}

| operations a second | cell | Node.js | ratio |
|---|---:|---:|---:|
${rows.map((r) => `| ${r.name} | ${r.cell.toFixed(0)} | ${r.node.toFixed(0)} | ${r.ratio.toFixed(2)} |`).join('\n')}

| first in a fresh cell, medians | µs |
|---|---:|
${firsts.map((r) => `| ${r.name} | ${r.us.toFixed(0)} |`).join('\n')}
`
mkdirSync(given.out, { recursive: true })
writeFileSync(join(given.out, `${stem}.md`), markdown)
writeFileSync(join(given.out, `${stem}.csv`), `name,cell,node,ratio\n${rows.map((r) => [r.name, r.cell, r.node, r.ratio].join(',')).join('\n')}\n`)
console.log(markdown)
console.log(`written: ${join(given.out, stem)}.md, .csv`)
