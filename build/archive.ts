// Archives whose bytes are the same wherever and whenever they are made: sorted, owner 0, one date. The system's tar may
// be GNU's, BSD's or busybox's, and Bun.Archive sets neither mode nor date, so both formats are written here: POSIX.1
// ustar and PKWARE's APPNOTE 6.3.
import { crc32, deflateRawSync } from "node:zlib";

export interface Member {
	readonly name: string;
	readonly data: Uint8Array<ArrayBuffer>;
	readonly executable?: boolean;
}

/** 1980-01-01, the earliest date that a zip can hold: the date of every file when SOURCE_DATE_EPOCH is not set. */
const EARLIEST = 315_532_800;

/** The date of every file, in seconds since 1970: SOURCE_DATE_EPOCH (reproducible-builds.org). @throws Error */
export function sourceDate(): number {
	const given = process.env.SOURCE_DATE_EPOCH;
	if (given === undefined || given === "") return EARLIEST;
	if (!/^\d{1,10}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is '${given}', not a number of seconds`);
	return Math.max(Number(given), EARLIEST);
}

/** A .tar.gz of the members. */
export function tarGz(members: readonly Member[], date: number): Uint8Array {
	const parts = sorted(members).flatMap((member) => [
		tarHeader(member, date),
		member.data,
		padding(member.data.length),
	]);
	const tar = Buffer.concat([...parts, Buffer.alloc(1024)]);
	const packed = Bun.gzipSync(tar, { level: 9, library: "libdeflate" });
	// Byte 9 names the system that made it (RFC 1952): always "unknown".
	packed[9] = 255;
	return packed;
}

/** A .zip of the members. */
export function zip(members: readonly Member[], date: number): Uint8Array {
	const locals: Buffer[] = [];
	const central: Buffer[] = [];
	let offset = 0;
	for (const member of sorted(members)) {
		const name = Buffer.from(member.name);
		const packed = deflateRawSync(member.data, { level: 9 });
		const common = Buffer.alloc(26);
		// Version 2.0, no flags, deflate.
		common.writeUInt16LE(20, 0);
		common.writeUInt16LE(8, 4);
		common.writeUInt32LE(dosDate(date), 6);
		common.writeUInt32LE(crc32(member.data), 10);
		common.writeUInt32LE(packed.length, 14);
		common.writeUInt32LE(member.data.length, 18);
		common.writeUInt16LE(name.length, 22);
		const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name, packed]);
		const tail = Buffer.alloc(14);
		// Unix mode in the upper half of the external attributes.
		tail.writeUInt32LE((modeOf(member) | 0o100000) * 0x10000, 6);
		tail.writeUInt32LE(offset, 10);
		// Made on Unix, version 2.0.
		central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, tail, name]));
		locals.push(local);
		offset += local.length;
	}
	const directory = Buffer.concat(central);
	const end = Buffer.alloc(18);
	end.writeUInt16LE(members.length, 4);
	end.writeUInt16LE(members.length, 6);
	end.writeUInt32LE(directory.length, 8);
	end.writeUInt32LE(offset, 12);
	return Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06"), end]);
}

/** The lines that sha256sum would write, sorted by name. */
export function checksums(files: readonly { name: string; data: Uint8Array }[]): string {
	const lines = files.map(
		({ name, data }) => `${new Bun.CryptoHasher("sha256").update(data).digest("hex")}  ${name}\n`,
	);
	return lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join("");
}

// --- internal ---

const sorted = (members: readonly Member[]) => [...members].sort((a, b) => (a.name < b.name ? -1 : 1));
const modeOf = ({ executable }: Member) => (executable ? 0o755 : 0o644);
const padding = (size: number) => Buffer.alloc((512 - (size % 512)) % 512);

function tarHeader(member: Member, date: number): Buffer {
	const header = Buffer.alloc(512);
	const octal = (value: number, at: number, width: number) =>
		header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at);
	header.write(member.name, 0);
	octal(modeOf(member), 100, 8);
	octal(0, 108, 8);
	octal(0, 116, 8);
	octal(member.data.length, 124, 12);
	octal(date, 136, 12);
	header.write("        0", 148);
	header.write("ustar\0" + "00", 257);
	const sum = header.reduce((total, byte) => total + byte, 0);
	header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
	return header;
}

/** MS-DOS time and date, in UTC. */
function dosDate(seconds: number): number {
	const at = new Date(seconds * 1000);
	const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
	const day = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
	return day * 0x10000 + time;
}
