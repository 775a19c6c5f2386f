// What a hub offers, to whom, and how.
import type { SharedService } from "../protocol/services.ts";
import type { Policy } from "./admission.ts";

export interface HubSettings {
	/** Its public id. */
	id: string;
	name: string;
	/** At most SERVICES_MAX, with unique names and port ids. */
	services: readonly SharedService[];
	/** Who is admitted. */
	policy: Policy;
	/** Whether its ticket works after a restart: its identity is kept, and it can be found again. False when not given. */
	lasting?: boolean;
	/** Whether streams of peers that can do it are compressed. True when not given. */
	compress?: boolean;
}
