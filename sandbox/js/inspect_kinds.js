// What native.inspect.kind() answers; the order is that of `enum Kind` in sandbox/engine/native_inspect.cc.
export const OBJECT = 0;
export const FUNCTION = 1;
// These count only while they can be iterated over (or have no prototype at all).
export const ARRAY = 2;
export const SET = 3;
export const MAP = 4;
export const TYPED_ARRAY = 5;
export const MAP_ITERATOR = 6;
export const SET_ITERATOR = 7;
export const ARGUMENTS = 8;
export const REGEXP = 9;
export const DATE = 10;
export const ERROR = 11;
export const ARRAY_BUFFER = 12;
export const SHARED_ARRAY_BUFFER = 13;
export const DATA_VIEW = 14;
export const PROMISE = 15;
export const WEAK_SET = 16;
export const WEAK_MAP = 17;
export const MODULE = 18;
export const NUMBER_OBJECT = 19;
export const STRING_OBJECT = 20;
export const BOOLEAN_OBJECT = 21;
export const BIGINT_OBJECT = 22;
export const SYMBOL_OBJECT = 23;
export const PROXY = 24;
