// The schemas of the servers that our tests start, beside Ajv's: values that fit each, and such with a change or two.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { Generator } from './generate.ts';
import type { Schema } from './generate.ts';
import { assertBothCommon, built, compare } from './peers.ts';

const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const packaged = (name: string, ...args: string[]) => [process.execPath, join(import.meta.dirname, '../node_modules/@modelcontextprotocol', name, 'dist/index.js'), ...args];

const servers = [
    packaged('server-everything', 'stdio'),
    packaged('server-filesystem', tmpdir()),
    packaged('server-memory'),
    [built('bench/echo_stdio')],
];

type Tool = { inputSchema: Schema; outputSchema?: Schema };

/** All tools that a server lists on stdio to a client without capabilities. */
async function toolsOf([command, ...args]: string[]): Promise<Tool[]> {
    const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'schemas', version: '1' } };
    const say = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const tools: Tool[] = [];

    try {
        say({ id: 1, method: 'initialize', params });
        for await (const line of createInterface(child.stdout)) {
            const { id, result = {} } = JSON.parse(line); // no result: a notification
            if (id === 1) say({ method: 'notifications/initialized' });
            if (id === 1 || result.nextCursor !== undefined) say({ id: 2, method: 'tools/list', params: { cursor: result.nextCursor } });
            tools.push(...(result.tools ?? []));
            if (id === 2 && result.nextCursor === undefined) return tools;
        }
        throw new Error(`${args.at(-1)} ended without its tools`);
    } finally {
        child.kill();
    }
}

test(`Ajv agrees on the schemas of the servers that tests start (TEST_SEED=${seed})`, { timeout: 60_000 }, async () => {
    const generator = new Generator(seed);
    const listed = await Promise.all(servers.map(toolsOf));
    const schemas = listed.flat().flatMap(({ inputSchema, outputSchema }) => [inputSchema, ...(outputSchema === undefined ? [] : [outputSchema])]);

    assert.deepEqual(listed.map((tools) => tools.length > 0), [true, true, true, true]);
    assertBothCommon(compare(schemas.flatMap((schema) => Array.from({ length: 20 }, () => ({ schema, value: generator.valueNear(schema) })))));
});
