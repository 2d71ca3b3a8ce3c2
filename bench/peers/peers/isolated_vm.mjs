// isolated-vm in this process, through its asynchronous calls, which use a thread pool: the scripts of several jobs run side by side. No jail, no
// durable result: what an isolate alone costs. `context`: one isolate, a fresh context a job.
import { availableParallelism } from 'node:os'
import ivm from 'isolated-vm'

const MEMORY_MB = 64
const TIMEOUT_MS = 1000

async function inContext(isolate, source) {
  const context = await isolate.createContext()
  const script = await isolate.compileScript(source)
  const text = await script.run(context, { timeout: TIMEOUT_MS })
  script.release()
  context.release()
  return JSON.parse(text)
}

export function start(job, { fresh }) {
  const source = `JSON.stringify((() => { ${job.body} })())`
  if (fresh === 'isolate')
    return {
      window: availableParallelism() + 1,
      stop() {},
      async one() {
        const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MB })
        try {
          return await inContext(isolate, source)
        } finally {
          isolate.dispose()
        }
      },
    }
  const isolates = Array.from({ length: availableParallelism() }, () => new ivm.Isolate({ memoryLimit: MEMORY_MB }))
  let turn = 0
  return {
    window: isolates.length * 2,
    one: () => inContext(isolates[turn++ % isolates.length], source),
    stop() { isolates.forEach((isolate) => isolate.dispose()) },
  }
}
