// Numbers as a person reads them. Pure.

const BYTES = ["B", "kB", "MB", "GB", "TB"] as const;

/** Bytes in decimal units, as network tools count them: "1.2 MB", "14 kB", "0 B". */
export function bytesText(bytes: number): string {
	let value = bytes;
	let unit = 0;
	// 999.5 would be shown as 1000.
	while (value >= 999.5 && unit < BYTES.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${value >= 9.95 || unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${BYTES[unit]}`;
}

/** How long something has lasted, in its largest unit: "12 s", "5 min", "3 h", "2 d". */
export function durationText(ms: number): string {
	const seconds = Math.max(0, Math.floor(ms / 1000));
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
	return `${Math.floor(seconds / 86_400)} d`;
}

/** A round-trip time: "23 ms"; the transport tells whole milliseconds only. */
export function rttText(ms: number): string {
	return ms < 1 ? "<1 ms" : `${ms.toFixed(0)} ms`;
}
