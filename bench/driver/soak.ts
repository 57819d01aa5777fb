// bench/driver/soak.ts: hours of mixed load, and whether anything grows: memory, descriptors, the time of a call.
//
// Work and rest alternate. While it works, clients of HTTP and stdio servers come, call and leave in every way, streams are
// opened and left, servers are killed and come back, the registry is edited. At rest all has ended, so that the figures of
// one rest may be compared with those of another: what is left then, and grows, leaks.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIRST_ID, type Load, Loader, type Recorded, recordedOf, RUNS_APART } from "./measure.ts";
import { freePort, pause, Program } from "./process.ts";
import { type Counts, leavings, SoakClient } from "./soak_client.ts";
import { build, remove, type Target, temporary, tool } from "./targets.ts";

export interface SoakSample {
    seconds: number; // since the start
    answered: number; // calls so far
    residentKiB: number; // of Gatehouse itself, its children left out; the least at rest
    mostKiB: number; // since the sample before
    descriptors: number;
    threads: number;
    left: string; // children, sessions, streams and exchanges that are still there at rest
    http: Load;
    stdio: Load;
    fileBytes: number; // of the database
}

export interface SoakResults {
    seconds: number;
    samples: SoakSample[];
    counts: Counts;
    done: Record<string, number>; // what was done to it, how often
    recorded: Recorded;
    exit: number | string;
}

const SESSION_IDLE = 4; // seconds: at rest silent sessions and unused children end by themselves
const CALL_TIMEOUT = 8; // seconds: how long a call whose client left an HTTP server may still be answered on another stream
const REST_MOST = 20;
const TIDIED = 7; // seconds: every five what was freed is given back (src/base/heap.h); connections kept to servers end, too
const PROBE_SECONDS = 0.7;
const PROBES = 3;
const OURS = 900; // of the runs that ids tell apart (measure.ts): those of SoakClient

/** The same sequence in each run (mulberry32). */
function dice(seed: number): () => number {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

class Soak {
    readonly counts: Counts = { answered: 0, refused: 0, cut: 0, wrong: [] };
    readonly done: Record<string, number> = {};
    readonly samples: SoakSample[] = [];
    private readonly dir = temporary();
    private readonly random = dice(20261121);
    private readonly answered: number[] = [];
    private nextId = FIRST_ID + RUNS_APART * OURS;
    private works = false;
    private began = 0;
    private upstreamPort = 0;
    private upstream!: Program;
    private program!: Program;
    private origin = "";
    private loader!: Loader;
    private extra = false;

    private did(what: string): void {
        this.done[what] = (this.done[what] ?? 0) + 1;
    }

    private readonly between = (least: number, most: number) => least + this.random() * (most - least);
    private readonly pick = <T>(list: T[]): T => list[Math.floor(this.random() * list.length)];
    private readonly url = (server: string) => `${this.origin}/s/${server}/mcp`;

    private writeRegistry(): void {
        const stdio = { command: tool("echo_stdio"), args: [] };
        const mcpServers: Record<string, object> = {
            http: { url: `http://127.0.0.1:${this.upstreamPort}/mcp`, timeout: CALL_TIMEOUT * 1000 },
            stdio,
            isolated: { ...stdio, sessionMode: "isolated" },
            ...(this.extra ? { extra: { ...stdio, env: { EDIT: String(this.done["registry edited by hand"]) } } } : {}),
        };
        const path = join(this.dir, "mcp.json");
        writeFileSync(`${path}.new`, JSON.stringify({ mcpServers }, null, 2), { mode: 0o600 });
        renameSync(`${path}.new`, path);
    }

    private async startUpstream(): Promise<void> {
        this.upstream = new Program("", [tool("echo_http"), "--sessions", "--streams", "--port", String(this.upstreamPort)]);
        await this.upstream.line(/^http:/);
    }

    async start(): Promise<void> {
        this.upstreamPort = await freePort();
        await this.startUpstream();
        this.writeRegistry();
        const port = await freePort();
        this.program = new Program("", [join(build, "gatehouse"), "serve", "--home", this.dir, "--port", String(port)], {
            outside: "echo_stdio",
            env: { GATEHOUSE_SESSION_IDLE: `${SESSION_IDLE}s`, GATEHOUSE_LOG_LEVEL: "error" },
        });
        await this.program.line(/^http:\/\/localhost:\d+/);
        this.origin = `http://127.0.0.1:${port}`;
        this.loader = new Loader({ target: {} as Target, url: "", dir: this.dir, program: this.program }, "");
        this.began = performance.now();
    }

    // What is done to it -------------------------------------------------------------------------------------------

    /** Clients, one after the other, each for some seconds. */
    private async clients(server: string, callsPerSecond: number): Promise<void> {
        while (this.works) {
            const client = new SoakClient(this.url(server), this.counts, () => this.nextId++, (id) => this.answered.push(id));
            const until = performance.now() + this.between(1000, 10_000);
            if (!(await client.open())) {
                await client.leave("delete");
                await pause(200);
                continue;
            }
            if (this.random() < 0.5) client.listen();
            while (this.works && performance.now() < until) {
                if (!(await client.call("x".repeat(Math.floor(this.between(1, this.random() < 0.02 ? 200_000 : 2000)))))) break;
                await pause(this.between(0.5, 1.5) * (1000 / callsPerSecond));
            }
            const how = this.pick(leavings);
            await client.leave(how);
            this.did(`sessions left by ${how}`);
        }
    }

    /** Many idle streams, whose client ends, or is killed. */
    private async streams(): Promise<void> {
        while (this.works) {
            const holder = new Program("", [tool("streams"), "--url", this.url(this.pick(["http", "stdio"])), "--count", "40"]);
            await holder.line(/^(\d+) open, (\d+) failed/, 60).catch(() => {});
            await this.sleep(this.between(1000, 6000));
            if (this.random() < 0.5) holder.child.kill("SIGKILL");
            else holder.child.stdin!.end();
            await holder.ended;
            this.did("40 streams left");
        }
    }

    private async bursts(): Promise<void> {
        while (this.works) {
            await this.sleep(this.between(3000, 8000));
            if (!this.works) return;
            const { calls, errors } = await this.load(this.pick(["http", "stdio"]), 32, 1);
            this.counts.answered += calls;
            this.counts.refused += errors;
            this.did("bursts over 32 connections");
        }
    }

    private async restarts(): Promise<void> {
        const ways = [() => this.killUpstream(), () => this.killChild(), () => this.restartChild()];
        for (let i = 0; this.works; i++) {
            await this.sleep(this.between(2000, 6000));
            if (this.works) await ways[i % ways.length]();
        }
    }

    private async killUpstream(): Promise<void> {
        this.upstream.child.kill(this.random() < 0.5 ? "SIGKILL" : "SIGTERM");
        await this.upstream.ended;
        await pause(this.between(0, 800));
        await this.startUpstream();
        this.did("HTTP server restarted");
    }

    private async killChild(): Promise<void> {
        const counted = new Set(this.program.tree());
        const children = this.program.tree(true).filter((pid) => !counted.has(pid));
        if (children.length === 0) return;
        try {
            process.kill(this.pick(children), "SIGKILL");
            this.did("child killed");
        } catch {
            // it ended by itself
        }
    }

    private async restartChild(): Promise<void> {
        await fetch(`${this.origin}/api/servers/stdio/restart`, { method: "POST", headers: this.bearer() }).then((r) => r.text());
        this.did("child restarted by the API");
    }

    private async edits(): Promise<void> {
        for (let i = 0; this.works; i++) {
            await this.sleep(this.between(1000, 4000));
            if (!this.works) return;
            this.extra = !this.extra;
            if (i % 2 === 0) {
                this.did("registry edited by hand");
                this.writeRegistry();
                continue;
            }
            const add = ["add", "by-command", "--no-try", "--home", this.dir, "--", tool("echo_stdio")];
            for (const args of [add, ["remove", "by-command", "--home", this.dir]]) {
                const child = spawn(join(build, "gatehouse"), args, { stdio: "ignore" });
                await once(child, "exit");
                await pause(300);
            }
            this.did("server added and removed");
        }
    }

    // Work and rest ------------------------------------------------------------------------------------------------

    private async sleep(milliseconds: number): Promise<void> {
        const until = performance.now() + milliseconds;
        while (this.works && performance.now() < until) await pause(50);
    }

    async work(seconds: number): Promise<void> {
        this.works = true;
        const actors = [
            ...Array.from({ length: 4 }, () => this.clients("http", 25)),
            ...Array.from({ length: 4 }, () => this.clients("stdio", 25)),
            ...Array.from({ length: 2 }, () => this.clients("isolated", 5)),
            this.clients("extra", 2), this.streams(), this.bursts(), this.restarts(), this.edits(),
        ];
        await this.sleep(seconds * 1000);
        this.works = false;
        await Promise.all(actors);
    }

    private bearer(): Record<string, string> {
        return { authorization: `Bearer ${readFileSync(join(this.dir, "token"), "utf8").trim()}` };
    }

    /** What lives in it: "2 sessions, 1 children", or "". */
    private async left(): Promise<string> {
        const answer = await fetch(`${this.origin}/api/status`, { headers: this.bearer() });
        const { liveObjects, memory } = (await answer.json()) as { liveObjects: Record<string, number>; memory: { children: number } };
        const all = Object.entries({ ...liveObjects, children: memory.children }).filter(([, count]) => count > 0);
        return all.map(([what, count]) => `${count} ${what}`).join(", ");
    }

    private async load(server: string, connections: number, seconds: number): Promise<Load> {
        Object.assign((this.loader as unknown as { running: { url: string } }).running, { url: this.url(server) });
        return await this.loader.run({ connections, size: 350 }, { seconds });
    }

    /** The quickest of some: what else the machine does only adds. */
    private async probe(server: string): Promise<Load> {
        const all: Load[] = [];
        for (let i = 0; i < PROBES; i++) all.push(await this.load(server, 1, PROBE_SECONDS));
        for (const { calls, errors } of all) {
            this.counts.answered += calls;
            if (errors > 0) this.counts.wrong.push(`${errors} calls failed at rest`);
        }
        return all.sort((a, b) => a.p50_us - b.p50_us)[0];
    }

    private memory(): { kib: number; mostKiB: number; threads: number } {
        const status = readFileSync(`/proc/${this.program.child.pid}/status`, "utf8");
        const number = (name: string) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1] ?? 0);
        return { kib: number("VmRSS"), mostKiB: number("VmHWM"), threads: number("Threads") };
    }

    /** Waits until all has ended, or should have; then measures, first what is there, then how fast it is. */
    async rest(): Promise<SoakSample> {
        const until = performance.now() + REST_MOST * 1000;
        while ((await this.left()) !== "" && performance.now() < until) await pause(250);
        const { mostKiB, threads } = this.memory();
        let kib = Number.POSITIVE_INFINITY;
        for (let i = 0; i < TIDIED * 4; i++) { // what was recorded is on disk then, too
            await pause(250);
            kib = Math.min(kib, this.memory().kib);
        }
        const left = await this.left();
        const descriptors = readdirSync(`/proc/${this.program.child.pid}/fd`).length;
        const http = await this.probe("http");
        const stdio = await this.probe("stdio");
        const sample: SoakSample = {
            seconds: (performance.now() - this.began) / 1000, answered: this.counts.answered, residentKiB: kib, mostKiB, descriptors, threads, left, http, stdio,
            fileBytes: statSync(join(this.dir, "traffic.db")).size,
        };
        writeFileSync(`/proc/${this.program.child.pid}/clear_refs`, "5"); // the most counts anew
        this.samples.push(sample);
        return sample;
    }

    /** Compares what was answered with what is on record, the gateway stopped. */
    async finish(seconds: number): Promise<SoakResults> {
        const exit = await this.program.stop();
        const ids = join(this.dir, "ids-of-clients");
        writeFileSync(ids, this.answered.join("\n"));
        this.loader.ids.push(ids);
        this.loader.answered += this.answered.length;
        const records = { file: "traffic.db", ids: "select jsonrpc_id as id from exchange where method = 'tools/call' and outcome is not null" };
        const recorded = recordedOf({ records } as Target, this.dir, this.loader);
        return { seconds, samples: this.samples, counts: this.counts, done: this.done, recorded, exit };
    }

    async end(): Promise<void> {
        this.works = false;
        await this.program?.stop();
        await this.upstream?.stop();
        remove(this.dir);
    }
}

export async function soak(seconds: number, say: (text: string) => void): Promise<SoakResults> {
    const it = new Soak();
    const turn = Math.min(60, Math.max(10, seconds / 8));
    const until = performance.now() + seconds * 1000;
    try {
        await it.start();
        while (performance.now() < until) {
            await it.work(Math.min(turn, (until - performance.now()) / 1000));
            const s = await it.rest();
            say(`${Math.round(s.seconds)} s: ${s.answered} calls answered, ${s.residentKiB} KiB, at work ${s.mostKiB}, ${s.descriptors} descriptors, ` +
                `p50 ${s.http.p50_us} us over HTTP, ${s.stdio.p50_us} us over stdio${s.left === "" ? "" : `; left: ${s.left}`}`);
        }
        return await it.finish(seconds);
    } finally {
        await it.end();
    }
}
