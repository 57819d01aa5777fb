// Every scenario for servers of the official suite, at every revision it knows, against build/conformance-server: by
// itself, behind Gatehouse over HTTP and as a child, and bridged: a server that speaks only the other era. It has no tasks of 2025-11-25:
// a server on SDK 1 has the same tools for these.

import { equal } from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { built, house, root, run, until } from '../e2e/harness.ts';
import { revisions, runSuite, scenarios } from './official.ts';
import type { Revision } from './official.ts';
import { keepPage } from './page.ts';

const AT_ONCE = 4;
const server = built('conformance-server');

/** How many scenarios of the pinned suite there are: none is to go missing unseen. */
const counts: Record<Revision, number> = { '2025-03-26': 1, '2025-06-18': 27, '2025-11-25': 33, '2026-07-28': 50 };

/** Its whole body is one SKIPPED in this version of the suite, whatever the server does. */
const neverRuns = 'tasks-status-notifications';

/** What of 2026-07-28 no legacy server has a word for, and why. */
const withoutWord: Record<string, string> = {
    'input-required-result-basic-elicitation': 'it compares the key of a question, and legacy questions have none',
    'input-required-result-ignore-extra-params': 'it answers a question under a key, before it was asked',
    'tasks-required-task-error': 'for who follows no tasks Gatehouse does, so none is refused',
};
function withoutWordFor(place: Place, scenario: string): string | undefined {
    if (!place.isBridged || !place.revisions.includes('2026-07-28')) return undefined;
    return Object.entries(withoutWord).find(([begin]) => scenario.startsWith(begin))?.[1];
}

type Place = { name: string; url: string; revisions: readonly Revision[]; isBridged?: true; tasksUrl?: string };

/** A legacy server sends all its questions at once, and also those that its client did not say it can answer. */
const ofEra = { legacy: ['--era', 'legacy', '--asks-anyway'], modern: ['--era', 'modern'] };

async function serve(t: TestContext, ...args: string[]): Promise<string> {
    return await spoken(t, server, args);
}

async function spoken(t: TestContext, command: string, args: string[]): Promise<string> {
    const program = run(t, command, args);
    return await until(`the URL of ${command}`, 20000, () => /http:\S+/.exec(program.stdout)?.[0]);
}

async function places(t: TestContext): Promise<Place[]> {
    const [url, legacyUrl, modernUrl] = await Promise.all([serve(t), serve(t, ...ofEra.legacy), serve(t, ...ofEra.modern)]);
    const child = (...args: string[]) => ({ command: server, args: ['--stdio', ...args] });
    const tasksServer = (over: string) => ({ command: process.execPath, args: ['--disable-warning=ExperimentalWarning', join(root, 'tests/e2e/servers/tasks-v1.ts'), over] });
    const { command, args } = tasksServer('http');
    const gatehouse = await house(t, {
        ...{ http: { url }, stdio: child() },
        ...{ 'legacy-http': { url: legacyUrl }, 'legacy-stdio': child(...ofEra.legacy) },
        ...{ 'tasks-http': { url: await spoken(t, command, args) }, 'tasks-stdio': tasksServer('stdio') },
        ...{ 'modern-http': { url: modernUrl }, 'modern-stdio': child(...ofEra.modern) },
    });
    const eras = { modern: revisions.filter((each) => each < '2026'), legacy: revisions.filter((each) => each > '2026') }; // of the server: of its clients
    const bridged = (['modern', 'legacy'] as const).flatMap((era) =>
        ['HTTP', 'stdio'].map((over) => ({
            ...{ name: `bridged, ${over}`, isBridged: true as const, revisions: eras[era] },
            url: gatehouse.url(`${era}-${over.toLowerCase()}`),
            ...(era === 'legacy' && { tasksUrl: gatehouse.url(`tasks-${over.toLowerCase()}`) }),
        })),
    );

    return [
        { name: 'by itself', url, revisions },
        { name: 'through Gatehouse, HTTP', url: gatehouse.url('http'), revisions },
        { name: 'through Gatehouse, stdio', url: gatehouse.url('stdio'), revisions },
        ...bridged,
    ];
}

type Run = { place: Place; revision: Revision; verdicts: Promise<Map<string, string>> };

/**
 * All runs, so many places at a time, each at one revision after the other: what a child asks while several of its
 * sessions call is refused, for nothing says whose it is. The server over HTTP is that of two places: it speaks several
 * revisions at once.
 */
function runs(all: Place[]): Run[] {
    const busy: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());

    return all.flatMap((place, at) =>
        place.revisions.map((revision) => {
            const verdicts = busy[at % AT_ONCE]!.then(() => runSuite(place.url, revision, place.tasksUrl === undefined ? undefined : { begin: 'tasks-', url: place.tasksUrl }));
            busy[at % AT_ONCE] = verdicts.catch(() => {}); // said by whoever awaits it
            return { place, revision, verdicts };
        }),
    );
}

type Results = Map<Revision, Map<string, Map<string, string>>>; // revision -> place -> scenario -> verdict

function table(revision: Revision, of: Map<string, Map<string, string>>): string {
    const places = [...of.keys()];
    const names = [...of.values()][0]!.keys();
    const passed = (place: string) => [...of.get(place)!.values()].filter((each) => each === 'passes').length;
    const row = (cells: string[]) => `| ${cells.join(' | ')} |\n`;

    return (
        `### ${revision}\n\n` +
        row(['scenario', ...places]) +
        row(['---', ...places.map(() => '---')]) +
        [...names].map((name) => row([`\`${name}\``, ...places.map((place) => of.get(place)!.get(name)!.replaceAll('\n', ' '))])).join('') +
        row(['**passed**', ...places.map((place) => `**${passed(place)} of ${counts[revision]}**`)])
    );
}

test('the official suite', { timeout: 1200000 }, async (t) => {
    const results: Results = new Map();

    for (const revision of revisions)
        await t.test(`${revision} has all its scenarios`, async () => equal((await scenarios(revision)).length, counts[revision]));
    for (const { place, revision, verdicts } of runs(await places(t)))
        await t.test(`${revision} ${place.name}`, async (t) => {
            const of = results.get(revision) ?? new Map();
            results.set(revision, of.set(place.name, await verdicts));
            for (const [scenario, verdict] of await verdicts) {
                const why = withoutWordFor(place, scenario);
                if (why === undefined || scenario === neverRuns) await t.test(scenario, () => equal(verdict, scenario === neverRuns ? 'skipped' : 'passes'));
                else if (verdict !== 'passes') (await verdicts).set(scenario, why); // the page shows those that become possible
            }
        });
    await t.test('the page says what came of it', () => keepPage('suite', [...results].map(([revision, of]) => table(revision, of)).join('\n')));
});
