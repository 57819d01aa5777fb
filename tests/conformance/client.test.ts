// Every scenario for clients of the official suite that is not about authorization, at every revision at which it applies,
// against build-asan/conformance-client. The suite itself counts a scenario as passed in which nothing was checked; here
// it is not (official.ts, judge).

import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { sanitized } from '../e2e/harness.ts';
import { clientScenarios, runClient } from './official.ts';
import { keepPage } from './page.ts';

const client = sanitized('conformance-client');
const columns = ['2025-06-18', '2025-11-25', '2026-07-28', 'extension'];

/** How many scenarios of the pinned suite there are in each: none is to go missing unseen. */
const counts = [2, 5, 8, 4];

/** It measures milliseconds: a busy machine may fail it, not three times. */
const timed = new Set(['sse-retry']);

async function verdictOf(scenario: string, at: string): Promise<string> {
    let verdict = '';

    for (let tries = timed.has(scenario) ? 3 : 1; tries > 0 && verdict !== 'passes'; tries--) verdict = await runClient(client, scenario, at);
    return verdict;
}

function table(results: Map<string, Map<string, string>>): string {
    const row = (cells: string[]) => `| ${cells.join(' | ')} |\n`;
    const passed = (at: string) => [...results.values()].filter((of) => of.get(at) === 'passes').length;

    return (
        row(['scenario', ...columns]) +
        row(['---', ...columns.map(() => '---')]) +
        [...results].map(([name, of]) => row([`\`${name}\``, ...columns.map((at) => (of.get(at) ?? '').replaceAll('\n', ' '))])).join('') +
        row(['**passed**', ...columns.map((at, index) => `**${passed(at)} of ${counts[index]}**`)])
    );
}

test('the client side of the official suite', { timeout: 400000 }, async (t) => {
    const scenarios = [...(await clientScenarios())].filter(([name]) => !name.startsWith('auth/'));
    const results = new Map(scenarios.map(([name]) => [name, new Map<string, string>()]));

    await t.test('it has all its scenarios', () =>
        deepEqual(
            columns.map((at) => scenarios.filter(([, where]) => where.includes(at)).length),
            counts,
        ));
    for (const [name, where] of scenarios)
        for (const at of where)
            await t.test(`${name} at ${at}`, async () => {
                const verdict = await verdictOf(name, at);
                results.get(name)!.set(at, verdict);
                equal(verdict, 'passes');
            });
    await t.test('the page says what came of it', () => keepPage('client', table(results)));
});
