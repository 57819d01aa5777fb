// Which runs a scenario makes: every combination of what its lists name, directly and through Gatehouse.

import { MODERN } from './scenario.ts';
import type { End, Scenario, Transport } from './scenario.ts';

/** An end as it speaks in one run. */
export type Speaker = End & { revision: string; transport: Transport };

export type Run = {
    scenario: Scenario;
    direct: boolean;
    speakers: Speaker[];
};

export type Plan = { runs: Run[]; leftOut: number };

/** The name of the server that a path leads to; undefined for a path that is no server's. */
export function serverOfPath(path: string): string | undefined {
    return /^\/(?:s|servers)\/([^/]+)\/mcp$/.exec(path)?.[1];
}

export function isModern(revision: string): boolean {
    return revision >= MODERN;
}

/** Until Gatehouse bridges them, two ends meet only in one revision, and no client speaks stdio to it. */
export function planRuns(scenario: Scenario): Plan {
    const all = combine(scenario.ends.map(waysToSpeak));
    const possible = all.filter((speakers) => speakers.every((s) => s.side === 'server' || s.transport === 'http'));
    const meeting = possible.filter(allMeet);
    const played = meeting.length > 0 ? meeting : possible;
    const runs: Run[] = [];

    for (const speakers of played) {
        if (canBeDirect(scenario, speakers)) runs.push({ scenario, direct: true, speakers });
        runs.push({ scenario, direct: false, speakers });
    }
    return { runs, leftOut: all.filter(couldMeet).length - played.length };
}

export function nameOfRun(run: Run): string {
    const speakers = run.speakers.map((s) => `${s.name} ${s.revision} ${s.transport}`).join(', ');
    return `${run.direct ? 'direct' : 'through Gatehouse'}; ${speakers}`;
}

function waysToSpeak(end: End): Speaker[] {
    return end.revisions.flatMap((revision) => end.transports.map((transport) => ({ ...end, revision, transport })));
}

function combine(choices: Speaker[][]): Speaker[][] {
    return choices.reduce<Speaker[][]>((all, ways) => all.flatMap((some) => ways.map((way) => [...some, way])), [[]]);
}

function allMeet(speakers: Speaker[]): boolean {
    return speakers.every((client) => {
        const server = serverOf(speakers, client);
        return server === undefined || (server.revision === client.revision && mayBeSpoken(server));
    });
}

/** Once Gatehouse bridges eras and has a stdio front; two legacy revisions never meet. */
function couldMeet(speakers: Speaker[]): boolean {
    return speakers.every((client) => {
        const server = serverOf(speakers, client);
        return (
            server === undefined ||
            server.revision === client.revision ||
            isModern(server.revision) !== isModern(client.revision)
        );
    });
}

/** What is modern and a child needs the bridge. */
function mayBeSpoken(server: Speaker): boolean {
    return !(server.transport === 'stdio' && isModern(server.revision));
}

function canBeDirect(scenario: Scenario, speakers: Speaker[]): boolean {
    if (scenario.onlyThroughGatehouse) return false;
    return speakers.every((client) => {
        if (client.side === 'server') return true;
        const server = serverOf(speakers, client);
        return server !== undefined && server.transport === client.transport && server.revision === client.revision;
    });
}

export function serverOf(speakers: Speaker[], client: Speaker): Speaker | undefined {
    if (client.side !== 'client') return undefined;
    return speakers.find((s) => s.side === 'server' && s.name === serverOfPath(client.path));
}
