import { deepEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { filesBelow, linesOf, root } from "./tree.ts";

// Links of a Markdown file that lead to no file of the repository.
function deadLinks(path: string): string[] {
    const found: string[] = [];
    linesOf(path).forEach((line, at) => {
        for (const [, link] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
            if (/^(https?:|mailto:|#)/.test(link)) continue;
            if (!existsSync(join(dirname(path), link.split("#")[0]))) found.push(`${relative(root, path)}:${at + 1}: ${link}`);
        }
    });
    return found;
}

test("every link between the documents leads somewhere", () => {
    const documents = [...filesBelow(root)].filter((path) => path.endsWith(".md"));
    deepEqual(documents.flatMap((path) => deadLinks(join(root, path))), []);
});

test("the pictures show what their text files say", () => {
    const { stdout, status } = spawnSync(join(root, "docs/images/make"), ["--check"], { encoding: "utf8" });
    deepEqual({ stdout, status }, { stdout: "", status: 0 });
});
