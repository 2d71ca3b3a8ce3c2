// node check.mjs [--all] [--write]: what a job costs in instructions and system calls, compared with bench/check.json. Seconds depend on
// who else uses the machine; these do not. Prints the sums, and the counts that changed by more than a tenth (--all: all), with what they
// were; --write keeps the new counts. Never fails because of a change: a person looks at it.
//
//   calls.<process>.<name>   system calls of a job, `bench/dispatch` under strace -f: the difference between two runs, one with MORE jobs
//                            more than the other, over MORE
//   instructions.boot        V8 from its snapshot, up to the fork (callgrind)
//   instructions.cell        a cell of the engine, from its fork to the result of a trivial job (callgrind: the child's less the parent's)
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitAtSignals, options } from './options.mjs'

const { all, write } = options('check', 'Instructions and system calls of a job, compared with bench/check.json.', {
  all: { help: 'print what did not change, too', flag: true },
  write: { help: 'keep the counts of this run', flag: true },
})
const here = dirname(fileURLToPath(import.meta.url))
const build = process.env.ISOLANE_BUILD ?? resolve(here, '../build')
const kept = join(here, 'check.json')
const dir = mkdtempSync(join(build, 'bench-check.'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
exitAtSignals()

const FEW = 300
const MORE = 600
const NOISE = 0.1 // of a count, or calls a job: how often a loop wakes differs from run to run
const LEAST_SHOWN = 0.005 // calls a job: what happens once in a while is noise

function have(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

/** File of strace -f → Map of "process.name" → calls. Who a process is: the first is the supervisor, so are the threads it makes; one that
 *  becomes "isolane-zygote" is a zygote; all others are cells. */
function callsOf(file) {
  const roles = new Map()
  const counts = new Map()
  const seen = []
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const m = /^(\d+) +(.*)$/.exec(line)
    if (!m) continue
    const [, pid, rest] = m
    if (!roles.size) roles.set(pid, 'supervisor')
    const thread = /^(?:clone3?\(.*CLONE_THREAD.*|<\.\.\. clone3? resumed>.*)= (\d+)$/.exec(rest)
    if (thread && roles.get(pid) === 'supervisor') roles.set(thread[1], 'supervisor')
    if (/^execve\(.*"isolane-zygote"\]/.test(rest)) roles.set(pid, 'zygote')
    const name = /^([a-z_0-9]+)\(/.exec(rest)?.[1]
    if (name) seen.push([pid, name])
  }
  for (const [pid, name] of seen) {
    const key = `${roles.get(pid) ?? 'cell'}.${name}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

function traced(jobs) {
  const file = join(dir, `calls-${jobs}`)
  execFileSync('strace', ['-f', '-qq', '-o', file, join(build, 'bench/dispatch'), '--paced', '0', '--fork', '0', '--flood', String(jobs)], { stdio: ['ignore', 'ignore', 'inherit'] })
  return callsOf(file)
}

function calls() {
  const few = traced(FEW)
  const many = traced(FEW + MORE)
  const found = {}
  for (const key of [...many.keys()].sort()) {
    const a_job = (many.get(key) - (few.get(key) ?? 0)) / MORE
    if (a_job >= LEAST_SHOWN) found[`calls.${key}`] = a_job
  }
  for (const role of ['supervisor', 'zygote', 'cell'])
    found[`calls.${role}`] = Object.entries(found).filter(([k]) => k.startsWith(`calls.${role}.`)).reduce((sum, [, v]) => sum + v, 0)
  return found
}

/** The engine shell under callgrind. The tool is called by its own name: valgrind's launcher would load the cell runtime as well. */
function instructions() {
  const job = join(dir, 'job.mjs')
  writeFileSync(job, "let s = 0;\nfor (let i = 0; i < 1000; i++) s += i;\nconsole.log('sum ' + s);\nexport default s;\n")
  const shell = resolve(build.replace(/\/asan$/, ''), 'engine-shell/libshell.so')
  const node = resolve(shell, '../../engine/node')
  const libexec = '/usr/libexec/valgrind'
  execFileSync('env', [`VALGRIND_LIB=${libexec}`, 'VALGRIND_LAUNCHER=/usr/bin/valgrind', 'sh', '-c', 'LD_PRELOAD="$0" exec "$@"', shell,
    `${libexec}/callgrind-amd64-linux`, '--tool=callgrind', '-q', `--callgrind-out-file=${join(dir, 'callgrind.%p')}`, node, job], { stdio: 'ignore' })
  const totals = readdirSync(dir).filter((f) => f.startsWith('callgrind.'))
    .map((f) => Number(/^totals: (\d+)/m.exec(readFileSync(join(dir, f), 'latin1'))[1])).sort((a, b) => a - b)
  return { 'instructions.boot': totals[0], 'instructions.cell': totals[1] - totals[0] }
}

const found = {}
if (have('strace')) Object.assign(found, calls())
else console.log('# no strace: system calls are not counted')
if (have('valgrind')) Object.assign(found, instructions())
else console.log('# no valgrind: instructions are not counted')

const sums = new Set(['calls.supervisor', 'calls.zygote', 'calls.cell', 'instructions.boot', 'instructions.cell'])
const before = JSON.parse(readFileSync(kept, 'utf8'))
const show = (v) => v === undefined ? '-' : v >= 1000 ? Math.round(v).toLocaleString('en-US') : v.toFixed(2)
console.log(`# ${'count, a job'.padEnd(38)} ${'now'.padStart(12)} ${'kept'.padStart(12)}  change`)
for (const key of new Set([...Object.keys(found), ...Object.keys(before)])) {
  const then = before[key]
  const now = found[key]
  if (now === undefined && !(key.startsWith('calls.') ? have('strace') : have('valgrind'))) continue
  const moved = now === undefined || then === undefined || Math.abs(now - then) > Math.max(then * NOISE, NOISE)
  if (!moved && !sums.has(key) && !all) continue
  const change = now === undefined ? 'gone' : then === undefined ? 'new' : `${((now / then - 1) * 100).toFixed(1)} %`
  console.log(`# ${key.padEnd(38)} ${show(now).padStart(12)} ${show(then).padStart(12)}  ${change}`)
}
if (write)
  writeFileSync(kept, `${JSON.stringify(Object.fromEntries(Object.entries({ ...before, ...found }).filter(([k]) => k in found).map(([k, v]) => [k, Number(v.toFixed(v >= 1000 ? 0 : 3))])), null, 2)}\n`)
