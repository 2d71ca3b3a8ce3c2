// Its types are wrong: with `check` it ends before it runs, and the result has each place.
//
//   isolane run examples/mistyped.ts --check

interface Order {
    id: number;
    items: { name: string; cents: number }[];
}

const total = (order: Order): number => order.items.reduce((sum, item) => sum + item.price, 0);

export default total({ id: '17', items: [{ name: 'tea', cents: 420 }] });
