// JSON there and back: V8's own parser and printer, strings, many small objects.
function run(rounds) {
  const rows = Array.from({ length: 5000 }, (_, i) => ({ id: i, name: `row ${i}`, tags: ['a', 'b', String(i % 7)], at: { x: i / 3, y: -i }, ok: i % 2 === 0 }))
  let sum = 0
  for (let i = 0; i < rounds; i++) {
    const text = JSON.stringify(rows)
    sum += text.length + JSON.parse(text)[i].id
  }
  return sum
}
export default run(200)
