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

/** What Gatehouse has not yet: a run that needs it is left out. */
export type Lack = 'a stdio front';

export type Plan = { runs: Run[]; leftOut: Lack[] };

/** The name of the server that a path leads to; undefined for a path that is no server's. */
export function serverOfPath(path: string): string | undefined {
    return /^\/(?:s|servers)\/([^/]+)\/mcp$/.exec(path)?.[1];
}

export function isModern(revision: string): boolean {
    return revision >= MODERN;
}

/** Whether what is sent over HTTP says MCP-Protocol-Version. */
export function saysVersion(revision: string | undefined): boolean {
    return revision !== undefined && revision >= '2025-06-18';
}

/** Two ends of one era meet in one revision, two of two eras in any. No client speaks stdio to Gatehouse yet. */
export function planRuns(scenario: Scenario): Plan {
    const all = combine(scenario.ends.map(waysToSpeak));
    const meeting = all.filter((speakers) => canMeet(scenario, speakers));
    const ready = meeting.filter((speakers) => lackOf(speakers) === undefined);
    const possible = all.filter((speakers) => speakers.every((s) => s.side === 'server' || s.transport === 'http'));
    const played = ready.length > 0 ? ready : possible; /* what nobody can meet is meant so */
    const leftOut = meeting.filter((speakers) => !played.includes(speakers)).map((speakers) => lackOf(speakers)!);
    const runs: Run[] = [];

    for (const speakers of played) {
        if (canBeDirect(scenario, speakers)) runs.push({ scenario, direct: true, speakers });
        runs.push({ scenario, direct: false, speakers });
    }
    return { runs, leftOut };
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

/** Two legacy revisions never meet. */
function canMeet(scenario: Scenario, speakers: Speaker[]): boolean {
    return speakers.every((client) => {
        const server = serverOf(speakers, client);
        if (server === undefined || server.revision === client.revision) return true;
        return !scenario.withinOneEra && !isOfOneEra(server, client);
    });
}

function lackOf(speakers: Speaker[]): Lack | undefined {
    return speakers.some((s) => s.side === 'client' && s.transport === 'stdio') ? 'a stdio front' : undefined;
}

function isOfOneEra(one: Speaker, other: Speaker): boolean {
    return isModern(one.revision) === isModern(other.revision);
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
