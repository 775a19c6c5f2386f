// A name may be an option or an argument, but not both.
import { expect, test } from "bun:test";
import { readGivenName } from "../../../src/cli/read-name.ts";
import { thrown } from "../../support/throws.ts";

test("the one that is given", () => {
	expect(readGivenName("a", undefined)).toBe("a");
	expect(readGivenName(undefined, "b")).toBe("b");
	expect(readGivenName(undefined, undefined)).toBeUndefined();
});

test("both are an error, and so is a bad one", () => {
	const error = thrown("usage", () => readGivenName("a", "b"));
	expect(`${error.message} ${error.hint}`).toBe("There are two names: 'b' and --name 'a'. Give one of them.");
	expect(thrown("usage", () => readGivenName(undefined, " ")).message).toBe("The name is empty.");
	expect(thrown("usage", () => readGivenName("a\nb", undefined)).message).toContain("control characters");
});
