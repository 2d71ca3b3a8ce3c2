// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let b = new ArrayBuffer(1024)
for (;;) {
    b = b.transfer(b.byteLength * 2)
    new Uint8Array(b).fill(1)
}
