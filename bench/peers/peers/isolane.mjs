// Isolane: through JetStream, a fresh jailed process a job, the result signed and durable before it is seen.
import { join } from 'node:path'
import { server } from '../lib/child.mjs'
import { build, folder } from '../lib/place.mjs'
import { publisher } from '../lib/publisher.mjs'

const valueOf = (m) => {
  const statement = JSON.parse(Buffer.from(m.json().payload, 'base64').toString('utf8'))
  if (statement.predicate.outcome !== 'ok') throw new Error(`isolane: ${JSON.stringify(statement.predicate.error)}`)
  return statement.predicate.value
}

const READY = /^isolane is up \(pid \d+, data .*\): (\S+)$/m

export async function start(job, { reuse } = {}) {
  const up = await server(join(build, 'isolane'), ['up', '--data', folder()], (text) => READY.exec(text)?.[1])
  const script = reuse === 'script' ? `export default function () { ${job.body} }` : `export default (() => { ${job.body} })()`
  const p = await publisher(up.value, {
    to: 'isolane.jobs.default.normal',
    from: 'isolane.results.default.*',
    message: (id) => ({ id, script, ...(reuse && { reuse }) }),
    read: valueOf,
  })
  return { one: p.one, window: 256, async stop() { await p.close(); await up.stop() } }
}
