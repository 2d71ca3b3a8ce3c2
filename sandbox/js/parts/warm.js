// Nothing: loaded once in the zygote, so that what loads parts is compiled, and what they share made, for all
// cells (sandbox/engine/warm.cc).
import { list } from '../primordials.js';



export const warm = () => [list];
