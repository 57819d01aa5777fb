// Writes seeds for the fuzz targets into a folder, one below it for each: what the scenarios say, the hostile inputs, and
// what a wrong client may say to a service.
// They are made anew for each run and never committed; script/fuzz calls it:  seeds.ts FOLDER

import { createHash } from 'node:crypto';
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Table, bytesOf } from '../fault/inputs.ts';
import type { Values } from '../fault/inputs.ts';
import { readScenario } from '../scenarios/runner/scenario.ts';
import type { Sent, Step } from '../scenarios/runner/scenario.ts';
import { fill } from '../scenarios/runner/value.ts';
import type { Json, Value } from '../scenarios/runner/value.ts';

const LARGEST = 16 * 1024; // larger ones only make a round slower

class Seeds {
    readonly #folder: string;
    count = 0;

    constructor(folder: string) {
        this.#folder = folder;
    }

    /** `before` are the bytes with which a target lets its input choose limits and cuts. */
    add(target: string, text: string | Buffer, before: number[] = []): void {
        const bytes = Buffer.concat([Buffer.from(before), Buffer.from(text)]);
        if (bytes.length > LARGEST) return;
        mkdirSync(join(this.#folder, target), { recursive: true });
        writeFileSync(join(this.#folder, target, createHash('sha1').update(bytes).digest('hex')), bytes);
        this.count++;
    }
}

// What is said in the scenarios ------------------------------------------------------------------------------------------

/** Names that a run would have taken from what came before stand for one text. */
const anyName = new Proxy(new Map<string, Json>(), {
    get: (map, key) => (key === 'get' ? () => 'taken' : key === 'has' ? () => true : Reflect.get(map, key)),
});

const json = (value?: Value): Json | undefined => (value === undefined ? undefined : fill(value, anyName));

function messagesOf(sent: Sent, id: number): Json[] {
    switch (sent.is) {
        case 'method': {
            const params = json(sent.params);
            const isRequest = !sent.method.startsWith('notifications/');
            return [{ jsonrpc: '2.0', ...(isRequest && { id: json(sent.id) ?? id }), method: sent.method, ...(params !== undefined && { params }) }];
        }
        case 'result':
            return [{ jsonrpc: '2.0', id, result: json(sent.value)! }];
        case 'error':
            return [{ jsonrpc: '2.0', id, error: { code: sent.code, message: '', ...((json(sent.more) as object) ?? {}) } }];
        case 'batch':
            return [sent.parts.flatMap((part, at) => messagesOf(part.what, id + at))];
        default:
            return [];
    }
}

/** What the target `service` has in its first byte. */
const BOTH_ERAS = 0x40;
const RELAYS = 0x80;

/** Its tools and prompts have other names. */
const asService = (text: string) => text.replace(/"name":"\w+","arguments":/g, '"name":"play","arguments":').replace(/"name":"test_\w+"/g, '"name":"play"');

/** One side of a scenario: each message alone, and all as one connection would carry them. */
function addSide(seeds: Seeds, side: 'client' | 'server', steps: Step[]): void {
    const sent = steps.filter((step) => step.do === 'send').map((step) => step.what);
    const lines = sent.flatMap((what, at) => messagesOf(what, at + 1)).map((message) => JSON.stringify(message));
    const together = lines.map((line) => `${line}\n`).join('');
    const host = 'Host: a\r\nContent-Type: application/json\r\n';

    for (const line of lines) seeds.add('jsonrpc', line);
    if (lines.length === 0) return;
    seeds.add('lines', together, [255, 15, 0]);
    seeds.add('blocks', together);
    if (side === 'client') {
        seeds.add('service', asService(together), [BOTH_ERAS]);
        seeds.add('service', together, [BOTH_ERAS | RELAYS]);
        const requests = lines.map((line) => `POST /mcp HTTP/1.1\r\n${host}Content-Length: ${Buffer.byteLength(line)}\r\n\r\n${line}`);
        const chunks = lines.map((line) => `POST /mcp HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(line).toString(16)}\r\n${line}\r\n0\r\n\r\n`);
        seeds.add('http_request', requests.join(''), [30]);
        seeds.add('http_request', chunks.join(''), [3]);
        return;
    }
    const events = lines.map((line, at) => `event: message\nid: ${at}\ndata: ${line}\n\n`).join('');
    const bytes = Buffer.byteLength(events);
    seeds.add('channel', together);
    seeds.add('sse', events, [255, 20]);
    seeds.add('blocks', events);
    seeds.add('http_response', `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(lines[0]!)}\r\n\r\n${lines[0]}`, [40]);
    seeds.add('http_response', `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${events}\r\n0\r\n\r\n`, [6]);
}

function addScenarios(seeds: Seeds): void {
    for (const file of globSync(join(import.meta.dirname, '../scenarios/**/*.scn'))) {
        const scenario = readScenario(file);
        const servers = scenario.ends.filter((end) => end.side === 'server');
        const settings = (json(scenario.house) as { settings?: Record<string, Json> } | undefined)?.settings ?? {};
        const entries = servers.map((server) => [server.name, { url: 'http://127.0.0.1:9000/mcp', ...(json(server.options) as object | undefined) }]);

        for (const end of scenario.ends) addSide(seeds, end.side, end.steps);
        seeds.add('registry', JSON.stringify({ mcpServers: Object.fromEntries(entries) }, null, 2));
        for (const [key, value] of Object.entries(settings)) seeds.add('settings', `${key}: ${value}\n`);
        for (const check of scenario.checks) {
            if (check.of !== 'captured') continue;
            seeds.add('api_query', `method=${encodeURIComponent(check.what)}&server=${check.server ?? servers[0]?.name ?? 'a'}&q=${check.wanted.outcome ?? 'ok'}`);
            seeds.add('query', `g${check.what}\nwok\n`);
        }
    }
}

// The hostile inputs ------------------------------------------------------------------------------------------------------

function addInputs(seeds: Seeds): void {
    const table = new Table();
    const values = { ...table.texts, port: '1', token: 't', server: 'a', upstream: 'a:1', who: '', 'session of keeps': 's', 'session of other': 'o' };

    for (const row of table.rows) {
        if (row.at === 'child' && row.statuses[0] !== 200) continue; // as the others
        const bytes = bytesOf(row.source, values);
        const body = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
        const query = /^GET \/api\/logs\?([^ ]*) /.exec(bytes.toString('latin1'))?.[1];

        seeds.add('http_request', bytes, [row.line % 256]);
        if (row.source.startsWith('POST /api/servers/config')) {
            seeds.add('registry', Buffer.concat([Buffer.from('{"mcpServers":{"a":'), body, Buffer.from('}}')]));
        } else if (body.length > 0 && !query) {
            seeds.add('jsonrpc', body);
            seeds.add('channel', body);
            seeds.add('lines', body, [255, 3, 1]);
        }
        if (query) seeds.add('api_query', Buffer.from(query, 'latin1'));
    }
}

// What a wrong client says ------------------------------------------------------------------------------------------------

const opening = (revision: string) =>
    `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${revision}","capabilities":{"elicitation":{},"sampling":{},"roots":{}},"clientInfo":{"name":"c","version":"1"}}}\n`;

/** The body of each row, in a talk of its revision; `$state` and `$cursor` are what the target puts there. */
function addWrongMessages(seeds: Seeds): void {
    const table = new Table(join(import.meta.dirname, '../conformance/wrong-messages.tsv'));
    const seen = new Set<number>();

    for (const row of table.rows) {
        const revision = row.at.replace('stdio-', '');
        const known: Values = { ...table.texts, revision, port: '1', version: '', ended: 'x' };
        const values = new Proxy(known, {
            get: (all, name) => all[String(name)] ?? /^(state|cursor|session)( .*)?$/.exec(String(name))?.slice(1, 3).reduce((word, how) => (how ? `x$${word}` : `$${word}`)),
        });
        if (seen.has(row.line)) continue;
        seen.add(row.line);
        const text = asService(bytesOf(row.source, values).toString('latin1'));
        const body = /\r\n\r\n(.+)$/s.exec(text)?.[1];
        const before = revision < '2026' ? opening(revision) : '';
        if (row.at.startsWith('stdio-')) seeds.add('service', Buffer.from(text, 'latin1'), [BOTH_ERAS]);
        else if (body !== undefined) seeds.add('service', Buffer.from(`${before}${body.replaceAll('\n', ' ')}\n`, 'latin1'), [BOTH_ERAS]);
    }
}

const seeds = new Seeds(process.argv[2]!);
addScenarios(seeds);
addInputs(seeds);
addWrongMessages(seeds);
console.log(`${seeds.count} seeds`);
