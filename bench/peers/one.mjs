// node one.mjs PEER JOB SECONDS: one peer under one job, in a process of its own; prints one line of JSON.
import { cpuSeconds, memoryBytes } from './lib/tree.mjs'
import { flood, single } from './lib/load.mjs'
import { jobs } from './jobs.mjs'
import { peers } from './peers.mjs'

const [name, jobName, secondsText] = process.argv.slice(2)
const peer = peers.find((p) => p.name === name)
const job = jobs[jobName]
const seconds = Number(secondsText)
const WARM_UP_SECONDS = 0.5

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1)) // servers and folders go at the exit
const { start, missing } = await import(`./peers/${peer.file}.mjs`)
const why = missing?.(peer.how)
if (why) {
  console.log(JSON.stringify({ peer: name, job: jobName, missing: why }))
  process.exit(0)
}
const it = await start(job, peer.how)
await flood(it.one, job, { window: it.window, seconds: WARM_UP_SECONDS })
const before = cpuSeconds(process.pid)
const many = await flood(it.one, job, { window: it.window, seconds })
const cpu = cpuSeconds(process.pid) - before
const memory = memoryBytes(process.pid)
const lone = await single(it.one, job, { seconds: seconds / 2 })
await it.stop()
console.log(JSON.stringify({
  peer: name, job: jobName, jobs_per_s: many.jobs / many.seconds, cpu_us: (cpu * 1e6) / many.jobs, memory_mib: memory / 2 ** 20,
  p50_ms: lone.p50_ms, p99_ms: lone.p99_ms, jobs: many.jobs + lone.jobs,
}))
process.exit(0)
