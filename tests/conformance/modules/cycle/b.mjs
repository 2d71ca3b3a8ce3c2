import { a } from './a.mjs';
export const b = () => (a === 'a' ? 'b' : 'too early');
