import { lockFolder } from "../../runtime/drivers/sql/folder-lock.ts";

/** Locks the folder in its first argument, says so, and holds it until it is killed. */
await lockFolder(process.argv[2] ?? "");
process.stdout.write("held\n");
setInterval(() => {}, 60_000);
