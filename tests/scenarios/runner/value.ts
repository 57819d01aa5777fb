// JSON as it stands in a scenario: with names to take and to compare, and room for what a test doesn't care about.
//
//   $name      takes what is found, and must equal it from then on; where something is sent, it is replaced by it
//   $_         anything
//   ~"text"    a string that holds the text
//   absent     a member that must not be there
//
// An object matches when all that is written is in it; a list when it is as long and each item matches.

import { isDeepStrictEqual } from 'node:util';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Value =
    | { kind: 'plain'; value: null | boolean | number | string }
    | { kind: 'name'; name: string }
    | { kind: 'holds'; text: string }
    | { kind: 'absent' }
    | { kind: 'list'; items: Value[] }
    | { kind: 'object'; members: [string, Value][] };

export type Names = Map<string, Json>;

export class ScenarioError extends Error {
    line: number;

    constructor(line: number, message: string) {
        super(message);
        this.line = line;
    }
}

/** Walks over one line of a scenario. */
export class Cursor {
    text: string;
    line: number;
    at = 0;

    constructor(text: string, line: number) {
        this.text = text;
        this.line = line;
    }

    fail(message: string): never {
        throw new ScenarioError(this.line, `${message} at "${this.text.slice(this.at, this.at + 30)}"`);
    }

    /** Takes `pattern` (sticky, so only here) and the blanks after it; undefined when something else stands here. */
    take(pattern: RegExp): RegExpExecArray | undefined {
        const here = new RegExp(pattern.source, 'y');
        here.lastIndex = this.at;
        const found = here.exec(this.text);
        if (found === null) return undefined;
        this.at += found[0].length;
        this.skipBlanks();
        return found;
    }

    /** A word of the language, whole. */
    word(word: string): boolean {
        return this.take(new RegExp(`${word.replaceAll(' ', '\\s+')}(?![^\\s:,])`)) !== undefined;
    }

    expect(pattern: RegExp, what: string): RegExpExecArray {
        return this.take(pattern) ?? this.fail(`expected ${what}`);
    }

    rest(): string {
        const rest = this.text.slice(this.at);
        this.at = this.text.length;
        return rest;
    }

    atEnd(): boolean {
        return this.at >= this.text.length;
    }

    end(): void {
        if (!this.atEnd()) this.fail('this is not understood');
    }

    /** A value may begin here. */
    atValue(): boolean {
        return /["[{$~\d-]|(?:true|false|null|absent)\b/y.test(this.text.slice(this.at));
    }

    skipBlanks(): void {
        while (/\s/.test(this.text[this.at] ?? '')) this.at++;
    }
}

export function parseValue(c: Cursor): Value {
    if (c.take(/\{/)) return parseObject(c);
    if (c.take(/\[/)) return parseList(c);
    if (c.take(/~/)) return { kind: 'holds', text: parseText(c) };
    if (c.word('absent') || c.take(/absent(?=[\s,}\]])/)) return { kind: 'absent' };

    const name = c.take(/\$(\w+)/);
    if (name) return { kind: 'name', name: name[1] };
    if (c.text[c.at] === '"') return { kind: 'plain', value: parseText(c) };

    const plain = c.expect(/true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, 'a JSON value');
    return { kind: 'plain', value: JSON.parse(plain[0]) };
}

export function parseText(c: Cursor): string {
    const found = c.expect(/"(?:[^"\\]|\\.)*"/, 'a string');
    try {
        return JSON.parse(found[0].trim());
    } catch {
        return c.fail(`not a JSON string: ${found[0]}`);
    }
}

function parseObject(c: Cursor): Value {
    const members: [string, Value][] = [];

    while (!c.take(/\}/)) {
        if (members.length > 0) c.expect(/,/, 'a comma or }');
        const key = parseText(c);
        c.expect(/:/, 'a colon');
        members.push([key, parseValue(c)]);
    }
    return { kind: 'object', members };
}

function parseList(c: Cursor): Value {
    const items: Value[] = [];

    while (!c.take(/\]/)) {
        if (items.length > 0) c.expect(/,/, 'a comma or ]');
        items.push(parseValue(c));
    }
    return { kind: 'list', items };
}

export type Difference = { expected: string; got: string };

/** Says where `got` differs from what is expected; undefined when it matches. Takes the names it meets. */
export function mismatch(expected: Value, got: Json | undefined, names: Names, where = ''): Difference | undefined {
    const differs = (what: string) => ({ expected: `${what}${where && ` in ${where}`}`, got: show(got) });

    switch (expected.kind) {
        case 'absent':
            return got === undefined ? undefined : differs('nothing');
        case 'holds':
            return typeof got === 'string' && got.includes(expected.text)
                ? undefined
                : differs(`~${JSON.stringify(expected.text)}`);
        case 'name':
            if (got === undefined) return differs(`$${expected.name}`);
            if (expected.name === '_') return undefined;
            if (!names.has(expected.name)) names.set(expected.name, got);
            return isDeepStrictEqual(names.get(expected.name), got)
                ? undefined
                : differs(`$${expected.name} = ${show(names.get(expected.name))}`);
        case 'plain':
            return expected.value === got ? undefined : differs(show(expected.value));
        case 'list':
            if (!Array.isArray(got) || got.length !== expected.items.length)
                return differs(`a list of ${expected.items.length}`);
            return firstOf(expected.items, (item, i) => mismatch(item, got[i], names, `${where}[${i}]`));
        case 'object':
            if (typeof got !== 'object' || got === null || Array.isArray(got)) return differs('an object');
            return firstOf(expected.members, ([key, value]) =>
                mismatch(value, Object.hasOwn(got, key) ? got[key] : undefined, names, `${where}.${key}`),
            );
    }
}

function firstOf<T, R>(items: T[], f: (item: T, i: number) => R | undefined): R | undefined {
    for (let i = 0; i < items.length; i++) {
        const found = f(items[i], i);
        if (found !== undefined) return found;
    }
    return undefined;
}

/** The JSON to send, with each name replaced. */
export function fill(value: Value, names: Names): Json {
    switch (value.kind) {
        case 'plain':
            return value.value;
        case 'list':
            return value.items.map((item) => fill(item, names));
        case 'object':
            return Object.fromEntries(value.members.map(([key, member]) => [key, fill(member, names)]));
        case 'name':
            if (!names.has(value.name)) throw new Error(`$${value.name} was never received`);
            return names.get(value.name)!;
        default:
            throw new Error(`"${value.kind}" can't be sent`);
    }
}

/** Short enough for one line of output. */
export function show(value: unknown): string {
    if (value === undefined) return 'nothing';
    const text = JSON.stringify(value);
    return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
