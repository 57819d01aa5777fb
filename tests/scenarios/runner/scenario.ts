// The language of scenarios: what may stand in a .scn file, as data. ../README.md has it for who writes one.

import { readFileSync } from 'node:fs';
import { Cursor, ScenarioError, parseText, parseValue } from './value.ts';
import type { Value } from './value.ts';

export const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
export const MODERN = '2026-07-28';

export type Transport = 'http' | 'stdio';

export type Scenario = {
    file: string;
    onlyThroughGatehouse: boolean;
    withinOneEra: boolean; // no bridge: what it shows, one of the eras has no word for, or another one
    house?: Value; // of Gatehouse itself: {"settings": {"session.idle": "300ms"}, "token": "…"}
    ends: End[];
    checks: Check[];
};

/** A server or a client and its script. */
export type End = {
    side: 'server' | 'client';
    name: string;
    revisions: string[];
    transports: Transport[];
    path: string; // of a client
    options?: Value; // server: of its entry in mcp.json; client: of its initialize
    opens: boolean; // the runner plays the opening of the revision
    steps: Step[];
    line: number;
};

export type Step = { line: number; text: string } & (
    | { do: 'wait' | 'signal'; name: string }
    | { do: 'hang up' | 'end'; label?: string }
    | { do: 'exit'; code: number }
    | { do: 'stdout' | 'stderr'; written: Value } // a string as it is, anything else as JSON
    | Send
    | Receive
);

export type Send = {
    do: 'send';
    label?: string; // names the request sent, or the one answered
    on?: string; // the stream to use, by the label of what opened it
    sse: boolean;
    event?: string; // id of the SSE event
    headers?: Value;
    what: Sent;
};

export type Sent =
    | { is: 'method'; method: string; id?: Value; params?: Value }
    | { is: 'result'; value: Value }
    | { is: 'error'; code: number; more?: Value }
    | { is: 'batch'; parts: { label?: string; what: Sent }[] }
    | { is: 'request'; verb: string; path?: string; body?: string } // an HTTP request
    | { is: 'answer'; status: number; body?: string } // an HTTP answer
    | { is: 'event' }; // with an id and no data

export type Receive = {
    do: 'receive';
    label?: string;
    on?: string;
    event?: Value; // id of the SSE event
    what: Received;
};

export type Received =
    | { is: 'method'; method: string; id?: Value; params?: Value }
    | { is: 'result'; value: Value }
    | { is: 'error'; code: number; more?: Value }
    | { is: 'status'; status: string } // 200 or 2xx
    | { is: 'header'; name: string; value: Value }
    | { is: 'body'; value: Value }
    | { is: 'event' }
    | { is: 'end' | 'cut' } // how an answer ended
    | { is: 'hang up' } // the other side left
    | { is: 'GET' | 'DELETE' | 'start' | 'end of input' };

export type Check = { line: number; text: string } & (
    { of: 'captured'; count: number; what: string; server?: string; byUs: boolean; wanted: Wanted } | { of: 'status'; says: string }
);

export type Wanted = {
    messages?: number;
    outcome?: string;
    kind?: string;
    target?: string;
    code?: number;
    status?: number;
};

const NUMBERS: Record<string, number> = { no: 0, one: 1, two: 2, three: 3, four: 4, five: 5 };
const LABEL = /\[([\w-]+)\]/;
const METHOD = /[a-z]+(?:\/[\w/]+)?(?=\s|$)/;

export function readScenario(file: string): Scenario {
    return parseScenario(file, readFileSync(file, 'utf8'));
}

export function parseScenario(file: string, text: string): Scenario {
    const scenario: Scenario = { file, onlyThroughGatehouse: false, withinOneEra: false, ends: [], checks: [] };

    for (const { line, indent, text: said } of joinLines(text)) {
        const c = new Cursor(said, line);
        const end = scenario.ends.at(-1);

        if (indent > 0) {
            if (end === undefined || scenario.checks.length > 0) c.fail('a step belongs to a server or a client');
            end!.steps.push(parseStep(c, end!));
        } else if (c.word('only through Gatehouse')) {
            scenario.onlyThroughGatehouse = true;
            scenario.house = parseWith(c);
        } else if (c.word('within one era')) {
            scenario.withinOneEra = true;
            if (c.word('because')) c.rest();
        } else if (c.word('then')) {
            scenario.checks.push(parseCheck(c));
        } else {
            scenario.ends.push(parseEnd(c));
        }
        c.end();
    }
    refuseNonsense(scenario);
    return scenario;
}

/** Steps are indented by 4; what is indented deeper goes on with the line before. */
function joinLines(text: string): { line: number; indent: number; text: string }[] {
    const lines: { line: number; indent: number; text: string }[] = [];

    text.split('\n').forEach((whole, i) => {
        const said = whole.trim();
        const indent = whole.length - whole.trimStart().length;

        if (said === '' || said.startsWith('#')) return;
        if (whole.includes('\t')) throw new ScenarioError(i + 1, 'a tab: indent by 4 blanks');
        if (indent > 4) {
            if (lines.length === 0) throw new ScenarioError(i + 1, 'nothing to go on with');
            lines.at(-1)!.text += `\n${said}`;
        } else if (indent !== 0 && indent !== 4) {
            throw new ScenarioError(i + 1, 'steps are indented by 4 blanks');
        } else {
            lines.push({ line: i + 1, indent, text: said });
        }
    });
    return lines;
}

function refuseNonsense(scenario: Scenario): void {
    const names = scenario.ends.map((end) => end.name);
    const twice = scenario.ends.find((end, i) => names.indexOf(end.name) !== i);

    if (scenario.ends.length === 0) throw new ScenarioError(1, 'nobody speaks in this scenario');
    if (twice) throw new ScenarioError(twice.line, `${twice.name} is there twice`);

    const steps = scenario.ends.flatMap((end) => end.steps);
    const signals = steps.flatMap((step) => (step.do === 'signal' ? [step.name] : []));
    for (const step of steps) {
        if (step.do === 'wait' && !signals.includes(step.name))
            throw new ScenarioError(step.line, `nobody signals ${step.name}`);
    }
}

function parseEnd(c: Cursor): End {
    const side = c.word('server') ? 'server' : c.word('client') ? 'client' : c.fail('expected server, client or then');
    const name = c.expect(/[\w-]+/, 'a name')[0].trim();

    if (!c.word('speaks')) c.fail('expected speaks');
    const revisions = parseWords(c, [...LEGACY, MODERN], 'a revision');
    if (!c.word('over')) c.fail('expected over');
    const transports = parseWords(c, ['http', 'stdio'], 'http or stdio') as Transport[];

    let path = '';
    if (side === 'client') {
        if (!c.word('at')) c.fail('expected at');
        path = c.expect(/\/\S*/, 'a path')[0].trim();
    }
    const options = c.word('with') ? parseValue(c) : undefined;
    const opens = !c.word('without opening');
    return { side, name, revisions, transports, path, options, opens, steps: [], line: c.line };
}

function parseWords(c: Cursor, allowed: string[], what: string): string[] {
    const words: string[] = [];

    do {
        const word = allowed.find((each) => c.word(each));
        if (word === undefined) c.fail(`expected ${what}`);
        words.push(word!);
    } while (c.take(/,/));
    return words;
}

function parseStep(c: Cursor, end: End): Step {
    const said = { line: c.line, text: c.text };
    const name = () => c.expect(/[\w-]+/, 'a name')[0].trim();

    if (c.take(/>/)) return { ...said, ...parseSend(c, end) };
    if (c.take(/</)) return { ...said, ...parseReceive(c, end) };
    if (c.word('wait')) return { ...said, do: 'wait', name: name() };
    if (c.word('signal')) return { ...said, do: 'signal', name: name() };
    if (c.word('hang up')) return { ...said, do: 'hang up', label: c.take(LABEL)?.[1] };
    if (end.side === 'server') {
        if (c.word('end')) return { ...said, do: 'end', label: c.take(LABEL)?.[1] };
        if (c.word('exit')) return { ...said, do: 'exit', code: Number(c.take(/\d+/)?.[0] ?? 0) };
        if (c.word('stdout')) return { ...said, do: 'stdout', written: parseValue(c) };
        if (c.word('stderr')) return { ...said, do: 'stderr', written: parseValue(c) };
    }
    return c.fail('expected <, >, wait, signal, hang up, or of a server end, exit, stdout, stderr');
}

function parseSend(c: Cursor, end: End): Send {
    const label = c.take(LABEL)?.[1];
    const on = c.word('on') ? c.expect(/[\w-]+/, 'a label')[0].trim() : undefined;
    const sse = c.word('as sse');
    const event = c.word('event') ? parseText(c) : undefined;
    const head = { do: 'send' as const, label, on, sse: sse || event !== undefined, event };

    if (event !== undefined && c.atEnd()) return { ...head, what: { is: 'event' } };
    if (end.side === 'client') {
        const verb = c.take(/GET|POST|DELETE|PUT|OPTIONS|HEAD/);
        if (verb) {
            const path = c.take(/\/\S*/)?.[0].trim();
            return {
                ...head,
                headers: parseWith(c),
                what: { is: 'request', verb: verb[0].trim(), path, body: parseBody(c) },
            };
        }
    }
    const status = end.side === 'server' ? c.take(/\d{3}(?=\s|$)/) : undefined;
    if (status)
        return {
            ...head,
            headers: parseWith(c),
            what: { is: 'answer', status: Number(status[0]), body: parseBody(c) },
        };
    if (c.word('batch')) return { ...head, what: parseBatch(c), headers: undefined };

    const what = parseSent(c);
    return { ...head, what, headers: parseWith(c) };
}

function parseSent(c: Cursor): Sent {
    if (c.word('error')) return { is: 'error', ...parseError(c) };
    if (c.atValue()) return { is: 'result', value: parseValue(c) };
    return { is: 'method', ...parseMethod(c) };
}

function parseBatch(c: Cursor): Sent {
    const parts: { label?: string; what: Sent }[] = [];

    while (!c.atEnd()) parts.push({ label: c.take(LABEL)?.[1], what: parseSent(c) });
    if (parts.length === 0) c.fail('the messages of a batch stand below it, indented deeper');
    return { is: 'batch', parts };
}

function parseWith(c: Cursor): Value | undefined {
    return c.word('with') ? parseValue(c) : undefined;
}

function parseBody(c: Cursor): string | undefined {
    return c.word('body') ? c.rest() : undefined;
}

function parseError(c: Cursor): { code: number; more?: Value } {
    const code = Number(c.expect(/-?\d+/, 'an error code')[0]);
    return { code, more: c.atValue() ? parseValue(c) : undefined };
}

function parseMethod(c: Cursor): { method: string; id?: Value; params?: Value } {
    const method = c.expect(METHOD, 'a method')[0].trim();
    const id = c.word('id') ? parseValue(c) : undefined;
    return { method, id, params: c.text[c.at] === '{' ? parseValue(c) : undefined };
}

function parseReceive(c: Cursor, end: End): Receive {
    const label = c.take(LABEL)?.[1];
    const on = c.word('on') ? c.expect(/[\w-]+/, 'a label')[0].trim() : undefined;
    const event = c.word('event') ? parseValue(c) : undefined;
    const head = { do: 'receive' as const, label, on, event };

    if (event !== undefined && c.atEnd()) return { ...head, what: { is: 'event' } };
    return { ...head, what: parseHttpReceived(c, end) ?? parseReceived(c) };
}

function parseHttpReceived(c: Cursor, end: End): Received | undefined {
    if (c.word('no header')) return { is: 'header', name: headerName(c), value: { kind: 'absent' } };
    if (c.word('header')) {
        const name = headerName(c);
        c.expect(/:/, 'a colon');
        return { is: 'header', name, value: parseWritten(c) };
    }
    if (end.side === 'server') {
        for (const is of ['GET', 'DELETE', 'start', 'end of input', 'hang up'] as const) if (c.word(is)) return { is };
        return undefined;
    }
    const status = c.take(/(\d\d\d|\dxx)(?=\s|$)/);
    if (status) return { is: 'status', status: status[1] };
    if (c.word('body')) return { is: 'body', value: parseWritten(c) };
    for (const is of ['end', 'cut'] as const) if (c.word(is)) return { is };
    return undefined;
}

function headerName(c: Cursor): string {
    return c
        .expect(/[A-Za-z0-9-]+/, 'the name of a header')[0]
        .trim()
        .toLowerCase();
}

/** A value, or else the rest of the line as text. */
function parseWritten(c: Cursor): Value {
    return /[$~"]/.test(c.text[c.at] ?? '') ? parseValue(c) : { kind: 'plain', value: c.rest() };
}

function parseReceived(c: Cursor): Received {
    if (c.word('error')) return { is: 'error', ...parseError(c) };
    if (c.atValue()) return { is: 'result', value: parseValue(c) };
    return { is: 'method', ...parseMethod(c) };
}

/** then captured one tools/call of weather: 3 messages, outcome ok */
function parseCheck(c: Cursor): Check {
    const said = { line: c.line, text: c.text };

    if (c.word('status says')) return { ...said, of: 'status', says: parseText(c) };
    if (!c.word('captured')) c.fail('expected captured or status says');

    const number = c.expect(/\w+/, 'a number')[0].trim();
    const count = NUMBERS[number] ?? (/^\d+$/.test(number) ? Number(number) : c.fail(`"${number}" is no number`));
    const what = c.expect(/[\w/]+/, 'a method or a kind')[0].trim();
    const server = c.word('of') ? c.expect(/[\w-]+/, 'the name of a server')[0].trim() : undefined;
    const byUs = c.word('by gatehouse');
    return { ...said, of: 'captured', count, what, server, byUs, wanted: c.take(/:/) ? parseWanted(c) : {} };
}

function parseWanted(c: Cursor): Wanted {
    const wanted: Wanted = {};

    do {
        const messages = c.take(/(\d+)\s+messages?/);
        if (messages) {
            wanted.messages = Number(messages[1]);
            continue;
        }
        const word = c
            .expect(/outcome|kind|target|code|status/, 'messages, outcome, kind, target, code or status')[0]
            .trim();
        const value = c.expect(/[^\s,]+/, `the ${word}`)[0].trim();
        if (word === 'code' || word === 'status') wanted[word] = Number(value);
        else wanted[word as 'outcome' | 'kind' | 'target'] = value;
    } while (c.take(/,/));
    return wanted;
}
