// A regular expression that backtracks for ever: one call into V8 that never comes back to JavaScript.
// The CPU budget stops that as well.
//
//   isolane run examples/regexp.js --cpu-ms 200

console.log('matching');
export default /^(a+)+$/.test('a'.repeat(64) + '!');
