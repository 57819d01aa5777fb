// Calls each URL given every few milliseconds until its stdin closes, then prints the latencies in ms, sorted, and what
// went wrong: a process of its own, so that what a test does to itself does not count.

import { request, Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from '../e2e/harness.ts';

const times: Record<string, number[]> = {};
const wrong: string[] = [];
let goes = true;

async function call(url: string, agent: Agent, headers: Record<string, string>, id: number): Promise<string> {
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: { text: 'well' } } });
    return await new Promise((resolve) => {
        const going = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers } }, (response) => {
            let text = '';
            response.on('data', (more) => (text += more));
            response.on('end', () => resolve(response.statusCode === 200 && text.includes('well') ? '' : `${response.statusCode} ${text.slice(0, 300)}`));
            response.on('error', (error) => resolve(String(error)));
        });
        going.on('error', (error) => resolve(String(error)));
        going.end(body);
    });
}

async function watch(url: string): Promise<void> {
    const agent = new Agent({ keepAlive: true });
    const session = await open(url);
    for (let id = 1; goes; id++) {
        const began = performance.now();
        const why = await call(url, agent, session, id);
        (times[url] ??= []).push(performance.now() - began);
        if (why !== '') wrong.push(`${url}: ${why}`);
        await sleep(5);
    }
    agent.destroy();
}

process.stdin.on('end', () => (goes = false)).resume();
await Promise.all(process.argv.slice(2).map(watch)).catch((error) => wrong.push(String(error.cause ?? error)));
for (const all of Object.values(times)) all.sort((a, b) => a - b);
process.stdout.write(JSON.stringify({ times, wrong }), () => process.exit(0));
