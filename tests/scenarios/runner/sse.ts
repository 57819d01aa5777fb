// Server-sent events, both ways.

export type Event = { id?: string; data?: string; retry?: string };

export function formatEvent(event: Event): string {
    const id = event.id === undefined ? '' : `id: ${event.id}\n`;
    return event.data === undefined ? `${id}data:\n\n` : `${id}event: message\ndata: ${event.data}\n\n`;
}

/** Text in any pieces goes in, whole events come out. */
export class EventReader {
    #rest = '';
    #event: Event = {};

    feed(text: string): Event[] {
        const events: Event[] = [];
        const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);

        this.#rest = lines.pop()!;
        for (const line of lines) {
            if (line === '') {
                if (Object.keys(this.#event).length > 0) events.push(this.#event);
                this.#event = {};
            } else {
                this.#take(line);
            }
        }
        return events;
    }

    /** Whether an event was begun and not ended. */
    isBroken(): boolean {
        return this.#rest !== '' || Object.keys(this.#event).length > 0;
    }

    #take(line: string): void {
        const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line)!;

        if (field === 'data')
            this.#event.data = this.#event.data === undefined ? value : `${this.#event.data}\n${value}`;
        else if (field === 'id') this.#event.id = value;
        else if (field === 'retry') this.#event.retry = value;
    }
}
