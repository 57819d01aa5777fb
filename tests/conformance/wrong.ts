// What wrong-messages.test.ts does with a row of its table: it makes the values that stand in it, sends it over HTTP or
// on stdio, and reads what came back.

import { connect } from 'node:net';
import { spawn } from 'node:child_process';
import { ok } from 'node:assert/strict';
import { until } from '../e2e/harness.ts';
import type { Message } from './schemas.ts';
import type { Values } from '../fault/inputs.ts';

const ROW_LIMIT_MS = 60000;
const PREFIX = 'io.modelcontextprotocol/';
const modern = '2026-07-28';

/** What came back of one message: the status, and the answer when there is one. */
export type Said = { status: number; session: string | undefined; text: string; message: Message | undefined };

// HTTP ------------------------------------------------------------------------------------------------------------------

function dechunked(body: string): { text: string; isWhole: boolean } {
    let text = '';

    for (let at = 0; ; ) {
        const end = body.indexOf('\r\n', at);
        const size = end < 0 ? NaN : parseInt(body.slice(at, end), 16);
        if (Number.isNaN(size) || body.length < end + size + 4) return { text, isWhole: false };
        if (size === 0) return { text, isWhole: true };
        text += body.slice(end + 2, end + 2 + size);
        at = end + size + 4;
    }
}

/** The last message in a body of JSON, or of events. */
function messageIn(text: string): Message | undefined {
    const data = text.split('\n').filter((line) => line.startsWith('data: {'));
    const last = data.length > 0 ? data.at(-1)!.slice(6) : text;

    return last.startsWith('{') || last.startsWith('[') ? (JSON.parse(last) as Message) : undefined;
}

/** The answer at the front of what came, or undefined while it is not all there. */
function answerIn(bytes: string): Said | undefined {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = bytes.slice(0, end);
    const field = (name: string) => new RegExp(`\r\n${name}: ([^\r]*)`, 'i').exec(head)?.[1];
    const rest = bytes.slice(end + 4);
    const { text, isWhole } = /chunked/i.test(field('Transfer-Encoding') ?? '')
        ? dechunked(rest)
        : { text: rest, isWhole: rest.length >= Number(field('Content-Length') ?? 0) };

    if (!isWhole) return undefined;
    return { status: Number(head.split(' ')[1]), session: field('Mcp-Session-Id'), text, message: messageIn(text) };
}

/** Sends bytes on a connection of their own; resolves to the first answer. */
export async function sendRaw(port: number, bytes: Buffer): Promise<Said> {
    const socket = connect({ port, host: '127.0.0.1' });
    let came = '';

    return await new Promise<Said>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no answer; so far ${came.slice(0, 500)}`)), ROW_LIMIT_MS);
        const take = (isEnd: boolean) => {
            const said = answerIn(came);
            if (said !== undefined) resolve(said);
            else if (isEnd) reject(new Error(`cut: ${came.slice(0, 500)}`));
            else return;
            clearTimeout(late);
        };
        socket.on('data', (more) => {
            came += more.toString('latin1');
            take(false);
        });
        socket.on('close', () => take(true));
        socket.on('error', () => {}); // then it closes
        socket.write(bytes);
    }).finally(() => socket.destroy());
}

const linesOf = (headers: Record<string, string>) => Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');

function bytesFor(url: string, method: string, headers: Record<string, string>, message?: unknown): Buffer {
    const { port, pathname } = new URL(url);
    const body = message === undefined ? '' : JSON.stringify(message);
    const length = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) };
    const fixed = { Host: `localhost:${port}`, Accept: 'application/json, text/event-stream', ...(body !== '' && length) };

    return Buffer.from(`${method} ${pathname} HTTP/1.1\r\n${linesOf({ ...fixed, ...headers })}\r\n${body}`);
}

/** A good message; resolves to all that was said. Its connection ends with it: none is to be held when the server ends. */
export async function send(url: string, method: string, headers: Record<string, string>, message?: unknown): Promise<Said> {
    const said = await sendRaw(Number(new URL(url).port), bytesFor(url, method, headers, message));

    ok(said.status < 300, `${said.status} ${said.text}`);
    return said;
}

/** One whose answer does not end: resolves when a word has come. `came` is all so far. */
export async function begin(url: string, method: string, headers: Record<string, string>, message: unknown, word: string) {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' });
    const stream = { came: '', cut: () => socket.destroy() };

    socket.on('error', () => {}); // it is cut
    socket.on('data', (more) => (stream.came += more.toString()));
    socket.write(bytesFor(url, method, headers, message));
    await until(`${word} on a stream`, ROW_LIMIT_MS, () => stream.came.includes(word));
    return stream;
}

export const endSession = (url: string, session: string) => send(url, 'DELETE', { 'Mcp-Session-Id': session });

// stdio -----------------------------------------------------------------------------------------------------------------

/** Gives a process all its input and waits for its end. */
export async function talk(command: string, args: string[], input: Buffer): Promise<{ lines: Message[]; stderr: string; code: number | null }> {
    const child = spawn(command, args, { stdio: 'pipe' });
    let stdout = '';
    let stderr = '';

    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.stdin.on('error', () => {}); // it ended before it read all
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    const lines = stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Message); // prettier-ignore
    return { lines, stderr, code };
}

// What stands in the rows -----------------------------------------------------------------------------------------------

const openingOf = (revision: string, capabilities: Message) => ({
    jsonrpc: '2.0',
    id: 'open',
    method: 'initialize',
    params: { protocolVersion: revision, capabilities, clientInfo: { name: 'wrong', version: '1' } },
});

export const openSession = async (url: string, revision: string, capabilities: Message = {}) => (await send(url, 'POST', {}, openingOf(revision, capabilities))).session!;

const another = (letter: string) => (letter === 'A' ? 'B' : 'A');

/** A thing that the server sealed, and what a client may make of it. */
function tampered(name: string, sealed: string, foreign: string): Values {
    const changed = (at: number) => sealed.slice(0, at) + another(sealed[at]!) + sealed.slice(at + 1);

    return {
        [name]: sealed,
        [`${name} first`]: changed(0),
        [`${name} middle`]: changed(sealed.length >> 1),
        [`${name} last`]: changed(sealed.length - 1),
        [`${name} cut`]: sealed.slice(0, -4),
        [`${name} longer`]: `${sealed}AAAA`,
        [`${name} foreign`]: foreign,
    };
}

const envelope = { [`${PREFIX}protocolVersion`]: modern, [`${PREFIX}clientCapabilities`]: { elicitation: {} } };

async function modernOf(url: string): Promise<{ cursor: string; state: string }> {
    const tool = 'test_input_required_result_request_state';
    const ask = async (method: string, params: Message, headers: Record<string, string>) => {
        const message = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: envelope } };
        return (await send(url, 'POST', { 'MCP-Protocol-Version': modern, 'Mcp-Method': method, ...headers }, message)).message!['result'] as Message;
    };

    return {
        cursor: (await ask('tools/list', {}, {}))['nextCursor'],
        state: (await ask('tools/call', { name: tool }, { 'Mcp-Name': tool }))['requestState'],
    };
}

async function legacyOf(url: string, revision: string): Promise<{ cursor: string; session: string; ended: string }> {
    const session = await openSession(url, revision);
    const ended = await openSession(url, revision);
    const { message } = await send(url, 'POST', { 'Mcp-Session-Id': session }, { jsonrpc: '2.0', id: 1, method: 'tools/list' });

    await endSession(url, ended);
    return { cursor: message!['result'].nextCursor, session, ended };
}

/** All that a row of a revision may name, of the server and of another. */
export async function valuesOf(revision: string, url: string, other: string): Promise<Values> {
    const fixed = { revision, port: new URL(url).port, version: revision >= '2025-06' ? `MCP-Protocol-Version: ${revision}\\r\\n` : '' };

    if (revision === modern) {
        const [ours, theirs] = [await modernOf(url), await modernOf(other)];
        return { ...fixed, ...tampered('cursor', ours.cursor, theirs.cursor), ...tampered('state', ours.state, theirs.state) };
    }
    const [ours, theirs] = [await legacyOf(url, revision), await legacyOf(other, revision)];
    await endSession(other, theirs.session);
    return { ...fixed, ended: ours.ended, ...tampered('cursor', ours.cursor, theirs.cursor), ...tampered('session', ours.session, theirs.session) };
}
