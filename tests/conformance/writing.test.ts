// docs/writing-a-service.md: the build took the service out of the page; here it is called, in each era and on each transport.

import { deepEqual, match } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { atEnd, built, run, until } from '../e2e/harness.ts';

const program = built('writing-a-service');
const words = (result: unknown) => (result as { content: { text: string }[] }).content[0]!.text;

/** Says what came of adding twice, the second time so much that a person is asked. */
async function count(t: TestContext, mode: 'legacy' | { pin: string }, url?: string): Promise<unknown> {
    const client = new Client({ name: 'writing', version: '1' }, { capabilities: { elicitation: {} }, versionNegotiation: { mode } });
    const questions: string[] = [];
    const add = async (n: unknown) => await client.callTool({ name: 'add', arguments: { n } });

    client.setRequestHandler('elicitation/create', async ({ params }) => {
        questions.push(params.message);
        return questions.length === 1 ? { action: 'decline' as const } : { action: 'accept' as const, content: {} };
    });
    await client.connect(url === undefined ? new StdioClientTransport({ command: program, args: ['--stdio'] }) : new StreamableHTTPClientTransport(new URL(url)));
    atEnd(t, () => client.close());

    const { tools } = await client.listTools();
    const wrong = await add('two');
    match(words(wrong), /\bn\b/);
    return {
        tools: tools.map(({ name, annotations }) => [name, annotations]),
        wrong: wrong.isError,
        few: words(await add(2)),
        declined: words(await add(1000)),
        many: words(await add(1000)),
        questions,
    };
}

const counted = {
    tools: [['add', { destructiveHint: false, openWorldHint: false }]],
    wrong: true,
    few: 'The total is 2.',
    declined: 'Not added: the person did not agree.',
    many: 'The total is 1002.',
    questions: ['That is much. Add it?', 'That is much. Add it?'],
};

for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
    const era = mode === 'legacy' ? 'a legacy client' : 'a modern client';

    test(`the service of the page counts for ${era} over stdio`, { timeout: 60000 }, async (t) => deepEqual(await count(t, mode), counted));

    test(`the service of the page counts for ${era} over HTTP`, { timeout: 60000 }, async (t) => {
        const service = run(t, program, []);
        const url = await until('the URL of the service', 20000, () => /http:\S+/.exec(service.stdout)?.[0]);
        deepEqual(await count(t, mode, url), counted);
    });
}
