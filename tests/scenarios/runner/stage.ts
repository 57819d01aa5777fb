// What the actors of a run share: signals, and waiting until something holds. Nothing looks at a clock but to give up.

export const PATIENCE_MS = 8000; // longest wait for one thing
export const RUN_LIMIT_MS = 20000; // longest run of a scenario

/** A run that went wrong, at a line of its scenario. */
export class Failure extends Error {
    line: number;
    expected: string;
    got: string;
    said = ''; // by Gatehouse, meanwhile

    constructor(line: number, expected: string, got: string) {
        super(`expected: ${expected}; got: ${got}`);
        this.line = line;
        this.expected = expected;
        this.got = got;
    }
}

export class Stage {
    signals = new Set<string>();
    #patience: number;
    #watchers = new Set<() => void>();
    #failed: unknown;

    constructor(patience = PATIENCE_MS) {
        this.#patience = patience;
    }

    /** Whoever changed what another may wait for says so. */
    changed(): void {
        for (const watcher of [...this.#watchers]) watcher();
    }

    signal(name: string): void {
        this.signals.add(name);
        this.changed();
    }

    /** The first failure ends every wait, and so the run. */
    fail(error: unknown): void {
        this.#failed ??= error;
        this.changed();
    }

    /** Waits until `look` finds something; `giveUp` makes the error for when it takes too long. */
    until<T>(look: () => T | undefined, giveUp: () => Error, patience = this.#patience): Promise<T> {
        return new Promise((resolve, reject) => {
            const settle = (act: () => void) => {
                clearTimeout(timer);
                this.#watchers.delete(watch);
                act();
            };
            const watch = () => {
                try {
                    if (this.#failed !== undefined) throw this.#failed;
                    const found = look();
                    if (found !== undefined) settle(() => resolve(found));
                } catch (error) {
                    settle(() => reject(error));
                }
            };
            const timer = setTimeout(() => settle(() => reject(giveUp())), patience);

            this.#watchers.add(watch);
            watch();
        });
    }
}
