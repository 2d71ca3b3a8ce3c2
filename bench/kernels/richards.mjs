// A small operating system's scheduler (after Richards): classes, polymorphic calls, linked lists.
class Task {
  constructor(id, next) { this.id = id; this.next = next; this.queue = []; this.done = 0 }
  accept(packet) { this.queue.push(packet) }
}
class Worker extends Task {
  step(system) { const p = this.queue.shift(); if (!p) return false; p.kind = (p.kind * 7 + this.id) % 26; this.done++; system.send(p, (this.id + p.kind) % system.size); return true }
}
class Handler extends Task {
  step(system) { const p = this.queue.pop(); if (!p) return false; p.hops++; this.done++; system.send(p, (p.hops * 31 + this.id) % system.size); return true }
}
class Idler extends Task {
  constructor(id, next) { super(id, next); this.seed = 1 }
  step(system) { this.seed = this.seed & 1 ? (this.seed >> 1) ^ 0xd008 : this.seed >> 1 || 1; const p = this.queue.shift(); if (p) system.send(p, this.seed % system.size); this.done++; return p !== undefined }
}
class System {
  constructor(size) {
    this.size = size; this.tasks = []; this.first = null
    for (let i = 0; i < size; i++) { this.first = new [Worker, Handler, Idler][i % 3](i, this.first); this.tasks[i] = this.first }
  }
  send(packet, to) { this.tasks[to].accept(packet) }
  run(rounds) { let worked = 0; for (let i = 0; i < rounds; i++) for (let t = this.first; t; t = t.next) if (t.step(this)) worked++; return worked }
}
const system = new System(9)
for (let i = 0; i < 40; i++) system.send({ kind: i % 26, hops: 0 }, i % 9)
export default system.run(4_000_000) > 0
