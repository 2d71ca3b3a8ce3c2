// Behaviour: CONNECT, TRACE and TRACK are refused
// Spec: Fetch, forbidden methods
// Covers: Request
// Expect: error TypeError /./
new Request('https://x', { method: 'TRACE' });
