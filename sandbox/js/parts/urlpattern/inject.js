// What the package means by these names.
export { URL } from '../url/index.js';
