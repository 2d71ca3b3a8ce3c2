// Behaviour: a URL has its parts
// Spec: URL, URL class
// Covers: URL
// Expect: value ["https:","u","8080","/a%20b","?q=1","#h","xn--bcher-kva.example"]
const u = new URL('https://u:p@bücher.example:8080/a b?q=1#h');
export default [u.protocol, u.username, u.port, u.pathname, u.search, u.hash, u.hostname];
