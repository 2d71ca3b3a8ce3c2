// Binary trees (Benchmarks Game): the young generation under load.
const grow = (depth) => depth === 0 ? { left: null, right: null } : { left: grow(depth - 1), right: grow(depth - 1) }
const count = (t) => t.left === null ? 1 : 1 + count(t.left) + count(t.right)
function run(most) {
  const kept = grow(most)
  let sum = 0
  for (let depth = 4; depth <= most; depth += 2)
    for (let i = 1 << (most - depth + 4); i > 0; i--) sum += count(grow(depth))
  return sum + count(kept)
}
export default run(17)
