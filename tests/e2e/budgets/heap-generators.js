// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
function* g() { yield }
const kept = []
for (;;) {
    const it = g()
    it.next()
    kept.push(it)
}
