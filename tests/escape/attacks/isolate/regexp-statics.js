// layer: isolate
// attack: reads RegExp.$1, RegExp.input and their like, which remember the last match in the realm, whoever made it
// success: a match of a built-in shows
// control: none: needs a built-in that matches
'mine'.match(/m(i)ne/);
console.log(new Error('stack lines'), new Date(0), /re/g, class A {}, { 'a-b': 1 });
try { new TextDecoder(' UTF-8 '); atob(' aa '); console.log('%s %d', 'a', 1); structuredClone(new Error('x')); } catch { /* not the point */ }
const left = [RegExp.input, RegExp.lastMatch, RegExp.leftContext, RegExp.$1].join('|');
export default left === 'mine|mine||i' ? held('only the script\'s own') : escaped(left);
