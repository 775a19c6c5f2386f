// Which program usually listens on a TCP port, as its project's documentation says, and whether a browser can talk to
// it. A guess, so it decides nothing but how an address is shown and what is proposed.

export interface WellKnownPort {
	/** Also good as a service's name. */
	readonly program: string;
	/** Whether it speaks HTTP. */
	readonly http: boolean;
	/** What a service there is called that belongs to a project; undefined for the machine's own, like sshd. */
	readonly service: string | undefined;
}

type Row = readonly [port: number, program: string, service?: string];

// Not 5000, which is Flask's, but also that of AirPlay on every Mac.
const HTTP: readonly Row[] = [
	[3000, "next", "web"],
	[5173, "vite", "web"],
	[4200, "angular", "web"],
	[4321, "astro", "web"],
	[4173, "vite", "web"],
	[1313, "hugo", "web"],
	[8000, "django", "api"],
	[8080, "spring", "api"],
	[4000, "websocket", "websocket"],
	[3001, "express", "web"],
	[6006, "storybook", "storybook"],
	[8081, "metro", "metro"],
	[8025, "mailpit", "mail"],
	[8888, "jupyter", "jupyter"],
	[9200, "elasticsearch", "search"],
	[15672, "rabbitmq", "rabbitmq-ui"],
];

const OTHERS: readonly Row[] = [
	[5432, "postgres", "db"],
	[3306, "mysql", "db"],
	[27017, "mongodb", "db"],
	[1433, "sqlserver", "db"],
	[1521, "oracle", "db"],
	[26257, "cockroach", "db"],
	[9042, "cassandra", "db"],
	[7687, "neo4j", "db"],
	[6379, "redis", "redis"],
	[11211, "memcached", "memcached"],
	[5672, "rabbitmq", "rabbitmq"],
	[9092, "kafka", "kafka"],
	[4222, "nats", "nats"],
	[1883, "mqtt", "mqtt"],
	[50051, "grpc", "grpc"],
	[1025, "mailpit", "smtp"],
	[2181, "zookeeper"],
	[22, "ssh"],
	[25, "smtp"],
	[53, "dns"],
	[110, "pop3"],
	[143, "imap"],
	[389, "ldap"],
	[465, "smtp"],
	[587, "smtp"],
	[636, "ldap"],
	[993, "imap"],
	[995, "pop3"],
];

/** By port, in the order in which services are proposed. */
export const WELL_KNOWN_PORTS: ReadonlyMap<number, WellKnownPort> = new Map(
	[HTTP, OTHERS].flatMap((rows) =>
		rows.map(([port, program, service]) => [port, { program, http: rows === HTTP, service }] as const),
	),
);
