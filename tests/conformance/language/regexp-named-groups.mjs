// Behaviour: regular expressions with named groups, lookbehind and the v flag
// Spec: ECMAScript, RegExp
// Expect: value ["2026","11","b",true]
const { y, m } = /(?<y>\d{4})-(?<m>\d\d)/.exec('2026-11').groups;
export default [y, m, /(?<=a)./.exec('ab')[0], /^[\p{L}--[a-z]]$/v.test('Ä')];
