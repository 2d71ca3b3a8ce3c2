// Behaviour: a URLPattern gives the groups
// Spec: URL Pattern
// Covers: URLPattern
// Expect: value ["7",null]
const p = new URLPattern({ pathname: '/users/:id(\\d+)' });
export default [p.exec('https://x/users/7').pathname.groups.id, p.exec('https://x/users/a')];
