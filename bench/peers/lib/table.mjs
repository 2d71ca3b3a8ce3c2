// The runs as Markdown: a table for each job.
import { of } from './statistics.mjs'

const round = (v) => v >= 100 ? Math.round(v).toLocaleString('en-US') : v.toPrecision(3).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')

function rowOf(peer, m, first) {
  const ratio = m.jobs_per_s.median / first.jobs_per_s.median
  return [peer.title, peer.isolation, peer.result, round(m.jobs_per_s.median), `${round(m.jobs_per_s.min)} – ${round(m.jobs_per_s.max)}`,
    ratio === 1 ? '1' : `${ratio.toPrecision(2)}`, round(m.p50_ms.median), round(m.p99_ms.median), round(m.cpu_us.median), round(m.memory_mib.median)]
}

const HEAD = ['', 'isolation', 'result', 'jobs/s', 'min – max', 'ratio', 'p50 ms', 'p99 ms', 'CPU µs a job', 'memory MiB']

export function table(runs, { peers, jobs, facts, date, rounds, seconds, leftOut, svg }) {
  const lines = [`# Isolane and its peers, ${date}`, '',
    `Medians of ${rounds} rounds in turns, ${seconds} s each. jobs/s: many at once; ratio: to the first row; p50 and p99: one job at a time; CPU: of all`,
    'processes, the driver included (a process that bubblewrap starts is not waited for by it and is missing); memory: proportional set size of all processes under load.', '',
    '| machine | |', '|---|---|', ...facts.map(([k, v]) => `| ${k} | ${v} |`), '', `![jobs per second](${svg})`]
  for (const [name, job] of Object.entries(jobs)) {
    const there = peers.map((p) => [p, of(runs, p.name, name)]).filter(([, m]) => m)
    if (!there.length) continue
    const without = leftOut.filter((l) => l.job === name).map((l) => `${peers.find((p) => p.name === l.peer).title}: ${l.why}`)
    lines.push('', `## ${job.title}`, '', `| ${HEAD.join(' | ')} |`, `|${HEAD.map((_, i) => (i < 3 ? '---' : '---:')).join('|')}|`,
      ...there.map(([p, m]) => `| ${rowOf(p, m, there[0][1]).join(' | ')} |`))
    if (without.length) lines.push('', `Left out, or not measured in every round: ${without.join('; ')}.`)
  }
  return `${lines.join('\n')}\n`
}
