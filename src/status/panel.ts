// The panel below the log: a snapshot as a few lines. Pure. No line is wider than it may be.

import { Rates } from "./rates.ts";
import type { RemoteSnapshot, ServiceSnapshot, Snapshot } from "./snapshot.ts";
import { bytesText, durationText, rttText } from "./units.ts";

export interface PanelStyle {
	/** Whether the terminal shows more than ASCII. */
	utf8: boolean;
	/** Colours a text by its SGR number (ECMA-48); leaves it as it is where there are no colours. */
	paint: (code: number, text: string) => string;
}

export class Panel {
	readonly #rates = new Rates();
	readonly #style: PanelStyle;

	constructor(style: PanelStyle) {
		this.#style = style;
	}

	/** The lines for a snapshot, each at most `columns` wide; `now` is of Date.now(). */
	lines(snapshot: Snapshot, columns: number, now: number): string[] {
		const { services } = snapshot;
		const width = (of: (service: ServiceSnapshot) => string) =>
			Math.max(0, ...services.map((one) => Bun.stringWidth(of(one))));
		const [names, urls] = [width(({ name }) => name), width(url)];
		const rows = services.map((service) => {
			const state = this.#state(service);
			const more = service.state === "down" ? downText(service, now) : this.#traffic(service, snapshot.role, now);
			return ` ${pad(service.name, names)}  ${pad(url(service), urls)}  ${state}  ${more}`;
		});
		const others =
			snapshot.role === "hub" ? this.#peers(snapshot.peers, columns) : this.#hub(snapshot.hub, snapshot.state);
		const code = snapshot.role === "hub" && snapshot.code ? [` code   ${snapshot.code.code}`] : [];
		const ellipsis = this.#style.utf8 ? "…" : "~";
		return [...rows, others, ...code].map((line) => cut(line.trimEnd(), columns, ellipsis));
	}

	// --- internal ---

	#state({ state }: ServiceSnapshot): string {
		if (state === "down") return this.#style.paint(RED, "DOWN");
		return state === "up" ? this.#style.paint(GREEN, "up  ") : "?   ";
	}

	/** Down is what this machine receives, up what it sends. */
	#traffic(service: ServiceSnapshot, role: Snapshot["role"], now: number): string {
		const { toService, fromService } = this.#rates.next(service.name, service, now);
		const [received, sent] = role === "hub" ? [toService, fromService] : [fromService, toService];
		const [down, up] = this.#style.utf8 ? ["↓", "↑"] : ["in", "out"];
		const rate = (bytes: number, sign: string) => `${`${bytesText(bytes)}/s`.padStart(9)} ${sign}`;
		return `${String(service.open).padStart(3)} open  ${rate(received, down)}  ${rate(sent, up)}`;
	}

	/** As many peers as have room, the newest first, and how many more there are. */
	#peers(peers: readonly RemoteSnapshot[], columns: number): string {
		if (peers.length === 0) return " peers  none yet";
		const separator = this.#style.utf8 ? "   ·   " : "   |   ";
		const texts = peers.map(remoteText).reverse();
		for (let shown = texts.length; shown > 1; shown--) {
			const hidden = texts.length - shown;
			const line = ` peers  ${[...texts.slice(0, shown), ...(hidden > 0 ? [`${hidden} more`] : [])].join(separator)}`;
			if (Bun.stringWidth(line) <= columns) return line;
		}
		return ` peers  ${[texts[0], ...(texts.length > 1 ? [`${texts.length - 1} more`] : [])].join(separator)}`;
	}

	#hub(hub: RemoteSnapshot | undefined, state: string): string {
		const text = hub ? remoteText(hub) : "";
		return state === "lost"
			? ` hub  ${hub?.name ?? ""}  ${this.#style.paint(RED, "LOST")}, looking for it`
			: ` hub  ${text}`;
	}
}

// --- internal ---

const [RED, GREEN] = [31, 32];

const url = ({ scheme, local, address }: ServiceSnapshot): string => `${scheme}://${local ?? address ?? ""}`;

function downText({ down }: ServiceSnapshot, now: number): string {
	if (!down) return "";
	const reason = down.reason === undefined ? "" : ` (${down.reason})`;
	return `since ${durationText(now - Date.parse(down.since))}${reason}`;
}

function remoteText({ name, id, path }: RemoteSnapshot): string {
	const who = name ?? id.slice(0, 10);
	if (!path) return who;
	const where = path.kind === "relay" ? relayText(path.address) : path.address.replace(/:\d+$/, "");
	return `${who}  ${path.kind} ${where}  RTT ${rttText(path.rttMs)}`;
}

/** A relay's host name is what tells it from others. */
const relayText = (address: string): string => (URL.canParse(address) ? new URL(address).host : address);

const pad = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));

/** The line, cut where it would be too wide. */
function cut(line: string, columns: number, ellipsis: string): string {
	const short = Bun.sliceAnsi(line, 0, columns, ellipsis);
	// A character of two columns at the cut may stick out by one.
	return Bun.stringWidth(short) > columns ? Bun.sliceAnsi(line, 0, columns - 1, ellipsis) : short;
}
