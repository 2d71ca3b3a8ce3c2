// WebAssembly: a module made of bytes here (as a file beside it, it can be imported: examples/report shows files). Its
// memory counts as the job's memory, its time as the job's time.
//   isolane run examples/wasm.js --allow wasm
//
// (module (import "env" "tell" (func (param i32))) (memory (export "memory") 1)
//   (func (export "sum") (param i32) (result i32) (local i32) … the sum from 1 to n, which it tells as well))
const bytes = Uint8Array.fromBase64(
  'AGFzbQEAAAABCgJgAX8AYAF/AX8CDAEDZW52BHRlbGwAAAMCAQEFAwEAAQcQAgZtZW1vcnkCAANzdW0AAQofAR0BAX8DQCABIABqIQEgAEEBayIADQALIAEQACABCw==',
);
const told = [];
const { instance } = await WebAssembly.instantiate(bytes, { env: { tell: (n) => told.push(n) } });
console.log(`the memory has ${instance.exports.memory.buffer.byteLength} bytes`);
export default { sum: instance.exports.sum(100), told };
