// Line charts as one SVG, panels below each other in two columns. Both axes are logarithmic: what is looked for is a bend.
const WIDTH = 960
const MARGIN = 24
const PANEL = { width: (WIDTH - 3 * MARGIN) / 2, height: 262, left: 62, right: 16, top: 46, bottom: 58 }
const INK = '#1f2937'
const SOFT = '#6b7280'
const GRID = '#e5e7eb'
const PALETTE = ['#2563eb', '#d97706', '#0d9488', '#7c3aed']

const escape = (s) => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const text = (x, y, s, { size = 11, fill = SOFT, anchor = 'start', weight = 'normal' } = {}) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${escape(s)}</text>`

export function short(v) {
  for (const [size, unit] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']])
    if (v >= size) return `${Number((v / size).toPrecision(3))}${unit}`
  return `${Number(v.toPrecision(3))}`
}

// Powers of ten around all values: a flat line is seen to be flat.
function decades(values) {
  const from = 10 ** Math.floor(Math.log10(Math.min(...values)))
  let to = 10 ** Math.ceil(Math.log10(Math.max(...values)))
  if (to <= from) to = from * 10
  const ticks = []
  for (let v = from; v <= to * 1.001; v *= 10) ticks.push(v)
  return { ticks, at: (v) => Math.log(v / from) / Math.log(to / from) }
}

// Where the figure of a point at (x, y) can stand: above it, else below it, else nowhere (the table has it).
function place(taken, x, y) {
  const at = [y - 7, y + 15].find((v) => !taken.some((t) => Math.abs(t.x - x) < 34 && Math.abs(t.y - v) < 10))
  if (at !== undefined) taken.push({ x, y: at })
  return at
}

// panel: { title, x: "tenants", y: "jobs a second", lines: [{ name, points: [[x, y], …] }] }
function draw({ title, x, y, lines }, left, top) {
  const all = lines.flatMap((l) => l.points)
  const across = decades(all.map(([v]) => v))
  const up = decades(all.map(([, v]) => v))
  const width = PANEL.width - PANEL.left - PANEL.right
  const height = PANEL.height - PANEL.top - PANEL.bottom
  const px = (v) => left + PANEL.left + across.at(v) * width
  const py = (v) => top + PANEL.top + (1 - up.at(v)) * height
  const out = [text(left, top + 16, title, { size: 13, fill: INK, weight: '600' }), text(left, top + 29, y)]
  for (const v of up.ticks)
    out.push(`<path d="M${left + PANEL.left} ${py(v).toFixed(1)}h${width}" stroke="${GRID}"/>`, text(left + PANEL.left - 7, py(v) + 4, short(v), { anchor: 'end' }))
  for (const v of across.ticks)
    out.push(text(px(v), top + PANEL.height - PANEL.bottom + 16, short(v), { anchor: 'middle' }))
  out.push(text(left + PANEL.left + width, top + PANEL.height - PANEL.bottom + 31, x, { anchor: 'end' }))
  lines.forEach((l, i) => {
    const color = PALETTE[i]
    out.push(`<path d="M${l.points.map(([a, b]) => `${px(a).toFixed(1)} ${py(b).toFixed(1)}`).join('L')}" fill="none" stroke="${color}" stroke-width="2"/>`)
    for (const [a, b] of l.points)
      out.push(`<circle cx="${px(a).toFixed(1)}" cy="${py(b).toFixed(1)}" r="3" fill="${color}"/>`)
    const at = left + PANEL.left + i * 110
    out.push(`<rect x="${at}" y="${top + PANEL.height - 18}" width="10" height="10" fill="${color}"/>`, text(at + 15, top + PANEL.height - 9, l.name))
  })
  const taken = []
  for (const [a, b, fill] of lines.flatMap((l, i) => l.points.map((p) => [...p, PALETTE[i]])).sort((p, q) => q[1] - p[1])) {
    const y = place(taken, px(a), py(b))
    if (y !== undefined) out.push(text(px(a), y, short(b), { size: 10, fill, anchor: 'middle' }))
  }
  return out.join('\n')
}

export function lineCharts(title, subtitle, panels) {
  const rows = Math.ceil(panels.length / 2)
  const height = 76 + rows * (PANEL.height + MARGIN)
  const body = panels.map((p, i) => draw(p, MARGIN + (i % 2) * (PANEL.width + MARGIN), 76 + Math.floor(i / 2) * (PANEL.height + MARGIN)))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, 'DejaVu Sans', sans-serif">
<rect x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="8" fill="#fff" stroke="#d1d5db"/>
${text(MARGIN, 36, title, { size: 18, fill: INK, weight: '600' })}
${text(MARGIN, 55, subtitle, { size: 12 })}
${body.join('\n')}
</svg>
`
}
