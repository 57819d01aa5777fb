// tests/scenarios/run [--gatehouse PATH] [--direct-only] [--no-record] [--verbose] [--self-test] [PATTERN...]
//
// Plays the scenarios whose path holds one of the patterns; --no-record leaves out the lines that begin with `then`.
// Exit code 1 when a run failed or a file can't be understood.

import { globSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nameOfRun, planRuns } from './plan.ts';
import type { Lack, Run } from './plan.ts';
import { playRun } from './play.ts';
import { readScenario } from './scenario.ts';
import { Failure } from './stage.ts';
import { ScenarioError } from './value.ts';

const AT_ONCE = 4; // most of a run is waiting
const SCENARIOS = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const { values: options, positionals: patterns } = parseArgs({
    allowPositionals: true,
    options: {
        'gatehouse': { type: 'string', default: `${ROOT}build/gatehouse` },
        'direct-only': { type: 'boolean', default: false },
        'no-record': { type: 'boolean', default: false },
        'verbose': { type: 'boolean', default: false },
    },
});

type Tally = { passed: number; failed: number; leftOut: Map<Lack, number>; scenarios: number };

async function main(): Promise<number> {
    const began = performance.now();
    const tally: Tally = { passed: 0, failed: 0, leftOut: new Map(), scenarios: 0 };
    const runs = collectRuns(tally);

    await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
            for (let run = runs.shift(); run !== undefined; run = runs.shift()) await playAndTell(run, tally);
        }),
    );
    const took = ((performance.now() - began) / 1000).toFixed(1);
    const lacks = [...tally.leftOut].map(([lack, count]) => `${count} for want of ${lack}`);
    console.log(`${tally.scenarios} scenarios in ${took} s${lacks.length > 0 ? `; left out ${lacks.join(', ')}` : ''}`);
    console.log(`${tally.passed} passed, ${tally.failed} failed`);
    return tally.failed > 0 || tally.passed === 0 ? 1 : 0;
}

function collectRuns(tally: Tally): Run[] {
    const runs: Run[] = [];

    for (const file of globSync(`${SCENARIOS}*/*.scn`).sort()) {
        const name = relative(ROOT, file);
        if (patterns.length > 0 && !patterns.some((pattern) => name.includes(pattern))) continue;
        try {
            const plan = planRuns({ ...readScenario(file), file: name });
            tally.scenarios++;
            for (const lack of plan.leftOut) tally.leftOut.set(lack, (tally.leftOut.get(lack) ?? 0) + 1);
            runs.push(...plan.runs.filter((run) => run.direct || !options['direct-only']));
        } catch (error) {
            if (!(error instanceof ScenarioError)) throw error;
            tally.failed++;
            console.log(`${name}:${error.line}: ${error.message}`);
        }
    }
    return runs;
}

async function playAndTell(run: Run, tally: Tally): Promise<void> {
    const began = performance.now();
    try {
        await playRun(run, resolve(options.gatehouse), !options['no-record']);
        tally.passed++;
        if (options.verbose)
            console.log(`ok ${run.scenario.file} (${nameOfRun(run)}) ${Math.round(performance.now() - began)} ms`);
    } catch (error) {
        tally.failed++;
        const line = error instanceof Failure ? error.line : 1;
        const message = error instanceof Failure ? error.message : String((error as Error)?.stack ?? error);
        console.log(`${run.scenario.file}:${line}: ${message.replaceAll('\n', '\\n')} (${nameOfRun(run)})`);
        if (options.verbose && error instanceof Failure && error.said) console.log(`    gatehouse said: ${error.said}`);
    }
}

process.exit(await main());
