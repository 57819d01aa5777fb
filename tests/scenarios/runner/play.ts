// Plays one run: opens the servers, puts Gatehouse between if the run wants it, lets all ends speak, then looks at the
// record.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { holds, stillHolds } from './checks.ts';
import { Client } from './client.ts';
import type { Target } from './client.ts';
import { Gatehouse } from './gatehouse.ts';
import type { House } from './gatehouse.ts';
import { HttpWire } from './http-wire.ts';
import { serverOf, serverOfPath } from './plan.ts';
import type { Run, Speaker } from './plan.ts';
import { Server } from './server.ts';
import { Failure, RUN_LIMIT_MS, Stage } from './stage.ts';
import { StdioWire } from './stdio-wire.ts';
import { fill } from './value.ts';

/** All that a run needs. */
type Set = {
    run: Run;
    stage: Stage;
    wires: (HttpWire | StdioWire)[];
    clients: Client[];
    gatehouse?: Gatehouse;
};

/** Throws the Failure of a run that went wrong. */
export async function playRun(run: Run, binary: string, record = true): Promise<void> {
    const home = await mkdtemp(`${tmpdir()}/scenario-`);
    const stage = new Stage();
    const wires = run.speakers.filter((s) => s.side === 'server').map((s) => makeWire(stage, s, home));
    const set: Set = {
        run,
        stage,
        wires,
        clients: [],
        gatehouse: run.direct ? undefined : new Gatehouse(binary, home),
    };
    const checks = record && !run.direct ? run.scenario.checks : [];
    let ending: string | undefined;

    try {
        try {
            await speak(set);
            for (const check of checks) await holds(check, set.gatehouse!);
            for (const wire of wires) wire.server.checkLeftOver(); /* nor did anything come meanwhile */
        } finally {
            for (const wire of wires) wire.server.isOver = true;
            for (const client of set.clients) client.leave();
            ending = await set.gatehouse?.stop();
        }
        if (ending !== undefined) throw new Failure(1, 'exit code 0 after SIGTERM', ending);
        for (const check of checks) await stillHolds(check, set.gatehouse!);
    } catch (error) {
        throw withLastWords(error, ending, set.gatehouse);
    } finally {
        for (const wire of wires) wire.close();
        await rm(home, { recursive: true, force: true });
    }
}

async function speak(set: Set): Promise<void> {
    const { run, stage, wires, gatehouse } = set;
    const tooLong = new Failure(1, `an end within ${RUN_LIMIT_MS / 1000} s`, 'none');
    const limit = setTimeout(() => stage.fail(tooLong), RUN_LIMIT_MS);

    try {
        for (const wire of wires) await wire.open();
        await gatehouse?.start(Object.fromEntries(wires.map(entryOf)), houseOf(run));
        set.clients = run.speakers
            .filter((s) => s.side === 'client')
            .map((s) => new Client(stage, s, targetOf(run, s, wires, gatehouse)));
        await speakAll(stage, [...wires.map((wire) => wire.server), ...set.clients]);
    } finally {
        clearTimeout(limit);
    }
}

/** A failure with how Gatehouse ended, if that was wrong too, and what it said. */
function withLastWords(error: unknown, ending: string | undefined, gatehouse: Gatehouse | undefined): unknown {
    if (!(error instanceof Failure) || gatehouse === undefined) return error;
    const got = ending && error.got !== ending ? `${error.got}; and gatehouse ended by ${ending}` : error.got;
    const failure = new Failure(error.line, error.expected, got);
    failure.said = gatehouse.tail();
    return failure;
}

export async function speakAll(stage: Stage, actors: { play(): Promise<void>; checkLeftOver(): void }[]): Promise<void> {
    const played = await Promise.allSettled(
        actors.map((actor) =>
            actor.play().catch((error) => {
                stage.fail(error);
                throw error;
            }),
        ),
    );
    const first = played.find((each) => each.status === 'rejected');
    if (first)
        await stage.until(
            () => undefined,
            () => first.reason,
        ); /* rejects with the earliest failure */
    for (const actor of actors) actor.checkLeftOver();
}

export function makeWire(stage: Stage, speaker: Speaker, home: string): HttpWire | StdioWire {
    const server = new Server(stage, speaker);
    return speaker.transport === 'http' ? new HttpWire(server) : new StdioWire(server, home);
}

/** What the scenario wants of Gatehouse itself. */
export function houseOf(run: Run): House {
    return (run.scenario.house ? fill(run.scenario.house, new Map()) : {}) as House;
}

export function entryOf(wire: HttpWire | StdioWire): [string, object] {
    const { speaker } = wire.server;
    const options = (speaker.options ? fill(speaker.options, new Map()) : {}) as object;
    const entry =
        wire instanceof HttpWire
            ? { type: 'http', url: `http://127.0.0.1:${wire.port}/mcp` }
            : { type: 'stdio', ...wire.command };
    return [speaker.name, { ...entry, ...options }];
}

export function targetOf(
    run: Run,
    client: Speaker,
    wires: (HttpWire | StdioWire)[],
    gatehouse: Gatehouse | undefined,
): Target {
    const host = '127.0.0.1';
    if (gatehouse) {
        const { token } = houseOf(run);
        const isOurs = serverOfPath(client.path) === undefined;
        const hostHeader = `localhost:${gatehouse.port}`;
        return { host, port: gatehouse.port, hostHeader, path: client.path, token: isOurs ? token : undefined };
    }
    const name = serverOf(run.speakers, client)!.name;
    const { port } = wires.find((wire) => wire.server.speaker.name === name) as HttpWire;
    return { host, port, hostHeader: `127.0.0.1:${port}`, path: '/mcp' };
}
