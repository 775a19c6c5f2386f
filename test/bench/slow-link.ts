// A slow wire between two network namespaces, for kernels without netem: a TUN device in each, and in each direction a
// rate, a drop-tail queue in front of it, and a delay after it. `bun slow-link.ts PID PID MBIT DELAY_MS QUEUE_BYTES` runs
// until it is killed; the PIDs are of processes in the namespaces. It prints "up" once the devices exist.
import { FFIType, ptr } from "bun:ffi";
import { openLibc } from "../../src/base/libc.ts";

const { i32, u64, pointer } = { i32: FFIType.i32, u64: FFIType.u64, pointer: FFIType.ptr };
const { symbols: libc } = openLibc({
	open: { args: [pointer, i32], returns: i32 },
	setns: { args: [i32, i32], returns: i32 },
	ioctl: { args: [i32, u64, pointer], returns: i32 },
	read: { args: [i32, pointer, u64], returns: FFIType.i64 },
	write: { args: [i32, pointer, u64], returns: FFIType.i64 },
	ppoll: { args: [pointer, u64, pointer, pointer], returns: i32 },
});

export const DEVICE = "slow0";

/** What Ethernet adds to a packet, in bytes. */
const FRAME = 14;
const PACKET_MAX = 65_536;

interface Packet {
	/** `performance.now()` when it arrives. */
	due: number;
	bytes: Uint8Array;
}

/** One direction, without any clock or device of its own. */
export class Direction {
	readonly #queue: Packet[] = [];
	/** When what was taken last has left for good. */
	#freeAt = 0;

	readonly #rate: number;
	readonly #delayMs: number;
	readonly #room: number;

	/** `rate`: bytes a millisecond. `room`: bytes that may wait; what comes on top is dropped. */
	constructor(rate: number, delayMs: number, room: number) {
		[this.#rate, this.#delayMs, this.#room] = [rate, delayMs, room];
	}

	/** A packet has come. Returns whether it was taken. */
	take(bytes: Uint8Array, now: number): boolean {
		const begins = Math.max(this.#freeAt, now);
		if ((begins - now) * this.#rate > this.#room) return false;
		this.#freeAt = begins + (bytes.length + FRAME) / this.#rate;
		this.#queue.push({ due: this.#freeAt + this.#delayMs, bytes });
		return true;
	}

	/** The next packet that has arrived by now. */
	arrived(now: number): Uint8Array | undefined {
		const first = this.#queue[0];
		return first && first.due <= now ? this.#queue.shift()?.bytes : undefined;
	}

	/** When the next packet arrives. */
	get next(): number {
		return this.#queue[0]?.due ?? Number.POSITIVE_INFINITY;
	}
}

/** Opens a TUN device in the network namespace of a process, which stays ours from then on. @throws Error */
function tunIn(pid: number): number {
	const text = (value: string) => ptr(Buffer.from(`${value}\0`));
	const namespace = Number(libc.open(text(`/proc/${pid}/ns/net`), 0));
	if (namespace < 0 || libc.setns(namespace, 0) !== 0) throw new Error(`cannot enter the namespace of ${pid}`);
	const O_RDWR = 2;
	const O_NONBLOCK = 0x800;
	const device = Number(libc.open(text("/dev/net/tun"), O_RDWR | O_NONBLOCK));
	// struct ifreq: a name of 16 bytes, then the flags IFF_TUN and IFF_NO_PI.
	const request = Buffer.alloc(40);
	request.write(DEVICE);
	request.writeUInt16LE(0x1001, 16);
	const TUNSETIFF = 0x400454ca;
	if (device < 0 || libc.ioctl(device, TUNSETIFF, ptr(request)) !== 0) throw new Error("/dev/net/tun cannot be used");
	return device;
}

function run(pids: readonly [number, number], mbit: number, delayMs: number, queue: number): never {
	const devices = pids.map(tunIn);
	const directions = devices.map(() => new Direction((mbit * 1e6) / 8 / 1000, delayMs, queue));
	console.log("up");
	const buffer = new Uint8Array(PACKET_MAX);
	const polls = Buffer.alloc(16);
	for (const [i, device] of devices.entries()) {
		polls.writeInt32LE(device, i * 8);
		const POLLIN = 1;
		polls.writeInt16LE(POLLIN, i * 8 + 4);
	}
	const timeout = Buffer.alloc(16);
	for (;;) {
		for (const [i, direction] of directions.entries()) {
			const other = devices[1 - i] as number;
			for (let packet = direction.arrived(performance.now()); packet; packet = direction.arrived(performance.now())) {
				libc.write(other, ptr(packet), packet.length);
			}
		}
		const next = Math.min(...directions.map((direction) => direction.next));
		const waitMs = Math.min(100, Math.max(0, next - performance.now()));
		timeout.writeBigInt64LE(BigInt(Math.floor(waitMs * 1e6)), 8);
		libc.ppoll(ptr(polls), 2, ptr(timeout), null);
		for (const [i, device] of devices.entries()) {
			// Not all at once: what is due in the meantime must leave.
			for (let count = 0; count < 64; count++) {
				const length = Number(libc.read(device, ptr(buffer), PACKET_MAX));
				if (length <= 0) break;
				directions[i]?.take(buffer.slice(0, length), performance.now());
			}
		}
	}
}

if (import.meta.main) {
	const [first, second, mbit, delay, queue] = process.argv.slice(2).map(Number) as [
		number,
		number,
		number,
		number,
		number,
	];
	run([first, second], mbit, delay, queue);
}
