// What each metric is called where people read it, in the order of the table. A metric that a bench
// program prints and that is not listed here is shown under its own name at the end.
export const sections = [
  ['In-process dispatch, a fresh cell for each job', [
    ['dispatch.paced.done.p50', 'one at a time: submitted → result framed, p50'],
    ['dispatch.paced.done.p99', '… p99'],
    ['dispatch.paced.committed.p50', 'one at a time: submitted → signed row durable, p50'],
    ['dispatch.paced.committed.p99', '… p99'],
    ['dispatch.fork.ready.p50', 'no cell ready: fork asked → cell ready, p50'],
    ['dispatch.fork.ready.p99', '… p99'],
    ['dispatch.fork.result.p50', 'no cell ready: fork asked → result framed, p50'],
    ['dispatch.fork.result.p99', '… p99'],
    ['dispatch.fork.reaped.p50', 'no cell ready: fork asked → process reaped, p50'],
    ['dispatch.fork.reaped.p99', '… p99'],
    ['dispatch.flood.jobs', 'many waiting: jobs, durable results'],
    ['dispatch.flood.cpu.cell', 'CPU a job: cell'],
    ['dispatch.flood.cpu.zygote', 'CPU a job: zygote'],
    ['dispatch.flood.cpu.supervisor', 'CPU a job: supervisor'],
    ['dispatch.flood.cpu.all', 'CPU a job: all'],
    ['dispatch.flood.faults.cell', 'page faults of a cell'],
  ]],
  ['How far a job gets beyond its budget', [
    ['budgets.quiet.cpu.loop.p50', 'cpu_ms, a loop, left alone: p50'],
    ['budgets.quiet.cpu.loop.p99', '… p99'],
    ['budgets.quiet.cpu.loop.worst', '… worst'],
    ['budgets.quiet.cpu.garbage.p50', 'cpu_ms, a loop that allocates, left alone: p50'],
    ['budgets.quiet.cpu.garbage.p99', '… p99'],
    ['budgets.quiet.cpu.garbage.worst', '… worst'],
    ['budgets.quiet.cpu.deaf.p50', 'cpu_ms, inside V8, where no request is seen, left alone: p50'],
    ['budgets.quiet.cpu.deaf.p99', '… p99'],
    ['budgets.quiet.cpu.deaf.worst', '… worst'],
    ['budgets.quiet.wall.asleep.p50', 'wall_ms, waiting, left alone: p50'],
    ['budgets.quiet.wall.asleep.p99', '… p99'],
    ['budgets.quiet.wall.asleep.worst', '… worst'],
    ['budgets.quiet.wall.busy.p50', 'wall_ms, a loop, left alone: p50'],
    ['budgets.quiet.wall.busy.p99', '… p99'],
    ['budgets.quiet.wall.busy.worst', '… worst'],
    ['budgets.quiet.wall.deaf.p50', 'wall_ms, inside V8, where no request is seen, left alone: p50'],
    ['budgets.quiet.wall.deaf.p99', '… p99'],
    ['budgets.quiet.wall.deaf.worst', '… worst'],
    ['budgets.quiet.heap.p50', 'heap_mb, left alone: p50'],
    ['budgets.quiet.heap.p99', '… p99'],
    ['budgets.quiet.heap.worst', '… worst'],
    ['budgets.quiet.memory.p50', 'memory_mb, left alone: p50'],
    ['budgets.quiet.memory.p99', '… p99'],
    ['budgets.quiet.memory.worst', '… worst'],
    ['budgets.quiet.output.p50', 'output_kb, left alone: p50'],
    ['budgets.quiet.output.p99', '… p99'],
    ['budgets.quiet.output.worst', '… worst'],
    ['budgets.loaded.cpu.loop.p50', 'cpu_ms, a loop, all CPUs busy: p50'],
    ['budgets.loaded.cpu.loop.p99', '… p99'],
    ['budgets.loaded.cpu.loop.worst', '… worst'],
    ['budgets.loaded.cpu.garbage.p50', 'cpu_ms, a loop that allocates, all CPUs busy: p50'],
    ['budgets.loaded.cpu.garbage.p99', '… p99'],
    ['budgets.loaded.cpu.garbage.worst', '… worst'],
    ['budgets.loaded.cpu.deaf.p50', 'cpu_ms, inside V8, where no request is seen, all CPUs busy: p50'],
    ['budgets.loaded.cpu.deaf.p99', '… p99'],
    ['budgets.loaded.cpu.deaf.worst', '… worst'],
    ['budgets.loaded.wall.asleep.p50', 'wall_ms, waiting, all CPUs busy: p50'],
    ['budgets.loaded.wall.asleep.p99', '… p99'],
    ['budgets.loaded.wall.asleep.worst', '… worst'],
    ['budgets.loaded.wall.busy.p50', 'wall_ms, a loop, all CPUs busy: p50'],
    ['budgets.loaded.wall.busy.p99', '… p99'],
    ['budgets.loaded.wall.busy.worst', '… worst'],
    ['budgets.loaded.wall.deaf.p50', 'wall_ms, inside V8, where no request is seen, all CPUs busy: p50'],
    ['budgets.loaded.wall.deaf.p99', '… p99'],
    ['budgets.loaded.wall.deaf.worst', '… worst'],
    ['budgets.loaded.heap.p50', 'heap_mb, all CPUs busy: p50'],
    ['budgets.loaded.heap.p99', '… p99'],
    ['budgets.loaded.heap.worst', '… worst'],
    ['budgets.loaded.memory.p50', 'memory_mb, all CPUs busy: p50'],
    ['budgets.loaded.memory.p99', '… p99'],
    ['budgets.loaded.memory.worst', '… worst'],
    ['budgets.loaded.output.p50', 'output_kb, all CPUs busy: p50'],
    ['budgets.loaded.output.p99', '… p99'],
    ['budgets.loaded.output.worst', '… worst'],
  ]],
  ['Through JetStream, a fresh cell for each job, signed durable results', [
    ['queue.single.result.p50', 'one at a time: published → result seen, p50'],
    ['queue.single.result.p99', '… p99'],
    ['queue.flood.jobs', 'many in flight: jobs end to end'],
    ['queue.flood.cpu.cell', 'CPU a job: cell'],
    ['queue.flood.cpu.zygote', 'CPU a job: zygote'],
    ['queue.flood.cpu.supervisor', 'CPU a job: supervisor'],
    ['queue.flood.cpu.nats-server', 'CPU a job: nats-server'],
    ['queue.flood.cpu.publisher', 'CPU a job: publisher'],
    ['queue.flood.cpu.all', 'CPU a job: all'],
    ['queue.flood.faults.cell', 'page faults of a cell'],
  ]],
  ['What the jail costs a cell, with every layer beside `jail: off`', [
    ['jail.on.ready.p50', 'jailed: fork asked → cell ready, p50'],
    ['jail.off.ready.p50', '`jail: off`: fork asked → cell ready, p50'],
    ['jail.cost.ready.p50', 'the difference of a pair, p50'],
    ['jail.on.result.p50', 'jailed: fork asked → result framed, p50'],
    ['jail.off.result.p50', '`jail: off`: fork asked → result framed, p50'],
    ['jail.cost.result.p50', 'the difference of a pair, p50'],
    ['jail.on.zygote', 'jailed: zygote started → up'],
    ['jail.off.zygote', '`jail: off`: zygote started → up'],
  ]],
  ['Memory', [
    ['memory.zygote.private-dirty', 'zygote: private dirty, without huge pages'],
    ['memory.zygote.huge', 'zygote: huge pages, shared by its cells'],
    ['memory.zygote.mappings', 'zygote: mappings'],
    ['memory.cell.private-dirty', 'idle cell: private dirty'],
    ['memory.cell.huge', 'idle cell: huge pages of its zygote'],
    ['memory.cell.mappings', 'idle cell: mappings'],
  ]],
  ['Cold start', [
    ['coldstart.isolane.output.p50', 'isolane run hello.js: first output'],
    ['coldstart.isolane.whole.p50', 'isolane run hello.js: whole process, result durable'],
    ['coldstart.node.output.p50', 'node hello.js: first output'],
    ['coldstart.node.whole.p50', 'node hello.js: whole process'],
    ['coldstart.ratio', 'isolane run : node, whole'],
  ]],
  ['The floor: parts that no design gets rid of', [
    ['floor.fork.p50', 'fork + exit + wait of a small process'],
    ['floor.fdatasync.p50', '4 kB overwrite + fdatasync, p50'],
    ['floor.fdatasync.p99', '… p99'],
    ['floor.socketpair.p50', 'socketpair round trip between two processes'],
    ['floor.ed25519-sign.p50', 'Ed25519 signature over 1.3 kB'],
    ['floor.busy', 'CPU in use by others before each run'],
  ]],
]

const ratio = (a, b) => (m) => m(a) / m(b)
// Figures that say how far from the floor we are; they travel between machines better than times do.
export const ratios = [
  ['fork → result : bare fork', ratio('dispatch.fork.result.p50', 'floor.fork.p50')],
  ['submitted → durable : fdatasync', ratio('dispatch.paced.committed.p50', 'floor.fdatasync.p50')],
  ['published → seen : submitted → durable', ratio('queue.single.result.p50', 'dispatch.paced.committed.p50')],
  ['jobs/s through JetStream : in-process', ratio('queue.flood.jobs', 'dispatch.flood.jobs')],
]

export function show(value, unit) {
  const digits = (v) => (v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2))
  if (unit === 'us')
    return value >= 1000 ? `${digits(value / 1000)} ms` : `${digits(value)} µs`
  if (unit === 'ms')
    return `${digits(value)} ms`
  if (unit === 'bytes')
    return value >= 1 << 20 ? `${digits(value / (1 << 20))} MiB` : `${digits(value / 1024)} KiB`
  if (unit === '/s')
    return `${Math.round(value).toLocaleString('en')} /s`
  if (unit === '%')
    return `${digits(value)} %`
  return Number.isInteger(value) ? String(value) : digits(value)
}
