// layer: isolate
// attack: calls V8's runtime functions by the syntax that a flag allows
// success: the text compiles
// ends: threw
// control: node --allow-natives-syntax
export default escaped(`${%HaveSameMap({}, {})}`);
