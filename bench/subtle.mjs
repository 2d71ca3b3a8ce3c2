// node subtle.mjs [--rounds N] [--out DIR]: operations of crypto.subtle in a cell and in Node.js of the same version, in turns, one operation at
// a time; and the first ones of a fresh cell, which pay for loading them. Ratios above 1: the cell is faster.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { machine, stemOf } from './machine.mjs'
import { exitAtSignals, options } from './options.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const build = process.env.ISOLANE_BUILD ?? resolve(here, '../build')
const { rounds, out } = options('subtle', 'Operations of crypto.subtle in a cell beside Node.js of the same version, in turns.', {
  rounds: { help: 'of all operations', value: 5, least: 1, most: 50 },
  out: { help: 'folder for table and CSV', value: join(here, 'out') },
})
exitAtSignals()
const data = mkdtempSync(join(build, 'bench-data.'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

const pair = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, ['sign', 'verify'])
const jwks = [await crypto.subtle.exportKey('jwk', pair.privateKey), await crypto.subtle.exportKey('jwk', pair.publicKey)]

// What an operation needs, itself, and how often it is done: some 0.3 s in all.
const SETUP = `
const { subtle } = globalThis.crypto
const big = new Uint8Array(1 << 20), small = new Uint8Array(256), iv = new Uint8Array(12), es = { name: 'ECDSA', hash: 'SHA-256' }, rs = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
const ecKeys = () => subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']), edKeys = () => subtle.generateKey('Ed25519', false, ['sign', 'verify'])
const rsaKeys = async () => ({ privateKey: await subtle.importKey('jwk', ${JSON.stringify(jwks[0])}, rs, false, ['sign']), publicKey: await subtle.importKey('jwk', ${JSON.stringify(jwks[1])}, rs, false, ['verify']) })
`
const aes = `const key = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])`
const operations = {
  'SHA-256 of 1 MB': ['', `subtle.digest('SHA-256', big)`, 400],
  'SHA-256 of 256 B': ['', `subtle.digest('SHA-256', small)`, 60000],
  'AES-256-GCM of 1 MB': [aes, `subtle.encrypt({ name: 'AES-GCM', iv }, key, big)`, 400],
  'AES-256-GCM of 256 B': [aes, `subtle.encrypt({ name: 'AES-GCM', iv }, key, small)`, 40000],
  'HMAC-SHA-256 of 256 B': [`const key = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])`, `subtle.sign('HMAC', key, small)`, 40000],
  'ECDSA P-256 sign': ['const keys = await ecKeys()', 'subtle.sign(es, keys.privateKey, small)', 6000],
  'ECDSA P-256 verify': ['const keys = await ecKeys(), signature = await subtle.sign(es, keys.privateKey, small)', 'subtle.verify(es, keys.publicKey, signature, small)', 4000],
  'RSA-2048 sign': ['const keys = await rsaKeys()', 'subtle.sign(rs, keys.privateKey, small)', 1000],
  'RSA-2048 verify': ['const keys = await rsaKeys(), signature = await subtle.sign(rs, keys.privateKey, small)', 'subtle.verify(rs, keys.publicKey, signature, small)', 8000],
  'Ed25519 sign': ['const keys = await edKeys()', `subtle.sign('Ed25519', keys.privateKey, small)`, 6000],
  'Ed25519 verify': [`const keys = await edKeys(), signature = await subtle.sign('Ed25519', keys.privateKey, small)`, `subtle.verify('Ed25519', keys.publicKey, signature, small)`, 4000],
  'X25519 derive': [`const keys = await subtle.generateKey('X25519', false, ['deriveBits'])`, `subtle.deriveBits({ name: 'X25519', public: keys.publicKey }, keys.privateKey, 256)`, 5000],
  'PBKDF2-SHA-256, 10000 rounds': [`const key = await subtle.importKey('raw', small, 'PBKDF2', false, ['deriveBits'])`, `subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: small, iterations: 10000 }, key, 256)`, 200],
}
const FEW = 5 // times, for what all the rest of the process costs
const loop = ([setup, run], count) => `${SETUP}${setup}\nfor (let i = 0; i < ${count}; i++) await ${run}`
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
  return result
}

const CPU = 'const used = process.cpuUsage(); console.log((used.user + used.system) / 1e3)' // of all threads
const cpuInCell = (operation, count) => inCell('subtle.mjs', loop(operation, count)).usage.cpu_ms
const cpuInNode = (operation, count) => Number(execFileSync(process.execPath, ['--input-type=module', '-e', `${loop(operation, count)}\n${CPU}`], { encoding: 'utf8' }))
const microseconds = (cpu, operation) => ((cpu(operation, operation[2]) - cpu(operation, FEW)) / (operation[2] - FEW)) * 1000
const median = (v) => v.toSorted((a, b) => a - b)[v.length >> 1]

const ours = [], theirs = [], first = []
for (let i = 0; i < rounds; i++) {
  process.stderr.write(`subtle: round ${i + 1} of ${rounds}\n`)
  const measured = (cpu) => Object.fromEntries(Object.entries(operations).map(([name, operation]) => [name, microseconds(cpu, operation)]))
  ours.push(measured(cpuInCell))
  theirs.push(measured(cpuInNode))
  for (let j = 0; j < 5; j++) first.push(inCell('first.mjs', `${FIRST}\nexport default times`).value)
}
const rows = Object.keys(operations).map((name) => {
  const cell = median(ours.map((r) => r[name])), node = median(theirs.map((r) => r[name]))
  return { name, cell, node, ratio: node / cell }
})
const firsts = Object.keys(first[0]).map((name) => ({ name, us: median(first.map((r) => r[name])) }))

const { stem, date } = stemOf('subtle')
const markdown = `# crypto.subtle in a cell beside Node.js ${process.version}, ${date}

Medians of ${rounds} rounds in turns, of CPU time (all threads: in Node.js most operations go to another thread and back), which other work on the
machine changes less than time on the clock; one operation at a time.

| machine | |
|---|---|
${machine(build).map(([k, v]) => `| ${k} | ${v} |`).join('\n')}

| operations a second of CPU | cell | Node.js | ratio |
|---|---:|---:|---:|
${rows.map((r) => `| ${r.name} | ${(1e6 / r.cell).toFixed(0)} | ${(1e6 / r.node).toFixed(0)} | ${r.ratio.toFixed(2)} |`).join('\n')}

| first in a fresh cell, medians | µs |
|---|---:|
${firsts.map((r) => `| ${r.name} | ${r.us.toFixed(0)} |`).join('\n')}
`
mkdirSync(out, { recursive: true })
writeFileSync(join(out, `${stem}.md`), markdown)
writeFileSync(join(out, `${stem}.csv`), `name,cell_us,node_us,ratio\n${rows.map((r) => [r.name, r.cell, r.node, r.ratio].join(',')).join('\n')}\n`)
console.log(markdown)
console.log(`written: ${join(out, stem)}.md, .csv`)
