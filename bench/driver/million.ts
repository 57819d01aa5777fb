// bench/driver/million.ts: the same load and the questions to the log when a million exchanges are stored already.
//
// They are made by calls through the gateway, like any others: what is stored is what it would store.

import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { output } from "./process.ts";
import { type Cell, Loader, loadAndWatch, measure, placement, type Recorded, recordedOf, type Sample } from "./measure.ts";
import { remove, start, stop, type Target, temporary, tool } from "./targets.ts";

const RARE = "quizzaciously"; // in one call of all; not a word of the vocabulary, nor is the next
const NOWHERE = "floccinaucinihilipilification";

export interface Question {
    name: string;
    query: string;
    times: number;
    p50_ms: number;
    p95_ms: number;
    found: number; // entries in the answer
    problem?: string;
}

export interface Million {
    stored: number;
    fillSeconds: number;
    samples: Sample[];
    questions: Question[];
    recorded: Recorded;
}

interface Answer {
    status: number;
    body: string;
    milliseconds: number;
}

function ask(agent: Agent, url: string, token: string): Promise<Answer> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
        const request = get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
            let body = "";
            response.setEncoding("utf8");
            response.on("data", (data) => (body += data));
            response.on("end", () => resolve({ status: response.statusCode!, body, milliseconds: performance.now() - began }));
        });
        request.on("error", reject);
    });
}

function questions(common: string): { name: string; query: string; wants?: (found: number) => boolean }[] {
    const log = (query: string) => `/api/logs?limit=50${query}`;
    const some = (found: number) => found > 0;
    const none = (found: number) => found === 0;
    return [
        { name: "no question (/healthz)", query: "/healthz" },
        { name: "latest 50", query: log(""), wants: some },
        { name: "server and method, all", query: log("&server=is:echo&method=is:tools/call"), wants: some },
        { name: "method, none", query: log("&method=is:prompts/get"), wants: none },
        { name: "word, common", query: log(`&q=${common}`), wants: some },
        { name: "word, in one call", query: log(`&q=${RARE}`), wants: some },
        { name: "word, nowhere", query: log(`&q=${NOWHERE}`), wants: none },
        { name: "substring, common", query: log(`&q=contains:${common}`), wants: some },
        { name: "substring, in one call", query: log(`&q=contains:${RARE.slice(1, -1)}`), wants: some },
        { name: "substring, nowhere", query: log(`&q=contains:${NOWHERE.slice(1, -1)}`), wants: none },
        { name: "sessions of the server", query: "/api/sessions?server=echo" },
        { name: "servers", query: "/api/servers" },
    ];
}

/** Up to 50 times, or for some 20 s. */
async function measureQuestion(
    agent: Agent, origin: string, token: string, q: { name: string; query: string; wants?: (found: number) => boolean },
): Promise<Question> {
    const took: number[] = [];
    const until = performance.now() + 20_000;
    let found = 0;
    let problem: string | undefined;

    for (let i = 0; i < 50 && (i < 3 || performance.now() < until) && problem === undefined; i++) {
        const answer = await ask(agent, origin + q.query, token);
        took.push(answer.milliseconds);
        if (answer.status !== 200) problem = `answered ${answer.status}: ${answer.body.slice(0, 200)}`;
        else if (q.wants) {
            found = (JSON.parse(answer.body) as { data?: unknown[] }).data?.length ?? -1;
            if (!q.wants(found)) problem = `found ${found}`;
        }
    }
    took.sort((a, b) => a - b);
    const share = (part: number) => took[Math.min(took.length - 1, Math.floor(took.length * part))];
    return { name: q.name, query: q.query, times: took.length, p50_ms: share(0.5), p95_ms: share(0.95), found, problem };
}

export const fullName = (target: { name: string }, count: number) => `${target.name}, ${count} stored`;

/** `beside` is measured in the same rounds, with nothing stored: the target itself among them. */
export async function million(
    target: Target, beside: Target[], count: number, cells: Cell[], rounds: number, seconds: { warm: number; measured: number },
): Promise<Million> {
    const dir = temporary();
    const places = placement(32);
    const words = (await output("", [tool("load"), "--print-words"])).split("\n");
    const running = await start(target, places, dir);
    const loader = new Loader(running, places.load);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });

    try {
        const began = performance.now();
        await loader.run({ connections: 32, size: 350 }, { calls: Math.ceil(count / 2) });
        await loader.run({ connections: 1, size: 350 }, { calls: 1 }, RARE);
        await loader.run({ connections: 32, size: 350 }, { calls: Math.floor(count / 2) - 1 });
        const fillSeconds = (performance.now() - began) / 1000;

        const samples: Sample[] = [];
        const idle = running.program.memory();
        for (let round = 0; round < rounds; round++) {
            for (const cell of cells) {
                const { load, cpuMicroseconds, loaded } = await loadAndWatch(running, loader, cell, seconds);
                samples.push({ ...load, target: fullName(target, count), cell, cpuMicroseconds, idle, loaded, exit: 0 });
                for (const other of beside) samples.push(await measure(other, cell, seconds));
            }
        }

        const token = readFileSync(join(dir, "token"), "utf8").trim();
        const asked: Question[] = [];
        for (const q of questions(words[0])) asked.push(await measureQuestion(agent, new URL(running.url).origin, token, q));
        agent.destroy();

        const exit = await stop(running);
        samples.filter((sample) => sample.target === fullName(target, count)).forEach((sample) => (sample.exit = exit));
        return { stored: count, fillSeconds, samples, questions: asked, recorded: recordedOf(target, dir, loader) };
    } finally {
        agent.destroy();
        await stop(running);
        remove(dir);
    }
}
