// Tokens by which a peer that comes back with another key shows who it is: two endpoints with one key starve each other
// at a relay, so it looks for a lost hub with a second key. Whoever has a token can take its peer's place while this hub
// runs: only the peer is told, and it is neither printed nor kept.
import { sameSecret } from "../invite/secret.ts";
import type { Resume } from "../protocol/control-messages.ts";

export class ResumeTokens {
	readonly #key = crypto.getRandomValues(new Uint8Array(32));

	/** The token of the peer with this public id: its HMAC-SHA-256 with a key of this run, in base64url. */
	of(id: string): string {
		return new Bun.CryptoHasher("sha256", this.#key).update(id).digest("base64url");
	}

	/** Whether the token is that of the peer with that id. */
	prove({ id, token }: Resume): boolean {
		return sameSecret(this.of(id), token);
	}
}
