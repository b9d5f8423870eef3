/** The OpenAPI document of all routes as JSON, deflated, in base64; made by build.mjs (and by vitest.config.ts in tests). */
declare module "virtual:openapi" {
  const packed: string;
  // biome-ignore lint/style/noDefaultExport: a generated module with nothing else in it.
  export default packed;
}
