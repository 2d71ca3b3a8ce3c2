// expect: wall_exceeded
// limits: wall_ms=80
// permissions: sab
console.log("before");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
