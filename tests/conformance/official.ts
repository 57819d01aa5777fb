// The official suite, @modelcontextprotocol/conformance: what it has to ask of a server and of a client, and what came of it.

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, packages } from '../e2e/harness.ts';

const program = join(packages, '@modelcontextprotocol/conformance/dist/index.js');
const RUN_LIMIT_MS = 400000; // the suite itself gives each scenario 30 s

export const revisions = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof revisions)[number];

/** Revisions that have a list of what they require; of others all that applies is run. */
const listed: Revision[] = ['2025-11-25', '2026-07-28'];

const which = (revision: Revision) => (listed.includes(revision) ? ['--requirements', revision] : ['--spec-version', revision]);

/** The scenarios for servers at a revision, those without score too, in the suite's order. */
export async function scenarios(revision: Revision): Promise<string[]> {
    const { stdout } = await finish(process.execPath, [program, 'list', '--server', ...which(revision)]);
    const [, scored = ''] = stdout.split(/^Server scenarios.*$/m);
    const own = scored.split(/^Client scenarios.*$/m)[0]!.matchAll(/^  - (\S+)/gm);
    const others = stdout.matchAll(/^    - (\S+) \[server\]$/gm);

    return [...own, ...others].map(([, name]) => name!);
}

type Check = { id: string; status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'; errorMessage?: string };

/** A scenario passes when it ran to its end, has no failure, no warning, and at least one success. */
export function judge(checks: Check[] | undefined): string {
    if (checks === undefined) return 'did not end';
    const wrong = checks.filter((each) => each.status === 'FAILURE' || each.status === 'WARNING');
    if (wrong.length > 0) return wrong.map((each) => `${each.status} ${each.id}: ${each.errorMessage ?? ''}`).join('\n');
    if (checks.some((each) => each.status === 'SUCCESS')) return 'passes';
    return checks.some((each) => each.status === 'SKIPPED') ? 'skipped' : 'nothing was checked';
}

function checksOf(folder: string, run: string): Check[] | undefined {
    const runs = readdirSync(folder).filter((entry) => entry.startsWith(`${run}-20`)); // then the time of the run
    if (runs.length === 0) return undefined;
    return JSON.parse(readFileSync(join(folder, runs[0]!, 'checks.json'), 'utf8'));
}

/** Runs all scenarios of a revision, one after the other, against one server; but those that begin so against another. Resolves to what came of each. */
export async function runSuite(url: string, revision: Revision, other?: { begin: string; url: string }): Promise<Map<string, string>> {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));

    try {
        const all = listed.includes(revision) ? [] : ['--suite', 'all'];
        const names = await scenarios(revision);
        await finish(process.execPath, [program, 'server', '--url', url, ...all, ...which(revision), '-o', folder], RUN_LIMIT_MS);
        for (const name of names.filter((each) => other !== undefined && each.startsWith(other.begin))) {
            for (const old of readdirSync(folder).filter((entry) => entry.startsWith(`server-${name}-20`))) rmSync(join(folder, old), { recursive: true });
            await finish(process.execPath, [program, 'server', '--url', other!.url, '--scenario', name, '--spec-version', revision, '--force', '-o', folder]);
        }
        return new Map(names.map((name) => [name, judge(checksOf(folder, `server-${name}`))]));
    } finally {
        rmSync(folder, { recursive: true });
    }
}

/** The scenarios for clients, each with the revisions at which it applies; those of extensions have `extension`. */
export async function clientScenarios(): Promise<Map<string, string[]>> {
    const { stdout } = await finish(process.execPath, [program, 'list', '--client']);

    return new Map([...stdout.matchAll(/^  - (\S+) \[(.*)\]$/gm)].map(([, name, at]) => [name!, at!.split(',')]));
}

/** Runs one scenario against a client, which has to end by itself with 0. */
export async function runClient(command: string, scenario: string, at: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));
    const which = at === 'extension' ? [] : ['--spec-version', at];

    try {
        const args = [program, 'client', '--command', command, '--scenario', scenario, ...which, '-o', folder];
        const { stdout, stderr } = await finish(process.execPath, args);
        const wrong = /^Client (exited with code|timed out)[^]*/m.exec(stdout + stderr);
        return wrong === null ? judge(checksOf(folder, scenario)) : wrong[0];
    } finally {
        rmSync(folder, { recursive: true });
    }
}
