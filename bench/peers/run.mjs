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
const leftOut = new Map() // "job peer" → why
function leave(job, peer, why) {
  leftOut.set(`${job} ${peer}`, { job, peer, why })
  process.stderr.write(`bench-peers: ${peer} is left out of the ${job} job: ${why}\n`)
}

for (let round = 1; round <= rounds; round++)
  for (const job of jobNames)
    for (const peer of peerNames) {
      if (leftOut.has(`${job} ${peer}`)) continue
      process.stderr.write(`bench-peers: round ${round} of ${rounds}: ${job}: ${peer}\n`)
      const most_s = seconds * 4 + 60
      const ran = spawnSync(process.execPath, [join(here, 'one.mjs'), peer, job, String(seconds)], { encoding: 'utf8', timeout: most_s * 1000 })
      const found = ran.status === 0 ? JSON.parse(ran.stdout.trim().split('\n').at(-1)) : null
      if (found?.missing) leave(job, peer, found.missing)
      else if (found) runs.push({ round, ...found })
      else leave(job, peer, ran.error ? `not done after ${most_s} s` : `it failed in round ${round}: ${/^.*Error: .*$/m.exec(ran.stderr)?.[0] ?? `status ${ran.status ?? ran.signal}`}`)
    }
if (!runs.length) wrong('no peer ran')

const { stem, date } = stemOf('peers')
const facts = machine(repository)
mkdirSync(given.out, { recursive: true })
const markdown = table(runs, { peers, jobs, facts, date, rounds, seconds, leftOut: [...leftOut.values()], svg: `${stem}.svg` })
const keys = ['round', 'job', 'peer', 'jobs_per_s', 'cpu_us', 'memory_mib', 'p50_ms', 'p99_ms', 'jobs']
writeFileSync(join(given.out, `${stem}.md`), markdown)
writeFileSync(join(given.out, `${stem}.csv`), `${[keys, ...runs.map((r) => keys.map((k) => r[k]))].map((r) => r.join(',')).join('\n')}\n`)
writeFileSync(join(given.out, `${stem}.svg`), plot(runs, { peers, jobs, subtitle: `${facts[0][1]}, ${date}, median of ${rounds} rounds` }))
console.log(markdown)
console.log(`written: ${join(given.out, stem)}.md, .csv, .svg`)
