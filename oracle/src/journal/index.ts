export { JournalError } from "./database.ts";
export * from "./journal.ts";
