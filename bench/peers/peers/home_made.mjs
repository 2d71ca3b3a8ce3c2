// What a team builds in a week: jobs in a JetStream work queue, Node.js workers with isolated-vm, a row in SQLite (WAL, FULL, many rows a
// commit), an Ed25519 signature, the result published, then the ack. Two workers, one for each core.
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { jetstreamManager } from '@nats-io/jetstream'
import { freePort, server } from '../lib/child.mjs'
import { folder, here } from '../lib/place.mjs'
import { publisher } from '../lib/publisher.mjs'

const NATS_SERVER = process.env.NATS_SERVER ?? '/usr/sbin/nats-server'

export async function start(job, { fresh }) {
  const dir = folder()
  const port = await freePort()
  const url = `nats://127.0.0.1:${port}`
  mkdirSync(join(dir, 'js'))
  const nats = await server(NATS_SERVER, ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(dir, 'js')], port)
  const nc = await connect({ servers: url })
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'HOME_JOBS', subjects: ['home.jobs.>'], retention: 'workqueue', storage: 'file' })
  await manager.streams.add({ name: 'HOME_RESULTS', subjects: ['home.results.>'], storage: 'file', max_msgs: 100_000 })
  await manager.consumers.add('HOME_JOBS', { durable_name: 'workers', ack_policy: 'explicit', max_ack_pending: 4096 })
  await nc.close()
  const workers = []
  for (let i = 0; i < availableParallelism(); i++)
    workers.push(await server(process.execPath, [join(here, 'lib/home_made_worker.mjs'), url, join(dir, `results-${i}.db`), fresh], (text) => text.includes('ready')))
  const p = await publisher(url, {
    to: 'home.jobs.default',
    from: 'home.results.*',
    message: (id) => ({ id, script: `JSON.stringify((() => { ${job.body} })())` }),
    read(m) {
      const result = JSON.parse(Buffer.from(m.json().payload, 'base64').toString('utf8'))
      if (result.outcome !== 'ok') throw new Error(`home-made: ${result.error}`)
      return result.value
    },
  })
  return {
    one: p.one,
    window: 256,
    async stop() {
      await p.close()
      for (const s of [...workers, nats]) await s.stop()
    },
  }
}
