// A classic script rather than a module (type "script"): its value is the completion value, that of the
// last expression, as in a browser's console.
//
//   isolane run examples/classic.cjs --json

var words = 'the owl and the pussycat went to sea in a beautiful pea green boat'.split(' ');
var lengths = words.map((word) => word.length);

({ words: words.length, longest: words[lengths.indexOf(Math.max(...lengths))] });
