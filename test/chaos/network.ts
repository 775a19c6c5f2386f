// Three hosts as network namespaces: hub – router – peer, each connected to the next by a veth pair and to nothing
// else, so no packet can leave. A namespace lives as long as the process that holds it, and that ends with ours.
import { existsSync } from "node:fs";
import { Process } from "./process.ts";

export const HUB_ADDRESS = "10.203.1.2";

/** The router, as both of its neighbours reach it. */
export const ROUTER_ADDRESS = "10.203.1.1";

/** The rate of each link: slow enough that a transfer has packets everywhere on the way when the path breaks. */
const RATE = "100mbit";

/** Why namespaces cannot be used here; undefined if they can. */
export function namespacesRefused(): string | undefined {
	if (process.platform !== "linux") return "network namespaces exist on Linux only";
	const missing = ["unshare", "nsenter", "ip"].find((name) => !Bun.which(name));
	if (missing) return `${missing} is not installed`;
	const script = "ip link add name va type veth peer name vb && echo 1 > /proc/sys/net/ipv4/ip_forward";
	const tried = Bun.spawnSync(["unshare", "-n", "sh", "-c", script], { stderr: "pipe" });
	return tried.exitCode === 0 ? undefined : `namespaces are not allowed here: ${tried.stderr.toString().trim()}`;
}

export type Host = "hub" | "router" | "peer";

export class Network implements AsyncDisposable {
	#hub: Process;
	#router: Process;
	#peer: Process;
	/** The last number of the peer's address; none is used twice. */
	#peerAddress = 2;

	private constructor() {
		const hold = ["unshare", "-n", "sh", "-c", "ip link set lo up && echo ready && exec cat"];
		this.#hub = new Process("hub's host", [], hold);
		this.#router = new Process("router", [], hold);
		this.#peer = new Process("peer's host", [], hold);
	}

	static async create(): Promise<Network> {
		const network = new Network();
		try {
			await Promise.all(network.#hosts().map((host) => host.line(/^ready$/)));
			await network.#connect();
		} catch (error) {
			await network[Symbol.asyncDispose]();
			throw error;
		}
		return network;
	}

	/** The words in front of a command that make it run on that host. */
	at(host: Host): string[] {
		return inside({ hub: this.#hub, router: this.#router, peer: this.#peer }[host]);
	}

	/** Pulls the peer's cable: both ends see it. */
	async linkDown(): Promise<void> {
		await run(this.#peer, "ip link set eth0 down");
	}

	/** Plugs it in again; the host finds its router at once, as it would by DHCP. */
	async linkUp(): Promise<void> {
		await run(this.#peer, "ip link set eth0 up", "ip route replace default via 10.203.2.1");
	}

	/** Makes the router drop every packet between the two silently, or forward them again. */
	async blackHole(on: boolean): Promise<void> {
		const both = ["10.203.1.0/25", "10.203.2.0/25"];
		await run(this.#router, ...both.map((net) => `ip route ${on ? "add" : "del"} blackhole ${net}`));
	}

	/** Makes the router drop what hub and peer send each other, silently; it still answers both itself. */
	async cutDirectPath(): Promise<void> {
		await run(this.#router, "echo 0 > /proc/sys/net/ipv4/ip_forward");
	}

	/** Undoes {@link cutDirectPath}. */
	async mendDirectPath(): Promise<void> {
		await run(this.#router, "echo 1 > /proc/sys/net/ipv4/ip_forward");
	}

	/** Takes {@link ROUTER_ADDRESS} from the router, whose packets nobody answers then, or gives it back. */
	async routerAddress(on: boolean): Promise<void> {
		await run(this.#router, `ip address ${on ? "add" : "del"} ${ROUTER_ADDRESS}/24 dev to-hub`);
	}

	/** Gives the hub's host a second address. */
	async addSecondAddress(): Promise<void> {
		await run(this.#router, "ip address add 10.203.3.1/24 dev to-hub");
		await run(this.#hub, "ip address add 10.203.3.2/24 dev eth0");
	}

	/** Makes the router drop every packet to one of the hub's addresses, and unless `oneWay` also those from it. */
	async loseAddress(which: 1 | 2, oneWay: boolean): Promise<void> {
		const address = which === 1 ? HUB_ADDRESS : "10.203.3.2";
		const from = `ip rule add from ${address} iif to-hub blackhole`;
		await run(this.#router, `ip route add blackhole ${address}/32`, ...(oneWay ? [] : [from]));
	}

	/** Gives the peer another address, as a laptop gets in another network. */
	async changeAddress(): Promise<void> {
		const before = `10.203.2.${this.#peerAddress++}/24`;
		await run(
			this.#peer,
			`ip address del ${before} dev eth0`,
			`ip address add 10.203.2.${this.#peerAddress}/24 dev eth0`,
			"ip route replace default via 10.203.2.1",
		);
	}

	/** Gives the hub another address instead of {@link HUB_ADDRESS}. */
	async changeHubAddress(): Promise<void> {
		await run(
			this.#hub,
			`ip address del ${HUB_ADDRESS}/24 dev eth0`,
			"ip address add 10.203.1.3/24 dev eth0",
			`ip route replace default via ${ROUTER_ADDRESS}`,
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.#hosts().map((host) => host[Symbol.asyncDispose]()));
	}

	// --- internal ---

	#hosts(): Process[] {
		return [this.#hub, this.#router, this.#peer];
	}

	async #connect(): Promise<void> {
		await run(
			this.#router,
			"echo 1 > /proc/sys/net/ipv4/ip_forward",
			`ip link add name to-hub type veth peer name eth0 netns ${this.#hub.pid}`,
			`ip link add name to-peer type veth peer name eth0 netns ${this.#peer.pid}`,
			"ip address add 10.203.1.1/24 dev to-hub",
			"ip address add 10.203.2.1/24 dev to-peer",
			"ip link set to-hub up",
			"ip link set to-peer up",
			// Without this queue in the kernel the link is faster; nothing depends on that.
			`tc qdisc add dev to-hub root tbf rate ${RATE} burst 128kb latency 50ms || true`,
			`tc qdisc add dev to-peer root tbf rate ${RATE} burst 128kb latency 50ms || true`,
		);
		for (const [host, subnet] of [[this.#hub, "10.203.1"] as const, [this.#peer, "10.203.2"] as const]) {
			await run(
				host,
				`ip address add ${subnet}.2/24 dev eth0`,
				"ip link set eth0 up",
				`ip route add default via ${subnet}.1`,
			);
		}
	}
}

// --- internal ---

const NSENTER = existsSync("/usr/bin/nsenter") ? "/usr/bin/nsenter" : "nsenter";

const inside = (host: Process): string[] => [NSENTER, "-t", `${host.pid}`, "-n"];

/** Runs commands on a host, one after another; each must succeed. */
async function run(host: Process, ...commands: string[]): Promise<void> {
	const child = Bun.spawn([...inside(host), "sh", "-ec", commands.join("\n")], {
		stdout: "ignore",
		stderr: "pipe",
		timeout: 10_000,
	});
	const [status, said] = await Promise.all([child.exited, child.stderr.text()]);
	if (status !== 0) throw new Error(`${host.name}: ${said.trim()} (${commands.join("; ")})`);
}
