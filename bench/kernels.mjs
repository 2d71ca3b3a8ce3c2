// node kernels.mjs [--rounds N] [--out DIR]: well-known CPU-heavy scripts (bench/kernels) in a fresh cell beside Node.js of the same version, in
// turns. CPU seconds and wall seconds of the whole script, as ratios: seconds of a shared machine mean nothing. The value of a script is compared.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { machine, stemOf } from './machine.mjs'
import { exitAtSignals, options } from './options.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const build = process.env.ISOLANE_BUILD ?? resolve(here, '../build')
const { rounds, out, only } = options('kernels', 'CPU-heavy scripts in a fresh cell beside Node.js of the same version, in turns.', {
  rounds: { help: 'of all scripts', value: 3, least: 1, most: 50 },
  only: { help: 'those alone whose name has this in it', value: '' },
  out: { help: 'folder for table and CSV', value: join(here, 'out') },
})
exitAtSignals()
const files = readdirSync(join(here, 'kernels')).filter((f) => f.endsWith('.mjs') && f.includes(only)).map((f) => join(here, 'kernels', f))
const data = mkdtempSync(join(build, 'bench-data.'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

const LIMITS = ['--cpu-ms', '60000', '--wall-ms', '60000', '--heap-mb', '512', '--memory-mb', '1024', '--allow', 'eval']

function inCell(file) {
  const ran = spawnSync(join(build, 'isolane'), ['run', file, '--json', '--data', data, ...LIMITS], { encoding: 'utf8', maxBuffer: 1 << 26 })
  const result = JSON.parse(ran.stdout)
  if (result.outcome !== 'ok') throw new Error(`${basename(file)}: ${JSON.stringify(result.error)}`)
  return { cpu: result.usage.cpu_ms, wall: result.usage.wall_ms, value: result.value }
}

// Within the process, as the cell's figures are: without the start of either.
const MEASURED = `const began = process.hrtime.bigint(), used = process.cpuUsage()
const { default: value } = await import(process.argv[1])
const cpu = process.cpuUsage(used)
console.log(JSON.stringify({ cpu: (cpu.user + cpu.system) / 1e3, wall: Number(process.hrtime.bigint() - began) / 1e6, value }))`

function inNode(file) {
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', MEASURED, '--', pathToFileURL(file).href], { encoding: 'utf8' }))
}

const median = (v) => v.toSorted((a, b) => a - b)[v.length >> 1]
const mean = (v) => Math.exp(v.reduce((sum, x) => sum + Math.log(x), 0) / v.length)
const rows = []
for (const file of files) {
  const ours = [], theirs = []
  for (let i = 0; i < rounds; i++) {
    process.stderr.write(`kernels: round ${i + 1} of ${rounds}: ${basename(file)}\n`)
    ours.push(inCell(file))
    theirs.push(inNode(file))
    if (JSON.stringify(ours[i].value) !== JSON.stringify(theirs[i].value)) throw new Error(`${basename(file)}: ${ours[i].value} here, ${theirs[i].value} in Node.js`)
  }
  const of = (runs, key) => median(runs.map((r) => r[key]))
  rows.push({ name: basename(file, '.mjs'), cpu: of(ours, 'cpu'), node_cpu: of(theirs, 'cpu'), wall: of(ours, 'wall'), node_wall: of(theirs, 'wall') })
}
for (const r of rows) Object.assign(r, { cpu_ratio: r.cpu / r.node_cpu, wall_ratio: r.wall / r.node_wall })
const all = { cpu: mean(rows.map((r) => r.cpu_ratio)), wall: mean(rows.map((r) => r.wall_ratio)) }

const { stem, date } = stemOf('kernels')
const ms = (v) => v.toFixed(0)
const markdown = `# CPU-heavy scripts in a fresh cell beside Node.js ${process.version}, ${date}

Medians of ${rounds} rounds in turns; milliseconds.

| machine | |
|---|---|
${machine(build).map(([k, v]) => `| ${k} | ${v} |`).join('\n')}

| script | CPU, cell | CPU, Node | ratio | wall, cell | wall, Node | ratio |
|---|---:|---:|---:|---:|---:|---:|
${rows.map((r) => `| ${r.name} | ${ms(r.cpu)} | ${ms(r.node_cpu)} | ${r.cpu_ratio.toFixed(2)} | ${ms(r.wall)} | ${ms(r.node_wall)} | ${r.wall_ratio.toFixed(2)} |`).join('\n')}
| geometric mean | | | ${all.cpu.toFixed(2)} | | | ${all.wall.toFixed(2)} |
`
mkdirSync(out, { recursive: true })
const keys = ['name', 'cpu', 'node_cpu', 'cpu_ratio', 'wall', 'node_wall', 'wall_ratio']
writeFileSync(join(out, `${stem}.md`), markdown)
writeFileSync(join(out, `${stem}.csv`), `${[keys, ...rows.map((r) => keys.map((k) => r[k]))].map((r) => r.join(',')).join('\n')}\n`)
console.log(markdown)
console.log(`written: ${join(out, stem)}.md, .csv`)
