// The table of planted faults, mutants.txt: read here for the run (mutants.ts) and for the test that it has not rotted
// (tests/lint/mutants.test.ts).

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Mutant = {
    name: string; // what is broken, in words
    file: string; // in src/
    was: string; // stands there exactly once
    is: string; // what stands there instead
    red: Stage[]; // tried in this order; one of them must turn red
    line: number; // of the table
};

/** `unit ROOM/FILE`, `scenarios TOPIC`, `api`, `e2e FILE`, `fault FILE`. */
export type Stage = { kind: string; what: string };

const kinds = ['unit', 'scenarios', 'api', 'e2e', 'fault'];

export const tablePath = (root: string) => join(root, 'tests/fault/mutants.txt');

/** The files that a stage plays. */
export function stageFile({ kind, what }: Stage): string {
    if (kind === 'unit') return `tests/unit/${what}_test.c`;
    if (kind === 'scenarios') return `tests/scenarios/${what}`;
    return `tests/${kind}/${what}.test.ts`;
}

function parseStage(text: string, where: string): Stage {
    const [kind, what, ...rest] = text.trim().split(/\s+/);
    if (!kinds.includes(kind ?? '') || what === undefined || rest.length > 0) throw new Error(`${where}: no stage: ${text}`);
    return { kind: kind!, what };
}

export function parseTable(text: string): Mutant[] {
    const mutants: Mutant[] = [];

    for (const [index, line] of text.split('\n').entries()) {
        const where = `mutants.txt:${index + 1}`;
        const [, key, value] = /^ {4}(in|was|is|red)(?: +(.*))?$/.exec(line) ?? [];
        const last = mutants.at(-1);

        if (line.trim() === '' || line.startsWith('#')) continue;
        if (!line.startsWith(' ')) mutants.push({ name: line, file: '', was: '', is: '', red: [], line: index + 1 });
        else if (last === undefined || key === undefined) throw new Error(`${where}: cannot be read: ${line}`);
        else if (key === 'red') last.red.push(parseStage(value ?? '', where));
        else last[key === 'in' ? 'file' : (key as 'was' | 'is')] = value ?? '';
    }
    return mutants;
}

/** What keeps a mutant from being planted, or undefined. */
export function fault(root: string, mutant: Mutant): string | undefined {
    const path = join(root, mutant.file);

    if (mutant.file === '' || mutant.was === '' || mutant.red.length === 0) return 'lacks one of in, was, red';
    if (mutant.was === mutant.is) return 'changes nothing';
    if (!existsSync(path)) return `there is no ${mutant.file} any more`;
    const times = readFileSync(path, 'utf8').split(mutant.was).length - 1;
    if (times === 0) return `its snippet is not found any more in ${mutant.file}: ${mutant.was}`;
    if (times > 1) return `its snippet stands ${times} times in ${mutant.file}, once is wanted: ${mutant.was}`;
    const gone = mutant.red.find((stage) => !existsSync(join(root, stageFile(stage))));
    return gone && `there is no ${stageFile(gone)} any more`;
}
