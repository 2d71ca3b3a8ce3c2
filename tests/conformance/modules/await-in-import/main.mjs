// Behaviour: who imports waits for a top-level await
// Spec: ECMAScript, async module evaluation
// Expect: value ["slow","main"]
import { seen } from './slow.mjs';
seen.push('main');
export default seen;
