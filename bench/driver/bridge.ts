// bench/driver/bridge.ts: what it costs to bridge a call, beside passing it through: each client before a server of its own era and
// before one of the other, over HTTP and as a child.

import { type Cell, type Load, Loader, loadAndWatch, placement } from "./measure.ts";
import { gatehouse, remove, start, stop, type Target, tool } from "./targets.ts";
import { ERAS, type Era } from "./toolkit.ts";

export const OVER = ["http", "stdio"] as const;
const CELL: Cell = { connections: 32, size: 350 };

export interface BridgeSample extends Load {
    client: Era;
    server: Era;
    over: (typeof OVER)[number];
    cpuMicroseconds: number; // a call
    exit: number | string;
}

/** The same service in each place, told to speak one era. */
function targetOf(client: Era, server: Era, over: (typeof OVER)[number]): Target {
    const command = [tool("echo_service"), "--era", server, ...(over === "stdio" ? ["--stdio"] : [])];
    return { ...gatehouse(`${client} client, ${server} server, ${over}`, over, command), era: client === "modern" ? "modern" : undefined };
}

async function measure(target: Target, seconds: { warm: number; measured: number }): Promise<Load & { cpuMicroseconds: number; exit: number | string }> {
    const places = placement(CELL.connections);
    const running = await start(target, places);
    let exit: number | string = "?";
    try {
        const { load, cpuMicroseconds } = await loadAndWatch(running, new Loader(running, places.load), CELL, seconds);
        exit = await stop(running);
        return { ...load, cpuMicroseconds, exit };
    } finally {
        if (exit === "?") await stop(running);
        remove(running.dir);
    }
}

/** A round measures all one after the other: what the machine does meanwhile hits all alike. */
export async function bridge(
    options: { rounds: number; seconds: { warm: number; measured: number } },
    attempt: (what: string, work: () => Promise<void>) => Promise<void>,
    say: (text: string) => void,
): Promise<BridgeSample[]> {
    const samples: BridgeSample[] = [];
    const all = OVER.flatMap((over) => ERAS.flatMap((client) => ERAS.map((server) => ({ client, server, over }))));

    for (let round = 1; round <= options.rounds; round++)
        for (const { client, server, over } of all) {
            const target = targetOf(client, server, over);
            await attempt(target.name, async () => {
                const measured = await measure(target, options.seconds);
                samples.push({ client, server, over, ...measured });
                say(`  ${target.name}: ${measured.cpuMicroseconds.toFixed(2)} us CPU a call`);
            });
        }
    return samples;
}
