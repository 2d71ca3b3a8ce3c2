// workerd over HTTP with kept-alive connections. fresh: a worker loaded for each job (worker loader), in an isolate of its own; warm: the
// same worker called again. No jail of its own, no durable result.
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { freePort, server } from '../lib/child.mjs'
import { folder, workerd } from '../lib/place.mjs'

const worker = (body) => `export default { fetch() { return new Response(JSON.stringify((() => { ${body} })())) } }`

const loader = (body) => `const code = ${JSON.stringify(worker(body))}; let n = 0
export default { fetch(request, env) {
  const fresh = env.LOADER.get('job' + n++, () => ({ compatibilityDate: '2026-01-01', mainModule: 'job.js', modules: { 'job.js': code }, globalOutbound: null }))
  return fresh.getEntrypoint().fetch(request)
} }`

const config = (port, loading) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "main.js", esModule = embed "main.js")], compatibilityDate = "2026-01-01",
    ${loading ? 'compatibilityFlags = ["experimental"], bindings = [(name = "LOADER", workerLoader = ())]' : ''}))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);`

export async function start(job, { fresh }) {
  const dir = folder()
  const port = await freePort()
  writeFileSync(join(dir, 'main.js'), fresh ? loader(job.body) : worker(job.body))
  writeFileSync(join(dir, 'config.capnp'), config(port, fresh))
  const up = await server(workerd, ['serve', '--experimental', join(dir, 'config.capnp')], port)
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const one = () => new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, agent }, (response) => {
      let text = ''
      response.on('data', (chunk) => { text += chunk })
      response.on('end', () => response.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`workerd: ${response.statusCode} ${text}`)))
    }).on('error', reject).end()
  })
  return { one, window: fresh ? 8 : 32, async stop() { agent.destroy(); await up.stop() } }
}
