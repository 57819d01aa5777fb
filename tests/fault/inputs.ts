// Reads inputs.tsv: what its lines mean is said at its top. A row becomes steps to take and bytes to compare.

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What is done on the connection: bytes are sent, at once or one by one; time passes; our side of it ends. */
export type Step = { send: Buffer } | { waitMs: number } | { everyMs: number } | { end: true };

export type Row = {
    line: number;
    group: string;
    at: string; // the server: http or child
    statuses: number[]; // of all answers, in order
    code?: number; // of the JSON-RPC error in the last of them
    closed: boolean; // Gatehouse then ends the connection; else it goes on being of use
    gets: string; // source of what the server gets; '' for nothing
    rule: string;
    source: string; // of what is sent
    slow: boolean; // takes its time, so that it runs beside the others
};

/** Values that are known at run time only. */
export type Values = Record<string, string>;

// Bytes, as the table writes them -------------------------------------------------------------------------------------

const letters: Record<string, number> = { r: 13, n: 10, t: 9, '0': 0, '\\': 92 };

/** The source up to the `)` that closes a `\(`, and what is behind it. */
function enclosed(source: string, from: number): { inside: string; next: number } {
    for (let at = from, depth = 1; at < source.length; at++) {
        if (source.startsWith('\\(', at)) depth++, at++;
        else if (source[at] === '\\') at++;
        else if (source[at] === ')' && --depth === 0) return { inside: source.slice(from, at), next: at + 1 };
    }
    throw new Error(`\\( without its ): ${source.slice(from, from + 60)}`);
}

const LENGTH = Buffer.from('\0<length>\0'); // until what it counts is known

class Renderer {
    readonly steps: Step[] = [];
    #bytes: Buffer[] = [];
    #values: Values;

    constructor(values: Values) {
        this.#values = values;
    }

    #step(step: Step): void {
        this.flush();
        this.steps.push(step);
    }

    flush(): void {
        if (this.#bytes.length > 0) this.steps.push({ send: Buffer.concat(this.#bytes) });
        this.#bytes = [];
    }

    #take(word: string): void {
        const [name, argument = ''] = word.split(/ (.*)/s);
        const repeat = /^(\d+)\*(.*)$/s.exec(word);

        if (repeat !== null) this.#bytes.push(Buffer.concat(Array<Buffer>(Number(repeat[1])).fill(bytesOf(repeat[2]!, this.#values))));
        else if (name === 'wait') this.#step({ waitMs: Number(argument) });
        else if (name === 'slowly') this.#step({ everyMs: Number(argument) });
        else if (name === 'end') this.#step({ end: true });
        else if (name === 'length') this.#bytes.push(LENGTH);
        else if (name === 'size') this.#bytes.push(Buffer.from(String(bytesOf(this.#values[argument]!, this.#values).length)));
        else if (name === 'id') this.render(this.#values.id ?? argument);
        else if (this.#values[word] !== undefined) this.render(this.#values[word]);
        else throw new Error(`the table knows no \\(${word})`);
    }

    render(source: string): this {
        for (let at = 0; at < source.length; ) {
            if (source[at] !== '\\') {
                const end = source.indexOf('\\', at) < 0 ? source.length : source.indexOf('\\', at);
                this.#bytes.push(Buffer.from(source.slice(at, end)));
                at = end;
            } else if (source[at + 1] === '(') {
                const { inside, next } = enclosed(source, at + 2);
                this.#take(inside);
                at = next;
            } else if (source[at + 1] === 'x') {
                this.#bytes.push(Buffer.from(source.slice(at + 2, at + 4), 'hex'));
                at += 4;
            } else {
                const byte = letters[source[at + 1] ?? ''];
                if (byte === undefined) throw new Error(`no escape: ${source.slice(at, at + 10)}`);
                this.#bytes.push(Buffer.from([byte]));
                at += 2;
            }
        }
        return this;
    }
}

/** \(length) is the number of bytes behind the blank line that follows it. */
function withLength(bytes: Buffer): Buffer {
    const at = bytes.indexOf(LENGTH);
    if (at < 0) return bytes;
    const length = bytes.length - bytes.indexOf('\r\n\r\n', at) - 4;
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(String(length)), bytes.subarray(at + LENGTH.length)]);
}

export function stepsOf(source: string, values: Values): Step[] {
    const renderer = new Renderer(values).render(source);

    renderer.flush();
    return renderer.steps.map((step) => ('send' in step ? { send: withLength(step.send) } : step));
}

export function bytesOf(source: string, values: Values): Buffer {
    return Buffer.concat(stepsOf(source, values).map((step) => ('send' in step ? step.send : Buffer.alloc(0))));
}

// The table -------------------------------------------------------------------------------------------------------------

type Group = { name: string; in: string; to: string; at: string[] };

export class Table {
    readonly rows: Row[] = [];
    readonly texts: Values = {}; // what `let` gave a name, not yet rendered

    constructor(path = join(import.meta.dirname, 'inputs.tsv')) {
        const lines = readFileSync(path, 'utf8').split('\n');
        let group: Group | undefined;

        lines.forEach((line, index) => {
            const [first = '', second = '', ...rest] = line.split('\t').filter((part) => part !== '');
            try {
                if (line === '' || line.startsWith('#')) return;
                else if (first === 'let') this.#name(second, rest.join('\t'));
                else if (first === '==') group = { name: second, in: '\\(row)', to: '', at: ['http'] };
                else if (group === undefined) throw new Error('a row before the first group');
                else if (first === 'in' || first === 'to') group[first] = second;
                else if (first === 'at') group.at = second.split(' ');
                else this.#add(index + 1, group, [first, second, ...rest]);
            } catch (error) {
                throw new Error(`${basename(path)}:${index + 1}: ${(error as Error).message}`);
            }
        });
    }

    #name(name: string, source: string): void {
        this.texts[name] = source;
    }

    #add(line: number, group: Group, fields: string[]): void {
        const [expected, gets, rule, source] = fields as [string, string, string, string];
        const words = (expected ?? '').split(' ');
        const put = (template: string) => template.replaceAll('\\(row)', () => source);

        if (fields.length !== 4 || !words.every((word) => /^(closed|-?\d+)$/.test(word))) throw new Error('not: expected, gets, rule, bytes');
        for (const at of group.at)
            this.rows.push({
                line,
                group: group.name,
                at,
                statuses: words.filter((word) => /^\d/.test(word)).map(Number),
                code: words.filter((word) => word.startsWith('-')).map(Number)[0],
                closed: words.includes('closed'),
                gets: gets === '-' ? '' : gets === 'same' ? put(at === 'child' ? '\\(row)\\n' : group.to) : put(gets),
                rule,
                source: put(group.in),
                slow: /\\\((wait|slowly) /.test(put(group.in)),
            });
    }
}
