// Which program usually listens on a TCP port, as its project's documentation says, and whether a browser can talk to
// it. A guess, so it decides nothing but how an address is shown and what is proposed.

export interface WellKnownPort {
	/** Also good as a service's name. */
	readonly program: string;
	/** Whether it speaks HTTP. */
	readonly http: boolean;
}

export const WELL_KNOWN_PORTS: ReadonlyMap<number, WellKnownPort> = new Map(
	(
		[
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
			[1025, "smtp"],
			[1433, "sqlserver"],
			[1521, "oracle"],
			[1883, "mqtt"],
			[2181, "zookeeper"],
			[3306, "mysql"],
			[4222, "nats"],
			[5432, "postgres"],
			[5672, "rabbitmq"],
			[6379, "redis"],
			[7687, "neo4j"],
			[9042, "cassandra"],
			[9092, "kafka"],
			[11211, "memcached"],
			[26257, "cockroach"],
			[27017, "mongodb"],
			[50051, "grpc"],
		] as const
	).map(([port, program]) => [port, { program, http: false }]),
);
