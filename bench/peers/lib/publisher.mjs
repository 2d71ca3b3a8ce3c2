// Jobs through a stream, results through a subject: the same publisher for all who use NATS, so that its own cost is the same too.
import { connect } from '@nats-io/transport-node'
import { jetstream } from '@nats-io/jetstream'

/** to: subject of jobs; from: subject of results, whose last token is the job's id; read: message → value. */
export async function publisher(url, { to, from, message, read }) {
  const nc = await connect({ servers: url })
  const js = jetstream(nc)
  const waiting = new Map()
  nc.subscribe(from, {
    callback(error, m) {
      if (error) throw error
      const id = m.subject.slice(m.subject.lastIndexOf('.') + 1)
      const done = waiting.get(id)
      waiting.delete(id)
      done?.(m)
    },
  })
  await nc.flush()
  const prefix = `p${process.pid}-`
  let number = 0
  return {
    async one() {
      const id = `${prefix}${++number}`
      const result = new Promise((resolve) => waiting.set(id, resolve))
      await js.publish(to, JSON.stringify(message(id)))
      return read(await result)
    },
    close: () => nc.close(),
  }
}
