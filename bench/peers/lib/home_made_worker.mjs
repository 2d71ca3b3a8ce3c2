// node home_made_worker.mjs URL DATABASE isolate|context: a worker of peers/home_made.mjs.
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { connect } from '@nats-io/transport-node'
import { jetstream } from '@nats-io/jetstream'
import ivm from 'isolated-vm'

const [url, file, fresh] = process.argv.slice(2)
const MEMORY_MB = 64
const TIMEOUT_MS = 1000
const ROWS = 32 // in one commit

const { privateKey } = generateKeyPairSync('ed25519')
const db = new DatabaseSync(file)
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
db.exec('CREATE TABLE results (id TEXT PRIMARY KEY, outcome TEXT, value TEXT, script_sha256 TEXT, payload BLOB, signature BLOB)')
const insert = db.prepare('INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?)')

const shared = fresh === 'context' ? new ivm.Isolate({ memoryLimit: MEMORY_MB }) : null

/** On this thread, without the hops of the asynchronous calls: there is a worker for each core. */
function run(source) {
  const isolate = shared ?? new ivm.Isolate({ memoryLimit: MEMORY_MB })
  try {
    const context = isolate.createContextSync()
    const script = isolate.compileScriptSync(source)
    const text = script.runSync(context, { timeout: TIMEOUT_MS })
    script.release()
    context.release()
    return { outcome: 'ok', value: JSON.parse(text) }
  } catch (error) {
    return { outcome: 'threw', error: String(error) }
  } finally {
    if (!shared) isolate.dispose()
  }
}

const nc = await connect({ servers: url })
const js = jetstream(nc)
const done = []
let committing = false

/** Commits what is there, a batch at a time, then publishes and acks. */
async function commit() {
  if (committing) return
  committing = true
  while (done.length) {
    const batch = done.splice(0, ROWS)
    db.exec('BEGIN')
    for (const { job, result } of batch) {
      result.payload = Buffer.from(JSON.stringify({ id: job.id, ...result }))
      result.signature = sign(null, result.payload, privateKey)
      insert.run(job.id, result.outcome, JSON.stringify(result.value), createHash('sha256').update(job.script).digest('hex'), result.payload, result.signature)
    }
    db.exec('COMMIT')
    await Promise.all(batch.map(({ job, result }) => js.publish(`home.results.${job.id}`, JSON.stringify({
      payload: result.payload.toString('base64'), signatures: [{ sig: result.signature.toString('base64') }],
    }))))
    for (const { message } of batch) message.ack()
  }
  committing = false
}

const consumer = await js.consumers.get('HOME_JOBS', 'workers')
const messages = await consumer.consume({ max_messages: 128 })
console.log('ready')
for await (const message of messages) {
  const job = message.json()
  done.push({ job, result: run(job.script), message })
  if (done.length >= ROWS) await new Promise(setImmediate) // what has come in and what was committed is seen to
  commit()
}
