// Behaviour: what a listener hears of an uncaught error has the place in the source, in a file that is transformed
// Spec: docs/scripts.md#typescript
// Expect: value ["uncaught-place.ts", 18, 9]
enum Kind {
  Error = 'error',
}
interface Heard {
  filename: string; lineno: number; colno: number
}
const heard = new Promise((resolve) => {
  addEventListener(Kind.Error, (event) => {
    event.preventDefault();
    const { filename, lineno, colno } = event as unknown as Heard;
    resolve([filename.split('/').pop(), lineno, colno]);
  });
});
setTimeout(() => {
  throw new Error('later');
});
export default await heard;
