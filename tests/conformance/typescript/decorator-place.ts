// Behaviour: an error in what the compiler adds has the place in the source that led to it
// Spec: docs/scripts.md#typescript
// Expect: error TypeError /is not a function/ 5:15
class X {
  @(5 as any) shown(): void {}
}
export default new X();
