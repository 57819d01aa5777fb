// Pairs of a schema and a value near its border: a schema is made for a value, from what is true of it and sometimes not, then
// the value is changed a little.
//
// Where Ajv is not what the specification says, the generator does not go:
//   $dynamicRef    Ajv looks for the anchor at the root only, and calls itself without end when it is elsewhere.
//   multipleOf     Ajv divides in binary: 0.3 is no multiple of 0.1 there. So divisors are 1, 2, 3, 0.5 and 0.25.
//   contains       beside prefixItems Ajv takes too few items for enough; and it counts all items as evaluated by it: never beside
//                  these two. Nor `true`, which it takes for nothing to check.
//   unevaluated... Ajv counts what a failed `if` saw, forgets what an alternative saw, and in some makes code that throws:
//                  not beside anyOf, oneOf, if and dependentSchemas. tests/unit/mcp/schema/test.c has these.
//   large numbers  JavaScript reads 9007199254740993 as 9007199254740992, and nothing beyond 1e308.
//   names          Ajv does not miss a required "".
//   members        JavaScript keeps one of those with the same name, and every object has a `toString` there.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Schema = boolean | { [keyword: string]: any };

/** Mulberry32: the same numbers for the same seed. */
export function randomOf(seed: number): () => number {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

const names = ['a', 'b', 'c', 'aa', 'x-1', 'é', 'a/b', 'a~b', 'to'];
const texts = ['', 'a', 'ab', 'abc', '12', 'Zürich', '😀', '😀😀', 'a b', ' \u00a0', 'x\ny', '2026-11-21', 'aXa', '\u2028', '/', 'ÄÖ'];
const patterns = [
    '^a', 'b$', '^.$', '^..?$', '^[a-z]+$', '\\d', '\\D', '^\\w*$', '\\s', '^\\S+$', '^(a|b)*$', '^\\p{L}+$', '[^\\s\\d]', '\\u{1F600}', '^\\ud83d\\ude00$',
    '^(?:a|ab)(?:c|bcd)?$', '(a).\\1', '^(?!a)', '(?<=a)b', '^\\d{4}-\\d{2}-\\d{2}$', '^[^]$', '[]', '\\bb', 'a|^$', '^[\\w-]+$', '^a{1,2}$', '\\/', '\\P{Lu}', '^.*?b', '[\\S]',
];
const numbers = [0, 1, -1, 2, 3, 5, 10, 0.5, 1.5, -2.25, 100, 1e3, 7, 12, 1e6, 0.1];

export class Generator {
    readonly random: () => number;
    #defs: { [name: string]: Schema } = {};
    #count = 0;
    #unevaluated = false;

    constructor(seed: number) {
        this.random = randomOf(seed);
    }

    below(n: number): number {
        return Math.floor(this.random() * n);
    }
    chance(p: number): boolean {
        return this.random() < p;
    }
    pick<T>(of: readonly T[]): T {
        return of[this.below(of.length)]!;
    }

    value(depth: number): Json {
        const kind = this.below(depth > 0 ? 10 : 5);
        if (kind === 0) return this.pick([null, true, false]);
        if (kind <= 2) return this.pick(numbers);
        if (kind <= 4) return this.pick(texts);
        if (kind <= 6) return Array.from({ length: this.below(5) }, () => this.value(depth - 1));
        return Object.fromEntries(Array.from({ length: this.below(5) }, () => [this.pick(names), this.value(depth - 1)]));
    }

    /** A little different, or the same. */
    changed(value: Json, depth = 3): Json {
        if (this.chance(0.25) || depth === 0) return this.value(1);
        if (typeof value === 'number') return this.pick([value + 1, value - 1, value * 2, value + 0.5, String(value)]);
        if (typeof value === 'string') return this.pick([`${value}a`, value.slice(1).toWellFormed(), `b${value}`, value.toUpperCase(), null]);
        if (Array.isArray(value)) {
            const at = this.below(value.length + 1);
            const copy: Json[] = [...value];
            const how = this.below(4);
            if (how === 0) copy.splice(at, 0, value.length > 0 && this.chance(0.5) ? this.pick(value) : this.value(1));
            else if (how === 1) copy.splice(at, 1);
            else if (at < copy.length) copy[at] = this.changed(copy[at]!, depth - 1);
            return copy;
        }
        if (typeof value === 'object' && value !== null) {
            const copy = { ...value };
            const keys = Object.keys(copy);
            const key = keys.length > 0 ? this.pick(keys) : 'a';
            const how = this.below(4);
            if (how === 0) copy[this.pick(names)] = this.value(1);
            else if (how === 1) delete copy[key];
            else if (key in copy) copy[key] = this.changed(copy[key]!, depth - 1);
            return copy;
        }
        return value === null ? 0 : !value;
    }

    #typeOf(value: Json): string {
        if (value === null) return 'null';
        if (Array.isArray(value)) return 'array';
        if (typeof value === 'number') return Number.isInteger(value) && this.chance(0.5) ? 'integer' : 'number';
        return typeof value;
    }

    #ofNumber(s: any, value: number): void {
        const near = () => this.pick([0, 0, 1, 2]);
        if (this.chance(0.3)) s.minimum = value - near();
        if (this.chance(0.3)) s.maximum = value + near();
        if (this.chance(0.2)) s.exclusiveMinimum = value - this.pick([0, 1, 2, 0.5]);
        if (this.chance(0.2)) s.exclusiveMaximum = value + this.pick([0, 1, 2, 0.5]);
        if (this.chance(0.3)) s.multipleOf = this.pick([1, 0.5, 0.25, 2, 3]);
    }

    #ofText(s: any, value: string): void {
        const length = [...value].length;
        if (this.chance(0.3)) s.minLength = Math.max(0, length - this.below(2));
        if (this.chance(0.3)) s.maxLength = length + this.below(2);
        if (this.chance(0.5)) {
            const right = patterns.filter((pattern) => new RegExp(pattern, 'u').test(value));
            s.pattern = this.pick(this.chance(0.8) && right.length > 0 ? right : patterns);
        }
        if (this.chance(0.1)) s.format = 'email';
    }

    #ofArray(s: any, value: Json[], depth: number): void {
        if (this.chance(0.2)) s.minItems = Math.max(0, value.length - this.below(2));
        if (this.chance(0.2)) s.maxItems = value.length + this.below(2);
        if (this.chance(0.25)) s.uniqueItems = this.chance(0.9);
        if (this.chance(0.4)) s.prefixItems = [...value.slice(0, 1 + this.below(2)), 1].map((item) => this.schemaFor(item, depth - 1));
        if (this.chance(0.3)) s.items = this.chance(0.2) ? this.chance(0.5) : this.#loosely(value, depth);
        if (!this.#unevaluated && !s.prefixItems && this.chance(0.5)) {
            const item = value.length > 0 ? this.pick(value) : 1;
            s.contains = { type: this.#typeOf(item), allOf: [this.schemaFor(item, depth - 1)] };
            if (this.chance(0.3)) s.minContains = this.below(3);
            if (this.chance(0.3)) s.maxContains = 1 + this.below(3);
        }
        if (this.#unevaluated && this.chance(0.4)) s.unevaluatedItems = this.chance(0.6) ? false : this.#loosely(value, depth);
    }

    /** One schema that may do for several values. */
    #loosely(values: Json[], depth: number): Schema {
        if (values.length === 0 || this.chance(0.4)) return { type: [...new Set(['string', ...values.map((value) => this.#typeOf(value).replace('integer', 'number'))])] };
        return this.chance(0.5) ? { anyOf: values.map((value) => this.schemaFor(value, depth - 1)) } : this.schemaFor(this.pick(values), depth - 1);
    }

    #ofObject(s: any, value: { [name: string]: Json }, depth: number): void {
        const keys = Object.keys(value);
        const some = () => keys.filter(() => this.chance(0.6));
        const schemas = (of: string[]) => Object.fromEntries(of.map((key) => [key, this.schemaFor(value[key] ?? null, depth - 1)]));
        const rest = (): Schema => (this.chance(0.6) ? false : this.#loosely(Object.values(value), depth));
        const name = () => (keys.length > 0 ? this.pick(keys) : 'a');

        if (this.chance(0.6)) s.properties = schemas(this.chance(0.2) ? [...some(), this.pick(names)] : some());
        if (this.chance(0.4)) s.required = [...new Set(this.chance(0.1) ? [...some(), this.pick(names)] : some())];
        if (this.chance(0.2)) s.patternProperties = { [this.pick(['^a', '^.$', 'x', '', '^\\p{L}$'])]: this.#loosely(Object.values(value), depth) };
        if (this.chance(0.25)) s.additionalProperties = rest();
        if (this.chance(0.15)) s.propertyNames = this.#loosely(keys, 1);
        if (this.chance(0.15)) s.minProperties = Math.max(0, keys.length - this.below(2));
        if (this.chance(0.15)) s.maxProperties = keys.length + this.below(2);
        if (this.chance(0.15)) s.dependentRequired = { [name()]: [...new Set([name(), ...(this.chance(0.2) ? [this.pick(names)] : [])])] };
        if (!this.#unevaluated && this.chance(0.2)) s.dependentSchemas = { [this.chance(0.7) ? name() : this.pick(names)]: this.schemaFor(value, depth - 1) };
        if (this.#unevaluated && this.chance(0.4)) s.unevaluatedProperties = rest();
    }

    /** A schema elsewhere, and a reference to it. */
    #reference(value: Json, depth: number): any {
        const name = `d${this.#count++}`;
        const schema = this.schemaFor(value, depth - 1);
        const target: any = typeof schema === 'object' ? { ...schema } : { allOf: [schema] };
        this.#defs[name] = target;
        const root = this.pick(['http://names.test/root', '/root', 'root']);
        switch (this.below(4)) {
            case 0:
                target.$anchor = name;
                return { $ref: `${root}#${name}` };
            case 1:
                target.$id = `http://names.test/${name}`;
                return { $ref: this.pick([`http://names.test/${name}`, name, `./x/../${name}#`]) };
            default:
                return { $ref: `${root}#/$defs/${name}` };
        }
    }

    #combined(s: any, value: Json, depth: number): void {
        const yes = () => this.schemaFor(value, depth - 1);
        const no = () => this.schemaFor(this.changed(value), depth - 1);
        const any = () => (this.chance(0.5) ? yes() : no());
        if (this.chance(0.2)) s.allOf = this.chance(0.5) ? [yes()] : [yes(), yes()];
        if (this.chance(0.12)) s.not = no();
        if (this.chance(0.2)) Object.assign(s, this.#reference(value, depth));
        if (this.#unevaluated) return;
        if (this.chance(0.2)) s.anyOf = [no(), yes(), any()].slice(this.below(2));
        if (this.chance(0.12)) s.oneOf = [no(), yes(), no()].slice(this.below(2));
        if (this.chance(0.15)) {
            s.if = any();
            if (this.chance(0.8)) s.then = yes();
            if (this.chance(0.8)) s.else = this.chance(0.7) ? yes() : no();
        }
    }

    /** A schema that often accepts `value`. */
    schemaFor(value: Json, depth: number): Schema {
        if (depth <= 0 || this.chance(0.06)) return this.chance(0.5) ? this.chance(0.95) : { type: this.#typeOf(value) };
        const s: any = {};
        if (this.chance(0.4)) s.type = this.chance(0.3) ? [...new Set([this.#typeOf(value), this.pick(['string', 'number', 'null'])])] : this.#typeOf(value);
        if (this.chance(0.06)) s.const = this.chance(0.8) ? value : this.changed(value);
        if (this.chance(0.08)) s.enum = [this.value(1), value, this.value(1)];
        if (typeof value === 'number' || this.chance(0.05)) this.#ofNumber(s, typeof value === 'number' ? value : 1);
        if (typeof value === 'string' || this.chance(0.05)) this.#ofText(s, typeof value === 'string' ? value : 'a');
        if (Array.isArray(value)) this.#ofArray(s, value, depth);
        if (typeof value === 'object' && value !== null && !Array.isArray(value)) this.#ofObject(s, value, depth);
        if (depth > 1) this.#combined(s, value, depth);
        return s;
    }

    pair(): { schema: Schema; value: Json } {
        this.#defs = {};
        this.#unevaluated = this.chance(0.4);
        let value = this.value(3);
        const schema = this.schemaFor(value, 3);
        for (let n = this.pick([0, 0, 0, 1, 1, 2]); n > 0; n--) value = this.changed(value);
        const whole = typeof schema === 'object' && Object.keys(this.#defs).length > 0 ? { ...schema, $id: 'http://names.test/root', $defs: this.#defs } : schema;
        return { schema: whole, value };
    }

    /** Nothing but places at which defaults are filled in, so that nothing fails. */
    defaults(depth: number): Schema {
        if (depth === 0) return this.chance(0.6) ? { default: this.value(1) } : {};
        const s: any = this.chance(0.4) ? { default: this.value(2) } : {};
        const kind = this.below(4);
        if (kind <= 1) s.properties = Object.fromEntries(Array.from({ length: 1 + this.below(3) }, () => [this.pick(names), this.defaults(depth - 1)]));
        else if (kind === 2) s.items = this.defaults(depth - 1);
        else s.allOf = [this.defaults(depth - 1), this.defaults(depth - 1)];
        return s;
    }
}
