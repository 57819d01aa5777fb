// The two official TypeScript clients, and all that one asks of server-everything, as one value to compare.

import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { TestContext } from 'node:test';
import { atEnd } from './harness.ts';

export type Place = { url: string } | { command: string; args: string[] };
export type Official = 'sdk 1.32.2' | 'client 2.4.0';
export const officials: Official[] = ['sdk 1.32.2', 'client 2.4.0'];

/** What both have in common, as far as the tests go. */
export type Client = Pick<
    ClientV1,
    | 'getServerCapabilities' | 'getServerVersion' | 'getInstructions' | 'ping' | 'close'
    | 'listTools' | 'listResources' | 'listResourceTemplates' | 'listPrompts'
    | 'callTool' | 'readResource' | 'getPrompt' | 'complete' | 'setLoggingLevel' | 'subscribeResource' | 'unsubscribeResource'
>; // prettier-ignore

/** Connects; closed when the test ends. `prepare` hangs up handlers before. */
export async function connect<C extends ClientV1 | ClientV2>(t: TestContext, client: C, place: Place): Promise<C> {
    const isV1 = client instanceof ClientV1;
    const Http = isV1 ? HttpV1 : HttpV2;
    const Stdio = isV1 ? StdioV1 : StdioV2;
    const transport = 'url' in place ? new Http(new URL(place.url)) : new Stdio({ ...place, stderr: 'ignore' });

    await (client as ClientV1).connect(transport as HttpV1);
    atEnd(t, () => client.close());
    return client;
}

export async function plainClient(t: TestContext, official: Official, place: Place): Promise<Client> {
    const Class = official === 'sdk 1.32.2' ? ClientV1 : ClientV2;
    return (await connect(t, new Class({ name: 'e2e', version: '1' }, { capabilities: {} }) as ClientV1, place)) as Client;
}

/** Answers and refusals alike are what a client sees. */
async function answer(call: Promise<unknown>): Promise<unknown> {
    try {
        return await call;
    } catch (error) {
        const { code, message } = error as { code?: number; message: string };
        return { refused: message, code };
    }
}

const calls: [tool: string, given: Record<string, unknown>][] = [
    ['echo', { message: 'Grüße, 世界 🌍 "quoted" \\ \u2028' }],
    ['echo', { message: 7 }], // a wrong argument
    ['get-sum', { a: 2, b: 40 }],
    ['get-structured-content', { location: 'Chicago' }],
    ['get-annotated-message', { messageType: 'error', includeImage: true }],
    ['get-tiny-image', {}],
    ['get-resource-links', { count: 4 }],
    ['get-resource-reference', { resourceType: 'Blob', resourceId: 3 }],
    ['gzip-file-as-resource', { name: 'e2e.gz', data: 'data:text/plain,house', outputType: 'resource' }],
    ['toggle-simulated-logging', {}],
    ['toggle-simulated-logging', {}],
    ['trigger-long-running-operation', { duration: 0.1, steps: 2 }],
    ['no-such-tool', {}],
];

/** Everything that server-everything tells a client which declares nothing. */
export async function survey(client: Client): Promise<Record<string, unknown>> {
    const said: Record<string, unknown> = {
        server: client.getServerVersion(),
        capabilities: client.getServerCapabilities(),
        instructions: client.getInstructions(),
        ping: await client.ping(),
        tools: await client.listTools(),
        resources: await client.listResources(),
        templates: await client.listResourceTemplates(),
        prompts: await client.listPrompts(),
    };
    const { resources } = said['resources'] as { resources: { uri: string }[] };
    const uris = [...resources.map(({ uri }) => uri), 'demo://resource/dynamic/text/7', 'demo://resource/dynamic/blob/7', 'demo://no/such'];
    const prompts: [name: string, given: Record<string, string>][] = [
        ['simple-prompt', {}],
        ['args-prompt', { city: 'Oslo', state: 'none' }],
        ['completable-prompt', { department: 'Sales', name: 'David' }],
        ['resource-prompt', { resourceType: 'Text', resourceId: '2' }],
        ['args-prompt', {}], // one argument is missing
    ];

    for (const [name, given] of calls) said[`call ${name} ${JSON.stringify(given)}`] = await answer(client.callTool({ name, arguments: given }));
    for (const uri of uris) said[`read ${uri}`] = await answer(client.readResource({ uri }));
    for (const [name, given] of prompts)
        said[`prompt ${name} ${JSON.stringify(given)}`] = await answer(client.getPrompt({ name, arguments: given }));
    said['complete a prompt'] = await client.complete({
        ref: { type: 'ref/prompt', name: 'completable-prompt' },
        argument: { name: 'department', value: 'S' },
    });
    said['complete a template'] = await client.complete({
        ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
        argument: { name: 'resourceId', value: '1' },
    });
    return withoutChance(said) as Record<string, unknown>;
}

/** Two things in these answers are chance: the time of day at which a resource was made (inside a base64 blob, too), and
 *  the session id that the simulated logging names. */
function withoutChance(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withoutChance);
    if (typeof value === 'object' && value !== null)
        return Object.fromEntries(
            Object.entries(value).map(([key, each]) => [
                key,
                withoutChance(key === 'blob' ? Buffer.from(String(each), 'base64').toString('latin1') : each),
            ]),
        );
    if (typeof value !== 'string') return value;
    return value
        .replace(/created at \d+:\d\d:\d\d( [AP]M)?/g, 'created at TIME')
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'SESSION');
}
