// Closed loops over one function: `one()` runs a job to its end and resolves to its value.
import assert from 'node:assert/strict'

const now = () => Number(process.hrtime.bigint()) / 1e6

async function checked(one, job) {
  assert.deepEqual(await one(), job.value)
}

/** window jobs in flight for so many seconds → { jobs, seconds }. */
export async function flood(one, job, { window, seconds }) {
  let jobs = 0
  const begin = now()
  const end = begin + seconds * 1000
  await Promise.all(Array.from({ length: window }, async () => {
    do {
      await checked(one, job)
      jobs++
    } while (now() < end)
  }))
  return { jobs, seconds: (now() - begin) / 1000 }
}

/** One job at a time, a pause between, for so many seconds → { p50_ms, p99_ms, jobs }. */
export async function single(one, job, { seconds, pause_ms = 2 }) {
  const took = []
  const end = now() + seconds * 1000
  do {
    const begin = now()
    await checked(one, job)
    took.push(now() - begin)
    await new Promise((resolve) => setTimeout(resolve, pause_ms))
  } while (now() < end)
  took.sort((a, b) => a - b)
  const at = (q) => took[Math.min(took.length - 1, Math.floor(took.length * q))]
  return { p50_ms: at(0.5), p99_ms: at(0.99), jobs: took.length }
}
