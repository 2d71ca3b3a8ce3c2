// Regular expressions over a text (after regex-dna): the irregexp engine and string building.
function run(rounds) {
  let seed = 42
  const next = () => (seed = (seed * 3877 + 29573) % 139968) / 139968
  const dna = Array.from({ length: 200_000 }, () => 'acgt'[Math.floor(next() * 4)]).join('')
  const patterns = [/agggtaaa|tttaccct/g, /[cgt]gggtaaa|tttaccc[acg]/g, /a[act]ggtaaa|tttacc[agt]t/g, /agg[act]taaa|ttta[agt]cct/g, /gg(?=a)(.)t/g]
  let found = 0
  for (let i = 0; i < rounds; i++) {
    for (const p of patterns) found += (dna.match(p) ?? []).length
    found += dna.replace(/tHa[Nt]/gi, '<4>').replace(/a+/g, 'A').length
  }
  return found
}
export default run(100)
