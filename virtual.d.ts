/** The OpenAPI document of all routes as JSON text, made by build.mjs (and by vitest.config.ts in tests). */
declare module "virtual:openapi" {
  const json: string;
  // biome-ignore lint/style/noDefaultExport: a generated module with nothing else in it.
  export default json;
}
