// Much code that is used a little: parser, bytecode, first tiers; what a large bundle does to an engine.
function run(functions) {
  const parts = []
  for (let i = 0; i < functions; i++)
    parts.push(`function f${i}(a, b) { const o = { a, b, c: a + ${i} }; let s = 0; for (let i = 0; i < 20; i++) { s += o.c % (i + 1); if (s > 1000) s -= b } return s + (${i} > a ? f${Math.max(i - 1, 0)}(a + 1, b) & 1 : 0) }`)
  const text = `${parts.join('\n')}; let sum = 0; for (let k = 0; k < 3; k++) { ${Array.from({ length: functions }, (_, i) => `sum += f${i}(${i} - 2, 3)`).join(';')} } return sum`
  return new Function(text)()
}
export default run(20_000)
