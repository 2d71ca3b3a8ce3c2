// expect: ok
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const depths = []
for (let i = 0; i < 20; i++) {
    let depth = 0
    const f = () => {
        depth++
        f()
    }
    try {
        f()
    } catch (e) {
        if (!(e instanceof RangeError)) throw e
    }
    depths.push(depth)
}
if (depths.some((d) => d < 1000)) throw new Error(`${depths}`)
export default JSON.parse("[1,[2]]")
