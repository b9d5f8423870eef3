import document from "virtual:openapi";
import * as z from "zod/mini";
import { answer, handle, type Route } from "../../runtime/api.ts";

export const route = {
  method: "GET",
  path: "/openapi.json",
  auth: "none",
  summary: "This description",
  answers: { 200: z.unknown().register(z.globalRegistry, { type: "object", description: "An OpenAPI 3.1 document." }) },
} as const satisfies Route;

export default handle(route, async ({ env }) => {
  const { publicUrl } = env.config;
  if (publicUrl === null) return answer(200, document);
  return answer(200, { ...JSON.parse(document), servers: [{ url: publicUrl }] });
});
