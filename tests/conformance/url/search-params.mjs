// Behaviour: URLSearchParams appends, sorts, sets; the URL follows
// Spec: URL, URLSearchParams
// Covers: URLSearchParams
// Expect: value ["?a=1&b=%26+x&b=2","3",["1"]]
const u = new URL('https://x/?b=%26%20x&a=1'); u.searchParams.append('b', 2); u.searchParams.sort();
export default [u.search, String(new URLSearchParams({ a: 3 }).get('a')), u.searchParams.getAll('a')];
