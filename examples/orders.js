// JSON in, JSON out. The default export is a function: it is called with the job's input.
//
//   isolane run examples/orders.js --input @examples/inputs/orders.json

export default function totals({ currency, orders }) {
    const by_customer = new Map();
    for (const { customer, items } of orders) {
        const cents = items.reduce((sum, item) => sum + item.cents * item.count, 0);
        by_customer.set(customer, (by_customer.get(customer) ?? 0) + cents);
    }
    console.log('totals:', by_customer);
    return {
        currency,
        totals: Object.fromEntries([...by_customer].map(([who, cents]) => [who, cents / 100])),
    };
}
