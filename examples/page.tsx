/** @jsx h */
// JSX and decorators, without a framework: what the pragma above names is called for each element.
//
//   isolane run examples/page.tsx --input '["apples", "pears"]'

type Child = string | number | Child[];

function h(tag: string, attributes: Record<string, string> | null, ...children: Child[]): string {
    const text = Object.entries(attributes ?? {}).map(([name, value]) => ` ${name}="${value}"`).join('');
    return `<${tag}${text}>${(children as unknown[]).flat(Infinity).join('')}</${tag}>`;
}

function timed<This, Args extends unknown[], Out>(f: (this: This, ...args: Args) => Out, { name }: ClassMethodDecoratorContext) {
    return function (this: This, ...args: Args): Out {
        console.log(`${String(name)}(${args.length})`);
        return f.apply(this, args);
    };
}

declare global {
    namespace JSX {
        type Element = string;
        interface IntrinsicElements {
            [tag: string]: Record<string, string>;
        }
    }
}

class Page {
    accessor title = 'List';

    @timed
    render(items: string[]): string {
        return (
            <main class="list">
                <h1>{this.title}</h1>
                <ul>{items.map((item) => <li>{item}</li>)}</ul>
            </main>
        );
    }
}

export default (items: string[] | null): string => new Page().render(items ?? ['one', 'two']);
