// node flame.mjs [--seconds N] [--mode none|tenant|script] [--out DIR]: where the CPU time of a job goes, as flame graphs (SVG) of the supervisor
// (by thread) and of the zygote with its cells, sampled by Linux perf while build/bench/reuse keeps the worker busy. A frame's width is its
// share of the samples; the table below names the functions in which most samples fell themselves.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { machine, stemOf } from './machine.mjs'
import { options } from './options.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const build = process.env.ISOLANE_BUILD ?? resolve(here, '../build')
const modes = ['none', 'tenant', 'script']
const { seconds, mode, out } = options('flame', 'Flame graphs of the supervisor and of the cells, sampled by Linux perf.', {
  seconds: { help: 'of each sampling', value: 5, least: 1, most: 60 },
  mode: { help: '`reuse` of the jobs', value: 'none', of: modes },
  out: { help: 'folder for table and SVGs', value: join(here, 'out') },
})

// ---- sampling ----

const parentOf = (pid) => { try { return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1]) } catch { return 0 } }
const nameOf = (pid) => { try { return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() } catch { return '' } }
const childrenOf = (pid) => readdirSync('/proc').filter((p) => /^\d+$/.test(p) && parentOf(p) === pid).map(Number)

async function until(look, what) {
  for (let i = 0; i < 300; i++) {
    const found = look()
    if (found) return found
    await sleep(50)
  }
  throw new Error(`flame: ${what} did not come up`)
}

// Stacks as ["thread", "outermost", …, "innermost"]. whom: perf's options for what to sample; comm: keep only threads of that name.
function sampled(whom, file, comm) {
  const ran = spawnSync('perf', ['record', '-q', '-o', file, '-F', '1499', '--call-graph', 'dwarf,8192', ...whom, '--', 'sleep', `${seconds}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (ran.status !== 0) throw new Error('flame: perf record failed')
  const only = comm ? ['--comms', comm] : []
  const text = execFileSync('perf', ['script', '-i', file, '--no-inline', '-F', 'comm,ip,sym,dso', ...only], { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] })
  return text.split('\n\n').filter((s) => s.trim()).map((sample) => {
    const [thread, ...frames] = sample.trim().split('\n')
    return [thread.trim(), ...frames.map(frameName).reverse()]
  })
}

// "7f3c01 sqlite3_step+0x1b (/usr/lib/libsqlite3.so.0)" → sqlite3_step; where there is no name: the library's. In
// anonymous memory lie the zygote's copy of V8's text in huge pages and what V8 compiles.
function frameName(line) {
  const [, name, dso] = /^\s*[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)? \((.*)\)$/.exec(line) ?? [null, '[unknown]', '']
  if (name !== '[unknown]') return name
  return /perf-\d+\.map/.test(dso) ? '[code in anonymous memory]' : `[${dso.split('/').at(-1) || 'unknown'}]`
}

// ---- drawing ----

const WIDTH = 1200
const ROW = 17
const escape = (s) => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const hue = (name) => [...name].reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7)

function grow(stacks) {
  const root = { name: 'all', count: 0, children: new Map() }
  for (const stack of stacks) {
    root.count++
    let at = root
    for (const name of stack) {
      if (!at.children.has(name)) at.children.set(name, { name, count: 0, children: new Map() })
      at = at.children.get(name)
      at.count++
    }
  }
  return root
}

const depthOf = (node, least) => node.count < least ? 0 : 1 + Math.max(0, ...[...node.children.values()].map((c) => depthOf(c, least)))

function draw(root, title) {
  const least = root.count / WIDTH / 2 // half a pixel
  const height = depthOf(root, least) * ROW + 60
  const out = []
  const place = (node, x, level) => {
    if (node.count < least) return
    const w = (node.count / root.count) * (WIDTH - 20)
    const y = height - 20 - (level + 1) * ROW
    const h = hue(node.name)
    const shown = node.name.slice(0, Math.floor(w / 6.3))
    out.push(`<g><title>${escape(node.name)}: ${((node.count / root.count) * 100).toFixed(1)} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${w.toFixed(1)}" height="${ROW - 1}" rx="1" fill="hsl(${h % 50} 85% ${62 + (h >> 8) % 14}%)"/>` +
      `${shown.length > 2 ? `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escape(shown)}</text>` : ''}</g>`)
    let left = x
    for (const child of [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      place(child, left, level + 1)
      left += (child.count / root.count) * (WIDTH - 20)
    }
  }
  place(root, 10, 0)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="'DejaVu Sans Mono', monospace" font-size="10.5">
<rect width="${WIDTH}" height="${height}" fill="#fff"/><text x="10" y="24" font-size="15" font-family="system-ui, sans-serif">${escape(title)}</text>
${out.join('\n')}
</svg>
`
}

// Functions by the share of samples that fell in them themselves, and with what they called.
function heaviest(stacks, count) {
  const self = new Map(), within = new Map()
  for (const stack of stacks) {
    self.set(stack.at(-1), (self.get(stack.at(-1)) ?? 0) + 1)
    for (const name of new Set(stack)) within.set(name, (within.get(name) ?? 0) + 1)
  }
  const share = (n) => ((n / stacks.length) * 100).toFixed(1)
  return [...self].sort((a, b) => b[1] - a[1]).slice(0, count).map(([name, n]) => `| \`${name}\` | ${share(n)} | ${share(within.get(name))} |`).join('\n')
}

// ---- one run ----

if (spawnSync('perf', ['version'], { stdio: 'ignore' }).status !== 0) {
  console.error("flame: there is no 'perf' here (Debian: linux-perf)")
  process.exit(1)
}
const enough = '10000000' // jobs: more than are done meanwhile
const zero = modes.filter((m) => m !== mode).flatMap((m) => [`--${m}`, '0'])
const folder = mkdtempSync(join(build, 'flame.'))
const bench = spawn(join(build, 'bench/reuse'), [...zero, `--${mode}`, enough, '--call', '0', '--single', '0'], { stdio: 'ignore', detached: true, env: { ...process.env, BENCH_DIR: folder } })
const graphs = []
try {
  const supervisor = await until(() => childrenOf(bench.pid)[0], 'the worker')
  const zygote = await until(() => childrenOf(supervisor).find((pid) => nameOf(pid).includes('zygote')), 'the zygote')
  await sleep(3000)
  graphs.push(['supervisor', sampled(['-p', `${supervisor}`], join(folder, 'supervisor'))])
  // Fresh cells live for a millisecond: they are known by the zygote's name, which they bear, among all that runs. Those that stay have a pid.
  const cells = join(folder, 'cell')
  graphs.push(['cell', mode === 'none' ? sampled(['-a'], cells, nameOf(zygote)) : sampled(['-p', [zygote, ...childrenOf(zygote)].join()], cells)])
} finally {
  process.kill(-bench.pid, 'SIGINT')
  await new Promise((done) => { bench.exitCode === null && bench.signalCode === null ? bench.on('exit', done) : done() })
  rmSync(folder, { recursive: true, force: true })
}

const { stem, date } = stemOf(`flame-${mode}`)
mkdirSync(out, { recursive: true })
const what = { none: 'a fresh process for each job', tenant: 'reuse: tenant', script: 'reuse: script' }[mode]
const parts = graphs.map(([name, stacks]) => {
  writeFileSync(join(out, `${stem}-${name}.svg`), draw(grow(stacks), `${name === 'cell' ? 'zygote and cells' : name}, ${what}, ${date}: ${stacks.length} samples`))
  return `## ${name === 'cell' ? 'Zygote and cells' : 'Supervisor'}

![flame graph](${stem}-${name}.svg)

| function | itself, % | with what it calls, % |
|---|---:|---:|
${heaviest(stacks, 12)}`
})
const markdown = `# Where the CPU time of a job goes: ${what}, ${date}

Sampled ${seconds} s each by Linux perf while \`build/bench/reuse\` keeps the worker busy. How to read it, and what was done about the largest entries: [flames.md](../flames.md).

| machine | |
|---|---|
${machine(build).map(([k, v]) => `| ${k} | ${v} |`).join('\n')}

${parts.join('\n\n')}
`
writeFileSync(join(out, `${stem}.md`), markdown)
console.log(markdown)
console.log(`written: ${join(out, stem)}.md, -supervisor.svg, -cell.svg`)
