// Every row of inputs.tsv against a Gatehouse with AddressSanitizer and UndefinedBehaviorSanitizer: it is answered as
// the row says, the server behind gets exactly the bytes that the row says, and the next call passes as ever.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atEnd, House, open, post, sanitized, script } from '../e2e/harness.ts';
import { Table, bytesOf, stepsOf } from './inputs.ts';
import type { Row, Values } from './inputs.ts';

const ROW_LIMIT_MS = 30000;

// Short, so that slow senders are seen to be let go; a body may take five times what a silence in it may.
const settings = {
    GATEHOUSE_HTTP_HEADER_READ: '2s',
    GATEHOUSE_HTTP_BODY_READ: '2s',
    GATEHOUSE_HTTP_IDLE: '4s',
    GATEHOUSE_HTTP_BODY_BYTES: '1MiB',
    ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
};

// The servers behind ----------------------------------------------------------------------------------------------------

/** A request that has all come, or undefined. The recorder reads one framing only: one Content-Length, or no body. */
function wholeRequest(bytes: Buffer): { method: string; body: string; rest: Buffer } | undefined {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = bytes.subarray(0, end).toString('latin1');
    const length = Number(/\r\nContent-Length: (\d+)(\r\n|$)/.exec(head)?.[1] ?? 0);
    if (bytes.length < end + 4 + length) return undefined;
    const body = bytes.subarray(end + 4, end + 4 + length).toString();
    return { method: head.split(' ')[0]!, body, rest: bytes.subarray(end + 4 + length) };
}

function answerTo(method: string, body: string): string {
    let message: { id?: unknown; method?: unknown } = {};

    try {
        message = JSON.parse(body);
    } catch {} // what is compared are the bytes
    if (method !== 'POST') return 'HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n';
    const messages = Array.isArray(message) ? message : [message];
    if (!messages.some((each) => each.id !== undefined && each.method !== undefined)) return 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n';
    const text = JSON.stringify({ jsonrpc: '2.0', id: message.id ?? null, result: {} });
    return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Where a server wrote what it got. */
type Server = { name: string; values: Values; got: () => Buffer; forget: () => void };

/** A TCP server that keeps every byte. */
async function recorder(t: TestContext, name: string): Promise<Server & { entry: { url: string } }> {
    let all: Buffer[] = [];
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
        let waiting: Buffer = Buffer.alloc(0);
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
        socket.on('data', (bytes) => {
            all.push(bytes);
            waiting = Buffer.concat([waiting, bytes]);
            for (let request; (request = wholeRequest(waiting)) !== undefined; waiting = request.rest)
                socket.write(answerTo(request.method, request.body));
        });
    });

    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => {
        sockets.forEach((socket) => socket.destroy());
        server.close();
    });
    const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
        name,
        entry: { url: `http://${upstream}/mcp` },
        values: { server: name, upstream, who: '' },
        got: () => Buffer.concat(all),
        forget: () => (all = []),
    };
}

/** A child that writes what it gets into the file of its first argument, byte by byte as it came. */
const childText = `
const { appendFileSync } = require('node:fs');
let rest = Buffer.alloc(0);
process.stdin.on('data', (bytes) => {
    appendFileSync(process.argv[1], bytes);
    rest = Buffer.concat([rest, bytes]);
    for (let end; (end = rest.indexOf(10)) >= 0; rest = rest.subarray(end + 1)) {
        const message = JSON.parse(rest.subarray(0, end).toString());
        const opening = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'keeps', version: '1' } };
        const result = message.method === 'initialize' ? opening : {};
        if (message.id !== undefined) process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }) + '\\n');
    }
});`;

function child(name: string, file: string): Server & { entry: { command: string; args: string[] } } {
    const { command, args } = script(childText);

    return {
        name,
        entry: { command, args: [...args, file] },
        values: { server: name, upstream: '' },
        got: () => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0)),
        forget: () => writeFileSync(file, ''),
    };
}

// The client ------------------------------------------------------------------------------------------------------------

type Answer = { status: number; body: string };

/** Takes whole answers off the front of what came. */
class Answers {
    readonly taken: Answer[] = [];
    #rest: Buffer = Buffer.alloc(0);
    #toHead: boolean;

    constructor(toHead: boolean) {
        this.#toHead = toHead;
    }

    get left(): number {
        return this.#rest.length;
    }

    add(bytes: Buffer): void {
        this.#rest = Buffer.concat([this.#rest, bytes]);
        for (let end; (end = this.#rest.indexOf('\r\n\r\n')) >= 0; ) {
            const head = this.#rest.subarray(0, end).toString('latin1');
            const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
            const length = status === 100 || this.#toHead ? 0 : Number(/\r\nContent-Length: (\d+)/.exec(head)?.[1] ?? 0);
            if (this.#rest.length < end + 4 + length) return;
            this.taken.push({ status, body: this.#rest.subarray(end + 4, end + 4 + length).toString() });
            this.#rest = this.#rest.subarray(end + 4 + length);
            if (status !== 100) this.#toHead = false;
        }
    }
}

async function send(socket: Socket, row: Row, values: Values, isOver: () => boolean): Promise<void> {
    let everyMs = 0;

    for (const step of stepsOf(row.source, values)) {
        if (isOver()) return;
        if ('waitMs' in step) await sleep(step.waitMs);
        else if ('everyMs' in step) everyMs = step.everyMs;
        else if ('end' in step) socket.end();
        else if (everyMs === 0) socket.write(step.send);
        else
            for (const byte of step.send) {
                if (isOver()) return;
                socket.write(Buffer.from([byte]));
                await sleep(everyMs);
            }
    }
}

/** Sends the row, and when the connection should be good for more, a question behind it. What came back. */
async function play(port: number, row: Row, values: Values): Promise<{ answers: Answer[]; ended: boolean; left: number }> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const answers = new Answers(row.source.startsWith('HEAD '));
    let ended = false;
    let wake = () => {};
    const deadline = performance.now() + ROW_LIMIT_MS;
    const isThere = async (count: number) => {
        while (!ended && answers.taken.length < count && performance.now() < deadline)
            await Promise.race([new Promise<void>((resolve) => (wake = resolve)), sleep(deadline - performance.now() + 1, undefined, { ref: false })]);
    };
    const end = () => {
        ended = true;
        wake();
    };

    socket.on('data', (bytes) => {
        answers.add(bytes);
        wake();
    });
    socket.on('end', end);
    socket.on('error', end); // a reset is an end
    await new Promise((resolve) => socket.once('connect', resolve));
    await send(socket, row, values, () => ended);
    await isThere(row.closed ? Infinity : row.statuses.length); // what is missing then is said by the comparison
    if (!ended) socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    await isThere(row.statuses.length + 1);
    socket.destroy();
    return { answers: answers.taken, ended, left: answers.left };
}

const errorCode = (answer?: Answer): number | undefined => {
    try {
        return JSON.parse(answer!.body).error.code;
    } catch {
        return undefined;
    }
};

const shown = (bytes: Buffer) => (bytes.length > 3000 ? `${bytes.length} bytes ${bytes.subarray(0, 200).toString('latin1')}` : bytes.toString('latin1'));

/** Both as one text: a failure shows where they part. */
function compare(server: Server, expected: Buffer): void {
    const got = server.got();

    if (!got.equals(expected)) assert.equal(shown(got), shown(expected), `what ${server.name} got`);
}

// A row -----------------------------------------------------------------------------------------------------------------

const numberOf = (line: string): string => /"id":(\d+),"method":"mark"/.exec(line)?.[1] ?? 'none';

class Bench {
    readonly house: House;
    readonly texts: Values;
    #marks = 0;

    constructor(house: House, texts: Values) {
        this.house = house;
        this.texts = texts;
    }

    /** A call that shows that all is well, and behind which nothing of the row can still come. */
    async #mark(server: Server): Promise<Buffer> {
        const body = `{"jsonrpc":"2.0","id":"m${++this.#marks}","method":"mark"}`;
        const headers = { 'content-type': 'application/json', ...(server.values.session && { 'mcp-session-id': server.values.session }) };
        const response = await fetch(this.house.url(server.name), { method: 'POST', headers, body });

        assert.equal(response.status, 200, `the call after it: ${await response.text()}`);
        return Buffer.from(body);
    }

    async #checkHttp(row: Row, server: Server, values: Values): Promise<void> {
        const wanted = bytesOf(row.gets, values);
        const body = await this.#mark(server);
        const got = server.got();
        const head = got.lastIndexOf('POST /mcp HTTP/1.1\r\n', got.length - body.length); // of fetch, whose header fields are its own
        assert.equal(got.subarray(-body.length).toString(), body.toString(), 'the call after it arrived last');
        server.got = ((all) => () => all)(got.subarray(0, head));
        compare(server, wanted);
    }

    async #checkChild(row: Row, server: Server, values: Values): Promise<void> {
        const body = await this.#mark(server);
        const got = server.got().toString('latin1');
        const number = Number(numberOf(got.trimEnd().split('\n').at(-1)!)); // the channel counts its requests
        const wanted = Buffer.concat([
            bytesOf(row.gets, { ...values, id: String(number - 1) }),
            Buffer.from(`${body.toString().replace(/"m\d+"/, String(number))}\n`),
        ]);
        compare(server, wanted);
    }

    async run(row: Row, server: Server): Promise<void> {
        const values = { ...this.texts, ...server.values };
        server.forget();
        const { answers, ended, left } = await play(this.house.port, row, values);
        const statuses = answers.map((answer) => answer.status);
        const said = answers.map((answer) => answer.body).join(' ').slice(0, 500);

        assert.deepEqual(statuses, row.closed ? row.statuses : [...row.statuses, 200], said);
        if (row.code !== undefined) assert.equal(errorCode(answers[row.statuses.length - 1]), row.code, said);
        assert.equal(left, 0, 'bytes that are no answer');
        assert.equal(ended, row.closed, 'whether the connection was closed');
        await (row.at === 'child' ? this.#checkChild(row, { ...server }, values) : this.#checkHttp(row, { ...server }, values));
    }
}

test('every hostile input of the table', async (t) => {
    const program = sanitized('gatehouse');
    assert.ok(existsSync(program), `${program} is built by the stage fault: script/test fault`);
    const table = new Table();
    const house = new House(t);
    const http = await recorder(t, 'raw');
    const keeps = child('keeps', join(house.home, 'got-keeps'));
    const other = child('other', join(house.home, 'got-other'));
    const slow = await Promise.all(table.rows.filter((row) => row.slow).map((_, i) => recorder(t, `slow${i}`)));
    const servers = [http, keeps, other, ...slow];

    house.register(Object.fromEntries(servers.map((server) => [server.name, server.entry])));
    await house.start(settings, program);
    const registered = readFileSync(join(house.home, 'mcp.json'), 'utf8');
    for (const server of [keeps, other]) {
        const session = (await open(house.url(server.name)))['mcp-session-id']!;
        assert.equal((await post(house.url(server.name), 'mark', {}, { 'mcp-session-id': session })).status, 200);
        Object.assign(server.values, { session, who: `Mcp-Session-Id: ${session}\\r\\n` });
    }
    const bench = new Bench(house, {
        ...table.texts,
        port: String(house.port),
        token: house.token,
        'session of keeps': keeps.values.session!,
        'session of other': other.values.session!,
    });
    const behind = slow.values();
    const failures = new Map<Row, Promise<unknown>>();
    for (const row of table.rows.filter((each) => each.slow))
        failures.set(row, bench.run(row, behind.next().value!).then(() => undefined, (error: unknown) => error));

    for (const row of table.rows)
        await t.test(`${row.line} ${row.at} ${row.group}: ${row.rule}`, async () => {
            const failure = await failures.get(row);
            if (failure !== undefined) throw failure;
            if (!row.slow) await bench.run(row, row.at === 'child' ? keeps : http);
        });

    await t.test('nothing else reached a server, no entry changed, and the sanitizers are silent', async () => {
        assert.equal(readFileSync(join(house.home, 'mcp.json'), 'utf8'), registered);
        assert.deepEqual(readFileSync(join(house.home, 'got-other'), 'utf8').trimEnd().split('\n').length, 2); // its opening, and a call
        assert.equal(await house.stop(), 'exit code 0');
        assert.doesNotMatch(house.said, /Sanitizer|runtime error|Assertion/);
    });
});
