import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { hostCostTable } from "../../../bench/host-prices.ts";

const FOLDER = join(import.meta.dirname, "../../../docs");
let page: string;

beforeAll(async () => {
  page = await readFile(join(FOLDER, "deploying.md"), "utf8");
});

it("has the costs that bench/host-prices.ts computes", () => {
  expect(page).toContain(`<!-- cost -->\n${hostCostTable()}\n<!-- /cost -->`);
});

it("links to headings and files that there are", async () => {
  const links = [...page.matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)];
  for (const [, path, heading] of links) {
    const target = path ? await readFile(join(FOLDER, path), "utf8") : page;
    const headings = [...target.matchAll(/^#+ (.*)$/gm)].map(([, text]) => anchor(text ?? ""));
    if (heading !== undefined) expect(headings, `${path}#${heading}`).toContain(heading);
  }
  expect(links.length).toBeGreaterThan(5);
});

function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");
}
