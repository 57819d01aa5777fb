import { deepEqual, equal, match } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fault, parseTable, tablePath } from "../fault/mutants-table.ts";
import { rooms } from "./includes.ts";
import { root } from "./tree.ts";

const mutants = parseTable(readFileSync(tablePath(root), "utf8"));

test("every planted fault still has its place, and its tests", () => {
    const rotten = mutants.flatMap((mutant) => fault(root, mutant) ?? []);
    deepEqual(rotten, []);
});

test("every room has two faults or more, and each says its room first", () => {
    for (const room of rooms) {
        const here = mutants.filter(({ file }) => file.startsWith(`src/${room}/`));
        equal(here.length >= 2, true, `${room}: ${here.length}`);
        for (const { name } of here) equal(name.split(":")[0], room);
    }
    equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
});

test("a fault whose place is gone, or is not one, is found", () => {
    const table = (was: string, is = "x") => parseTable(`a\n    in   tests/lint/fixtures/planted.c\n    was  ${was}\n    is   ${is}\n    red  unit base/map\n`)[0];

    equal(fault(root, table("return 1;")), undefined);
    match(fault(root, table("return 2;"))!, /not found any more/);
    match(fault(root, table("count++;"))!, /stands 2 times/);
    match(fault(root, table("return 1;", "return 1;"))!, /changes nothing/);
    match(fault(root, { ...table("return 1;"), red: [{ kind: "unit", what: "base/gone" }] })!, /there is no tests\/unit\/base\/gone_test.c/);
    match(fault(root, { ...table("return 1;"), file: "src/gone.c" })!, /there is no src\/gone.c/);
});
