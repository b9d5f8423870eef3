import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { StillupError } from "../../errors.ts";

/** Where a folder's sockets are: `<pid>-<random>` after the prefix. A name is used only once. */
interface Sockets {
  readonly directory: string;
  readonly prefix: string;
}

interface SocketLock {
  readonly server: Server;
  readonly sockets: Sockets;
}

/** Linux allows a socket's path 107 bytes, macOS 103. Node cuts off what is longer without an error. */
const MAX_PATH_BYTES = 103;
/** No socket can be made there: the path is too long, or it is a file system such as exFAT. */
const NO_SOCKETS = new Set(["ENAMETOOLONG", "EPERM", "ENOTSUP", "EOPNOTSUPP"]);

/**
 * Keeps other processes out of a folder until the returned function is called, or this process ends in whatever way.
 * The lock is a socket on which this process listens. The system closes it with the process, so one that accepts no
 * connection belongs to nobody. It does not protect from processes on another machine that share the folder.
 * @throws StillupError `database_unavailable` that names the folder and the process that has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(dirname(folder), { recursive: true });
  const id = `${process.pid}-${randomBytes(4).toString("hex")}`;
  const { server, sockets } = await listenFor(folder, id);
  const unlock = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  try {
    // Looks after it listens: of two that start at once, at least one sees the other.
    for (const other of await othersIn(sockets, id)) {
      if (await acceptsConnections(join(sockets.directory, sockets.prefix + other))) throw held(folder, other);
    }
    return unlock;
  } catch (error) {
    await unlock();
    throw error;
  }
}

function held(folder: string, id: string): StillupError {
  const [pid] = id.split("-");
  const detail = `Process ${pid} has the database in ${folder}. Stop it first, or start with another folder.`;
  return new StillupError("database_unavailable", detail);
}

/** Listens beside the folder, or among the temporary files where no socket can be beside it. */
async function listenFor(folder: string, id: string): Promise<SocketLock> {
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const prefix = `stillup-${hash}.lock.`;
  // On Windows the system keeps all pipes in one place, and removes them with their process.
  if (process.platform === "win32") return listen({ directory: "\\\\.\\pipe\\", prefix }, id);
  try {
    return await listen({ directory: dirname(folder), prefix: `${basename(folder)}.lock.` }, id);
  } catch (error) {
    if (!NO_SOCKETS.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    return listen({ directory: tmpdir(), prefix }, id);
  }
}

function listen(sockets: Sockets, id: string): Promise<SocketLock> {
  const path = join(sockets.directory, sockets.prefix + id);
  return new Promise((resolve, reject) => {
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw Object.assign(new Error(path), { code: "ENAMETOOLONG" });
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen(path, () => resolve({ server: server.unref(), sockets }));
  });
}

async function othersIn({ directory, prefix }: Sockets, own: string): Promise<string[]> {
  const names = await readdir(directory);
  const ids = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return ids.filter((id) => id !== own && /^\d+-[0-9a-f]{8}$/.test(id));
}

/** False for the socket of a process that is gone; it is removed. */
async function acceptsConnections(path: string): Promise<boolean> {
  const code = await new Promise<string | undefined>((resolve) => {
    const socket = connect(path, () => resolve(undefined));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once("connect", () => socket.destroy());
  });
  if (code !== "ECONNREFUSED" && code !== "ENOENT") return true;
  // Another user's cannot always be removed, and does no harm.
  await unlink(path).catch(() => {});
  return false;
}
