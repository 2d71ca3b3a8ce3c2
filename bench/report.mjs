// node report.mjs RAW DATA OUT: medians of the runs in RAW (JSON lines of the bench programs, each with
// its run), as a table on stdout and as <date>.md, .csv and .svg in folder OUT. DATA: a folder on the
// disk that was used.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { machine, stemOf } from './machine.mjs'
import { ratios, sections, show, showPart, sums } from './metrics.mjs'
import { plot } from './plot.mjs'

const [rawFile, dataDir, outDir] = process.argv.slice(2)

function collect(file) {
  const metrics = new Map()
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const { metric, unit, value } = JSON.parse(line)
    if (!metrics.has(metric))
      metrics.set(metric, { unit, values: [] })
    metrics.get(metric).values.push(value)
  }
  for (const m of metrics.values()) {
    const sorted = m.values.toSorted((a, b) => a - b)
    const middle = (sorted.length - 1) / 2
    m.median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
    m.min = sorted[0]
    m.max = sorted.at(-1)
  }
  return metrics
}

function table(head, rows, { text = false } = {}) {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(3, ...all.map((r) => r[i].length)))
  const pad = (c, i) => (i && !text ? c.padStart(widths[i]) : c.padEnd(widths[i]))
  const line = (r) => `| ${r.map(pad).join(' | ')} |`
  const rule = widths.map((w, i) => (i && !text ? `${'-'.repeat(w + 1)}:` : '-'.repeat(w + 2)))
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n')
}

function row(metrics, name, text) {
  const m = metrics.get(name)
  return [text, show(m.median, m.unit), m.values.length > 1 ? `${show(m.min, m.unit)} – ${show(m.max, m.unit)}` : '']
}

function sumsTable(metrics) {
  const value = (name) => metrics.get(name).median
  const rows = sums.filter(([, whole, parts]) => [whole, ...parts.map(([name]) => name)].every((n) => metrics.has(n)))
  return rows.map(([title, whole, parts]) => {
    const sum = parts.reduce((all, [name, times]) => all + times * value(name), 0)
    return [title, show(value(whole), 'us'), show(sum, 'us'), show(value(whole) / sum, ''),
      parts.map((p) => showPart(p, value(p[0]))).join(' + ')]
  })
}

function text(metrics, date, facts, svgName) {
  const named = new Set(sections.flatMap(([, rows]) => rows.map(([name]) => name)))
  const others = [...metrics.keys()].filter((name) => !named.has(name)).map((name) => [name, name])
  const runs = Math.max(...[...metrics.values()].map((m) => m.values.length))
  const parts = [`# Isolane: timings of ${date}`, '', `Median of ${runs} runs, lowest and highest beside it.`, '',
    table(['machine', ''], facts, { text: true }), '', `![timings](${svgName})`]
  for (const [title, rows] of [...sections, ['Other', others]]) {
    const there = rows.filter(([name]) => metrics.has(name))
    if (there.length)
      parts.push('', table([title, 'median', 'min – max'], there.map(([name, t]) => row(metrics, name, t))))
  }
  const wholes = sumsTable(metrics)
  if (wholes.length)
    parts.push('', table(['The whole beside the sum of its parts', 'whole', 'sum', 'ratio', 'parts'], wholes))
  const known = ratios.map(([t, f]) => [t, f((name) => metrics.get(name)?.median ?? NaN)]).filter(([, v]) => v > 0)
  if (known.length)
    parts.push('', table(['Ratios of medians', ''], known.map(([t, v]) => [t, show(v, '')])))
  return `${parts.join('\n')}\n`
}

function csv(metrics, date) {
  const rows = [...metrics].map(([name, m]) =>
    [date, name, m.unit, m.median, m.min, m.max, m.values.join(' ')].join(','))
  return `date,metric,unit,median,min,max,values\n${rows.join('\n')}\n`
}

const metrics = collect(rawFile)
const { stem, date, now } = stemOf()
const facts = machine(dataDir)
const markdown = text(metrics, date, facts, `${stem}.svg`)
mkdirSync(outDir, { recursive: true })
writeFileSync(path.join(outDir, `${stem}.md`), markdown)
writeFileSync(path.join(outDir, `${stem}.csv`), csv(metrics, now))
writeFileSync(path.join(outDir, `${stem}.svg`), plot(metrics, `${facts[0][1]}, Linux ${os.release().split('-')[0]}, ${date}`))
console.log(markdown)
console.log(`written: ${path.join(outDir, stem)}.md, .csv, .svg`)
