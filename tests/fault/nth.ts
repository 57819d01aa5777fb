// Plays scenarios again with the n-th allocation, read or write failing: the outcome is as written, or an honest error.
//
// tests/fault/nth [--all] [--points N] [--runs N] [--class NAME,...] [--n N,...] [--at-once N]
//                 [--gatehouse PATH] [--verbose] [PATTERN...]
//
//   --all      every n up to the end of the path, of every run of the scenarios whose path holds a pattern
//   --points   so many n of each run and class, spread over its path (default 6)
//   --at-once  so many runs side by side (default 2): most of their time they wait
//   --runs     so many of the runs, spread over all (default: one of each scenario and transport)
//
// Of each run one Gatehouse is kept: a scenario is played with the n-th call failing, then again undisturbed, and must
// pass. In the end nothing may be held that was not held before, and AddressSanitizer must have nothing to say.

import { mkdtemp, rm } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { holds } from '../scenarios/runner/checks.ts';
import { Client } from '../scenarios/runner/client.ts';
import type { House } from '../scenarios/runner/gatehouse.ts';
import { nameOfRun, planRuns, serverOfPath } from '../scenarios/runner/plan.ts';
import type { Run } from '../scenarios/runner/plan.ts';
import { entryOf, houseOf, makeWire, speakAll, targetOf } from '../scenarios/runner/play.ts';
import { readScenario } from '../scenarios/runner/scenario.ts';
import { Failure, PATIENCE_MS, Stage } from '../scenarios/runner/stage.ts';
import { isWithin, NthHouse } from './nth-house.ts';
import type { Holdings } from './nth-house.ts';
import type { CallClass } from './shim.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ANSWER_WITHIN_MS = 10000; // after a fault, with the upstreams gone, every request has an end
const BYTEWISE_PATIENCE_MS = 60000; // a large message takes long when its bytes come one by one
const N_MOST = 2000; // a path that does not end is a finding
const MAY_REPEAT = ['ping', 'GET']; // on a fresh connection, when no byte of the answer came: see http/client.h
const LOOKED_FOR_AGAIN = /: < on ear notifications\/tasks |"method":"tasks\/get"/; // news of a task: a script has no second answer
const CALLED_PLAINLY = /: < tools\/list; got: .*"method":"tools\/call"/; // what is not known to want a task: the server says so
const CANCELLED_IN_OUR_WORDS = '"reason":"was told to stop"'; // the server heard of it; for the client's reason there was no memory
const UNHEARD = /it was dropped, there was no memory to pass it on|no news will be told|is not asked for all/; // calls themselves go on
const ONLY_DELAYED: CallClass[] = ['short', 'interrupt']; // nothing failed: the outcome is as written

export type Options = {
    gatehouse: string;
    classes: CallClass[];
    points: number; // 0: all
    runs: number; // 0: all
    atOnce: number; // runs side by side: most of their time they wait
    only: number[]; // these n and no others
    patterns: string[];
    verbose: boolean;
};

export type Tally = { points: number; runs: number; told: number; findings: string[] };

/** Plays all that the options ask for. */
export async function playAll(options: Options): Promise<Tally> {
    const tally: Tally = { points: 0, runs: 0, told: 0, findings: [] };
    const runs = chooseRuns(options);

    await Promise.all(
        Array.from({ length: options.atOnce }, async () => {
            for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
                tally.runs++;
                await new Trial(run, options, tally).run();
            }
        }),
    );
    return tally;
}

function chooseRuns(options: Options): Run[] {
    const all = globSync(`${ROOT}/tests/scenarios/*/*.scn`)
        .sort()
        .map((file) => ({ ...readScenario(file), file: relative(ROOT, file) }))
        .filter(({ file }) => options.patterns.length === 0 || options.patterns.some((pattern) => file.includes(pattern)))
        .flatMap((scenario) => planRuns(scenario).runs.filter((run) => !run.direct));
    if (options.points === 0) return all;

    const seen = new Set<string>();
    const one = all.filter((run) => {
        const key = `${run.scenario.file} ${run.speakers.map((speaker) => speaker.transport).join(' ')}`;
        return !seen.has(key) && seen.add(key);
    });
    return spread(one.length, options.runs).map((i) => one[i - 1]!);
}

/** `some` of the numbers from 1 to `last`, evenly; 0 is all. */
function spread(last: number, some: number): number[] {
    if (some === 0 || last <= some) return Array.from({ length: last }, (_, i) => i + 1);
    return Array.from({ length: some }, (_, i) => 1 + Math.round((i * (last - 1)) / Math.max(1, some - 1)));
}

type Played = { failure?: Failure; told: boolean; unanswered: string[]; repeats: string[]; wasLeft: boolean };

/** One run of a scenario, with one Gatehouse, or another after a finding. */
class Trial {
    #run: Run;
    #options: Options;
    #tally: Tally;
    #house?: NthHouse;
    #before?: Holdings;
    #usual: string[] = []; // what comes twice in an undisturbed run: to a server that several callers open
    #point = 'the beginning';

    constructor(run: Run, options: Options, tally: Tally) {
        this.#run = run;
        this.#options = options;
        this.#tally = tally;
    }

    async run(): Promise<void> {
        const began = performance.now();
        try {
            for (const of of this.#options.classes) await this.#playClass(of);
        } catch (error) {
            this.#find(String((error as Error)?.stack ?? error));
        }
        await this.#close();
        if (this.#options.verbose) this.#say(`${((performance.now() - began) / 1000).toFixed(1)} s`);
    }

    async #playClass(of: CallClass): Promise<void> {
        const length = await this.#lengthOf(of);
        const { only, points } = this.#options;
        let last = length;

        if (this.#options.verbose) this.#say(`${of}: ${length} calls`);
        if (of === 'short') return this.#playPoint(of, 1, Number.MAX_SAFE_INTEGER).then(() => undefined);
        const chosen = only.length > 0 ? only : spread(length, points);
        for (const n of chosen) if (await this.#playPoint(of, n)) last = n;
        /* What is longer this time is played, too. */
        for (let n = last + 1; points === 0 && only.length === 0 && n < N_MOST; n++)
            if (!(await this.#playPoint(of, n))) return;
    }

    async #lengthOf(of: CallClass): Promise<number> {
        const house = await this.#open();
        await this.#play(house, () => house.shim.arm(of, 0));
        await restOf(of);
        return house.shim.disarm().seen;
    }

    /** Whether there was such a call. */
    async #playPoint(of: CallClass, n: number, span = 1): Promise<boolean> {
        const house = await this.#open();
        this.#point = `${of} ${n}`;
        try {
            const patience = of === 'short' ? BYTEWISE_PATIENCE_MS : PATIENCE_MS;
            const played = await this.#play(house, () => house.shim.arm(of, n, span), patience);
            await restOf(of);
            const { failed } = house.shim.disarm();

            if (failed === 0 && played.failure === undefined) return false;
            this.#tally.points++;
            this.#judge(of, played);
            await this.#passesAgain(house);
            return failed > 0;
        } catch (error) {
            house.shim.disarm();
            this.#find(String((error as Error)?.message ?? error));
            await this.#close();
            return true;
        }
    }

    #judge(of: CallClass, { failure, told, unanswered, repeats, wasLeft }: Played): void {
        const house = this.#house!;
        if (house.gatehouse.isGone) throw new Error('the process died');
        if (failure !== undefined) this.#tally.told++;
        const again = without(repeats, this.#usual);
        const what = failure && `line ${failure.line}: ${failure.message}`;
        if (unanswered.length > 0) this.#find(`no end of an answer: ${unanswered.join('; ')}; ${what}`);
        else if (again.some((method) => !MAY_REPEAT.includes(method))) this.#find(`came twice: ${again}; ${what}`);
        else if (failure !== undefined && !told && !wasLeft && again.length === 0) this.#find(`nobody was told: ${what}`);
        else if (failure !== undefined && ONLY_DELAYED.includes(of)) this.#find(`not as written: ${what}`);
        else if (failure !== undefined && this.#options.verbose) this.#say(`${this.#point}: ${what} [${house.shim.caller(house.binary)}]`);
    }

    async #passesAgain(house: NthHouse): Promise<void> {
        const again = await this.#play(house, () => {});
        if (again.failure) throw new Error(`not again afterwards: line ${again.failure.line}: ${again.failure.message}`);
    }

    /** Plays the run once; `arm` is called when all is set up. */
    async #play(house: NthHouse, arm: () => void, patience = PATIENCE_MS): Promise<Played> {
        const run = this.#run;
        const stage = new Stage(patience);
        const wires = run.speakers.filter((s) => s.side === 'server').map((s) => makeWire(stage, s, house.nextDirectory()));
        let clients: Client[] = [];
        let failure: Failure | undefined;
        const said = house.gatehouse.said.length;

        try {
            for (const wire of wires) await wire.open();
            await house.register(Object.fromEntries(wires.map(entryOf)));
            clients = run.speakers
                .filter((s) => s.side === 'client')
                .map((s) => new Client(stage, s, targetOf(run, s, wires, house.gatehouse)));
            arm();
            await speakAll(stage, [...wires.map((wire) => wire.server), ...clients]).catch((error) => {
                if (!(error instanceof Failure)) throw error;
                failure = error;
            });
            if (failure !== undefined) await sleep(100); /* what is on its way arrives */
            const servers = wires.map((wire) => wire.server);
            const repeats = servers.flatMap((server) => server.repeats);
            const wasLeft = servers.some((server) => server.wasLeft);
            let told = clients.some((client) => client.outcomes().some((outcome) => outcome.isError));
            for (const wire of wires) wire.server.isOver = true;
            for (const wire of wires) wire.close();
            const unanswered = failure === undefined || isOwed(failure) ? [] : await awaitEnds(clients, isBridged(run));
            told ||= clients.some((client) => client.outcomes().some((outcome) => outcome.text.includes('"reason":"busy"')));
            told ||= clients.some((client) => client.outcomes().some((outcome) => outcome.text.includes('"isError":true'))); /* the model was */
            told ||= servers.some((server) => server.wasRefused); /* the server was */
            told ||= failure !== undefined && failure.message.includes(CANCELLED_IN_OUR_WORDS);
            told ||= failure !== undefined && [LOOKED_FOR_AGAIN, CALLED_PLAINLY].some((words) => words.test(failure!.message));
            told ||= UNHEARD.test(house.gatehouse.said.slice(said)); /* the operator was */
            return { failure, told, unanswered, repeats, wasLeft };
        } finally {
            for (const wire of wires) wire.server.isOver = true;
            for (const client of clients) client.leave();
            for (const wire of wires) wire.close();
        }
    }

    /** A Gatehouse that has played the scenario twice: what is kept for ever is there. */
    async #open(): Promise<NthHouse> {
        if (this.#house !== undefined && !this.#house.gatehouse.isGone) return this.#house;
        if (this.#house !== undefined) await this.#close();
        const house = new NthHouse(this.#options.gatehouse, await mkdtemp(`${tmpdir()}/nth-`));

        this.#house = house;
        await house.start(houseFor(this.#run), this.#run.speakers.some((speaker) => speaker.side === 'client' && serverOfPath(speaker.path) === 'snapshots'));
        for (let i = 0; i < 2; i++) {
            const { failure, repeats } = await this.#play(house, () => {});
            this.#usual = repeats;
            if (failure) throw new Error(`undisturbed: line ${failure.line}: ${failure.message}`);
        }
        await house.settle();
        this.#before = await house.rest();
        return house;
    }

    /** Ends it, and looks at what it leaves behind. */
    async #close(): Promise<void> {
        const house = this.#house;
        if (house === undefined) return;
        const died = house.gatehouse.isGone;
        this.#house = undefined;
        try {
            if (!died) await this.#checkRecord(house);
            const after = died || !this.#before ? undefined : await house.rest(this.#before);
            if (after && !isWithin(after, this.#before!))
                this.#find(`holds ${JSON.stringify(after)} and not ${JSON.stringify(this.#before)}`);
        } catch (error) {
            this.#find(`at the end: ${String(error)}`);
        }
        const caller = died ? house.shim.caller(house.binary) : '';
        const ending = await house.stop();
        if (ending !== undefined) this.#find(`ended by ${ending.split(';')[0]}; ${caller}: ${wordsOf(house.gatehouse.said)}`);
        await rm(house.home, { recursive: true, force: true });
    }

    /** The record of a run after all the others. */
    async #checkRecord(house: NthHouse): Promise<void> {
        await sleep(50); /* what ended before has an earlier id */
        house.gatehouse.since = String((BigInt(Date.now()) * 1000n) << 10n); // decision 004: an id is its time and a slot
        const { failure } = await this.#play(house, () => {});
        if (failure) throw failure;
        for (const check of this.#run.scenario.checks) await holds(check, house.gatehouse);
    }

    #find(what: string): void {
        const house = this.#house;
        const from = house && !house.gatehouse.isGone && this.#point !== 'the beginning' ? ` [${house.shim.caller(house.binary)}]` : '';
        this.#tally.findings.push(this.#point);
        this.#say(`${this.#point}: ${what}${from}`);
    }

    #say(text: string): void {
        console.log(`${this.#run.scenario.file} (${nameOfRun(this.#run).replace('through Gatehouse; ', '')}): ${text.replaceAll('\n', '\\n')}`);
    }
}

/** What the run wants of Gatehouse. Sessions with Gatehouse itself go with no entry: they end when they are silent. */
function houseFor(run: Run): House {
    const house = houseOf(run);
    const isAsked = run.speakers.some((speaker) => speaker.side === 'client' && serverOfPath(speaker.path) === undefined);
    return isAsked ? { ...house, settings: { 'session.idle': '5s', ...house.settings } } : house;
}

/** `all` but one of each of `some`. */
function without(all: string[], some: string[]): string[] {
    const left = [...all];
    for (const one of some) if (left.includes(one)) left.splice(left.indexOf(one), 1);
    return left;
}

/** The client's own answer to a question was refused, or cut off, and it knows: it gives no other, for which its call waits. */
const isOwed = ({ message }: Failure) => /^expected: > .*; got: (HTTP [45]|no HTTP answer)/s.test(message);

/** What other threads do of a run comes after it: the store writes behind the calls. */
async function restOf(of: CallClass): Promise<void> {
    if (of === 'alloc-aside') await sleep(200);
}

/** A client and a server are of two eras. */
const isBridged = ({ speakers }: Run) => new Set(speakers.map(({ revision }) => revision >= '2026')).size > 1;

/** Requests that still have no end; a stream that a client listens to may stay, as long as who speaks is there: over the bridge that is Gatehouse. */
async function awaitEnds(clients: Client[], isBridged: boolean): Promise<string[]> {
    const giveUpAt = performance.now() + ANSWER_WITHIN_MS;
    const open = () =>
        clients.flatMap((client) => client.outcomes()).filter((outcome) => !outcome.stays && !(outcome.listens && isBridged) && outcome.ended === undefined);

    while (open().length > 0 && performance.now() < giveUpAt) await sleep(10);
    return open().map((outcome) => outcome.text);
}

/** Of all that a Gatehouse said what a sanitizer did, with the frames that are ours; or the last of it. */
function wordsOf(said: string): string {
    const lines = said.split('\n');
    const first = lines.findIndex((line) => /ERROR: |runtime error:|[Aa]ssert/.test(line));
    if (first < 0) return lines.slice(-6).join(' | ');
    return lines
        .slice(first, first + 60)
        .filter((line) => !/shim\.c|^\s*$|libsanitizer|\(BuildId/.test(line))
        .slice(0, 24)
        .map((line) => line.trim().replace(/ 0x[0-9a-f]+ in/, '').replace(/\/\S*\/src\//, 'src/'))
        .join(' | ');
}

function sayUsage(): never {
    console.log('usage: tests/fault/nth [--all] [--points N] [--runs N] [--class NAME,...] [--n N,...] [--at-once N] [--gatehouse PATH] [--verbose] [PATTERN...]');
    process.exit(2);
}

async function main(): Promise<number> {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            all: { type: 'boolean', default: false },
            points: { type: 'string', default: '6' },
            runs: { type: 'string', default: '0' },
            class: { type: 'string', default: 'alloc,read,write,descriptor,short,interrupt' },
            n: { type: 'string', default: '' },
            'at-once': { type: 'string', default: '2' },
            gatehouse: { type: 'string', default: `${ROOT}/build-asan/gatehouse` },
            verbose: { type: 'boolean', default: false },
        },
    });
    const began = performance.now();
    const tally = await playAll({
        gatehouse: resolve(values.gatehouse),
        classes: values.class.split(',') as CallClass[],
        points: values.all ? 0 : Number(values.points),
        runs: Number(values.runs),
        only: values.n === '' ? [] : values.n.split(',').map(Number),
        atOnce: Number(values['at-once']),
        patterns: positionals,
        verbose: values.verbose,
    }).catch((error) => (console.log(String(error)), sayUsage()));
    console.log(`${tally.points} faults in ${tally.runs} runs of scenarios, ${tally.told} told to the client, the others unnoticed; ${((performance.now() - began) / 1000).toFixed(0)} s`);
    console.log(`${tally.points - tally.findings.length} passed, ${tally.findings.length} failed`);
    return tally.findings.length > 0 || tally.points === 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) process.exit(await main());
