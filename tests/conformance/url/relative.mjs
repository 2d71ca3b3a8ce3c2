// Behaviour: a relative URL is resolved
// Spec: URL, parser
// Covers: URL
// Expect: value ["https://x/b/d",null,true]
export default [new URL('../d', 'https://x/b/c/e').href, URL.parse('nope'), URL.canParse('/x', 'https://y')];
