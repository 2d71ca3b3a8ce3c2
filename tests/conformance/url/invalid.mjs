// Behaviour: an invalid URL is a TypeError
// Spec: URL, constructor
// Covers: URL
// Expect: error TypeError /Invalid URL/
new URL('http://a b');
