// TypeScript as it is: types, an enum, a namespace and parameter properties. Nothing is built before.
//
//   isolane run examples/shapes.ts --input '[{"kind": "circle", "size": 2}]'
//   isolane run examples/shapes.ts --check        # its types are checked first

enum Unit {
    Millimetre = 'mm',
    Metre = 'm',
}

interface Shape {
    kind: 'circle' | 'square';
    size: number;
}

namespace Area {
    export const of = ({ kind, size }: Shape): number => (kind === 'circle' ? Math.PI * size ** 2 : size ** 2);
}

class Total {
    constructor(
        private readonly unit: Unit,
        public sum = 0,
    ) {}
    add(shape: Shape): this {
        this.sum += Area.of(shape);
        return this;
    }
    toString(): string {
        return `${this.sum.toFixed(2)} ${this.unit}²`;
    }
}

export default function main(shapes: Shape[] | null): { total: string; count: number } {
    const list = shapes ?? [{ kind: 'circle', size: 1 }, { kind: 'square', size: 2 }] satisfies Shape[];
    const total = list.reduce((t, shape) => t.add(shape), new Total(Unit.Metre));
    console.log(`${list.length} shapes: ${total}`);
    return { total: String(total), count: list.length };
}
