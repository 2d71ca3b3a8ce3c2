// Behaviour: JSX calls the factory
// Spec: docs/scripts.md, TypeScript
// Expect: value ["b",{"id":"x"},["text",["i",null,[]]]]
/** @jsx h */
const h = (tag: string, props: object | null, ...kids: unknown[]): unknown[] => [tag, props, kids];
export default <b id="x">text<i/></b>;
