// One service by its name and its address; most mistakes are in service-args.test.ts, as they are typed.
import { expect, test } from "bun:test";
import { readNamedService } from "../../../src/cli/named-service.ts";
import { thrown } from "../../support/throws.ts";

test("a name of nothing but other letters: any name is proposed", () => {
	expect(thrown("usage", () => readNamedService("数据库", "5432")).hint).toEndWith("write web=5432.");
	expect(readNamedService("db-2", "5432")).toMatchObject({ name: "db-2", scheme: "tcp" });
});
