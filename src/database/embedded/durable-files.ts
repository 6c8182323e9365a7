import fs from "node:fs";
import { NodeFS } from "@electric-sql/pglite/nodefs";

type Init = NodeFS["init"];

/** An open file or folder of PGlite, as far as it matters here. A folder has no descriptor. */
interface Stream {
  readonly nfd?: number;
  readonly node: object;
}

/**
 * PGlite's files on Node's file system. PGlite passes on every call except fsync, which does nothing. A commit would
 * then survive the end of the process, but not a power cut. This class makes fsync write to the disk.
 */
export class DurableFiles extends NodeFS {
  override async init(...parameters: Parameters<Init>): ReturnType<Init> {
    const { emscriptenOpts } = await super.init(...parameters);
    const syncForReal = (mod: Parameters<Init>[0]["Module"]) => {
      const files = mod.FS.filesystems.NODEFS;
      files.stream_ops.fsync = ({ nfd, node }: Stream) => {
        if (nfd === undefined) syncFolder(files.realPath(node));
        else fs.fsyncSync(nfd);
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), syncForReal] } };
  }
}

function syncFolder(folder: string): void {
  const descriptor = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
