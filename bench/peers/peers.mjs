// Who is measured. file: in peers/, how: what its start() is told; isolation and result: what one gets for it.
export const peers = [
  { name: 'isolane', title: 'Isolane, a fresh jailed process per job', file: 'isolane', how: {}, isolation: 'process + jail + isolate', result: 'signed, durable', mode: 'queue' },
  { name: 'isolane-tenant', title: 'Isolane, reuse: tenant (fresh context)', file: 'isolane', how: { reuse: 'tenant' }, isolation: 'process + jail a tenant, context a job', result: 'signed, durable', mode: 'queue' },
  { name: 'isolane-script', title: 'Isolane, reuse: script (handler called again)', file: 'isolane', how: { reuse: 'script' }, isolation: 'process + jail a script', result: 'signed, durable', mode: 'queue' },
  { name: 'home-isolate', title: 'NATS + Node + isolated-vm + SQLite + signature, fresh isolate', file: 'home_made', how: { fresh: 'isolate' }, isolation: 'isolate', result: 'signed, durable', mode: 'queue' },
  { name: 'home-context', title: 'the same, fresh context', file: 'home_made', how: { fresh: 'context' }, isolation: 'context', result: 'signed, durable', mode: 'queue' },
  { name: 'ivm-isolate', title: 'isolated-vm, fresh isolate', file: 'isolated_vm', how: { fresh: 'isolate' }, isolation: 'isolate', result: 'in memory', mode: 'call' },
  { name: 'ivm-context', title: 'isolated-vm, fresh context', file: 'isolated_vm', how: { fresh: 'context' }, isolation: 'context', result: 'in memory', mode: 'call' },
  { name: 'workerd-fresh', title: 'workerd, fresh isolate (worker loader)', file: 'workerd', how: { fresh: true }, isolation: 'isolate', result: 'HTTP answer', mode: 'call' },
  { name: 'workerd-warm', title: 'workerd, the same worker again', file: 'workerd', how: { fresh: false }, isolation: 'none between jobs', result: 'HTTP answer', mode: 'call' },
  { name: 'bubblewrap', title: 'bubblewrap + Node process per job', file: 'spawned', how: { command: 'bubblewrap' }, isolation: 'process + namespaces', result: 'stdout', mode: 'process' },
  { name: 'node', title: 'Node process per job', file: 'spawned', how: { command: 'node' }, isolation: 'process', result: 'stdout', mode: 'process' },
  { name: 'deno', title: 'Deno process per job', file: 'spawned', how: { command: 'deno' }, isolation: 'process + permissions', result: 'stdout', mode: 'process' },
]
