// expect: cpu_exceeded|heap_exceeded|memory_exceeded
// limits: cpu_ms=1500 wall_ms=60000
// permissions: wasm
console.log("before");
// many functions of many instructions: (func (i32.const 1) drop …)
const leb = (n) => {
    const out = []
    do {
        out.push((n & 127) | (n > 127 ? 128 : 0))
        n >>>= 7
    } while (n)
    return out
}
const section = (id, body) => [id, ...leb(body.length), ...body]
const body = [0]
for (let i = 0; i < 5000; i++) body.push(65, 1, 26)
body.push(11)
const n = 1000
const functions = leb(n), code = leb(n)
for (let i = 0; i < n; i++) functions.push(0)
const one = [...leb(body.length), ...body]
const head = [0, 97, 115, 109, 1, 0, 0, 0, ...section(1, [1, 96, 0, 0]), ...section(3, functions)]
const bytes = new Uint8Array(head.length + 6 + code.length + one.length * n)
const size = code.length + one.length * n
bytes.set(head)
let at = head.length
bytes[at++] = 10
for (const b of leb(size)) bytes[at++] = b
bytes.set(code, at)
at += code.length
for (let i = 0; i < n; i++, at += one.length) bytes.set(one, at)
const kept = []
for (;;) kept.push(new WebAssembly.Module(bytes.subarray(0, at)))
