// expect: wall_exceeded
// limits: wall_ms=1500
// permissions: sab
console.log("before");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
