// node scale.mjs [--rounds N] [--jobs N] [--out DIR]: one worker at more tenants, more scripts and larger jobs (scale.c), as a table and as
// line charts: is there a cliff?
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lineCharts } from './lines.mjs'
import { machine, stemOf } from './machine.mjs'
import { options } from './options.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const build = process.env.ISOLANE_BUILD ?? resolve(here, '../build')
const { rounds, jobs, out } = options('scale', 'One worker at more tenants, more scripts and larger jobs, as a table and as line charts.', {
  rounds: { help: 'of all points', value: 3, least: 1, most: 50 },
  jobs: { help: 'of each point; larger jobs are fewer', value: 2000, least: 100, most: 1000000 },
  out: { help: 'folder for table, CSV and SVG', value: join(here, 'out') },
})

// In the order of the report; unit: what x counts.
const SERIES = {
  tenants: ['tenants, a fresh process for each job', 'tenants'],
  scripts: ['`reuse: script`, a warm cell for each script', 'scripts'],
  evicted: ['`reuse: script`, 32 warm cells for all scripts', 'scripts'],
  warm: ['`reuse: tenant`, tenants resident', 'tenants'],
  'script-kb': ['script, a fresh process for each job', 'KiB'],
  'input-kb': ['input, a fresh process for each job', 'KiB'],
  'output-kb': ['output, a fresh process for each job', 'KiB'],
}

const found = new Map() // "tenants.10" → { jobs: [of each round], … }
for (let round = 1; round <= rounds; round++) {
  process.stderr.write(`scale: round ${round} of ${rounds}\n`)
  const said = execFileSync(join(build, 'bench/scale'), ['--jobs', `${jobs}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  for (const line of said.split('\n').filter(Boolean)) {
    const { metric, value } = JSON.parse(line)
    const [, series, x, what] = /^scale\.([a-z-]+)\.(\d+)\.(.+)$/.exec(metric)
    const key = `${series}.${x}`
    if (!found.has(key)) found.set(key, {})
    ;(found.get(key)[what] ??= []).push(value)
  }
}
const median = (v) => v.toSorted((a, b) => a - b)[v.length >> 1]
const rows = [...found].map(([key, values]) => {
  const [series, x] = key.split('.')
  const of = (what) => values[what] && median(values[what])
  return { series, x: Number(x), jobs: of('jobs'), low: Math.min(...values.jobs), high: Math.max(...values.jobs), p50: of('p50'), p99: of('p99'),
    cpu: of('cpu.all'), supervisor: of('cpu.supervisor'), cell: of('cpu.cell'), cells: of('cells'), memory: of('memory.cell') }
})
const of = (series) => rows.filter((r) => r.series === series)

const { stem, date } = stemOf('scale')
const often = rounds === 1 ? 'One round' : `Medians of ${rounds} rounds`
const n = (v, digits = 3) => (v === undefined ? '' : v >= 1000 ? Math.round(v).toLocaleString('en') : `${Number(v.toPrecision(digits))}`)
const table = rows.length && Object.entries(SERIES).map(([series, [title, unit]]) => {
  const memory = of(series).some((r) => r.memory !== undefined)
  return `## ${title}

| ${unit} | jobs/s | min – max | p50 ms | p99 ms | CPU µs a job | of the supervisor | of the cell |${memory ? ' cells that stay | MiB each |' : ''}
|---:|---:|---:|---:|---:|---:|---:|---:|${memory ? '---:|---:|' : ''}
${of(series).map((r) => `| ${r.x} | ${n(r.jobs)} | ${n(r.low)} – ${n(r.high)} | ${n(r.p50 / 1e3)} | ${n(r.p99 / 1e3)} | ${n(r.cpu)} | ${n(r.supervisor)} | ${n(r.cell)} |${memory ? ` ${n(r.cells)} | ${n(r.memory / 2 ** 20)} |` : ''}`).join('\n')}`
}).join('\n\n')
const markdown = `# One worker as its work grows, ${date}

${often}; up to 64 jobs in flight (so many wait for the few cells that run: p50 and p99 are those of a full queue); larger jobs fewer.

| machine | |
|---|---|
${machine(build).map(([k, v]) => `| ${k} | ${v} |`).join('\n')}

![jobs a second, latency and memory](${stem}.svg)

${table}
`
const points = (series, key, scale = 1) => of(series).filter((r) => r[key] > 0).map((r) => [r.x, r[key] / scale])
const speed = (names) => names.map(([series, name]) => ({ name, points: points(series, 'jobs') }))
const latency = (series) => ['p50', 'p99'].map((key) => ({ name: key, points: points(series, key, 1e3) }))
const sizes = [['script-kb', 'script'], ['input-kb', 'input'], ['output-kb', 'output']]
const svg = lineCharts('One worker as its work grows', `${date}; ${often.toLowerCase()}, 64 jobs in flight`, [
  { title: 'Tenants', x: 'tenants', y: 'jobs a second', lines: speed([['tenants', 'fresh process'], ['warm', 'reuse: tenant']]) },
  { title: 'Tenants: latency, a fresh process each', x: 'tenants', y: 'ms, the queue full', lines: latency('tenants') },
  { title: 'Scripts', x: 'scripts', y: 'jobs a second', lines: speed([['scripts', 'all warm'], ['evicted', '32 warm cells']]) },
  { title: 'Scripts: latency, all warm', x: 'scripts', y: 'ms, the queue full', lines: latency('scripts') },
  { title: 'Sizes', x: 'KiB', y: 'jobs a second', lines: speed(sizes) },
  { title: 'Sizes: CPU of the supervisor', x: 'KiB', y: 'µs a job', lines: sizes.map(([series, name]) => ({ name, points: points(series, 'supervisor') })) },
  { title: 'Memory of a cell that stays', x: 'tenants resident', y: 'MiB each', lines: [{ name: 'cells', points: points('warm', 'memory', 2 ** 20) }] },
])
const csv = ['series,x,jobs,low,high,p50_us,p99_us,cpu_us,supervisor_us,cell_us,cells,cell_bytes',
  ...rows.map((r) => [r.series, r.x, r.jobs, r.low, r.high, r.p50, r.p99, r.cpu, r.supervisor, r.cell, r.cells ?? '', r.memory ?? ''].join(','))].join('\n')
mkdirSync(out, { recursive: true })
for (const [end, content] of [['md', markdown], ['svg', svg], ['csv', `${csv}\n`]])
  writeFileSync(join(out, `${stem}.${end}`), content)
console.log(markdown)
console.log(`written: ${join(out, stem)}.md, .csv, .svg`)
