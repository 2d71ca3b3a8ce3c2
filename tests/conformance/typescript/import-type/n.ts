export type N = number;
export const two: N = 2;
