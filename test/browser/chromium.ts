import chromium from "@sparticuz/chromium";

/** The browser is unpacked once before any test: test files run in processes of their own, and would do it at the same time. */
export async function mochaGlobalSetup(): Promise<void> {
  await chromium.executablePath();
}
