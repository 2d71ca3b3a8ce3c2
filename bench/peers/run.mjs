// node run.mjs [--seconds S] [--rounds N] [--peers a,b] [--jobs a,b] [--out DIR]: all peers under all jobs, in turns; writes a table (Markdown),
// every value (CSV) and a picture (SVG).
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { machine, stemOf } from '../machine.mjs'
import { options } from '../options.mjs'
import { jobs } from './jobs.mjs'
import { here, repository } from './lib/place.mjs'
import { plot } from './lib/plot.mjs'
import { table } from './lib/table.mjs'
import { peers } from './peers.mjs'

const { seconds, rounds, peers: peerNames, jobs: jobNames, out } = options('bench-peers', 'Isolane and its peers under the same jobs, in turns.', {
  seconds: { help: 'of each peer under each job', value: 4, least: 1, most: 120 },
  rounds: { help: 'of all', value: 3, least: 1, most: 50 },
  peers: { help: 'who', some: peers.map((p) => p.name) },
  jobs: { help: 'under what', some: Object.keys(jobs) },
  out: { help: 'folder for table, CSV and SVG', value: join(repository, 'bench/out') },
})

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
if (!runs.length) {
  console.error('bench-peers: no peer ran')
  process.exit(1)
}

const { stem, date } = stemOf('peers')
const facts = machine(repository)
mkdirSync(out, { recursive: true })
const markdown = table(runs, { peers, jobs, facts, date, rounds, seconds, leftOut: [...leftOut.values()], svg: `${stem}.svg` })
const keys = ['round', 'job', 'peer', 'jobs_per_s', 'cpu_us', 'memory_mib', 'p50_ms', 'p99_ms', 'jobs']
writeFileSync(join(out, `${stem}.md`), markdown)
writeFileSync(join(out, `${stem}.csv`), `${[keys, ...runs.map((r) => keys.map((k) => r[k]))].map((r) => r.join(',')).join('\n')}\n`)
writeFileSync(join(out, `${stem}.svg`), plot(runs, { peers, jobs, subtitle: `${facts[0][1]}, ${date}, median of ${rounds} rounds` }))
console.log(markdown)
console.log(`written: ${join(out, stem)}.md, .csv, .svg`)
