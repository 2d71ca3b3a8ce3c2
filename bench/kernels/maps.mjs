// Words counted in a Map, sorted: hashing, strings, comparison sort.
function run(words) {
  let seed = 7
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648)
  const counts = new Map()
  for (let i = 0; i < words; i++) {
    const word = `w${(next() % 50_000).toString(36)}`
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 3).length + counts.size
}
export default run(4_000_000)
