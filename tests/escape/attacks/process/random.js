// layer: process
// attack: compares random numbers with those of its siblings, which were the same memory a moment ago
// success: two jobs draw the same
// control: none: needs a source that was not renewed
// times: 8
export default { escaped: false, why: 'compared by the test', draws: [Math.random(), crypto.randomUUID(), sodium.randombytes_buf?.(8) ?? sodium.randombytesBuf?.(8)].map(String) };
