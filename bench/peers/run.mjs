// node run.mjs [--seconds S] [--rounds N] [--peers a,b] [--jobs a,b] [--out DIR]: all peers under all jobs, in turns; writes a table (Markdown),
// every value (CSV) and a picture (SVG).
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machine, stemOf } from '../machine.mjs'
import { jobs } from './jobs.mjs'
import { here, repository } from './lib/place.mjs'
import { plot } from './lib/plot.mjs'
import { table } from './lib/table.mjs'
import { peers } from './peers.mjs'

const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    peers: { type: 'string', default: peers.map((p) => p.name).join() },
    jobs: { type: 'string', default: Object.keys(jobs).join() },
    out: { type: 'string', default: join(repository, 'bench/out') },
  },
})

function wrong(text) {
  console.error(`bench-peers: ${text}`)
  process.exit(2)
}

function whole(name, least, most) {
  const n = Number(given[name])
  if (!Number.isInteger(n) || n < least || n > most) wrong(`--${name}: found '${given[name]}'; allowed: ${least} to ${most}`)
  return n
}

function chosen(name, all) {
  const names = given[name].split(',')
  for (const n of names)
    if (!all.includes(n)) wrong(`--${name}: found '${n}'; allowed: ${all.join(', ')}`)
  return names
}

const seconds = whole('seconds', 1, 120)
const rounds = whole('rounds', 1, 50)
const peerNames = chosen('peers', peers.map((p) => p.name))
const jobNames = chosen('jobs', Object.keys(jobs))

const runs = []
for (let round = 1; round <= rounds; round++)
  for (const job of jobNames)
    for (const peer of peerNames) {
      process.stderr.write(`bench-peers: round ${round} of ${rounds}: ${job}: ${peer}\n`)
      const ran = spawnSync(process.execPath, [join(here, 'one.mjs'), peer, job, String(seconds)], { encoding: 'utf8', timeout: (seconds * 4 + 60) * 1000 })
      if (ran.status !== 0) wrong(`${peer} failed under the ${job} job:\n${ran.stderr}`)
      const found = JSON.parse(ran.stdout.trim().split('\n').at(-1))
      if (found.missing) process.stderr.write(`bench-peers: ${peer} is left out: ${found.missing}\n`)
      else runs.push({ round, ...found })
    }

const { stem, date } = stemOf('peers')
const facts = machine(repository)
mkdirSync(given.out, { recursive: true })
const markdown = table(runs, { peers, jobs, facts, date, rounds, seconds, svg: `${stem}.svg` })
const keys = ['round', 'job', 'peer', 'jobs_per_s', 'cpu_us', 'memory_mib', 'p50_ms', 'p99_ms', 'jobs']
writeFileSync(join(given.out, `${stem}.md`), markdown)
writeFileSync(join(given.out, `${stem}.csv`), `${[keys, ...runs.map((r) => keys.map((k) => r[k]))].map((r) => r.join(',')).join('\n')}\n`)
writeFileSync(join(given.out, `${stem}.svg`), plot(runs, { peers, jobs, subtitle: `${facts[0][1]}, ${date}, median of ${rounds} rounds` }))
console.log(markdown)
console.log(`written: ${join(given.out, stem)}.md, .csv, .svg`)
