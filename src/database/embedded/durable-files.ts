import fs from "node:fs";
import { NodeFS } from "@electric-sql/pglite/nodefs";

type Init = NodeFS["init"];

/** What of an open file or folder matters here; a folder has no descriptor of its own. */
interface Stream {
  readonly nfd?: number;
  readonly node: object;
}

/**
 * PGlite's files on Node's file system. PGlite passes every call on except fsync, which it answers without doing it:
 * then a commit outlasts the end of the process, but not a power cut. Here fsync is one.
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
